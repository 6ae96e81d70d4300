//! Strategies of proptest: shapes, arrays, well-conditioned matrices, random programs.
//!
//! ```
//! use ad_core::check::{self, strategies};
//! proptest::proptest!(proptest::test_runner::Config::with_cases(8), |(case in strategies::programs(6))| {
//!     check::derivatives(&case.tape, case.examples, &case.inputs).unwrap();
//! });
//! ```

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Case, STEP};
use crate::eval::Array;

/// Shapes of at most `rank` axes, each of length 1 to `length`.
pub fn shapes(rank: usize, length: usize) -> impl Strategy<Value = Vec<usize>> {
    vec(1..=length.max(1), 0..=rank)
}

/// Arrays of a shape with elements in a range.
pub fn arrays(shape: Vec<usize>, range: std::ops::Range<f64>) -> impl Strategy<Value = Array> {
    vec(range, shape.iter().product::<usize>()).prop_map(move |data| Array { shape: shape.clone(), data })
}

/// Square matrices of `n` rows whose singular values lie between 1 and `condition`: two reflections with a diagonal between
/// them, so that the condition number is known without a decomposition.
pub fn matrices(n: usize, condition: f64) -> impl Strategy<Value = Array> {
    let vector = move || vec(-1.0..1.0_f64, n);
    (vector(), vec(0.0..1.0_f64, n), vector())
        .prop_map(move |(u, exponents, v)| reflected(&u, &values(&exponents, condition), &v))
}

/// Symmetric positive definite matrices of `n` rows, with eigenvalues between 1 and `condition`.
pub fn positive_definite(n: usize, condition: f64) -> impl Strategy<Value = Array> {
    (vec(-1.0..1.0_f64, n), vec(0.0..1.0_f64, n))
        .prop_map(move |(u, exponents)| reflected(&u, &values(&exponents, condition), &u))
}

fn values(exponents: &[f64], condition: f64) -> Vec<f64> {
    exponents.iter().map(|&x| condition.max(1.0).powf(x)).collect()
}

/// `H(u) diag(values) H(v)`, where `H(u) = 1 - 2 u u^T / u^T u`.
fn reflected(u: &[f64], values: &[f64], v: &[f64]) -> Array {
    let n = values.len();
    let reflection = |u: &[f64], i: usize, j: usize| {
        let size: f64 = u.iter().map(|x| x * x).sum();
        let along = if size > 0.0 { 2.0 * u[i] * u[j] / size } else { 0.0 };
        f64::from(i == j) - along
    };
    let element = |k: usize| {
        let (i, j) = (k / n, k % n);
        (0..n).map(|l| reflection(u, i, l) * values[l] * reflection(v, l, j)).sum()
    };
    Array { shape: vec![n, n], data: (0..n * n).map(element).collect() }
}

/// Random programs of at most `steps` steps, with a point at which their derivatives can be checked. They shrink by
/// dropping steps and by simpler choices.
///
/// # Panics
/// If the recorder refuses a program, which would be a bug.
pub fn programs(steps: usize) -> impl Strategy<Value = Case> {
    let bytes = vec(any::<[u8; STEP]>(), 0..=steps + 1);
    bytes.prop_map(|steps| Case::from_bytes(steps.as_flattened()).unwrap_or_else(|error| panic!("{error}")))
}
