//! The squared Frobenius norm of a Jacobian, as a tape.

use ad_core::{Elementary, Result, Tape};

use crate::PROBE;
use crate::divergence::{Ends, Goal, Workload, routes};
use crate::jacobian::with_field;

/// The name of the output that [`squared_norm`] adds.
pub const SQUARED_NORM: &str = "squared_norm";

/// The tape of a field with one more output, [`SQUARED_NORM`]: the squared Frobenius norm of its Jacobian,
/// `sum_ij (d field_i / d state_j)^2`, by the cheapest route. (As a penalty it keeps the paths of a flow straight: Finlay
/// et al. 2020, *How to train your neural ODE*.)
///
/// With one hidden layer it is `s^T (W1^T W1 * W2 W2^T) s`, where the matrix is made once for each binding:
///
/// ```
/// use ad_core::{Elementary, Tape};
/// use ad_ops::{Workload, squared_norm};
///
/// let field = Tape::record(|t| {
///     let (x, w, v) = (t.example("x", &[50]), t.shared("w", &[50, 16]), t.shared("v", &[16, 50]));
///     [("x_dot", x.matmul(&w).tanh().matmul(&v))]
/// })?;
/// let cost = squared_norm(&field, "x", "x_dot", Workload::default())?.cost().example.multiply_adds;
/// assert_eq!(cost - field.cost().example.multiply_adds, 16.0 + 16.0 * 16.0 + 16.0); // the slopes, M s, and s (M s)
/// # Ok::<(), ad_core::Error>(())
/// ```
///
/// # Errors
/// As [`divergence`](crate::divergence()).
pub fn squared_norm(tape: &Tape, state: &str, field: &str, workload: Workload) -> Result<Tape> {
    let ends = Ends::find(tape, state, field)?;
    Ok(routes(tape, &ends, (Goal::SquaredNorm, SQUARED_NORM), workload)?.into_cheapest().into_tape())
}

/// [`squared_norm`] as the mean of `|J v|^2` over the input [`PROBE`] of shape `[probes, d]`, unbiased for probes with
/// covariance one: one product with the Jacobian for each probe.
///
/// # Errors
/// As [`divergence`](crate::divergence()).
pub fn squared_norm_by_probes(tape: &Tape, state: &str, field: &str, probes: usize) -> Result<Tape> {
    with_field(tape, state, field, |f| {
        let v = f.recorder.example(PROBE, &[probes, f.dim]);
        let square = if probes == 0 {
            v.fail("the squared norm takes at least one probe")
        } else {
            f.push(&v).square().sum() * (1.0 / probes as f64)
        };
        f.outputs.into_iter().chain([(SQUARED_NORM.to_owned(), square.to_examples())]).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;
    use ad_core::Array;

    fn numbers(shape: &[usize], seed: u32) -> Array {
        let mut stream = Purpose::Constant.stream(14, seed, 0);
        let n = shape.iter().product();
        Array::new(shape, (0..n).map(|_| stream.standard_normal()).collect()).unwrap()
    }

    fn field(d: usize) -> Tape {
        Tape::record(|t| {
            let (x, w) = (t.example("x", &[d]), t.shared("w", &[d, d]));
            [("x_dot", x.matmul(&w).tanh() * x.sin() + x.dot(&x))]
        })
        .unwrap()
    }

    /// The Jacobian of example `e`, by differences.
    fn jacobian(d: usize, given: &[Array], e: usize) -> Vec<f64> {
        let (tape, h) = (field(d), 1e-6);
        let at = |j: usize, step: f64| {
            let mut moved = given.to_vec();
            moved[0].data[e * d + j] += step;
            tape.eval(given[0].shape[0], &moved).unwrap()[0].data[e * d..][..d].to_vec()
        };
        let columns: Vec<(Vec<f64>, Vec<f64>)> = (0..d).map(|j| (at(j, h), at(j, -h))).collect();
        (0..d * d).map(|ij| (columns[ij % d].0[ij / d] - columns[ij % d].1[ij / d]) / (2.0 * h)).collect()
    }

    /// Over all signs the mean of `|J v|^2` is the squared norm, value and parameter gradient; the variance of one is
    /// `2 (|G|^2 - sum G_ii^2)` with `G = J^T J`.
    #[test]
    fn norms_over_all_signs_are_exact() {
        let (d, n) = (4, 2);
        let all = 1 << d;
        let sign = |k: usize, i: usize| if k >> i & 1 == 1 { 1.0 } else { -1.0 };
        let signs: Vec<f64> = (0..all).flat_map(|k| (0..d).map(move |i| sign(k, i))).collect();
        let given = [numbers(&[n, d], 0), numbers(&[d, d], 1)];
        let gradient = |probes: usize| {
            let by_probes = || squared_norm_by_probes(&field(d), "x", "x_dot", probes).unwrap();
            let exact = || squared_norm(&field(d), "x", "x_dot", Workload::default()).unwrap();
            let tape = if probes > 0 { by_probes() } else { exact() };
            let probe = Array::new(&[n, probes, d], signs[..probes * d].repeat(n)).unwrap();
            let probe = if probes > 0 { vec![probe] } else { vec![] };
            let bars = [numbers(&[n, d], 3), numbers(&[n], 4)];
            let given = [&given[..], &probe, &bars].concat();
            tape.vjp(&["x", "w"]).unwrap().eval(n, &given).unwrap()
        };
        for (a, b) in gradient(0).iter().zip(gradient(all)) {
            for (a, b) in a.data.iter().zip(b.data) {
                assert!((a - b).abs() < 1e-11 * (1.0 + a.abs()), "{a} against {b}");
            }
        }
        let one = squared_norm_by_probes(&field(d), "x", "x_dot", 1).unwrap();
        let samples: Vec<f64> = (0..all)
            .map(|k| {
                let probe = Array::new(&[n, 1, d], signs[k * d..][..d].repeat(n)).unwrap();
                one.eval(n, &[&given[..], &[probe]].concat()).unwrap()[1].data[1]
            })
            .collect();
        let mean = samples.iter().sum::<f64>() / all as f64;
        let variance = samples.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / all as f64;
        let j = jacobian(d, &given, 1);
        let g = |a: usize, b: usize| (0..d).map(|i| j[i * d + a] * j[i * d + b]).sum::<f64>();
        let formula: f64 =
            (0..d * d).filter(|ab| ab / d != ab % d).map(|ab| 2.0 * g(ab / d, ab % d).powi(2)).sum();
        assert!((variance - formula).abs() < 1e-5 * formula, "{variance} of {formula}");
    }
}
