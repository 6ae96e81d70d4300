//! Forward mode: a tangent line for each line that depends on the seeds.

use std::collections::HashMap;
use std::sync::Arc;

use smallvec::SmallVec;

use super::{Tangent, sum, with_direction};
use crate::tape::{Label, Labels, Node, NodeId, Op, Operand, RuleTape, SharedBuilder, Term};

/// The tangents of all values on the builder, where they are not zero.
pub(crate) type Tangents = HashMap<NodeId, Tangent>;

/// Appends the tangents of all values that depend on the seeds. The values themselves are left as they are.
pub(crate) fn push_forward(builder: &SharedBuilder, seeds: &[(NodeId, Tangent)]) -> Tangents {
    let mut tangents: Tangents = seeds.iter().copied().collect();
    let directions = seeds.iter().find_map(|(_, t)| t.directions);
    // No line before the first seed depends on one.
    let end = builder.borrow().len();
    let start = seeds.iter().map(|(id, _)| id.index()).min().unwrap_or(end);
    for id in (start..end).map(NodeId::new) {
        let node = builder.borrow().node(id).clone();
        let moves = node.operands.iter().any(|o| tangents.contains_key(&o.node));
        if moves && !tangents.contains_key(&id) {
            let line = Line { builder, id, node: &node, tangents: &tangents, directions };
            if let Some(tangent) = line.tangent() {
                tangents.insert(id, tangent);
            }
        }
    }
    tangents
}

/// One line and the tangents of what it reads.
struct Line<'a> {
    builder: &'a SharedBuilder,
    id: NodeId,
    node: &'a Node,
    tangents: &'a Tangents,
    directions: Option<usize>,
}

