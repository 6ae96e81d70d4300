//! Derivatives of closures, each together with the value.
//!
//! A closure is written for the number that its driver asks for; a function that is generic over [`Scalar`] fits all.

use alloc::{format, vec::Vec};

use super::Dual;
#[cfg(feature = "std")]
use super::{Scalar, Var, record};
use crate::error::{Error, Result};

/// How many columns of a matrix of derivatives are computed at once.
pub(super) const LANES: usize = 4;

/// The value and the derivative of a function of one number.
///
/// ```
/// let (y, dy) = ad_core::derivative(|x| x.sin() / x, 0.5);
/// assert_eq!(y, 0.5_f64.sin() / 0.5);
/// assert!((dy - (0.5 * 0.5_f64.cos() - 0.5_f64.sin()) / 0.25).abs() < 1e-15);
/// ```
pub fn derivative(f: impl FnOnce(Dual) -> Dual, x: f64) -> (f64, f64) {
    let y = f(Dual::variable(x));
    (y.value, y.tangent[0])
}

/// The value and the gradient of a function of many numbers, in reverse mode.
///
/// ```
/// let (y, gradient) = ad_core::gradient(|x| x[0] * x[1].exp(), &[3.0, 0.0])?;
/// assert_eq!((y, gradient), (3.0, vec![1.0, 3.0]));
/// # Ok::<(), ad_core::Error>(())
/// ```
///
/// # Errors
/// Where a [`Var`] of another recording was used, with the operation and its line.
#[cfg(feature = "std")]
pub fn gradient(f: impl FnOnce(&[Var]) -> Var, x: &[f64]) -> Result<(f64, Vec<f64>)> {
    record(|r| {
        let x = r.variables(x);
        let y = f(&x);
        Ok((y.value(), r.pull_back(&[(y, 1.0)], &x)?))
    })
}

/// The values and the derivative along `x_dot` of several functions, in forward mode: `J x_dot`.
///
/// # Errors
/// Where `x_dot` is not as long as `x`.
pub fn jvp(f: impl FnOnce(&[Dual]) -> Vec<Dual>, x: &[f64], x_dot: &[f64]) -> Result<(Vec<f64>, Vec<f64>)> {
    check_length("jvp", "x_dot", x_dot.len(), x.len())?;
    let x: Vec<Dual> = x.iter().zip(x_dot).map(|(&x, &t)| Dual::new(x, [t])).collect();
    Ok(f(&x).into_iter().map(|y| (y.value, y.tangent[0])).unzip())
}

/// The values of several functions and the cotangent of `x` that belongs to `y_bar`, in reverse mode: `y_bar J`.
///
/// # Errors
/// As [`gradient`]; and where `y_bar` is not as long as the result of `f`.
#[cfg(feature = "std")]
pub fn vjp(f: impl FnOnce(&[Var]) -> Vec<Var>, x: &[f64], y_bar: &[f64]) -> Result<(Vec<f64>, Vec<f64>)> {
    record(|r| {
        let x = r.variables(x);
        let y = f(&x);
        check_length("vjp", "y_bar", y_bar.len(), y.len())?;
        let outputs: Vec<(Var, f64)> = y.iter().copied().zip(y_bar.iter().copied()).collect();
        Ok((values(&y), r.pull_back(&outputs, &x)?))
    })
}

/// The values of several functions and a row of derivatives for each: one pass forward, one back for each row.
///
/// # Errors
/// As [`gradient`].
#[cfg(feature = "std")]
pub fn jacobian(f: impl FnOnce(&[Var]) -> Vec<Var>, x: &[f64]) -> Result<(Vec<f64>, Vec<Vec<f64>>)> {
    record(|r| {
        let x = r.variables(x);
        let y = f(&x);
        let rows = y.iter().map(|&y| r.pull_back(&[(y, 1.0)], &x)).collect::<Result<_>>()?;
        Ok((values(&y), rows))
    })
}

