//! Numbers that carry derivatives inside nalgebra: a factorization and a solve are differentiated by running them.

use ad_core::{Dual, Result, derivative, gradient};
use nalgebra::{Matrix3, RealField, Vector3};

/// A matrix that depends on a number and is positive definite.
fn matrix<T: RealField + Copy>(t: T) -> Matrix3<T> {
    let [two, three] = [2.0, 3.0].map(nalgebra::convert::<f64, T>);
    let (s, c) = (t.sin(), t.cos());
    Matrix3::new(three, s, t * t, s, three + c, t, t * t, t, two * two)
}

/// `b^T A(t)^-1 b` by Cholesky.
fn energy<T: RealField + Copy>(t: T, b: &Vector3<T>) -> Option<T> {
    Some(b.dot(&matrix(t).cholesky()?.solve(b)))
}

/// The same by LU.
fn energy_by_lu<T: RealField + Copy>(t: T, b: &Vector3<T>) -> Option<T> {
    Some(b.dot(&matrix(t).lu().solve(b)?))
}

fn main() -> Result<()> {
    let (t, b) = (0.4, Vector3::new(1.0, -2.0, 0.5));

    // Forward, by the number that the matrix depends on: -x^T A' x with x = A^-1 b.
    let lifted = b.map(Dual::fixed);
    let nan = Dual::fixed(f64::NAN);
    let (value, slope) = derivative(|t| energy(t, &lifted).unwrap_or(nan), t);
    let (_, slope_by_lu) = derivative(|t| energy_by_lu(t, &lifted).unwrap_or(nan), t);
    let x = matrix(t).cholesky().map(|factor| factor.solve(&b)).unwrap_or_default();
    let (c, s) = (t.cos(), t.sin());
    let by_hand = -x.dot(&(Matrix3::new(0.0, c, 2.0 * t, c, -s, 1.0, 2.0 * t, 1.0, 0.0) * x));
    println!("energy {value}, slope {slope}, by LU {slope_by_lu}, by hand {by_hand}");
    assert!((slope - by_hand).abs() < 1e-12 && (slope_by_lu - by_hand).abs() < 1e-12);

    // Reverse, by all numbers: 2 x for the vector.
    let inputs = [t, b[0], b[1], b[2]];
    let (_, slopes) =
        gradient(|v| energy(v[0], &Vector3::new(v[1], v[2], v[3])).unwrap_or(v[0] * f64::NAN), &inputs)?;
    println!("gradient {slopes:?}");
    assert!((slopes[0] - by_hand).abs() < 1e-12);
    assert!((0..3).all(|i| (slopes[1 + i] - 2.0 * x[i]).abs() < 1e-12));
    Ok(())
}
