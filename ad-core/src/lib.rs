//! Automatic differentiation of array programs, as tapes in index notation, and of code on numbers.
//!
//! A function is written for *one example*, in plain Rust, on [`Tracer`]s; running it once inside [`Tape::record`] leaves
//! a [`Tape`]. A tape is transformed into others ([`Tape::jvp`], [`Tape::vjp`], [`Tape::linearize`],
//! [`Linear::transpose`]), which are tapes again; [`Tape::compile`] makes a [`Program`] of it that runs whole batches.
//!
//! ```
//! use ad_core::{Elementary, Tape};
//!
//! let loss = Tape::record(|t| {
//!     let (x, y) = (t.example("x", &[2]), t.example("y", &[])); // each example has its own
//!     let w = t.shared("w", &[2]); // all examples share it
//!     [("loss", (x.dot(&w).tanh() - y).square())]
//! })?;
//! let gradient = loss.vjp(&["w"])?;
//! println!("{gradient}"); // one line per operation, as formulas
//!
//! // Two examples; the cotangent of each one's loss is 1.
//! let (x, y, w) = ([0.5, -1.0, 2.0, 0.3], [0.1, 0.7], [0.2, -0.4]);
//! let program = gradient.compile::<f64>()?;
//! let out = program.call(2, &[&x, &y, &w, &[1.0, 1.0]])?; // loss, w_bar
//!
//! let (value, h) = (loss.compile::<f64>()?, 1e-6);
//! let total = |w0| value.call(2, &[&x, &y, &[w0, w[1]]]).map(|out| out[0].iter().sum::<f64>());
//! let difference = (total(w[0] + h)? - total(w[0] - h)?) / (2.0 * h);
//! assert!((out[1][0] - difference).abs() < 1e-8); // the gradient is summed over the examples
//! # Ok::<(), ad_core::Error>(())
//! ```
//!
//! | to | there is |
//! |---|---|
//! | record | [`Tape::record`], [`Recorder`], [`Tracer`], and [`Elementary`] for code that also runs on numbers |
//! | differentiate | [`Tape::jvp`], [`Tape::vjp`]; inside a recording [`Recorder::push_forward`], [`Recorder::pull_back`] |
//! | say how | [`ArrayRule`] and [`Recorder::call`]: derivatives of your own, implicit functions |
//! | run | [`Program::call`] for rows of a batch, [`Runner`] for many; [`Binding`] and [`Workspace`] for blocks of [`BLOCK`] examples |
//! | look | `Display` and `FromStr` of [`Tape`], [`Tape::nodes`], [`Tape::eval`] (slow, and the meaning of each operation) |
//! | check | [`check`]: functions, rules, tapes, programs, in one line each; the feature `proptest` adds strategies |
//!
//! # Numbers
//!
//! Code that branches, loops or calls other crates differentiates as numbers, without a tape: a function that is generic
//! over [`num_traits::Float`] gives the derivatives that its driver asks for. Values have the bits of plain code.
//!
//! ```
//! use num_traits::Float;
//!
//! fn f<T: Float>(x: &[T]) -> T {
//!     if x[0] > x[1] { x[0] * x[1].exp() } else { x[1].sqrt() }
//! }
//! let (value, gradient) = ad_core::gradient(f, &[2.0, 0.0])?;
//! assert_eq!((value, gradient), (2.0, vec![1.0, 2.0]));
//! let (_, _, hessian) = ad_core::hessian(f, &[2.0, 0.0])?;
//! assert_eq!(hessian, [[0.0, 1.0], [1.0, 2.0]]);
//! # Ok::<(), ad_core::Error>(())
//! ```
//!
//! | to | there is |
//! |---|---|
//! | differentiate | [`derivative`], [`gradient`], [`jacobian`], [`hessian`], [`hvp`], [`jvp`], [`vjp`], [`taylor`]; [`sparse_jacobian`], [`sparse_hessian`] |
//! | compute with | [`Dual`] (forward), [`Var`] (reverse), [`VarIn`] (reverse, on a [`List`] of one's own), [`Taylor`]; [`Scalar`] for all of them |
//! | do it by hand | [`record`] and [`Recording::pull_back`], for several passes back |
//! | say how | [`Rule`] and [`call`]: derivatives of your own, [`Implicit`] functions, [`Checkpointed`] calls |
//! | run it again | [`Replay`]: recorded once, an error where it would branch otherwise |
//!
//! | feature | |
//! |---|---|
//! | `std` (default) | [`Var`], whose list is the thread's |
//! | `program` (default) | tapes; needs Rust 1.89, numbers alone 1.85 |
//! | `nalgebra`, `ndarray`, `serde` | numbers as elements of matrices and arrays, and in files |
//! | `faer` | the same there: products, LU, Cholesky, QR to any order; eigenvalues and singular values to first |
//!
//! Errors name the line of the recorded code, and the shapes. Nothing depends on the number of threads, and an example's
//! results do not depend on the others.

#![cfg_attr(not(feature = "std"), no_std)]
// What simba and faer declare unsafe is implemented in a file each; all else forbids it.
#![cfg_attr(not(any(feature = "nalgebra", feature = "faer")), forbid(unsafe_code))]

extern crate alloc;

#[cfg(feature = "std")]
pub mod check;
mod elementary;
mod error;
#[cfg(feature = "program")]
mod eval;
#[cfg(feature = "program")]
#[allow(clippy::incompatible_msrv, reason = "the feature needs a later version than numbers alone")]
pub mod kernels;
#[cfg(feature = "program")]
mod program;
#[allow(clippy::inline_always, reason = "an operation that is called costs twice one that is not: measured")]
mod scalar;
#[cfg(feature = "program")]
mod tape;
#[cfg(feature = "program")]
mod transform;

pub use elementary::{Binary, Elementary, Unary};
pub use error::{Error, Result};
#[cfg(feature = "program")]
pub use eval::Array;
#[cfg(feature = "program")]
pub use kernels::{BLOCK, Element};
#[cfg(feature = "program")]
pub use program::{Binding, Port, Program, Rows, Runner, Workspace, lanes_to_rows};
pub use scalar::{
    Checkpointed, Dependent, Dual, Entries, Equation, Ground, Guarded, Implicit, List, Pattern, Replay, Rule,
    Scalar, Segment, Taylor, VarIn, call, check_rule, derivative, hessian_pattern, jacobian_forward,
    jacobian_pattern, jvp, sparse_jacobian, taylor,
};
#[cfg(feature = "std")]
pub use scalar::{Recorded, Recording, Var, gradient, hessian, hvp, jacobian, record, sparse_hessian, vjp};
#[cfg(feature = "program")]
pub use tape::{
    ArrayRule, Coefficient, Cost, Dims, Extent, IntoOutputs, Label, Labels, Node, NodeId, Op, Operand,
    Recorder, RuleTape, Tape, Tracer, Work,
};
#[cfg(feature = "program")]
pub use transform::Linear;
