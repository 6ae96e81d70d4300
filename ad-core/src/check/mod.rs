//! Published testers: whether derivatives are derivatives.
//!
//! | what is yours | the check |
//! |---|---|
//! | a function, generic over [`Scalar`](crate::Scalar) | [`check_function!`](crate::check_function), or [`function`] for a [`Segment`](crate::Segment) |
//! | a formula, generic over [`Elementary`](crate::Elementary) | [`check_formula!`](crate::check_formula), or [`formula`] for a [`Formula`] |
//! | a derivative by hand, a [`Rule`](crate::Rule) | [`rule`] |
//! | a tape, with the [`ArrayRule`](crate::ArrayRule)s it calls | [`derivatives`] |
//! | a program to run, a text to read | [`program`], [`round_trip`], [`text`] |
//!
//! Each is one line in a test of your crate:
//!
//! ```
//! use ad_core::{Array, Elementary, Scalar, Tape, check};
//!
//! fn energy<T: Scalar>(x: &[T]) -> T {
//!     (x[0] * x[1]).sin() + x[1].exp()
//! }
//! ad_core::check_function!(|x| [energy(x)], &[0.3, -1.2])?;
//!
//! let tape = Tape::record(|t| {
//!     let (x, w) = (t.example("x", &[2]), t.shared("w", &[2, 3]));
//!     [("y", x.matmul(&w).tanh())]
//! })?;
//! let x = Array::new(&[4, 2], (0..8).map(|k| 0.1 * f64::from(k)).collect())?;
//! let w = Array::new(&[2, 3], vec![0.3, -1.2, 0.7, 0.1, 0.9, -0.4])?;
//! check::derivatives(&tape, 4, &[x, w])?; // to second order
//! # Ok::<(), ad_core::Error>(())
//! ```
//!
//! The answer to a broken law names the law, the input, the direction and both numbers. [`Tester`] has the tolerances;
//! [`Case`] makes random programs from bytes or a seed, for fuzzers and for the strategies of the feature `proptest`.
//! Everything but functions and rules needs the feature `program`.

mod choices;
mod function;
mod ladder;
mod subject;

#[cfg(feature = "program")]
mod case;
#[cfg(feature = "program")]
mod complex;
#[cfg(feature = "program")]
mod differences;
#[cfg(feature = "program")]
mod domain;
#[cfg(feature = "program")]
mod engines;
#[cfg(feature = "program")]
mod formula;
#[cfg(feature = "program")]
mod lines;
#[cfg(feature = "program")]
mod map;
#[cfg(feature = "program")]
mod reference;
#[cfg(feature = "program")]
mod rules;
#[cfg(feature = "program")]
mod steps;
#[cfg(feature = "proptest")]
pub mod strategies;
#[cfg(feature = "program")]
mod tester;

#[cfg(feature = "program")]
pub use case::{Case, STEP};
pub use choices::Choices;
#[cfg(feature = "program")]
pub use complex::Complex;
#[cfg(feature = "program")]
pub use engines::{PROGRAM_TOLERANCE, bytes, program, round_trip, text};
#[cfg(feature = "program")]
pub use formula::{Formula, formula};
pub use function::{function, rule, values};
#[cfg(feature = "program")]
pub use lines::lines;
#[cfg(feature = "program")]
pub use reference::reference;
#[cfg(feature = "program")]
pub use steps::Sizes;
#[cfg(feature = "program")]
pub use tester::derivatives;

/// How derivatives are checked, and how closely. Every tolerance is relative to the numbers compared, plus one.
#[derive(Clone, Copy, Debug)]
pub struct Tester {
    /// 1: the tape; 2: also its jvp and its vjp, and so all mixes of two; 3: and so on.
    pub order: usize,
    /// The random directions tried for each input.
    pub directions: usize,
    /// The tolerance against differences.
    pub differences: f64,
    /// The tolerance between two ways to the same derivative.
    pub identities: f64,
    /// Jacobians of at most so many rows and columns together are compared element by element, forward against reverse.
    pub jacobian: usize,
    /// Where the random directions begin: the same seed, the same check.
    pub seed: u64,
}

impl Default for Tester {
    fn default() -> Self {
        Tester { order: 2, directions: 1, differences: 1e-6, identities: 1e-9, jacobian: 64, seed: 0 }
    }
}