/// The same in forward mode: `f` is called once for each four variables. It is quicker where there are more functions
/// than variables.
pub fn jacobian_forward<F>(mut f: F, x: &[f64]) -> (Vec<f64>, Vec<Vec<f64>>)
where
    F: FnMut(&[Dual<f64, LANES>]) -> Vec<Dual<f64, LANES>>,
{
    let mut value = Vec::new();
    let mut rows: Vec<Vec<f64>> = Vec::new();
    // Without variables there are values all the same.
    for start in (0..x.len().max(1)).step_by(LANES) {
        let y = f(&seeded(x, start));
        rows.resize(y.len(), Vec::new());
        let wanted = LANES.min(x.len() - start);
        rows.iter_mut().zip(&y).for_each(|(row, y)| row.extend(&y.tangent[..wanted]));
        value = y.iter().map(|y| y.value).collect();
    }
    (value, rows)
}

/// The value, the gradient and the Hessian of a function: `f` is called once for each four variables.
///
/// ```
/// let (y, gradient, hessian) = ad_core::hessian(|x| x[0] * x[0] * x[1], &[3.0, 5.0])?;
/// assert_eq!((y, gradient), (45.0, vec![30.0, 9.0]));
/// assert_eq!(hessian, [[10.0, 6.0], [6.0, 0.0]]);
/// # Ok::<(), ad_core::Error>(())
/// ```
///
/// # Errors
/// As [`gradient`].
#[cfg(feature = "std")]
pub fn hessian<F>(mut f: F, x: &[f64]) -> Result<(f64, Vec<f64>, Vec<Vec<f64>>)>
where
    F: FnMut(&[Var<Dual<f64, LANES>>]) -> Var<Dual<f64, LANES>>,
{
    let (mut value, mut gradient) = (0.0, Vec::new());
    let mut rows: Vec<Vec<f64>> = x.iter().map(|_| Vec::with_capacity(x.len())).collect();
    for start in (0..x.len().max(1)).step_by(LANES) {
        let x_bar = record(|r| {
            let x = r.variables(&seeded(x, start));
            let y = f(&x);
            value = y.value().value;
            r.pull_back(&[(y, Dual::fixed(1.0))], &x)
        })?;
        let wanted = LANES.min(x.len() - start);
        rows.iter_mut().zip(&x_bar).for_each(|(row, x_bar)| row.extend(&x_bar.tangent[..wanted]));
        gradient = x_bar.iter().map(|x_bar| x_bar.value).collect();
    }
    Ok((value, gradient, rows))
}

/// The value, the gradient and the Hessian times `v`: one pass forward and one back, over dual numbers.
///
/// # Errors
/// As [`gradient`]; and where `v` is not as long as `x`.
#[cfg(feature = "std")]
pub fn hvp<F>(f: F, x: &[f64], v: &[f64]) -> Result<(f64, Vec<f64>, Vec<f64>)>
where
    F: FnOnce(&[Var<Dual>]) -> Var<Dual>,
{
    check_length("hvp", "v", v.len(), x.len())?;
    let x: Vec<Dual> = x.iter().zip(v).map(|(&x, &v)| Dual::new(x, [v])).collect();
    record(|r| {
        let x = r.variables(&x);
        let y = f(&x);
        let x_bar = r.pull_back(&[(y, Dual::fixed(1.0))], &x)?;
        let (gradient, product) = x_bar.into_iter().map(|x_bar| (x_bar.value, x_bar.tangent[0])).unzip();
        Ok((y.value().value, gradient, product))
    })
}

/// Variables of which some, from `start` on, move in a direction each.
fn seeded(x: &[f64], start: usize) -> Vec<Dual<f64, LANES>> {
    let seed = |(k, &x): (usize, &f64)| match k.checked_sub(start) {
        Some(lane) if lane < LANES => Dual::along(x, lane),
        _ => Dual::fixed(x),
    };
    x.iter().enumerate().map(seed).collect()
}

#[cfg(feature = "std")]
fn values<T: Scalar>(y: &[Var<T>]) -> Vec<T> {
    y.iter().map(|y| y.value()).collect()
}

fn check_length(driver: &str, what: &str, given: usize, wanted: usize) -> Result<()> {
    if given == wanted {
        return Ok(());
    }
    Err(Error::new(format!("{driver}: `{what}` has {given} numbers, {wanted} are wanted")))
}
