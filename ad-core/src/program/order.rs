//! In which order the lines of a block run.

use crate::tape::{Op, Tape};

/// The lines `body` with those that only rearrange or combine inputs, element by element, moved to where they are first
/// needed: their operands stay where they are in any case, so what they make should not lie around beside them.
pub(super) fn as_needed(tape: &Tape, body: &[usize]) -> Vec<usize> {
    let mut waits = vec![false; tape.nodes().len()];
    let mut known = vec![true; tape.nodes().len()];
    for &line in body {
        let node = &tape.nodes()[line];
        let sums = (0..node.extents.len()).any(|l| !node.out.contains(&(l as u8)));
        let moves = !matches!(node.op, Op::Contract(_)) || !sums;
        let from_inputs = |k: usize| known[k] || waits[k];
        (known[line], waits[line]) =
            (false, moves && node.operands.iter().all(|o| from_inputs(o.node.index())));
    }
    let mut order = Vec::with_capacity(body.len());
    for &line in body.iter().filter(|line| !waits[**line]).collect::<Vec<_>>() {
        place(tape, line, &mut waits, &mut order);
    }
    for &line in body {
        if waits[line] {
            place(tape, line, &mut waits, &mut order);
        }
    }
    order
}

/// Appends a line behind what it waits for.
fn place(tape: &Tape, line: usize, waits: &mut [bool], order: &mut Vec<usize>) {
    waits[line] = false;
    for operand in &tape.nodes()[line].operands {
        if waits[operand.node.index()] {
            place(tape, operand.node.index(), waits, order);
        }
    }
    order.push(line);
}
