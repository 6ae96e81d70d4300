//! Continuous normalizing flows.

pub mod adjoint;
pub mod data;
pub mod ode;
pub mod report;
