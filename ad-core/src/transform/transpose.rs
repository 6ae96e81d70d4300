//! Transposition: cotangents flow backwards through the lines that are linear in some inputs.
//!
//! One general law: the cotangent of an operand is summed over the indices that the operand lacks. A cotangent always
//! has all the indices of its value, so that the law counts each example.

use std::collections::{HashMap, HashSet};

use smallvec::{SmallVec, smallvec};

use super::forward::push_forward;
use super::gate::{Gates, finite_lines, shared};
use super::{Tangent, complete, sum, with_direction};
use crate::error::{Error, Result};
use crate::tape::{Coefficient, Labels, Node, NodeId, Op, Operand, SharedBuilder};

/// The cotangents of `inputs` that belong to the cotangents of `outputs`: linearisation, then transposition.
pub(crate) fn pull_back(
    builder: &SharedBuilder,
    outputs: &[(NodeId, Tangent)],
    inputs: &[NodeId],
    directions: Option<usize>,
) -> Vec<NodeId> {
    // One value may be asked for under several names.
    let mut distinct = inputs.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let seeds: Vec<(NodeId, Tangent)> = distinct
        .iter()
        .map(|&input| {
            let dims = builder.borrow().dims(input);
            let node = builder.borrow_mut().placeholder(&dims);
            let example = builder.borrow().node(input).has_example();
            (input, Tangent { node, example, directions: None })
        })
        .collect();
    let tangents = push_forward(builder, &seeds);
    let outputs: Vec<(NodeId, Tangent)> = outputs
        .iter()
        .filter_map(|(value, cotangent)| {
            let dims = builder.borrow().dims(*value);
            let tangent = complete(builder, &dims, Some(*tangents.get(value)?), None);
            Some((tangent.node, *cotangent))
        })
        .collect();
    let placeholders: Vec<NodeId> = seeds.iter().map(|(_, t)| t.node).collect();
    // The tangent lines were made by linear rules: they transpose.
    let cotangents = transpose(builder, &outputs, &placeholders, directions)
        .unwrap_or_else(|error| unreachable!("{error}"));
    let place = |input| distinct.iter().position(|d| d == input).unwrap_or_default();
    inputs.iter().map(|input| cotangents[place(input)]).collect()
}

/// The cotangents of `inputs` through lines that are linear in them.
///
/// # Errors
/// Where a line between inputs and outputs is not linear in the inputs.
pub(crate) fn transpose(
    builder: &SharedBuilder,
    outputs: &[(NodeId, Tangent)],
    inputs: &[NodeId],
    directions: Option<usize>,
) -> Result<Vec<NodeId>> {
    let end = builder.borrow().len();
    let mut linear: HashSet<NodeId> = inputs.iter().copied().collect();
    for id in (0..end).map(NodeId::new) {
        if builder.borrow().node(id).operands.iter().any(|o| linear.contains(&o.node)) {
            linear.insert(id);
        }
    }
    let finite = finite_lines(&builder.borrow());
    let mut cotangents: HashMap<NodeId, Parts> = HashMap::new();
    for &(value, cotangent) in outputs {
        cotangents.entry(value).or_default().add(cotangent, Gates::new());
    }
    for id in (0..end).rev().map(NodeId::new) {
        if !linear.contains(&id) || inputs.contains(&id) {
            continue;
        }
        let Some(parts) = cotangents.remove(&id) else { continue };
        let node = builder.borrow().node(id).clone();
        let Some(cotangent) = sum(builder, &node.dims(), &parts.tangents) else { continue };
        let gates = shared(&parts.gates);
        let line = Line { builder, node: &node, cotangent, directions, gates: &gates, finite: &finite };
        line.check_linear(id, &linear)?;
        for (k, operand) in node.operands.iter().enumerate().filter(|(_, o)| linear.contains(&o.node)) {
            if let Some(part) = line.pull(k) {
                cotangents.entry(operand.node).or_default().add(part, line.gates.through(&node, k));
            }
        }
    }
    let whole = |input: &NodeId| {
        let dims = builder.borrow().dims(*input);
        let part = cotangents.get(input).and_then(|parts| sum(builder, &dims, &parts.tangents));
        complete(builder, &dims, part, directions).node
    };
    Ok(inputs.iter().map(whole).collect())
}

