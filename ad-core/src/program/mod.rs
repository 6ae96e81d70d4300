//! A tape, ready to run: fast, for any number of examples, on as many threads as there are.
//!
//! [`Tape::compile`] sorts the lines into three groups. What is free of the examples is computed once per binding of
//! the shared inputs. What has examples runs block by block, a block small enough for the cache, with the example index
//! innermost. What follows sums over examples runs once, after all blocks.
//!
//! Sums over examples are taken block by block and added in the order of the blocks, so that results are the same bits
//! for any number of threads. An example's own results never depend on the others.

mod aligned;
mod buffers;
mod execute;
mod explain;
mod fuse;
mod instruction;
mod nest;
mod numbers;
mod roll;
mod rows;
mod runner;
mod runtime;

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::error::{Error, Result};
use crate::kernels::Element;
use crate::tape::{Extent, Node, Op, Tape};
use buffers::Buffers;
use fuse::{Line, fuse};
use instruction::{Instruction, Place};
use nest::Storage;
use roll::Unit;

pub(crate) use roll::Rolling;
pub use rows::lanes_to_rows;
pub use runner::Runner;
pub use runtime::{Binding, Workspace};

/// An input or output of a program.
#[derive(Clone, Debug)]
pub struct Port {
    /// Its name on the tape.
    pub name: String,
    /// The shape of one example.
    pub shape: Vec<usize>,
    place: Place,
}

impl Port {
    /// Whether each example has its own value.
    pub fn has_example(&self) -> bool {
        matches!(self.place, Place::Block(_))
    }

    /// The number of elements of one example.
    pub fn size(&self) -> usize {
        self.shape.iter().product()
    }
}

/// A compiled tape. It is never transformed, has no state, and may be shared between threads.
#[derive(Clone, Debug)]
pub struct Program<T> {
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    /// The number of elements of each shared value; constants are filled in.
    shared: Vec<Vec<T>>,
    /// The number of elements of each value that follows a sum over examples.
    late: Vec<usize>,
    buffers: Buffers,
    /// Once per binding, per block, and after all blocks.
    prefix: Vec<Instruction>,
    body: Vec<Step>,
    suffix: Vec<Instruction>,
    /// A sum over examples feeds examples again: all of them must be one block.
    one_block: bool,
}

/// What a block runs, one after the other.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "a program has some hundred of them, and reads them in order")]
enum Step {
    One(Instruction),
    /// Instructions that run once for each value of an index.
    Loop {
        extent: usize,
        body: Vec<Instruction>,
    },
}

impl Step {
    fn instructions(&self) -> &[Instruction] {
        match self {
            Step::One(instruction) => std::slice::from_ref(instruction),
            Step::Loop { body, .. } => body,
        }
    }

    fn instructions_mut(&mut self) -> &mut [Instruction] {
        match self {
            Step::One(instruction) => std::slice::from_mut(instruction),
            Step::Loop { body, .. } => body,
        }
    }
}

impl Tape {
    /// Makes the tape ready to run with elements of type `T`.
    ///
    /// # Errors
    /// Where a shape is too large for this machine's addresses.
    pub fn compile<T: Element>(&self) -> Result<Program<T>> {
        self.compile_rolling(Rolling::WORTHWHILE)
    }

    /// The same with loops from other sizes on.
    pub(crate) fn compile_rolling<T: Element>(&self, rolling: Rolling) -> Result<Program<T>> {
        Ok(Compiler::new(self)?.compile(rolling))
    }
}

impl<T> Program<T> {
    /// The inputs, in the order of the tape.
    pub fn inputs(&self) -> &[Port] {
        &self.inputs
    }

    /// The outputs, in the order of the tape.
    pub fn outputs(&self) -> &[Port] {
        &self.outputs
    }
}

struct Compiler<'a> {
    tape: &'a Tape,
    places: Vec<Place>,
    block_rows: Vec<usize>,
    one_block: bool,
}

