//! Parts of shared values: what is read where it lies, and what is put together without a detour.

use smallvec::SmallVec;

use super::instruction::{Run, row_table};
use super::nest::{Storage, View};
use crate::tape::{Extent, Node, Op, Tape};

/// Where the elements of a line lie in its operand, if the line only picks some of them in even steps: a slice along one
/// index, or elements that follow each other.
pub(super) fn view(node: &Node, storage: &Storage) -> Option<View> {
    if node.extents.contains(&Extent::Fixed(0)) {
        return None;
    }
    match &node.op {
        Op::Slice(start) => slice(node, storage, *start),
        Op::Reshape | Op::Gather(_) => {
            let runs = Run::join(row_table(node, storage));
            let [Run { to: 0, from, length }] = runs[..] else { return None };
            let size = node.size();
            let steps = storage.steps(node, 0).iter().map(|&(_, step)| step).collect();
            (length == size).then(|| View { offset: storage.offset(0) + from, steps })
        }
        _ => None,
    }
}

fn slice(node: &Node, storage: &Storage, start: usize) -> Option<View> {
    let (from, to) = node.local_labels();
    let (&[from], &[to]) = (&from[..], &to[..]) else { return None };
    let operand = storage.steps(node, 1);
    let step = |label| operand.iter().filter(|(l, _)| *l == label).map(|(_, step)| step).sum::<usize>();
    let steps = node.out.iter().map(|&l| step(if l == to { from } else { l })).collect();
    Some(View { offset: storage.offset(0) + start * step(from), steps })
}

/// The padded values that a line puts side by side, if that is all it does: a sum of which each element has one term that
/// is not padding.
pub(super) fn side_by_side(tape: &Tape, line: usize) -> Option<SmallVec<[usize; 4]>> {
    let node = &tape.nodes()[line];
    let Op::Add(coefficients) = &node.op else { return None };
    let plain = coefficients.iter().all(|c| c.0 == 1.0) && node.operands.iter().all(|o| o.labels == node.out);
    let pads: SmallVec<[usize; 4]> = node.operands.iter().map(|o| o.node.index()).collect();
    if !plain || !pads.iter().all(|&pad| matches!(tape.nodes()[pad].op, Op::Pad(_))) {
        return None;
    }
    let mut written: Vec<u32> = pads
        .iter()
        .flat_map(|&pad| row_table(&tape.nodes()[pad], &Storage::default()))
        .map(|(to, _)| to)
        .collect();
    written.sort_unstable();
    let size = node.size();
    (written.len() == size && written.iter().enumerate().all(|(k, &to)| k == to as usize)).then_some(pads)
}
