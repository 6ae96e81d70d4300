//! Derivatives of closures.

use alloc::vec::Vec;

use super::{Dual, Var, record};
use crate::error::Result;

/// The value and the derivative of a function of one number.
pub fn derivative(f: impl FnOnce(Dual) -> Dual, x: f64) -> (f64, f64) {
    let y = f(Dual::variable(x));
    (y.value, y.tangent[0])
}

/// The value and the gradient of a function of many numbers, in reverse mode.
///
/// # Errors
/// Where a [`Var`] of another recording was used.
pub fn gradient(f: impl FnOnce(&[Var]) -> Var, x: &[f64]) -> Result<(f64, Vec<f64>)> {
    record(|r| {
        let x = r.variables(x);
        let y = f(&x);
        Ok((y.value(), r.pull_back(&[(y, 1.0)], &x)?))
    })
}
