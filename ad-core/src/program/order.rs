//! In which order the lines of a block run.

use crate::tape::{Op, Tape};

/// The lines `body`, which are in the order of the tape, with those that only rearrange or combine inputs, element by element, moved to where they are first
/// needed: their operands stay where they are in any case, so what they make should not lie around beside them.
pub(super) fn as_needed(tape: &Tape, body: &[usize]) -> Vec<usize> {
    let mut waits = vec![false; tape.nodes().len()];
    let mut known = vec![true; tape.nodes().len()];
    for &line in body {
        let node = &tape.nodes()[line];
        let moves = !matches!(node.op, Op::Contract(_)) || !node.sums();
        let from_inputs = |k: usize| known[k] || waits[k];
        (known[line], waits[line]) =
            (false, moves && node.operands.iter().all(|o| from_inputs(o.node.index())));
    }
    let mut order = Vec::with_capacity(body.len());
    for &line in body {
        if waits[line] {
            continue;
        }
        let (first, mut readers) = (order.len(), vec![line]);
        while let Some(reader) = readers.pop() {
            for operand in tape.nodes()[reader].operands.iter().map(|o| o.node.index()) {
                if std::mem::take(&mut waits[operand]) {
                    order.push(operand);
                    readers.push(operand);
                }
            }
        }
        order[first..].sort_unstable();
        order.push(line);
    }
    // Outputs that nothing else needs.
    order.extend(body.iter().filter(|line| waits[**line]));
    order
}
