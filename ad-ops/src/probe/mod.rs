//! Random vectors with covariance one, for stochastic traces: the law of one, how those of one estimate stand to each
//! other, and which examples and steps have their own.

mod block;
mod hadamard;
mod source;

use crate::random::Stream;

pub use block::Block;
pub use source::{Probes, Renewal, Sharing};

/// How a probe `v` of `d` numbers is drawn. For each of them `E[v v^T] = I`, so that `E[v^T A v] = tr A`. With
/// `B = (A + A^T) / 2` the variance of one sample is as given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Probe {
    /// Independent signs: `2 (|B|_F^2 - sum_i A_ii^2)`, the least of independent entries (Hutchinson 1990).
    #[default]
    Rademacher,
    /// Independent normal numbers: `2 |B|_F^2`.
    Gaussian,
    /// Uniform on the sphere of radius `sqrt d`: `2 d / (d + 2) |B - (tr A / d) I|_F^2`.
    Sphere,
}

impl Probe {
    /// Fills `v` with the next probe of a stream.
    pub fn fill(self, stream: &mut Stream, v: &mut [f64]) {
        match self {
            Probe::Rademacher => v.fill_with(|| stream.sign()),
            Probe::Gaussian => v.fill_with(|| stream.standard_normal()),
            Probe::Sphere => {
                v.fill_with(|| stream.standard_normal());
                let norm = v.iter().map(|x| x * x).sum::<f64>().sqrt();
                let radius = (v.len() as f64).sqrt();
                for x in v {
                    *x *= radius / norm;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;

    /// Mean and variance of `v^T A v` over many draws against the formulas, on a matrix that is not symmetric.
    #[test]
    fn variances_are_those_of_the_formulas() {
        let d = 5;
        let mut stream = Purpose::Constant.stream(1, 0, 0);
        let a: Vec<f64> = (0..d * d).map(|_| stream.standard_normal()).collect();
        let b = |i: usize, j: usize| 0.5 * (a[i * d + j] + a[j * d + i]);
        let pairs = || (0..d).flat_map(move |i| (0..d).map(move |j| (i, j)));
        let trace: f64 = (0..d).map(|i| b(i, i)).sum();
        let frobenius: f64 = pairs().map(|(i, j)| b(i, j).powi(2)).sum();
        let diagonal: f64 = (0..d).map(|i| b(i, i).powi(2)).sum();
        let shifted: f64 =
            pairs().map(|(i, j)| (b(i, j) - if i == j { trace / d as f64 } else { 0.0 }).powi(2)).sum();
        let formulas = [
            (Probe::Rademacher, 2.0 * (frobenius - diagonal)),
            (Probe::Gaussian, 2.0 * frobenius),
            (Probe::Sphere, 2.0 * d as f64 / (d as f64 + 2.0) * shifted),
        ];
        let draws = 100_000_u32;
        for (probe, variance) in formulas {
            let sample = |k| {
                let mut v = vec![0.0; d];
                probe.fill(&mut Purpose::Probe.stream(7, 0, k), &mut v);
                pairs().map(|(i, j)| v[i] * a[i * d + j] * v[j]).sum::<f64>()
            };
            let samples: Vec<f64> = (0..draws).map(sample).collect();
            let n = f64::from(draws);
            let mean = samples.iter().sum::<f64>() / n;
            let squares: Vec<f64> = samples.iter().map(|s| (s - mean).powi(2)).collect();
            let spread = squares.iter().sum::<f64>() / n;
            let fourth = squares.iter().map(|s| (s - spread).powi(2)).sum::<f64>() / n;
            assert!((mean - trace).abs() < 4.0 * (variance / n).sqrt(), "{probe:?} mean {mean} of {trace}");
            assert!(
                (spread - variance).abs() < 4.0 * (fourth / n).sqrt(),
                "{probe:?} variance {spread} of {variance}"
            );
        }
    }

    /// All `2^d` sign vectors together: mean and variance without sampling.
    #[test]
    fn variance_of_signs_by_enumeration() {
        for d in [1, 2, 7, 12] {
            let mut stream = Purpose::Constant.stream(2, 0, d);
            let d = d as usize;
            let a: Vec<f64> = (0..d * d).map(|_| stream.standard_normal()).collect();
            let sign = |bits: usize, i: usize| if bits >> i & 1 == 1 { 1.0 } else { -1.0 };
            let form = |bits| (0..d * d).map(|k| sign(bits, k / d) * a[k] * sign(bits, k % d)).sum::<f64>();
            let samples: Vec<f64> = (0..1 << d).map(form).collect();
            let n = samples.len() as f64;
            let mean = samples.iter().sum::<f64>() / n;
            let variance = samples.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
            let trace: f64 = a.iter().step_by(d + 1).sum();
            let off = (0..d * d).filter(|k| k / d != k % d);
            let formula: f64 = off.map(|k| 0.5 * (a[k] + a[k % d * d + k / d]).powi(2)).sum();
            assert!((mean - trace).abs() < 1e-11, "{d}: mean {mean} of {trace}");
            assert!(
                (variance - formula).abs() < 1e-11 * (1.0 + formula),
                "{d}: variance {variance} of {formula}"
            );
        }
    }

    #[test]
    fn a_sphere_has_radius_root_d() {
        let mut v = vec![0.0; 7];
        Probe::Sphere.fill(&mut Purpose::Probe.stream(1, 2, 3), &mut v);
        assert!((v.iter().map(|x| x * x).sum::<f64>() - 7.0).abs() < 1e-12);
    }
}
