//! Continuous normalizing flows: densities that are learned by moving points.
//!
//! A [`Field`] is a closure for one example that declares its parameters; a [`Cnf`] adds divergence, solver and adjoint
//! to it and gives log-densities, samples and gradients; [`train::fit`] moves the parameters.
//!
//! ```
//! use ad_core::Elementary;
//! use flows::{Cnf, Field, Parameters, ProbeSeed, Settings, layer::linear};
//!
//! let field = Field::record(2, |f| {
//!     let hidden = (linear(f, "in", f.state(), 16) + f.time()).tanh();
//!     linear(f, "out", &hidden, 2)
//! })?;
//! let flow = Cnf::<f64>::new(&field, &Settings::default())?;
//! let parameters = Parameters::init(field.declarations(), 1);
//!
//! // Base points, row-major, go to the data and come back with the opposite log-determinant.
//! let base = flow.base_sample(5, 1);
//! let (points, log_det) = flow.transform_and_log_det(&parameters, &base, &[], ProbeSeed::default())?;
//! let (back, inverse) = flow.inverse_and_log_det(&parameters, &points, &[], ProbeSeed::default())?;
//! assert!(base.iter().zip(&back).all(|(x, y)| (x - y).abs() < 1e-3));
//! assert!(log_det.iter().zip(&inverse).all(|(x, y)| (x + y).abs() < 1e-3));
//! # Ok::<(), flows::Error>(())
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`layer`] | linear layers and MLPs, to build fields of |
//! | [`ode`] | systems, Runge-Kutta tableaus, step control, solves with a time and step of each example's own |
//! | [`adjoint`] | what a gradient keeps of a solve |
//! | [`cnf`] | the flow itself |
//! | [`train`] | Adam, batches, early stopping |
//! | [`data`], [`model`], [`report`] | data sets and CSV, stored models, pictures |
//! | [`cli`] | the program `flows` |

pub mod adjoint;
pub mod cli;
pub mod cnf;
pub mod data;
mod error;
mod field;
pub mod layer;
pub mod model;
pub mod ode;
mod params;
pub mod report;
pub mod train;

pub use adjoint::Adjoint;
pub use cnf::{Cnf, Divergence, ProbeSeed, Settings};
pub use error::{Error, Result};
pub use field::{CONTEXT, Field, STATE, Scope, TIME};
pub use params::{Declaration, Init, Parameters};
