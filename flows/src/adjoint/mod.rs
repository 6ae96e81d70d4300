//! Gradients through a solve: the exact adjoint of the steps that were taken.
//!
//! Going forward, each example remembers its accepted steps and some of the states they began from.
//! Going back, the transposed step is replayed from those states; states that were not kept are computed again, to the
//! same bits, so that all strategies give the same gradient. Times and step lengths are constants.

mod backward;
mod history;
pub mod schedule;
mod vjp;

pub(crate) use history::Plan;
pub use vjp::{BoundVjp, OdeVjp, Recorded, StateCotangents};

/// Which states a solve keeps for the way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adjoint {
    /// The state before every step.
    StoreAll,
    /// At most so many states of each example, evenly spread over its steps; the steps between are computed once more.
    /// With `s` slots, `n` steps hold at most `s + 2 n / s` states at a time and cost at most one more forward pass.
    Checkpointed {
        /// The most states kept for each example; at least 2.
        slots: usize,
    },
}
