//! Estimates that tell of their error.

use ad_core::{Elementary, Error, Result, Tape, Tracer};

use super::{DIVERGENCE, Estimator, PROBE, divergence};
use crate::jacobian::with_field;

/// The name of the output that tells of the standard error of an estimate.
pub const STANDARD_ERROR: &str = "standard_error";

/// As [`divergence`], with one more output, [`STANDARD_ERROR`]: the error of each example's divergence, as the spread of its
/// probes shows it; zero where the divergence is exact. For independent probes; orthogonal ones
/// ([`Block`](crate::Block)) have less. No derivative goes through it. For Hutch++:
/// [`HutchPp::measure`](crate::hutch_pp::HutchPp::measure).
///
/// ```
/// use ad_core::{Elementary, Tape};
/// use ad_ops::{Estimator, divergence_with_error};
///
/// let field = Tape::record(|t| {
///     let x = t.example("x", &[2]);
///     [("x_dot", x.square() + x.sum() * 0.1)]
/// })?;
/// let tape = divergence_with_error(&field, "x", "x_dot", Estimator::Hutchinson { probes: 2 })?;
/// let out = tape.compile::<f64>()?.call(1, &[&[0.5, 1.0], &[1.0, 1.0, 1.0, -1.0]])?;
/// // The two forms are 3.4 and 3.0: the mean, which is the trace here, and half of their distance.
/// assert!((out[1][0] - 3.2).abs() < 1e-15 && (out[2][0] - 0.2).abs() < 1e-15);
/// # Ok::<(), ad_core::Error>(())
/// ```
///
/// # Errors
/// As [`divergence`]; where one probe is asked for, which has no spread.
pub fn divergence_with_error(tape: &Tape, state: &str, field: &str, estimator: Estimator) -> Result<Tape> {
    let Estimator::Hutchinson { probes } = estimator else {
        let exact = divergence(tape, state, field, estimator)?;
        return with_field(&exact, state, field, |f| {
            let none = f.recorder.number(0.0).to_examples();
            f.outputs.into_iter().chain([(STANDARD_ERROR.to_owned(), none)]).collect()
        });
    };
    if probes < 2 {
        let message = format!(
            "a standard error takes at least two probes, to see their spread; asked for are {probes}"
        );
        return Err(Error::new(message));
    }
    with_field(tape, state, field, |f| {
        let v = f.recorder.example(PROBE, &[probes, f.dim]);
        let samples = f.push(&v).einsum("kd,kd->k", &v);
        let mean = samples.sum() * (1.0 / probes as f64);
        let more = [
            (DIVERGENCE.to_owned(), mean.to_examples()),
            (STANDARD_ERROR.to_owned(), standard_error(&samples)),
        ];
        f.outputs.into_iter().chain(more).collect()
    })
}

