//! Gradients through a solve: the exact adjoint of the steps that were taken.
//!
//! Going forward, a block of examples remembers its accepted steps, some of the states they began from, and of the last
//! steps the residuals: those few values without which the transposed step could not run. Going back, the transposed step
//! runs on the residuals; those that were not kept are computed again from the states, to the same bits, so that all
//! strategies give the same gradient. Times and step lengths are constants.

mod backward;
mod history;
mod residuals;
pub mod schedule;
mod vjp;

pub(crate) use history::Plan;
pub use vjp::{BoundVjp, OdeVjp, Recorded, StateCotangents};

/// Which states a solve keeps for the way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adjoint {
    /// The states of a block before every step that one of its examples takes, and residuals of up to 16 MiB.
    StoreAll,
    /// At most so many states of each example, evenly spread over the steps of its block, and residuals of up to 4 MiB; the steps
    /// between are computed once more. With `s` slots, `n` steps hold at most `s + 2 n / s` states at a time and cost at
    /// most two more forward passes: one where the residuals of `n / s` steps have room.
    ///
    /// Residuals are counted for each block of [`BLOCK`](ad_core::BLOCK) examples that is on its way, one a thread; those of an
    /// [`OdeVjp::solve`], for all its blocks together.
    Checkpointed {
        /// The most states kept for each example; at least 2.
        slots: usize,
    },
}
