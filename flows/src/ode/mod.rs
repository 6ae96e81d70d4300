//! Ordinary differential equations `y' = f(t, y)`, for whole batches, each example with its own time and step.
//!
//! A [`System`] is a tape that gives the rates of some named states. One step of a Runge-Kutta method is recorded as a
//! tape with the system inlined once per stage; its transpose is the exact adjoint of that step. An [`Ode`]
//! runs steps block by block of examples: each example accepts or rejects by its own error, and leaves the block when
//! it is done. No example's answer depends on its neighbours.

pub mod controller;
mod extras;
mod lanes;
mod pool;
mod solve;
mod step;
mod system;
pub mod tableau;
pub mod tableaus;

pub(crate) use extras::{Draws, Extras};
pub(crate) use lanes::Lanes;
pub(crate) use pool::Pool;
pub use solve::{Bound, Ode, Outcome, Solution, Statistics};
pub(crate) use solve::{Follower, Memory, Step, write_lanes, write_times};
pub(crate) use step::{StepTapes, TIMES, bar};
pub use system::System;