/// What comes back to a value from those that read it.
#[derive(Default)]
struct Parts {
    tangents: Vec<Tangent>,
    gates: Vec<Gates>,
}

impl Parts {
    fn add(&mut self, tangent: Tangent, gates: Gates) {
        self.tangents.push(tangent);
        self.gates.push(gates);
    }
}

/// One line and the cotangent of its value.
struct Line<'a> {
    builder: &'a SharedBuilder,
    node: &'a Node,
    cotangent: Tangent,
    directions: Option<usize>,
    /// Where the cotangent is known to be zero.
    gates: &'a Gates,
    /// The lines that are finite wherever what they read is.
    finite: &'a [bool],
}

impl Line<'_> {
    fn check_linear(&self, id: NodeId, linear: &HashSet<NodeId>) -> Result<()> {
        let count = self.node.operands.iter().filter(|o| linear.contains(&o.node)).count();
        let fits = match self.node.op {
            Op::Contract(_) => count == 1,
            Op::Select => !linear.contains(&self.node.operands[0].node),
            _ => self.node.is_linear(),
        };
        if fits {
            Ok(())
        } else {
            Err(Error::new(format!("line {id} is not linear in the inputs to transpose")))
        }
    }

    /// The cotangent of operand `k`.
    fn pull(&self, k: usize) -> Option<Tangent> {
        let operand = &self.node.operands[k];
        let has_example = self.builder.borrow().node(operand.node).has_example();
        let (table, direction) = with_direction(&self.node.extents, self.directions);
        let target = Tangent { node: operand.node, example: has_example, directions: self.directions };
        let out = target.labels(&operand.labels, has_example, direction);
        let labels = self.cotangent.labels(&self.node.out, self.node.has_example(), direction);
        let y_bar = Operand { node: self.cotangent.node, labels };
        let emit = |op: &Op, operands: SmallVec<[Operand; 2]>, out: &Labels| {
            self.builder.borrow_mut().emit(op, operands, out, &table, &self.node.counted())
        };
        let to_operand = |c: Coefficient, y_bar| emit(&Op::Contract(c), smallvec![y_bar], &out);
        let node = match &self.node.op {
            Op::Contract(_) => {
                let others = self.node.operands.iter().enumerate().filter(|&(j, _)| j != k);
                let others =
                    others.map(|(_, other)| self.gates.guard(self.builder, self.node, other, self.finite));
                emit(&self.node.op, std::iter::once(y_bar).chain(others).collect(), &out)
            }
            Op::Add(coefficients) => to_operand(coefficients[k], y_bar),
            Op::Select => {
                let zero = Operand { node: self.builder.borrow_mut().number(0.0), labels: Labels::new() };
                let mask = self.node.operands[0].clone();
                let labels = y_bar.labels.clone();
                let sides = if k == 1 { [mask, y_bar, zero] } else { [mask, zero, y_bar] };
                let node = self.builder.borrow_mut().elementwise(Op::Select, &sides, &labels, &table);
                to_operand(Coefficient(1.0), Operand { node, labels })
            }
            Op::Slice(start) => emit(&Op::Pad(*start), smallvec![y_bar], &out),
            Op::Pad(start) => emit(&Op::Slice(*start), smallvec![y_bar], &out),
            Op::Gather(indices) => emit(&Op::Scatter(indices.clone()), smallvec![y_bar], &out),
            Op::Scatter(indices) => emit(&Op::Gather(indices.clone()), smallvec![y_bar], &out),
            Op::Reshape => emit(&Op::Reshape, smallvec![y_bar], &out),
            Op::Input(_) | Op::Constant(_) | Op::Unary(_) | Op::Binary(_) | Op::Stop => return None,
        };
        Some(Tangent { node, ..target })
    }
}
