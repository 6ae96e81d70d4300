//! Relatives of the divergence, as tapes: the diagonal of the Jacobian, its squared norm, the Laplacian.

use ad_core::{Elementary, Error, Result, Tape};

use crate::jacobian::with_field;
use crate::{Estimator, PROBE, divergence};

/// The name of the output that [`diagonal`] adds.
pub const DIAGONAL: &str = "diagonal";
/// The name of the output that [`frobenius_square`] adds.
pub const FROBENIUS: &str = "frobenius";
/// The name of the gradient that [`laplacian`] adds beside the divergence of it.
pub const GRADIENT: &str = "gradient";

/// The tape of a field with one more output, [`DIAGONAL`]: the diagonal of its Jacobian, by all directions.
///
/// # Errors
/// Where there is no such input or output, they are not vectors of one length, or the name is taken.
pub fn diagonal(tape: &Tape, state: &str, field: &str) -> Result<Tape> {
    with_field(tape, state, field, |f| {
        let diagonal = f.push(&f.recorder.identity(f.dim)).diagonal().to_examples();
        f.outputs.into_iter().chain([(DIAGONAL.to_owned(), diagonal)]).collect()
    })
}

/// The tape of a field with one more output, [`FROBENIUS`]: the squared Frobenius norm of its Jacobian, as regularisers of
/// flows take it. With probes the mean of `|J v|^2` over the input [`PROBE`] of shape `[probes, d]`, unbiased;
/// with none (0) exactly, by all directions.
///
/// # Errors
/// Where there is no such input or output, they are not vectors of one length, or a name is taken.
pub fn frobenius_square(tape: &Tape, state: &str, field: &str, probes: usize) -> Result<Tape> {
    with_field(tape, state, field, |f| {
        let square = if probes == 0 {
            f.push(&f.recorder.identity(f.dim)).square().sum()
        } else {
            let v = f.recorder.example(PROBE, &[probes, f.dim]);
            f.push(&v).square().sum() * (1.0 / probes as f64)
        };
        f.outputs.into_iter().chain([(FROBENIUS.to_owned(), square.to_examples())]).collect()
    })
}

/// The tape of a number `value` of each example with two more outputs: its [`GRADIENT`] in the vector `state`, and the
/// [`divergence`](crate::DIVERGENCE) of that, which is the Laplacian. The gradient is a field, whose divergence
/// [`divergence`] takes by any estimator.
///
/// ```
/// use ad_core::{Elementary, Tape};
/// use ad_ops::{Estimator, family::laplacian};
///
/// let potential = Tape::record(|t| [("u", t.example("x", &[2]).square().square().sum())])?;
/// let tape = laplacian(&potential, "x", "u", Estimator::Exact)?;
/// let out = tape.compile::<f64>()?.call(1, &[&[1.0, 2.0]])?;
/// assert_eq!(out[2], [12.0 * 1.0 + 12.0 * 4.0]); // u, its gradient, its Laplacian
/// # Ok::<(), ad_core::Error>(())
/// ```
///
/// # Errors
/// Where there is no such input or output, the value is no number of each example, or a name is taken.
pub fn laplacian(tape: &Tape, state: &str, value: &str, estimator: Estimator) -> Result<Tape> {
    let shape = tape.node(tape.output(value)?).shape();
    tape.input(state)?;
    if !shape.is_empty() {
        return Err(Error::new(format!("a Laplacian is of one number; `{value}` has shape {shape:?}")));
    }
    let place =
        |list: &[(String, _)], name: &str| list.iter().position(|(n, _)| n == name).unwrap_or_default();
    let (x, u) = (place(tape.inputs(), state), place(tape.outputs(), value));
    let gradient = Tape::record(|t| {
        let inputs = t.inputs_like(tape);
        let outputs = t.inline(tape, &inputs.iter().collect::<Vec<_>>());
        let gradient = t.pull_back(&[(&outputs[u], &t.number(1.0))], &[&inputs[x]]).remove(0);
        let names = tape.outputs().iter().map(|(name, _)| name.clone());
        names.zip(outputs).chain([(GRADIENT.to_owned(), gradient.to_examples())]).collect::<Vec<_>>()
    })?;
    divergence(&gradient, state, GRADIENT, estimator)
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

    #[test]
    fn diagonal_and_norm_are_those_of_the_jacobian() {
        let (d, n) = (5, 3);
        let given = [numbers(&[n, d], 0), numbers(&[d, d], 1)];
        let diagonal = diagonal(&field(d), "x", "x_dot").unwrap().eval(n, &given).unwrap();
        let norm = frobenius_square(&field(d), "x", "x_dot", 0).unwrap().eval(n, &given).unwrap();
        for e in 0..n {
            let j = jacobian(d, &given, e);
            for (i, x) in diagonal[1].data[e * d..][..d].iter().enumerate() {
                assert!((x - j[i * d + i]).abs() < 1e-7);
            }
            let square: f64 = j.iter().map(|x| x * x).sum();
            assert!((norm[1].data[e] - square).abs() < 1e-6 * square);
        }
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
            let tape = frobenius_square(&field(d), "x", "x_dot", probes).unwrap();
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
        let one = frobenius_square(&field(d), "x", "x_dot", 1).unwrap();
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

    /// The Laplacian against second differences, and by all signs.
    #[test]
    fn laplacians_are_second_differences() {
        let (d, n, h) = (3, 2, 1e-4);
        let potential = Tape::record(|t| {
            let (x, w) = (t.example("x", &[d]), t.shared("w", &[d, d]));
            [("u", x.matmul(&w).tanh().dot(&x.sin()))]
        })
        .unwrap();
        let given = [numbers(&[n, d], 5), numbers(&[d, d], 6)];
        let exact = laplacian(&potential, "x", "u", Estimator::Exact).unwrap().eval(n, &given).unwrap();
        for e in 0..n {
            let at = |j: usize, step: f64| {
                let mut moved = given.to_vec();
                moved[0].data[e * d + j] += step;
                potential.eval(n, &moved).unwrap()[0].data[e]
            };
            let second: f64 = (0..d).map(|j| (at(j, h) - 2.0 * at(j, 0.0) + at(j, -h)) / (h * h)).sum();
            assert!((exact[2].data[e] - second).abs() < 1e-6 * (1.0 + second.abs()));
        }
        assert!(
            laplacian(&field(3), "x", "x_dot", Estimator::Exact)
                .unwrap_err()
                .to_string()
                .contains("one number")
        );
    }
}
