//! A tape, ready to run: fast, for any number of examples, on as many threads as there are.
//!
//! [`Tape::compile`] sorts the lines into three groups. What is free of the examples is computed once per binding of
//! the shared inputs. What has examples runs block by block, a block small enough for the cache, with the example index
//! innermost. What follows sums over examples runs once, after all blocks.
//!
//! Sums over examples are taken block by block and added in the order of the blocks, so that results are the same bits
//! for any number of threads. An example's own results never depend on the others.

mod buffers;
mod compiler;
mod examples;
mod execute;
mod explain;
mod fuse;
mod groups;
mod instruction;
mod layout;
mod nest;
mod numbers;
mod order;
mod parts;
mod plain;
mod roll;
mod rows;
mod runner;
mod runtime;
mod shared;
mod steps;

use std::collections::HashSet;

use crate::error::Result;
use crate::kernels::{Aligned, Element};
use crate::tape::Tape;
use buffers::Buffers;
use compiler::Compiler;
use instruction::{Instruction, Place};

pub(crate) use roll::Rolling;
pub use rows::lanes_to_rows;
pub use runner::Runner;
pub use runtime::{Binding, Rows, Workspace};

/// An input or output of a program.
#[derive(Clone, Debug)]
pub struct Port {
    /// Its name on the tape.
    pub name: String,
    /// The shape of one example.
    pub shape: Vec<usize>,
    place: Place,
    /// Lines read it one row per example, as the caller has it, if the caller does.
    by_rows: bool,
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
    /// What follows from shared inputs, to be computed, or from nothing, as it is.
    shared: Vec<Aligned<T>>,
    /// The number of elements of each sum over examples, and of each value that follows from one.
    late: Vec<usize>,
    /// How each value of `late` comes to be.
    sums: Vec<Sum>,
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
    /// How often it runs.
    fn extent(&self) -> usize {
        match self {
            Step::One(_) => 1,
            Step::Loop { extent, .. } => *extent,
        }
    }

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
        Ok(Compiler::new(&layout::laid_out(&self.lowered()))?.compile(rolling))
    }
}

impl<T> Program<T> {
    /// Whether some lines run in a loop over an index that they share.
    pub(crate) fn has_loops(&self) -> bool {
        self.body.iter().any(|step| matches!(step, Step::Loop { .. }))
    }

    /// The inputs, in the order of the tape.
    pub fn inputs(&self) -> &[Port] {
        &self.inputs
    }

    /// The outputs, in the order of the tape.
    pub fn outputs(&self) -> &[Port] {
        &self.outputs
    }

    /// Frees the places of values without examples that nothing reads or writes any more.
    fn forget_unused(&mut self) {
        let steps = self.body.iter().flat_map(Step::instructions);
        let instructions = self.prefix.iter().chain(steps).chain(&self.suffix);
        let ports = self.inputs.iter().chain(&self.outputs).map(|port| port.place);
        let used: HashSet<Place> = instructions
            .flat_map(|i| i.operands.iter().copied().chain(i.outs.iter().map(|out| out.place)))
            .chain(ports)
            .collect();
        for (k, value) in self.shared.iter_mut().enumerate() {
            if !used.contains(&Place::Shared(k)) {
                *value = Aligned::default();
            }
        }
        for (k, size) in self.late.iter_mut().enumerate() {
            if !used.contains(&Place::Late(k)) {
                *size = 0;
            }
        }
    }

    /// The number of elements of all sums over examples.
    fn sums_length(&self) -> usize {
        self.late.iter().zip(&self.sums).filter(|(_, how)| **how != Sum::Not).map(|(n, _)| n).sum()
    }
}

/// How a value that is not known before the last block comes to be.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Sum {
    /// A sum over examples to which a block adds once: it can go on from what earlier blocks have left.
    Once,
    /// A sum over examples to which a block adds several times.
    Often,
    /// It follows from sums.
    Not,
}
