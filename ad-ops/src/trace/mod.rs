//! The trace of any linear map that is given by its products: no matrix, no tape, no derivative.
//!
//! | | products | for |
//! |---|---|---|
//! | [`hutchinson`] | any number | flat spectra; few products |
//! | [`hutch_pp`] | of three equal parts | decaying spectra |
//! | [`hutch_pp_non_adaptive`] | independent of each other; a part with the transpose | the same, in one batch |
//! | [`xtrace`] | of two equal parts | decaying spectra, the most of each product |
//! | [`nystrom_pp`], [`xnystrace`] | one part each | positive semidefinite maps |
//! | [`DeltaShift`] | two a probe | maps that change slowly |
//! | [`to_tolerance`] | as many as it needs | an error that is given |
//!
//! By the same means: the diagonal ([`diagonal`], [`diag_pp`], [`xdiag`]), the squared norm ([`frobenius_square`]) and
//! `log |det(I + A)|` ([`log_det_lanczos`], [`log_det_series`]).
//!
//! The Jacobian of a tape is such a map: [`Jacobian`]. Each estimator returns an [`Estimate`]: the value, its standard error where the estimate shows one, and what it cost. Random
//! numbers come from a [`Stream`](crate::random::Stream), so the same name gives the same bits.
//!
//! ```
//! use ad_ops::{Probe, random::Purpose, trace};
//!
//! // A map of which only products are known: a second difference.
//! let n = 50;
//! let map = trace::Products::new(n, |x, y| {
//!     for i in 0..x.len() {
//!         y[i] = 2.0 * x[i] - if i > 0 { x[i - 1] } else { 0.0 } - x.get(i + 1).unwrap_or(&0.0);
//!     }
//! });
//! let found = trace::hutchinson(&map, 20, Probe::Rademacher, &mut Purpose::Probe.stream(1, 0, 0))?;
//! assert_eq!(found.products, 20);
//! assert!((found.value - 2.0 * n as f64).abs() < 4.0 * found.standard_error.unwrap_or(0.0));
//! # Ok::<(), ad_core::Error>(())
//! ```

mod cholesky;
mod delta_shift;
mod diagonal;
mod frobenius;
mod hutch_pp;
mod hutchinson;
mod jacobian;
mod log_det;
mod map;
mod nystrom;
mod qr;
mod rows;
mod statistics;
#[cfg(test)]
pub(crate) mod tests;
mod tolerance;
mod tridiagonal;
mod xtrace;

pub use delta_shift::DeltaShift;
pub use diagonal::{DiagonalEstimate, diag_pp, diagonal, xdiag};
pub use frobenius::frobenius_square;
pub use hutch_pp::{hutch_pp, hutch_pp_non_adaptive};
pub use hutchinson::hutchinson;
pub use jacobian::{Jacobian, JacobianAt};
pub use log_det::{Roulette, log_det_lanczos, log_det_series};
pub use map::{Dense, Diagonal, LinearMap, Products, Transposable};
pub use nystrom::{nystrom_pp, xnystrace};
pub use statistics::Estimate;
pub use tolerance::{Tolerance, to_tolerance};
pub use xtrace::{Rescaling, xtrace};

pub(crate) use hutch_pp::with_basis;
pub(crate) use qr::ThinQr;
pub(crate) use rows::{Rows, dot};
pub(crate) use statistics::mean;
