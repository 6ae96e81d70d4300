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
//! [`Estimator::Hutchinson`] adds an input, the probes; [`Probe`] says how one is drawn, [`Block`] how several stand to each
//! other, [`Probes`] which examples and steps have their own, all from explicit seeds ([`random`]).
//!
//! | module | holds |
//! |---|---|
//! | [`hutch_pp`] | Hutch++ as tapes: the basis is data, and may be old |
//! | [`trace`] | estimators for any map that is known by products, without tapes; also diagonals, norms, `log det` |
//! | [`auto`] | the choice among all, measured on the Jacobians at hand |
//! | [`family`] | the diagonal and norm of the Jacobian and the Laplacian, as tapes |

pub mod auto;
mod divergence;
pub mod family;
pub mod hutch_pp;
mod jacobian;
mod probe;
pub mod random;
pub mod trace;

pub use divergence::{DIVERGENCE, Estimator, PROBE, divergence};
pub use probe::{Block, Probe, Probes, Renewal, Sharing};
