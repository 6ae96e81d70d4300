//! What every tape satisfies, checked after each transform in debug builds and on every tape that is read.

use super::builder::all_distinct;
use super::{Extent, Label, Node, Op, Tape};
use crate::error::{Error, Result};

impl Tape {
    /// Checks that every line reads earlier lines only, that labels and dimensions fit, and that each operation has
    /// the form it must have.
    ///
    /// # Errors
    /// The first line that breaks a rule, and which rule.
    pub fn verify(&self) -> Result<()> {
        for (k, node) in self.nodes().iter().enumerate() {
            self.verify_operands(k, node)
                .and_then(|()| verify_labels(node))
                .and_then(|()| verify_form(node))
                .map_err(|why| Error::new(format!("line v{k}: {why}")))?;
        }
        for (number, (name, id)) in self.inputs().iter().enumerate() {
            let node = self.nodes().get(id.index());
            if node.map(|n| &n.op) != Some(&Op::Input(number)) {
                return Err(Error::new(format!("input `{name}` is not what {id} declares")));
            }
        }
        let declared = self.nodes().iter().filter(|n| matches!(n.op, Op::Input(_))).count();
        if declared != self.inputs().len() {
            return Err(Error::new(format!("{declared} lines are inputs, {} are named", self.inputs().len())));
        }
        match self.outputs().iter().find(|(_, id)| id.index() >= self.nodes().len()) {
            Some((name, id)) => Err(Error::new(format!("output `{name}` is {id}, which does not exist"))),
            None => Ok(()),
        }
    }

    pub(crate) fn debug_verify(&self) {
        if cfg!(debug_assertions) {
            if let Err(error) = self.verify() {
                unreachable!("a transform broke the tape: {error}\n{self}");
            }
        }
    }

    fn verify_operands(&self, k: usize, node: &Node) -> std::result::Result<(), String> {
        for operand in &node.operands {
            if operand.node.index() >= k {
                return Err(format!("operand {} does not come before it", operand.node));
            }
            let dims = self.node(operand.node).dims();
            if dims.len() != operand.labels.len() {
                let (want, got) = (dims.len(), operand.labels.len());
                return Err(format!("operand {} has {want} dimensions, not {got}", operand.node));
            }
            for (&label, dim) in operand.labels.iter().zip(dims) {
                if node.extents.get(label as usize) != Some(&dim) {
                    return Err(format!("operand {}: index {label} does not run over {dim:?}", operand.node));
                }
            }
        }
        Ok(())
    }
}

fn verify_labels(node: &Node) -> std::result::Result<(), String> {
    if node.out.iter().any(|&l| l as usize >= node.extents.len()) {
        return Err("an index of the result has no extent".into());
    }
    if node.extents.iter().filter(|&&x| x == Extent::Example).count() > 1 {
        return Err("there are two example indices".into());
    }
    if let Some(example) = node.example_label() {
        let lists = node.operands.iter().map(|o| &o.labels).chain([&node.out]);
        if lists.into_iter().any(|list| list.iter().skip(1).any(|&l| l == example)) {
            return Err("the example index must come first, and once".into());
        }
    }
    Ok(())
}

fn verify_form(node: &Node) -> std::result::Result<(), String> {
    let operands = |n: usize| match node.operands.len() {
        m if m == n => Ok(()),
        m => Err(format!("{n} operands are wanted, {m} are given")),
    };
    let pointwise = || {
        let inner = node.operands.iter().flat_map(|o| &o.labels).all(|l| node.out.contains(l));
        if inner && all_distinct(&node.out) { Ok(()) } else { Err("every index must be an index of the result, once".to_owned()) }
    };
    match &node.op {
        Op::Input(_) => operands(0).and_then(|()| pointwise()),
        Op::Constant(values) => {
            let size: Option<usize> = node.dims().iter().map(|d| if let Extent::Fixed(n) = d { Some(*n) } else { None }).product();
            operands(0).and_then(|()| pointwise())?;
            if size == Some(values.len()) { Ok(()) } else { Err(format!("{} values do not fill it", values.len())) }
        }
        Op::Contract(_) if node.operands.len() > 2 => Err("a contraction has at most two operands".into()),
        Op::Contract(_) => Ok(()),
        Op::Add(coefficients) => operands(coefficients.len()).and_then(|()| pointwise()),
        Op::Unary(_) | Op::Stop => operands(1).and_then(|()| pointwise()),
        Op::Binary(_) => operands(2).and_then(|()| pointwise()),
        Op::Select => operands(3).and_then(|()| pointwise()),
        Op::Slice(_) | Op::Pad(_) | Op::Gather(_) | Op::Scatter(_) | Op::Reshape => operands(1).and_then(|()| verify_local(node)),
    }
}

/// The operations on local indices: which lengths go together.
fn verify_local(node: &Node) -> std::result::Result<(), String> {
    let (from, to) = node.local_labels();
    if !all_distinct(&node.out) || !all_distinct(&node.operands[0].labels) {
        return Err("an index is repeated".into());
    }
    let length = |l: &Label| match node.extent(*l) {
        Extent::Fixed(n) => Ok(n),
        Extent::Example => Err("the example index cannot change".to_owned()),
    };
    let all = |labels: &[Label]| labels.iter().map(length).collect::<std::result::Result<Vec<_>, _>>();
    let (from, to) = (all(&from)?, all(&to)?);
    let fits = match (&node.op, &from[..], &to[..]) {
        (Op::Reshape, m, n) => m.iter().product::<usize>() == n.iter().product::<usize>(),
        (Op::Slice(start), [m], [n]) | (Op::Pad(start), [n], [m]) => start.checked_add(*n).is_some_and(|end| end <= *m),
        (Op::Gather(indices), [m], [n]) | (Op::Scatter(indices), [n], [m]) => {
            indices.len() == *n && indices.iter().all(|i| i < m)
        }
        _ => false,
    };
    if fits { Ok(()) } else { Err(format!("lengths {from:?} do not become {to:?}")) }
}
