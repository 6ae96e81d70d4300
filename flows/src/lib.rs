//! Continuous normalizing flows.

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
