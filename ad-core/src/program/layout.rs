//! What lines read, and in which order matrices without examples lie.

use crate::tape::{Extent, Node, Op, Tape};

/// The same tape, with the results of elementwise lines that would read matrices across their rows turned: they lie as what
/// they are made of. A first layer's matrix with its columns scaled, as tangents of all directions are, stays a matrix of
/// the same rows, and no copy of it is needed. Nor is one of what only stops derivatives: lines read what it stands for.
pub(super) fn laid_out(tape: &Tape) -> Tape {
    let mut nodes = tape.nodes().to_vec();
    pass_stops(&mut nodes);
    uncross(tape, &mut nodes);
    tape.with_nodes(nodes)
}

/// Lets lines read what stops of derivatives stand for.
fn pass_stops(nodes: &mut [Node]) {
    for line in 0..nodes.len() {
        // The lines before have been seen to: a stop of a stop stands for what the first one does.
        let (before, rest) = nodes.split_at_mut(line);
        for operand in &mut rest[0].operands {
            let node = &before[operand.node.index()];
            if let (Op::Stop, [of]) = (&node.op, &node.operands[..])
                && of.labels == node.out
            {
                operand.node = of.node;
            }
        }
    }
}

/// Turns the results of elementwise lines that would read matrices across their rows.
fn uncross(tape: &Tape, nodes: &mut [Node]) {
    let mut stays = vec![false; nodes.len()];
    tape.outputs().iter().for_each(|(_, id)| stays[id.index()] = true);
    for node in nodes.iter().filter(|node| !reads_by_labels(node)) {
        node.operands.iter().for_each(|o| stays[o.node.index()] = true);
    }
    let mut turned = vec![false; nodes.len()];
    for (line, node) in nodes.iter_mut().enumerate() {
        for operand in node.operands.iter_mut().filter(|o| turned[o.node.index()]) {
            operand.labels.reverse();
        }
        turned[line] = !stays[line] && is_crossed(node);
        if turned[line] {
            node.out.reverse();
        }
    }
}

/// Whether the order in which an operand lies means nothing to a line but where its elements are.
fn reads_by_labels(node: &Node) -> bool {
    match node.op {
        Op::Contract(_) | Op::Add(_) | Op::Unary(_) | Op::Binary(_) | Op::Select | Op::Stop => true,
        Op::Input(_)
        | Op::Constant(_)
        | Op::Slice(_)
        | Op::Pad(_)
        | Op::Gather(_)
        | Op::Scatter(_)
        | Op::Reshape
        | Op::Rule(..) => false,
    }
}

/// Whether a matrix is computed element by element from matrices that lie across it, more of them than lie along it.
fn is_crossed(node: &Node) -> bool {
    let &[row, column] = &node.out[..] else { return false };
    let long = |label| matches!(node.extent(label), Extent::Fixed(2..));
    if !reads_by_labels(node) || node.sums() || row == column || !long(row) || !long(column) {
        return false;
    }
    let count = |labels: [_; 2]| node.operands.iter().filter(|o| o.labels[..] == labels).count();
    count([column, row]) > count([row, column])
}
