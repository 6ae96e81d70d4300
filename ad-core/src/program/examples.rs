//! The examples of a block, and inputs where the caller has them.

use super::instruction::Place;
use crate::kernels::Rows;

/// How many examples a block has, and how their values lie.
#[derive(Clone, Copy, Debug)]
pub(super) struct Examples<'a, T> {
    pub(super) count: usize,
    /// Elements from one row of examples to the next.
    pub(super) stride: usize,
    /// Inputs where the caller has them.
    pub(super) lent: &'a [Lent<'a, T>],
}

impl<'a, T> Examples<'a, T> {
    /// No examples.
    pub(super) const NONE: Self = Examples { count: 0, stride: 0, lent: &[] };

    /// The value at a place where the caller has it.
    pub(super) fn lent(&self, place: Place) -> Option<&'a Lent<'a, T>> {
        self.lent.iter().find(|lent| Place::Block(lent.buffer) == place)
    }
}

/// An input of a block where the caller has it: one row per example, which products read as it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lent<'a, T> {
    /// The buffer in which its examples lie side by side,
    pub(super) buffer: usize,
    pub(super) rows: Rows<'a, T>,
    /// if they have been brought there.
    pub(super) turned: bool,
}
