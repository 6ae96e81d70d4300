//! The examples of a block, and inputs where the caller has them.

use super::Port;
use super::instruction::Place;
use crate::kernels::Rows;

/// How many examples a block has, and how their values lie.
#[derive(Clone, Copy, Debug)]
pub(super) struct Examples<'a, T> {
    pub(super) count: usize,
    /// Elements from one row of examples to the next.
    pub(super) stride: usize,
    pub(super) lender: Lender<'a, T>,
}

impl<'a, T: Copy> Examples<'a, T> {
    /// No examples.
    pub(super) const NONE: Self = Examples { count: 0, stride: 0, lender: Lender::NOBODY };

    /// The value at a place where the caller has it. None of no examples: rows of none have no elements to begin at.
    pub(super) fn lent(&self, place: Place) -> Option<Lent<'a, T>> {
        if self.count == 0 {
            return None;
        }
        let (_, port, input) = self.lender.own().find(|(_, port, _)| port.place == place)?;
        Some(Lent { rows: self.lender.rows(port, input, self.count), turned: !port.by_rows })
    }
}

/// The caller, who has the inputs that each example has its own of, one row per example.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lender<'a, T> {
    /// All inputs of the program.
    pub(super) ports: &'a [Port],
    /// Those with examples, of all blocks.
    pub(super) inputs: &'a [&'a [T]],
    /// The first example of this block.
    pub(super) first: usize,
}

impl<'a, T: Copy> Lender<'a, T> {
    /// Inputs lie in the workspace alone.
    pub(super) const NOBODY: Self = Lender { ports: &[], inputs: &[], first: 0 };

    /// Each input that has examples: its number, its port, and its rows of all blocks.
    pub(super) fn own(self) -> impl Iterator<Item = (usize, &'a Port, &'a [T])> {
        let own = self.ports.iter().enumerate().filter(|(_, port)| port.has_example());
        own.zip(self.inputs).map(|((k, port), input)| (k, port, *input))
    }

    /// So many rows of an input, those of this block.
    pub(super) fn rows(self, port: &Port, input: &'a [T], count: usize) -> Rows<'a, T> {
        let stride = port.size();
        Rows { data: &input[self.first * stride..][..count * stride], stride }
    }
}

/// An input of a block where the caller has it: one row per example, which products read as it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lent<'a, T> {
    pub(super) rows: Rows<'a, T>,
    /// Whether its examples have been brought into the block, side by side.
    pub(super) turned: bool,
}