/// The standard error of the mean of samples, at least two, that stand in a row for each example.
pub(crate) fn standard_error(samples: &Tracer) -> Tracer {
    let n = samples.shape()[0] as f64;
    let samples = samples.stop_gradient();
    let mean = samples.sum() * (1.0 / n);
    let squares = (&samples - &mean).square().sum();
    (squares * (1.0 / (n * (n - 1.0)))).sqrt().to_examples()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hutch_pp::{HutchPp, Sketch};
    use crate::random::Purpose;
    use ad_core::Array;

    const D: usize = 4;
    const SIGNS: usize = 1 << D;

    fn field() -> Tape {
        Tape::record(|t| {
            let (x, w) = (t.example("x", &[D]), t.shared("w", &[D, D]));
            [("x_dot", x.matmul(&w).tanh() * &x)]
        })
        .unwrap()
    }

    fn numbers(n: usize, seed: u32) -> Vec<f64> {
        let mut stream = Purpose::Constant.stream(23, seed, 0);
        (0..n).map(|_| stream.standard_normal()).collect()
    }

    /// One point, as an example for each list of `count` sign vectors; with more inputs that all examples have alike.
    fn over_all_signs(tape: &Tape, count: usize, basis: &[f64], shift: Option<f64>) -> Vec<Vec<f64>> {
        let n = SIGNS.pow(count as u32);
        let sign = |k: usize, i: usize| if k >> i & 1 == 1 { 1.0 } else { -1.0 };
        let probes = (0..n).flat_map(|k| (0..count * D).map(move |i| sign(k, i))).collect();
        let mut inputs = vec![
            Array::new(&[n, D], numbers(D, 1).repeat(n)).unwrap(),
            Array::new(&[D, D], numbers(D * D, 2)).unwrap(),
        ];
        if !basis.is_empty() {
            inputs.push(Array::new(&[n, basis.len() / D, D], basis.repeat(n)).unwrap());
        }
        inputs.push(Array::new(&[n, count, D], probes).unwrap());
        inputs.extend(shift.map(|c| Array::new(&[n], vec![c; n]).unwrap()));
        tape.eval(n, &inputs).unwrap().into_iter().map(|a| a.data).collect()
    }

    fn mean(x: &[f64]) -> f64 {
        x.iter().sum::<f64>() / x.len() as f64
    }

    /// Over all pairs of sign vectors, and all triples, the mean square of what is told is the variance of the estimates,
    /// exactly; and the estimate is the one that tells of nothing.
    #[test]
    fn over_all_pairs_of_signs_the_error_told_is_the_error() {
        [2, 3].into_iter().for_each(the_error_told_is_the_error);
    }

    fn the_error_told_is_the_error(count: usize) {
        let basis = [0.6, 0.0, -0.8, 0.0];
        let hutchinson = Estimator::Hutchinson { probes: count };
        let pp = HutchPp { basis: 1, probes: count };
        for (with, without, basis, shift) in [
            (
                divergence_with_error(&field(), "x", "x_dot", hutchinson).unwrap(),
                divergence(&field(), "x", "x_dot", hutchinson).unwrap(),
                &[][..],
                None,
            ),
            (
                pp.measure(&field(), "x", "x_dot", Sketch::Jacobian).unwrap(),
                crate::hutch_pp::estimate(&field(), "x", "x_dot", pp).unwrap(),
                &basis[..],
                None,
            ),
            (
                pp.measure(&field(), "x", "x_dot", Sketch::Shifted).unwrap(),
                crate::hutch_pp::estimate_shifted(&field(), "x", "x_dot", pp).unwrap(),
                &basis[..],
                Some(0.7),
            ),
        ] {
            let place = with.outputs().iter().position(|(name, _)| name == STANDARD_ERROR).unwrap();
            let found = over_all_signs(&with, count, basis, shift);
            let plain = over_all_signs(&without, count, basis, shift);
            assert!(found[1].iter().zip(&plain[1]).all(|(a, b)| (a - b).abs() < 1e-13));
            let trace = mean(&found[1]);
            let variance = mean(&found[1].iter().map(|x| (x - trace).powi(2)).collect::<Vec<_>>());
            let told = mean(&found[place].iter().map(|x| x * x).collect::<Vec<_>>());
            assert!(variance > 1e-3 && (told - variance).abs() < 1e-12 * variance, "{told} of {variance}");
        }
    }

    #[test]
    fn what_is_exact_has_no_error_and_one_probe_shows_none() {
        for estimator in [Estimator::Exact, Estimator::Directions] {
            let tape = divergence_with_error(&field(), "x", "x_dot", estimator).unwrap();
            let inputs = [
                Array::new(&[3, D], numbers(3 * D, 1)).unwrap(),
                Array::new(&[D, D], numbers(D * D, 2)).unwrap(),
            ];
            let out = tape.eval(3, &inputs).unwrap();
            assert_eq!((&tape.outputs()[2].0[..], &out[2].data[..]), (STANDARD_ERROR, &[0.0; 3][..]));
        }
        let one = divergence_with_error(&field(), "x", "x_dot", Estimator::Hutchinson { probes: 1 });
        assert!(one.unwrap_err().to_string().contains("at least two probes"));
        let one = HutchPp { basis: 1, probes: 1 }.measure(&field(), "x", "x_dot", Sketch::Jacobian).unwrap();
        assert!(one.outputs().iter().all(|(name, _)| name != STANDARD_ERROR));
    }
}