impl<'a> Compiler<'a> {
    fn new(tape: &'a Tape) -> Result<Self> {
        for (k, node) in tape.nodes().iter().enumerate() {
            let mut fixed = node.extents.iter().map(|x| if let Extent::Fixed(n) = x { *n } else { 1 });
            let size = fixed.try_fold(1_usize, usize::checked_mul);
            if size.is_none_or(|s| s > u32::MAX as usize) {
                return Err(Error::new(format!(
                    "line v{k} runs over more than 2^32 index values: {:?}",
                    node.extents
                )));
            }
        }
        Ok(Compiler { tape, places: Vec::new(), block_rows: Vec::new(), one_block: false })
    }

    fn compile<T: Element>(mut self, rolling: Rolling) -> Program<T> {
        let (mut shared, mut late) = (Vec::new(), Vec::new());
        let (mut prefix, mut body, mut suffix): (Vec<_>, Vec<_>, Vec<_>) = Default::default();
        for (line, node) in self.tape.nodes().iter().enumerate() {
            let size = node.shape().iter().product::<usize>();
            let operands = self.operands(line);
            let place = self.place(node, &operands, size, shared.len(), late.len());
            self.places.push(place);
            let in_body = matches!(place, Place::Block(_)) || sums_examples(node);
            self.one_block |= in_body && operands.iter().any(|p| matches!(p, Place::Late(_)));
            match place {
                Place::Shared(_) => shared.push(constant(node, size)),
                Place::Late(_) => late.push(size),
                Place::Block(_) => {}
            }
            if matches!(node.op, Op::Input(_) | Op::Constant(_)) {
                continue;
            }
            match place {
                Place::Shared(_) => prefix.push(line),
                Place::Late(_) if !in_body => suffix.push((body.len(), line)),
                _ => body.push(line),
            }
        }
        let units = if self.one_block {
            // All in the order of the tape: the lines after sums go where they were.
            for (place, line) in suffix.drain(..).rev() {
                body.insert(place, line);
            }
            body.into_iter().map(Unit::Line).collect()
        } else {
            roll::roll(self.tape, &body, rolling)
        };
        let prefix = self.plain(&prefix, &mut |n| {
            shared.push(vec![T::zero(); n]);
            Place::Shared(shared.len() - 1)
        });
        let suffix: Vec<usize> = suffix.into_iter().map(|(_, line)| line).collect();
        let suffix = self.plain(&suffix, &mut |n| {
            late.push(n);
            Place::Late(late.len() - 1)
        });
        let mut body = self.steps(&units);
        let (inputs, outputs, buffers) = self.ports(&mut body);
        Program { inputs, outputs, shared, late, buffers, prefix, body, suffix, one_block: self.one_block }
    }

    fn operands(&self, line: usize) -> SmallVec<[Place; 4]> {
        self.tape.nodes()[line].operands.iter().map(|o| self.places[o.node.index()]).collect()
    }

