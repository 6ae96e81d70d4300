//! The exact divergence by the cheapest route.
//!
//! The derivative of a field, written out on its linear tape, is a network of factors: matrices, slopes, and sums of such
//! products. Its trace closes the network into a loop, and every order of contraction gives the same number. What
//! directions pushed through the field compute is one order; here the order is planned.
//!
//! The same holds for the diagonal, and for the sum of squares.
//!
//! | | |
//! |---|---|
//! | [`goal`] | what is computed of a derivative |
//! | [`flatten`](flatten::flatten) | the linear tape as a network, with what paths share kept together |
//! | [`split`] | which sums are multiplied out |
//! | [`order`] | the order of contraction, and what each costs |
//! | [`emit`] | the plan as lines |
//! | [`route`] | all of it: the candidates as tapes, and their costs |

mod cost;
mod emit;
mod flatten;
mod goal;
mod network;
mod order;
mod route;
mod split;

pub use cost::Workload;
pub(crate) use cost::tape as cost;
pub(crate) use goal::Goal;
pub(crate) use route::routes;
pub use route::{Route, Routes};
