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
        let (_, port, rows) = self.lender.lent(self.count).find(|(_, port, _)| port.place == place)?;
        Some(Lent { rows, turned: !port.by_rows })
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

    /// The number of each input of so many examples, its port, and its rows.
    pub(super) fn lent(self, count: usize) -> impl Iterator<Item = (usize, &'a Port, Rows<'a, T>)> {
        let own = self.ports.iter().enumerate().filter(|(_, port)| port.has_example());
        own.zip(self.inputs).map(move |((k, port), input)| {
            let stride = port.size();
            (k, port, Rows { data: &input[self.first * stride..][..count * stride], stride })
        })
    }
}

/// An input of a block where the caller has it: one row per example, which products read as it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lent<'a, T> {
    pub(super) rows: Rows<'a, T>,
    /// Whether its examples have been brought into the block, side by side.
    pub(super) turned: bool,
}