    fn line(&self, number: usize, storage: Storage) -> Line<'a> {
        let node = Cow::Borrowed(&self.tape.nodes()[number]);
        Line { number, node, storage, out: self.places[number], operands: self.operands(number) }
    }

    /// Lines without examples, one by one, since each of their values stays; `place` makes room for a copy.
    fn plain(&self, lines: &[usize], place: &mut dyn FnMut(usize) -> Place) -> Vec<Instruction> {
        let mut instructions = Vec::new();
        for &number in lines {
            let mut line = self.line(number, Storage::default());
            for k in line.crossed() {
                let matrix = self.tape.node(line.node.operands[k].node);
                let &[rows, columns] = &matrix.shape()[..] else { continue };
                let copy = place(rows * columns);
                instructions.push(Instruction::transposed([rows, columns], copy, line.operands[k]));
                line.uncross(k, copy);
            }
            instructions.extend(fuse(vec![line], |_, _| true));
        }
        instructions
    }

    /// What a block runs: chains and single lines, and loops of them.
    fn steps(&mut self, units: &[Unit]) -> Vec<Step> {
        let readers = self.readers();
        let read_elsewhere = |value: usize, inside: &[usize]| {
            self.tape.outputs().iter().any(|(_, id)| id.index() == value)
                || readers[value].iter().any(|reader| !inside.contains(reader))
        };
        let (mut steps, mut run) = (Vec::new(), Vec::new());
        let mut shrunk = Vec::new();
        let flush = |run: &mut Vec<Line<'a>>, steps: &mut Vec<Step>| {
            steps.extend(fuse(std::mem::take(run), read_elsewhere).into_iter().map(Step::One));
        };
        for unit in units {
            match unit {
                Unit::Line(line) => run.push(self.line(*line, Storage::default())),
                Unit::Loop(rolled) => {
                    flush(&mut run, &mut steps);
                    let numbers: Vec<usize> = rolled.lines.iter().map(|&(line, _)| line).collect();
                    // Values that only the loop reads shrink to one iteration.
                    let is_temporary = |line: usize| {
                        let label = rolled.lines.iter().find(|(l, _)| *l == line).map(|(_, label)| label);
                        label.is_some_and(|l| self.tape.nodes()[line].out.contains(l))
                            && !read_elsewhere(line, &numbers)
                    };
                    let line = |&(line, label): &(usize, _)| {
                        let operands = self.tape.nodes()[line].operands.iter().map(|o| o.node.index());
                        let temporary = std::iter::once(line).chain(operands).map(is_temporary).collect();
                        self.line(line, Storage { rolled: Some(label), temporary })
                    };
                    let lines = rolled.lines.iter().map(line).collect();
                    shrunk.extend(numbers.iter().filter(|&&n| is_temporary(n)).map(|&n| (n, rolled.extent)));
                    steps.push(Step::Loop { extent: rolled.extent, body: fuse(lines, read_elsewhere) });
                }
            }
        }
        flush(&mut run, &mut steps);
        for (line, extent) in shrunk {
            if let Place::Block(value) = self.places[line] {
                self.block_rows[value] /= extent;
            }
        }
        steps
    }

    /// The lines that read each line.
    fn readers(&self) -> Vec<Vec<usize>> {
        let mut readers = vec![Vec::new(); self.tape.nodes().len()];
        for (line, node) in self.tape.nodes().iter().enumerate() {
            node.operands.iter().for_each(|o| readers[o.node.index()].push(line));
        }
        readers
    }

    /// The inputs and outputs, and the buffers of the values of a block.
    fn ports(&self, body: &mut [Step]) -> (Vec<Port>, Vec<Port>, Buffers) {
        let port = |(name, id): &(String, crate::tape::NodeId)| Port {
            name: name.clone(),
            shape: self.tape.node(*id).shape(),
            place: self.places[id.index()],
        };
        let mut inputs: Vec<Port> = self.tape.inputs().iter().map(port).collect();
        let mut outputs: Vec<Port> = self.tape.outputs().iter().map(port).collect();
        let blocks = inputs
            .iter()
            .chain(&outputs)
            .filter_map(|p| if let Place::Block(v) = p.place { Some(v) } else { None });
        let pinned: Vec<usize> = blocks.collect();
        let (buffers, home) = Buffers::assign(body, &self.block_rows, &pinned);
        for port in inputs.iter_mut().chain(&mut outputs) {
            if let Place::Block(value) = port.place {
                port.place = Place::Block(home[value]);
            }
        }
        (inputs, outputs, buffers)
    }

    fn place(&mut self, node: &Node, operands: &[Place], size: usize, shared: usize, late: usize) -> Place {
        if node.has_example() {
            self.block_rows.push(size);
            Place::Block(self.block_rows.len() - 1)
        } else if sums_examples(node) || operands.iter().any(|p| matches!(p, Place::Late(_))) {
            Place::Late(late)
        } else {
            Place::Shared(shared)
        }
    }
}

fn sums_examples(node: &Node) -> bool {
    node.example_label().is_some() && !node.has_example()
}

fn constant<T: Element>(node: &Node, size: usize) -> Vec<T> {
    match &node.op {
        Op::Constant(values) => values.iter().map(|c| T::from_f64(c.0)).collect(),
        _ => vec![T::zero(); size],
    }
}
