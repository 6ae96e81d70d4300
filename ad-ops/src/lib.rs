//! Divergence operators.

pub mod random;
