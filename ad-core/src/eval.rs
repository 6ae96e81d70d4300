//! The oracle: every tape, evaluated in f64 by loops over all values of all indices. Slow, short, and the meaning of
//! each operation; every engine is tested against it.

use std::collections::HashMap;

use crate::elementary::Elementary;
use crate::error::{Error, Result};
use crate::tape::{Extent, Label, Node, NodeId, Op, Tape};

/// A row-major array of numbers. Where a value has examples, they are the first axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// The length of each axis.
    pub shape: Vec<usize>,
    /// The elements, the last axis fastest.
    pub data: Vec<f64>,
}

impl Array {
    /// An array from its elements.
    ///
    /// # Errors
    /// Where their number is not that of the shape.
    pub fn new(shape: &[usize], data: Vec<f64>) -> Result<Array> {
        if shape.iter().try_fold(1_usize, |size, &n| size.checked_mul(n)) != Some(data.len()) {
            return Err(Error::new(format!("an array of shape {shape:?} was given {} elements", data.len())));
        }
        Ok(Array { shape: shape.to_vec(), data })
    }

    fn at(&self, index: impl Iterator<Item = usize>) -> f64 {
        self.data[offset(&self.shape, index)]
    }
}

fn offset(shape: &[usize], index: impl Iterator<Item = usize>) -> usize {
    shape.iter().zip(index).fold(0, |at, (n, i)| at * n + i)
}

/// Calls `visit` with each index of an array of `shape`, the last axis fastest.
fn for_each_index(shape: &[usize], mut visit: impl FnMut(&[usize])) {
    let mut index = vec![0; shape.len()];
    for _ in 0..shape.iter().product::<usize>() {
        visit(&index);
        for (i, n) in index.iter_mut().zip(shape).rev() {
            *i += 1;
            if *i < *n {
                break;
            }
            *i = 0;
        }
    }
}

impl Tape {
    /// Evaluates the tape for `examples` examples; inputs and outputs are in the order of [`Tape::inputs`] and
    /// [`Tape::outputs`], with examples as the first axis of those that have them.
    ///
    /// # Errors
    /// Where an input is missing, or its shape is not the declared one.
    pub fn eval(&self, examples: usize, inputs: &[Array]) -> Result<Vec<Array>> {
        if inputs.len() != self.inputs().len() {
            return Err(Error::new(format!(
                "{} inputs are wanted, {} were given",
                self.inputs().len(),
                inputs.len()
            )));
        }
        for ((name, id), given) in self.inputs().iter().zip(inputs) {
            let want = lengths(&self.node(*id).dims(), examples);
            if want != given.shape {
                let message = format!("input `{name}` has shape {want:?}, it was given {:?}", given.shape);
                return Err(Error::new(message));
            }
        }
        let values = self.values(examples, inputs, &HashMap::new());
        Ok(self.outputs().iter().map(|(_, id)| values[id.index()].clone()).collect())
    }

    /// The values of all lines on inputs that fit; what is in `held` is not computed.
    pub(crate) fn values(
        &self,
        examples: usize,
        inputs: &[Array],
        held: &HashMap<NodeId, Array>,
    ) -> Vec<Array> {
        self.values_by(examples, inputs, held, |_| ())
    }

    /// As [`Tape::values`], with each value changed by `change` before it is read.
    pub(crate) fn values_by(
        &self,
        examples: usize,
        inputs: &[Array],
        held: &HashMap<NodeId, Array>,
        change: impl Fn(&mut Array),
    ) -> Vec<Array> {
        let mut values: Vec<Array> = Vec::with_capacity(self.nodes().len());
        for (place, node) in self.nodes().iter().enumerate() {
            let operands: Vec<&Array> = node.operands.iter().map(|o| &values[o.node.index()]).collect();
            let held = held.get(&NodeId::new(place)).cloned();
            let mut value = held.unwrap_or_else(|| evaluate(node, examples, &operands, inputs));
            change(&mut value);
            values.push(value);
        }
        values
    }
}

fn lengths(dims: &[Extent], examples: usize) -> Vec<usize> {
    dims.iter().map(|d| if let Extent::Fixed(n) = d { *n } else { examples }).collect()
}

fn evaluate(node: &Node, examples: usize, operands: &[&Array], inputs: &[Array]) -> Array {
    let size = lengths(&node.extents, examples);
    let shape: Vec<usize> = node.out.iter().map(|&l| size[l as usize]).collect();
    let mut out = Array { data: vec![0.0; shape.iter().product()], shape };
    // Operand `k` where the label `l` has the value `index[l]`.
    let read = |k: usize, index: &[usize]| {
        operands[k].at(node.operands[k].labels.iter().map(|&l| index[l as usize]))
    };
    // The first value is set, not added to zero: a zero keeps its sign.
    let mut written = vec![false; out.data.len()];
    let mut write = |index: &[usize], value: f64| {
        let place = offset(&out.shape, node.out.iter().map(|&l| index[l as usize]));
        out.data[place] = if written[place] { out.data[place] + value } else { value };
        written[place] = true;
    };
    match &node.op {
        Op::Input(number) => return inputs[*number].clone(),
        Op::Constant(values) => out.data = values.iter().map(|c| c.0).collect(),
        Op::Contract(c) => for_each_index(&size, |index| {
            write(index, c.0 * (0..operands.len()).map(|k| read(k, index)).product::<f64>());
        }),
        Op::Add(c) => for_each_index(&size, |index| {
            write(index, (0..operands.len()).map(|k| c[k].0 * read(k, index)).sum());
        }),
        Op::Unary(f) => for_each_index(&size, |index| write(index, f.value(read(0, index)))),
        Op::Binary(f) => for_each_index(&size, |index| write(index, f.value(read(0, index), read(1, index)))),
        Op::Select => for_each_index(&size, |index| {
            write(index, read(0, index).select(&read(1, index), &read(2, index)));
        }),
        Op::Rule(_, k) => return operands[*k].clone(),
        Op::Stop => for_each_index(&size, |index| write(index, read(0, index))),
        Op::Slice(_) | Op::Pad(_) | Op::Gather(_) | Op::Scatter(_) | Op::Reshape => {
            let (from, to) = node.local_labels();
            for_each_index(&size, |index| {
                if corresponds(&node.op, flat(index, &from, &size), flat(index, &to, &size)) {
                    write(index, read(0, index));
                }
            });
        }
    }
    out
}

/// Some labels counted row-major as one index.
fn flat(index: &[usize], labels: &[Label], size: &[usize]) -> usize {
    labels.iter().fold(0, |at, &l| at * size[l as usize] + index[l as usize])
}

/// Whether element `i` of the operand is what element `j` of the result reads (or collects).
fn corresponds(op: &Op, i: usize, j: usize) -> bool {
    match op {
        Op::Slice(start) => i == j + start,
        Op::Pad(start) => i + start == j,
        Op::Gather(indices) => i == indices[j],
        Op::Scatter(indices) => indices[i] == j,
        _ => i == j,
    }
}
