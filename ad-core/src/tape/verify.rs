//! What every tape satisfies, checked after each transform in debug builds and on every tape that is read.

use std::collections::HashMap;

use super::builder::all_distinct;
use super::recorder::is_name;
use super::{Dims, Extent, Label, Node, NodeId, Op, Tape};
use crate::error::{Error, Result};

/// The most indices on one line: far from the last [`Label`], since a transform adds some.
pub(crate) const MAX_LABELS: usize = 128;

impl Tape {
    /// Checks that every line reads earlier lines only, that labels and dimensions fit, that each operation has the
    /// form it must have, and that no line stands twice.
    ///
    /// # Errors
    /// The first line that breaks a rule, and which rule.
    pub fn verify(&self) -> Result<()> {
        if let Some((place, why)) = self.broken_line() {
            return Err(Error::new(format!("line v{place}: {why}")));
        }
        for (number, (name, id)) in self.inputs().iter().enumerate() {
            let node = self.nodes().get(id.index());
            let later = self.inputs()[..number].iter().all(|(_, earlier)| earlier < id);
            if node.map(|n| &n.op) != Some(&Op::Input(number)) || !later {
                return Err(Error::new(format!("input `{name}` is not what {id} declares")));
            }
        }
        let declared = self.nodes().iter().filter(|n| matches!(n.op, Op::Input(_))).count();
        if declared != self.inputs().len() {
            return Err(Error::new(format!(
                "{declared} lines are inputs, {} are named",
                self.inputs().len()
            )));
        }
        if let Some((name, id)) = self.outputs().iter().find(|(_, id)| id.index() >= self.nodes().len()) {
            return Err(Error::new(format!("output `{name}` is {id}, which does not exist")));
        }
        verify_names(self.inputs(), "input").and_then(|()| verify_names(self.outputs(), "output"))
    }

    /// The first line that breaks a rule, and which rule.
    pub(super) fn broken_line(&self) -> Option<(usize, String)> {
        let mut lines = HashMap::new();
        self.nodes().iter().enumerate().find_map(|(k, node)| {
            let why = self
                .verify_operands(k, node)
                .and_then(|()| verify_labels(node))
                .and_then(|()| verify_form(node))
                .and_then(|()| match lines.insert(node, k) {
                    Some(first) => Err(format!("it is the same as line v{first}")),
                    None => Ok(()),
                });
            why.err().map(|why| (k, why))
        })
    }

    pub(crate) fn debug_verify(&self) {
        if cfg!(debug_assertions)
            && let Err(error) = self.verify()
        {
            unreachable!("a transform broke the tape: {error}\n{self}");
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

fn verify_names(list: &[(String, NodeId)], what: &str) -> Result<()> {
    for (k, (name, _)) in list.iter().enumerate() {
        if !is_name(name) || list[..k].iter().any(|(earlier, _)| earlier == name) {
            return Err(Error::new(format!("the {what} name `{name}` is used twice, or is no name")));
        }
    }
    Ok(())
}

fn verify_labels(node: &Node) -> std::result::Result<(), String> {
    if node.out.iter().any(|&l| l as usize >= node.extents.len()) {
        return Err("an index of the result has no extent".into());
    }
    if node.extents.len() > MAX_LABELS || node.out.len() > MAX_LABELS {
        return Err(format!("it has more than {MAX_LABELS} indices"));
    }
    let first = node.out.iter().chain(node.operands.iter().flat_map(|o| &o.labels));
    if first.copied().try_fold(0, |next, l| if l > next { None } else { Some(next.max(l + 1)) }).is_none() {
        return Err("its indices are not numbered in order of appearance".into());
    }
    if !node.counted().is_empty() && !matches!(node.op, Op::Contract(_)) {
        return Err("only a contraction has an index that is neither in an operand nor in the result".into());
    }
    // A mark is no loop over the letters of all its operands.
    let runs = if let Op::Rule(..) = node.op { None } else { Some(&node.extents) };
    if runs.is_some_and(|extents| size(extents).is_none()) || size(&node.dims()).is_none() {
        return Err("the product of its extents is too large".into());
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
        if inner && all_distinct(&node.out) {
            Ok(())
        } else {
            Err("every index must be an index of the result, once".to_owned())
        }
    };
    match &node.op {
        Op::Input(_) => operands(0).and_then(|()| pointwise()),
        Op::Constant(values) => {
            let size: Option<usize> =
                node.dims().iter().map(|d| if let Extent::Fixed(n) = d { Some(*n) } else { None }).product();
            operands(0).and_then(|()| pointwise())?;
            if size == Some(values.len()) {
                Ok(())
            } else {
                Err(format!("{} values do not fill it", values.len()))
            }
        }
        Op::Contract(_) if node.operands.len() > 2 => Err("a contraction has at most two operands".into()),
        Op::Contract(_) => Ok(()),
        Op::Add(_) if node.operands.len() < 2 => Err("a sum has at least two terms".into()),
        Op::Add(coefficients) => operands(coefficients.len()).and_then(|()| pointwise()),
        Op::Unary(_) | Op::Stop => operands(1).and_then(|()| pointwise()),
        Op::Binary(_) => operands(2).and_then(|()| pointwise()),
        Op::Select => operands(3).and_then(|()| pointwise()),
        Op::Slice(_) | Op::Pad(_) | Op::Gather(_) | Op::Scatter(_) | Op::Reshape => {
            operands(1).and_then(|()| verify_local(node))
        }
        Op::Rule(rule, k) => rule.verify_mark(*k, node),
    }
}

/// How many elements an array has at most, empty axes counted as one; `None` where that is more than memory can hold.
pub(super) fn size(dims: &[Extent]) -> Option<usize> {
    let lengths = dims.iter().map(|d| if let Extent::Fixed(n) = d { (*n).max(1) } else { 1 });
    lengths
        .into_iter()
        .try_fold(1_usize, usize::checked_mul)
        .filter(|n| *n <= isize::MAX as usize / size_of::<f64>())
}

/// The most axes of a value that a user makes.
const MAX_AXES: usize = 32;

/// Whether a value may have this shape.
pub(crate) fn check_shape(shape: &[usize]) -> Result<()> {
    if shape.len() > MAX_AXES {
        return Err(Error::new(format!("a value has at most {MAX_AXES} axes, not {}", shape.len())));
    }
    let dims: Dims = shape.iter().map(|&n| Extent::Fixed(n)).collect();
    size(&dims)
        .map(|_| ())
        .ok_or_else(|| Error::new(format!("shape {shape:?} has more elements than memory can hold")))
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
        (Op::Slice(start), [m], [n]) | (Op::Pad(start), [n], [m]) => {
            start.checked_add(*n).is_some_and(|end| end <= *m)
        }
        (Op::Gather(indices), [m], [n]) | (Op::Scatter(indices), [n], [m]) => {
            indices.len() == *n && indices.iter().all(|i| i < m)
        }
        _ => false,
    };
    if fits { Ok(()) } else { Err(format!("lengths {from:?} do not become {to:?}")) }
}

#[cfg(test)]
mod tests;
