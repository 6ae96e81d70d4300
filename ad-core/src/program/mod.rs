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
mod call;
mod execute;
mod instruction;
mod nest;
mod rows;
mod runtime;

use smallvec::SmallVec;

use crate::error::{Error, Result};
use crate::kernels::Element;
use crate::tape::{Extent, Node, Op, Tape};
use buffers::Buffers;
use instruction::{Instruction, Place};

pub use rows::lanes_to_rows;
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
    body: Vec<Instruction>,
    suffix: Vec<Instruction>,
    /// A sum over examples feeds examples again: all of them must be one block.
    one_block: bool,
}

impl Tape {
    /// Makes the tape ready to run with elements of type `T`.
    ///
    /// # Errors
    /// Where a shape is too large for this machine's addresses.
    pub fn compile<T: Element>(&self) -> Result<Program<T>> {
        Ok(Compiler::new(self)?.compile())
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

    fn compile<T: Element>(mut self) -> Program<T> {
        let (mut shared, mut late) = (Vec::new(), Vec::new());
        let (mut prefix, mut body, mut suffix): (Vec<_>, Vec<_>, Vec<_>) = Default::default();
        for node in self.tape.nodes() {
            let size = node.shape().iter().product::<usize>();
            let operands: SmallVec<[Place; 4]> =
                node.operands.iter().map(|o| self.places[o.node.index()]).collect();
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
            let instruction = Instruction::new(node, place, operands, size);
            match place {
                Place::Shared(_) => prefix.push(instruction),
                Place::Late(_) if !in_body => suffix.push((body.len(), instruction)),
                _ => body.push(instruction),
            }
        }
        if self.one_block {
            // All in the order of the tape: the lines after sums go where they were.
            for (place, instruction) in suffix.drain(..).rev() {
                body.insert(place, instruction);
            }
        }
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
        let (buffers, home) = Buffers::assign(&mut body, &self.block_rows, &pinned);
        for port in inputs.iter_mut().chain(&mut outputs) {
            if let Place::Block(value) = port.place {
                port.place = Place::Block(home[value]);
            }
        }
        let suffix = suffix.into_iter().map(|(_, instruction)| instruction).collect();
        Program { inputs, outputs, shared, late, buffers, prefix, body, suffix, one_block: self.one_block }
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
