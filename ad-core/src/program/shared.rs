//! What all examples share, while a program runs.

use crate::kernels::Aligned;

/// The shared inputs: copies that a binding keeps, or those of one call where the caller has them.
#[derive(Clone, Copy, Debug)]
pub(super) enum Given<'a, T> {
    Kept(&'a [Vec<T>]),
    Lent(&'a [&'a [T]]),
}

impl<'a, T> Given<'a, T> {
    pub(super) fn get(self, k: usize) -> &'a [T] {
        match self {
            Given::Kept(inputs) => &inputs[k],
            Given::Lent(inputs) => inputs[k],
        }
    }
}

/// The shared inputs, and what follows from them alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shared<'a, T> {
    pub(super) given: Given<'a, T>,
    pub(super) values: &'a [Aligned<T>],
}
