//! Transposition: cotangents flow backwards through the lines that are linear in some inputs.
//!
//! One general law: the cotangent of an operand is summed over the indices that the operand lacks. A cotangent always
//! has all the indices of its value, so that the law counts each example.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use smallvec::{SmallVec, smallvec};

use super::forward::push_forward;
use super::gate::{Gates, finite_lines, shared};
use super::{Tangent, complete, sum, with_direction};
use crate::error::{Error, Result};
use crate::tape::{Builder, Coefficient, Labels, Node, NodeId, Op, Operand, SharedBuilder, Tape};

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

/// Checks that some outputs of a tape are linear in some of its inputs together.
///
/// # Errors
/// Where one is not, with the line; and where a name does not exist.
pub(crate) fn check_linear(tape: &Tape, inputs: &[String], outputs: &[String]) -> Result<()> {
    let builder = Rc::new(RefCell::new(Builder::continuing(tape)));
    let inputs = inputs.iter().map(|name| tape.input(name)).collect::<Result<Vec<_>>>()?;
    let seed = |name: &String| {
        let value = tape.output(name)?;
        let (dims, example) = (tape.node(value).dims(), tape.node(value).has_example());
        let node = builder.borrow_mut().placeholder(&dims);
        Ok((value, Tangent { node, example, directions: None }))
    };
    let seeds = outputs.iter().map(seed).collect::<Result<Vec<_>>>()?;
    transpose(&builder, &seeds, &inputs, None).map(drop)
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
    let (finite, zero) = (finite_lines(&builder.borrow()), zero_lines(&builder.borrow()));
    if let Some((id, _)) = outputs.iter().find(|(id, _)| !linear.contains(id) && !zero[id.index()]) {
        return Err(not_linear(*id));
    }
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
        line.check_linear(id, &linear, &zero)?;
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

fn not_linear(id: NodeId) -> Error {
    Error::new(format!("line {id} is not linear in the inputs to transpose"))
}

/// Which lines are zero as they are written: the number, and what is linear in it.
fn zero_lines(builder: &Builder) -> Vec<bool> {
    let mut zero: Vec<bool> = Vec::with_capacity(builder.len());
    for id in (0..builder.len()).map(NodeId::new) {
        let node = builder.node(id);
        let mut operands = node.operands.iter().map(|o| zero[o.node.index()]);
        let is_zero = match node.op {
            Op::Contract(c) => (c.0 == 0.0 && node.operands.is_empty()) || operands.any(|zero| zero),
            _ => node.is_linear() && operands.all(|zero| zero),
        };
        zero.push(is_zero);
    }
    zero
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
    fn check_linear(&self, id: NodeId, linear: &HashSet<NodeId>, zero: &[bool]) -> Result<()> {
        let operands = &self.node.operands;
        let count = operands.iter().filter(|o| linear.contains(&o.node)).count();
        // What is added to something linear is linear too.
        let all =
            |operands: &[Operand]| operands.iter().all(|o| linear.contains(&o.node) || zero[o.node.index()]);
        let fits = match self.node.op {
            Op::Contract(_) => count == 1,
            Op::Add(_) => all(operands),
            Op::Select => !linear.contains(&operands[0].node) && all(&operands[1..]),
            Op::Slice(_) | Op::Pad(_) | Op::Gather(_) | Op::Scatter(_) | Op::Reshape => true,
            Op::Input(_) | Op::Constant(_) | Op::Unary(_) | Op::Binary(_) | Op::Stop | Op::Rule(..) => false,
        };
        if fits { Ok(()) } else { Err(not_linear(id)) }
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
            Op::Input(_) | Op::Constant(_) | Op::Unary(_) | Op::Binary(_) | Op::Stop | Op::Rule(..) => {
                return None;
            }
        };
        Some(Tangent { node, ..target })
    }
}
