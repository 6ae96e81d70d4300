//! Loop nests over the indices of a line: which element of each array belongs to which index values.

use smallvec::SmallVec;

use crate::tape::{Extent, Label, Node};

/// Where the elements of a part of a shared value lie in the whole.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct View {
    pub(super) offset: usize,
    /// How far each dimension of the part moves.
    pub(super) steps: SmallVec<[usize; 4]>,
}

/// How a line's arrays are stored.
#[derive(Clone, Debug, Default)]
pub(super) struct Storage {
    /// The label that an outer loop runs over.
    pub(super) rolled: Option<Label>,
    /// Whether the result (first) and each operand hold one iteration of that loop only.
    pub(super) temporary: SmallVec<[bool; 5]>,
    /// The operands that are parts of what they are read from.
    pub(super) views: SmallVec<[Option<View>; 4]>,
}

impl Storage {
    /// The rows that each dimension of an array (the result is number 0) moves; examples lie within a row.
    pub(super) fn steps(&self, node: &Node, array: usize) -> SmallVec<[(Label, usize); 6]> {
        let labels = if array == 0 { &node.out } else { &node.operands[array - 1].labels };
        if let Some(view) = array.checked_sub(1).and_then(|operand| self.view(operand)) {
            return labels.iter().copied().zip(view.steps.iter().copied()).collect();
        }
        let mut step = 1;
        let mut steps: SmallVec<[(Label, usize); 6]> = SmallVec::new();
        for &label in labels.iter().rev() {
            let is_example = node.extent(label) == Extent::Example;
            steps.push((label, if is_example { 0 } else { step }));
            step *= self.size(node, label, array);
        }
        steps.reverse();
        steps
    }

    /// How operand `operand` lies in the value that it is a part of.
    pub(super) fn view(&self, operand: usize) -> Option<&View> {
        self.views.get(operand)?.as_ref()
    }

    /// Where operand `operand` begins.
    pub(super) fn offset(&self, operand: usize) -> usize {
        self.view(operand).map_or(0, |view| view.offset)
    }

    /// How far a label runs in an array, as it is stored.
    pub(super) fn size(&self, node: &Node, label: Label, array: usize) -> usize {
        let temporary = self.temporary.get(array).copied().unwrap_or(false);
        match node.extent(label) {
            Extent::Fixed(n) if !(temporary && self.rolled == Some(label)) => n,
            _ => 1,
        }
    }

    /// How far a label runs within one iteration of the outer loop.
    pub(super) fn looped_size(&self, node: &Node, label: Label) -> usize {
        match node.extent(label) {
            Extent::Fixed(n) if self.rolled != Some(label) => n,
            _ => 1,
        }
    }

    /// How many rows of array `array` lie between two iterations of the outer loop.
    pub(super) fn stride(&self, node: &Node, array: usize) -> usize {
        let temporary = self.temporary.get(array).copied().unwrap_or(false);
        let (Some(rolled), false) = (self.rolled, temporary) else { return 0 };
        self.steps(node, array).iter().filter(|(label, _)| *label == rolled).map(|(_, step)| step).sum()
    }
}

/// Places in the result and in up to three operands.
pub(super) type Offsets = [usize; 4];

/// One loop: how often, and how far the result and each operand move, in rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Axis {
    pub(super) size: usize,
    pub(super) steps: Offsets,
}

impl Axis {
    /// No loop.
    pub(super) const ONCE: Axis = Axis { size: 1, steps: [0; 4] };
}

/// Loops, outermost first.
pub(super) type Axes = SmallVec<[Axis; 4]>;

/// Calls `visit` with the offsets of each iteration.
pub(super) fn for_each(axes: &[Axis], at: Offsets, visit: &mut impl FnMut(Offsets)) {
    let Some((axis, inner)) = axes.split_first() else {
        return visit(at);
    };
    let mut at = at;
    for _ in 0..axis.size {
        for_each(inner, at, visit);
        at.iter_mut().zip(axis.steps).for_each(|(at, step)| *at += step);
    }
}

/// Joins neighbouring loops that walk all arrays evenly.
pub(super) fn merged(axes: &[Axis]) -> Axes {
    let mut out = Axes::new();
    for &axis in axes.iter().filter(|a| a.size != 1) {
        match out.last_mut() {
            Some(outer) if (0..4).all(|k| outer.steps[k] == axis.size * axis.steps[k]) => {
                *outer = Axis { size: outer.size * axis.size, steps: axis.steps };
            }
            _ => out.push(axis),
        }
    }
    out
}

/// What runs inside the loops, as one contiguous row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Lane {
    /// The examples.
    Examples,
    /// A fixed index of a shared value that is contiguous in every array that has it, with its length.
    Fixed(usize),
}

/// The indices of a line, as steps through row-major arrays.
pub(super) struct Layout {
    pub(super) lane: Lane,
    /// Whether the result (first) and each operand have the lane; those that do not hold one number per row.
    pub(super) has_lane: [bool; 4],
    /// One loop per label other than the lane; the size is 1 for labels that are not on this line.
    loops: SmallVec<[Axis; 8]>,
    lane_label: Option<Label>,
}

impl Layout {
    /// The layout of a line whose arrays keep the dimensions they have on the tape, examples last.
    pub(super) fn new(node: &Node, storage: &Storage) -> Layout {
        let lists = || std::iter::once(&node.out).chain(node.operands.iter().take(3).map(|o| &o.labels));
        let example = node.example_label();
        let mut loops: SmallVec<[Axis; 8]> = SmallVec::new();
        for label in 0..node.extents.len() {
            loops.push(Axis { size: storage.looped_size(node, label as Label), steps: [0; 4] });
        }
        for k in 0..lists().count() {
            for (label, step) in storage.steps(node, k) {
                loops[label as usize].steps[k] += step;
            }
        }
        // Examples, where there are any; else the last index of the result, if that is contiguous everywhere.
        let has = |label: Label, k: usize| lists().nth(k).is_some_and(|list| list.contains(&label));
        let contiguous = |label: Label| (0..4).all(|k| !has(label, k) || loops[label as usize].steps[k] == 1);
        let lane_label = example.or_else(|| node.out.last().copied().filter(|&l| contiguous(l)));
        let lane = match (example, lane_label) {
            (Some(_), _) => Lane::Examples,
            (None, Some(label)) => Lane::Fixed(loops[label as usize].size),
            (None, None) => Lane::Fixed(1),
        };
        let has_lane = std::array::from_fn(|k| lane_label.is_some_and(|l| has(l, k)));
        Layout { lane, has_lane, loops, lane_label }
    }

    /// The loops over the labels but the lane that satisfy `keep`, in the order given.
    pub(super) fn axes(&self, labels: impl IntoIterator<Item = Label>, keep: impl Fn(Label) -> bool) -> Axes {
        let mut seen: SmallVec<[Label; 8]> = SmallVec::new();
        for label in labels {
            if Some(label) != self.lane_label && !seen.contains(&label) && keep(label) {
                seen.push(label);
            }
        }
        seen.iter().map(|&l| self.loops[l as usize]).collect()
    }
}