impl Line<'_> {
    fn tangent(&self) -> Option<Tangent> {
        let parts: SmallVec<[Tangent; 2]> = match &self.node.op {
            Op::Input(_) | Op::Constant(_) | Op::Stop => SmallVec::new(),
            Op::Unary(f) => {
                let (x, y) = (self.argument(0), self.value());
                self.chain(|_| f.slope(&x, &y))
            }
            Op::Binary(f) => {
                let (a, b, y) = (self.argument(0), self.argument(1), self.value());
                self.chain(|k| f.slope(k, &a, &b, &y))
            }
            // Linear in each operand by itself: one at a time.
            Op::Contract(_) => (0..self.node.operands.len())
                .filter_map(|k| self.with_tangents(&self.node.op, &[k]))
                .collect(),
            // Linear in all operands together.
            Op::Add(coefficients) => {
                let moving: SmallVec<[usize; 4]> =
                    (0..coefficients.len()).filter(|&k| self.tangent_of(k).is_some()).collect();
                let op = Op::Add(moving.iter().map(|&k| coefficients[k]).collect());
                self.with_tangents(&op, &moving).into_iter().collect()
            }
            Op::Select => self.select().into_iter().collect(),
            Op::Slice(_) | Op::Pad(_) | Op::Gather(_) | Op::Scatter(_) | Op::Reshape => {
                self.with_tangents(&self.node.op, &[0]).into_iter().collect()
            }
            Op::Rule(rule, k) => self.by_rule(rule, *k).into_iter().collect(),
        };
        sum(self.builder, &self.node.dims(), &parts)
    }

    fn tangent_of(&self, k: usize) -> Option<Tangent> {
        self.tangents.get(&self.node.operands[k].node).copied()
    }

    fn argument(&self, k: usize) -> Term {
        let operand = &self.node.operands[k];
        Term::new(self.builder, operand.node, operand.labels.clone())
    }

    fn value(&self) -> Term {
        Term::new(self.builder, self.id, self.node.out.clone())
    }

    fn direction(&self) -> Label {
        self.node.extents.len() as Label
    }

    /// Operand `k` replaced by its tangent.
    fn moved(&self, k: usize) -> Option<Operand> {
        let operand = &self.node.operands[k];
        let tangent = self.tangent_of(k)?;
        let has_example = self.builder.borrow().node(operand.node).has_example();
        Some(Operand {
            node: tangent.node,
            labels: tangent.labels(&operand.labels, has_example, self.direction()),
        })
    }

    /// The tangent whose labels on this line are `present`: the example is there only if something has it.
    fn result(&self, present: &[Label]) -> (Tangent, Labels) {
        let example = self.node.has_example() && present.contains(&self.node.out[0]);
        let tangent = Tangent { node: self.id, example, directions: self.directions };
        let out = tangent.labels(&self.node.out, self.node.has_example(), self.direction());
        (tangent, out)
    }

    /// The chain rule: the sum of slope times tangent over the operands.
    fn chain(&self, slope: impl Fn(usize) -> Option<Term>) -> SmallVec<[Tangent; 2]> {
        let part = |k: usize| {
            let moved = self.moved(k)?;
            let product = slope(k)? * Term::new(self.builder, moved.node, moved.labels);
            let (tangent, out) = self.result(&product.operand.labels);
            let (table, _) = with_direction(&self.node.extents, self.directions);
            let spread: SmallVec<[_; 8]> = out.iter().map(|&l| (l, table[l as usize])).collect();
            Some(Tangent { node: product.onto(&out, &spread), ..tangent })
        };
        (0..self.node.operands.len()).filter_map(part).collect()
    }

    /// The line itself with the operands `moving` replaced by their tangents; for [`Op::Add`] nothing else is left.
    fn with_tangents(&self, op: &Op, moving: &[usize]) -> Option<Tangent> {
        let mut operands: SmallVec<[Operand; 2]> = SmallVec::new();
        for k in 0..self.node.operands.len() {
            if moving.contains(&k) {
                operands.push(self.moved(k)?);
            } else if !matches!(op, Op::Add(_)) {
                operands.push(self.node.operands[k].clone());
            }
        }
        if operands.is_empty() {
            return None;
        }
        let present: Labels = operands.iter().flat_map(|o| o.labels.iter().copied()).collect();
        let (tangent, out) = self.result(&present);
        let (table, _) = with_direction(&self.node.extents, self.directions);
        // What this line sums over stays summed, even where the tangent is constant along it.
        let summed: Labels = (0..self.direction()).filter(|l| !self.node.out.contains(l)).collect();
        let node = self.builder.borrow_mut().emit(op, operands, &out, &table, &summed);
        Some(Tangent { node, ..tangent })
    }

    /// The product of a rule along the tangents of its arguments. It is recorded along tangents that stand for them; as it is
    /// linear in these, its derivative by them is it along the others, with the directions and the examples that they have.
    fn by_rule(&self, rule: &Arc<RuleTape>, k: usize) -> Option<Tangent> {
        let operands: Vec<NodeId> = self.node.operands.iter().map(|o| o.node).collect();
        let arguments = &operands[rule.values()..];
        let placeholder = |&x: &NodeId| {
            let dims = self.builder.borrow().dims(x);
            self.builder.borrow_mut().placeholder(&dims)
        };
        let x_dot: Vec<NodeId> = arguments.iter().map(placeholder).collect();
        let y_dot = rule.product(self.builder, &operands, &x_dot)[k];
        let tangent = |(&dot, x)| Some((dot, *self.tangents.get(x)?));
        let seeds: Vec<(NodeId, Tangent)> = x_dot.iter().zip(arguments).filter_map(tangent).collect();
        push_forward(self.builder, &seeds).get(&y_dot).copied()
    }

    /// The same choice between the tangents, zero where a side has none.
    fn select(&self) -> Option<Tangent> {
        let zero = self.builder.borrow_mut().number(0.0);
        let side = |k| self.moved(k).unwrap_or(Operand { node: zero, labels: Labels::new() });
        if self.tangent_of(1).is_none() && self.tangent_of(2).is_none() {
            return None;
        }
        let operands = [self.node.operands[0].clone(), side(1), side(2)];
        let present: Labels = operands.iter().flat_map(|o| o.labels.iter().copied()).collect();
        let (tangent, out) = self.result(&present);
        let (table, _) = with_direction(&self.node.extents, self.directions);
        let node = self.builder.borrow_mut().elementwise(Op::Select, &operands, &out, &table);
        Some(Tangent { node, ..tangent })
    }
}
