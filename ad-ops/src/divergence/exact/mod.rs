//! The exact divergence by the cheapest route.
//!
//! The derivative of a field, written out on its linear tape, is a network of factors: matrices, slopes, and sums of such
//! products. Its trace closes the network into a loop, and every order of contraction gives the same number. What
//! directions pushed through the field compute is one order; here the order is planned.
//!
//! | | |
//! |---|---|
//! | [`flatten`](flatten::flatten) | the linear tape as a network, with what paths share kept together |
//! | [`split`] | which sums are multiplied out |
//! | [`order`] | the order of contraction, and what each costs |
//! | [`emit`] | the plan as lines |
//! | [`route`] | all of it: the candidates as tapes, and their costs |

mod cost;
mod emit;
mod flatten;
mod network;
mod order;
mod route;
mod split;

use ad_core::{Recorder, Tracer};

use super::tangents;

pub use cost::Workload;
pub use route::Route;
pub(super) use route::routes;

/// The trace by `d` directions, pushed through together.
pub(super) fn directions(t: &Recorder, x: &Tracer, y: &Tracer, d: usize) -> Tracer {
    tangents(t, x, y, &t.identity(d)).trace()
}

/// The trace by `d` directions, `block` of them at a time.
fn directions_in_blocks(t: &Recorder, x: &Tracer, y: &Tracer, d: usize, block: usize) -> Tracer {
    let starts = (0..d).step_by(block.max(1));
    let traces = starts.map(|start| {
        let some = start..d.min(start + block);
        let tangents = tangents(t, x, y, &t.identity(d).slice(0, some.clone()));
        tangents.slice(1, some).trace()
    });
    traces.reduce(|sum, trace| sum + trace).unwrap_or_else(|| t.number(0.0))
}
