//! Divergence of vector fields, exact and estimated, as operators on tapes.
//!
//! The divergence of a field is the trace of its Jacobian. [`divergence`] takes the tape of a field and returns a tape
//! that computes the field and its divergence in one pass. That is an ordinary tape: its gradient is its `vjp`, and
//! `Program` runs it.
//!
//! ```
//! use ad_core::{Elementary, Tape};
//! use ad_ops::{Estimator, divergence};
//!
//! let field = Tape::record(|t| {
//!     let x = t.example("x", &[2]);
//!     [("x_dot", x.sin() * 3.0)]
//! })?;
//! let both = divergence(&field, "x", "x_dot", Estimator::Exact)?;
//! let point = [0.5, -0.2];
//! let out = both.compile::<f64>()?.call(1, &[&point])?;
//! let exact = 3.0 * (point[0].cos() + point[1].cos());
//! assert!((out[1][0] - exact).abs() < 1e-12);
//! # Ok::<(), ad_core::Error>(())
//! ```
//!
//! [`Estimator::Exact`] computes the trace by the cheapest route: the derivative is a sum of products, and their order is
//! planned from the tape ([`explain`]). For two hidden layers it costs less than one product with the Jacobian.
//! [`diagonal`], [`squared_norm`] and [`laplacian`] are planned likewise.
//! [`Estimator::Hutchinson`] adds an input, the probes; [`Probe`] says how one is drawn, [`Block`] how several stand to each
//! other, [`Probes`] which examples and steps have their own, all from explicit seeds ([`random`]).
//! [`divergence_with_error`] tells the standard error too.
//!
//! | module | holds |
//! |---|---|
//! | [`hutch_pp`] | Hutch++ as tapes: the basis is data, and may be old |
//! | [`trace`] | estimators for any map that is known by products, without tapes; also diagonals, norms, `log det` |
//! | [`auto`] | the choice among all, measured on the Jacobians at hand |

pub mod auto;
mod diagonal;
mod divergence;
pub mod hutch_pp;
mod jacobian;
mod laplacian;
mod probe;
pub mod random;
mod squared_norm;
pub mod trace;

pub use diagonal::{DIAGONAL, diagonal};
pub use divergence::{
    DIVERGENCE, Estimator, PROBE, Route, Routes, STANDARD_ERROR, Workload, divergence, divergence_with_error,
    explain,
};
pub use laplacian::{LAPLACIAN, laplacian};
pub use probe::{Block, Probe, Probes, Renewal, Sharing};
pub use squared_norm::{SQUARED_NORM, squared_norm, squared_norm_by_probes};
