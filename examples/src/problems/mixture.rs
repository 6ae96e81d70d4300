//! A mixture of Gaussians.

use super::{Draws, Number, Problem, Taped, log_sum_exp};
use crate::{by_hand, tapes};

/// The log-likelihood of 500 points in 10 dimensions under 25 Gaussians, with a penalty on their inverse covariances.
///
/// Inputs are those of [`Gaussians::new`].
pub struct Mixture {
    inputs: Vec<f64>,
    points: Vec<f64>,
}

impl Mixture {
    const D: usize = 10;
    const K: usize = 25;
    const N: usize = 500;
    /// Numbers in a lower triangle.
    const L: usize = Self::D * (Self::D - 1) / 2;

    /// The problem.
    #[expect(clippy::new_without_default, reason = "a problem is no default")]
    pub fn new() -> Self {
        let mut draws = Draws::new();
        let inputs = draws.many(Self::K * (1 + 2 * Self::D + Self::L), |u| 2.0 * u - 1.0);
        Mixture { inputs, points: draws.many(Self::N * Self::D, |u| 2.0 * u - 1.0) }
    }
}

impl Problem for Mixture {
    const NAME: &'static str = "gmm";
    const OPERATIONS: usize = {
        let (d, k, n, l) = (Self::D, Self::K, Self::N, Self::L);
        let log_sum_exp = 3 * k + 2;
        // Of a point and a Gaussian: the difference, the product with the triangle, the square, and the exponent.
        let exponent = 2 * d + 2 * l + (2 * d - 1) + 3;
        let penalty = (2 * d - 1) + 2 * l + 4;
        2 * k * d + n * (k * exponent + log_sum_exp + 1) + log_sum_exp + 2 + k * penalty + 1
    };
    const CHECK: f64 = -336.050_885_806;

    fn inputs(&self) -> &[f64] {
        &self.inputs
    }

    fn value<T: Number>(&self, x: &[T]) -> T {
        let gaussians = Gaussians::new(x, Self::D, Self::K);
        let likelihood =
            gaussians.log_likelihood(&self.points) - log_sum_exp(gaussians.logits) * Self::N as f64;
        likelihood - gaussians.penalty(1.0, 0.0)
    }

    fn taped(&self) -> ad_core::Result<Taped<'_>> {
        let mut tape = tapes::Mixture::new(Self::D, Self::K, 1.0, 0.0)?;
        Ok(Box::new(move || tape.gradient(&self.inputs, &self.points)))
    }

    fn by_hand(&self) -> Option<(f64, Vec<f64>)> {
        Some(by_hand::mixture(&self.inputs, &self.points, [Self::D, Self::K], [1.0, 0.0]))
    }
}

/// The parameters of a mixture.
pub struct Gaussians<'a, T> {
    d: usize,
    /// Logarithms of the weights, up to a constant.
    pub logits: &'a [T],
    means: &'a [T],
    triangles: &'a [T],
    /// The diagonals, and the logarithm of the product of each.
    scales: Vec<T>,
    volumes: Vec<T>,
}

impl<'a, T: Number> Gaussians<'a, T> {
    /// `k` Gaussians in `d` dimensions: logits, means, logarithms of the diagonals, lower triangles by columns.
    pub fn new(x: &'a [T], d: usize, k: usize) -> Self {
        let (logits, x) = x.split_at(k);
        let (means, x) = x.split_at(k * d);
        let (logs, triangles) = x.split_at(k * d);
        let scales = logs.iter().map(|q| q.exp()).collect();
        let volume = |q: &[T]| q.iter().fold(T::constant(0.0), |sum, &q| sum + q);
        Gaussians { d, logits, means, triangles, scales, volumes: logs.chunks(d).map(volume).collect() }
    }

    /// The sum over the points, with logits for weights and without the constant.
    pub fn log_likelihood(&self, points: &[f64]) -> T {
        let d = self.d;
        let zero = T::constant(0.0);
        let (mut centred, mut whitened) = (vec![zero; d], vec![zero; d]);
        let mut exponents = vec![zero; self.logits.len()];
        let mut total = zero;
        for point in points.chunks(d) {
            for (g, exponent) in exponents.iter_mut().enumerate() {
                let own = g * d..(g + 1) * d;
                for ((c, &x), &mean) in centred.iter_mut().zip(point).zip(&self.means[own.clone()]) {
                    *c = T::less_than(x, mean);
                }
                for ((w, &c), &scale) in whitened.iter_mut().zip(&centred).zip(&self.scales[own]) {
                    *w = scale * c;
                }
                let mut entries = self.triangle(g).iter();
                for j in 0..d {
                    for (w, &entry) in whitened[j + 1..].iter_mut().zip(entries.by_ref()) {
                        *w = *w + entry * centred[j];
                    }
                }
                *exponent = self.logits[g] + self.volumes[g] - squares(&whitened) * 0.5;
            }
            total = total + log_sum_exp(&exponents);
        }
        total
    }

    /// The negative logarithm of a Wishart prior, without its constant.
    pub fn penalty(&self, gamma: f64, m: f64) -> T {
        let mut penalty = T::constant(0.0);
        for (g, scales) in self.scales.chunks(self.d).enumerate() {
            let mut sum = squares(scales);
            for &entry in self.triangle(g) {
                sum = sum + entry * entry;
            }
            penalty = penalty + (sum * (0.5 * gamma * gamma) - self.volumes[g] * m);
        }
        penalty
    }

    fn triangle(&self, g: usize) -> &'a [T] {
        let size = self.d * (self.d - 1) / 2;
        &self.triangles[g * size..(g + 1) * size]
    }
}

fn squares<T: Number>(x: &[T]) -> T {
    x[1..].iter().fold(x[0] * x[0], |sum, &x| sum + x * x)
}
