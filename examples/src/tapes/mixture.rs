//! A mixture of Gaussians.

use ad_core::{Elementary, Result, Tape};

use super::{Gradient, log_sum_exp};

/// The log-likelihood of points under a mixture of Gaussians, with a penalty on their inverse covariances.
pub struct Mixture {
    gradient: Gradient,
    d: usize,
    k: usize,
}

impl Mixture {
    /// `k` Gaussians in `d` dimensions, and the prior of Wishart by `gamma` and `m`, without constants.
    ///
    /// # Errors
    /// Where there are too many for an address.
    pub fn new(d: usize, k: usize, gamma: f64, m: f64) -> Result<Self> {
        let tape = Tape::record(|t| {
            let logits = t.shared("alpha", &[k]);
            let (means, logs) = (t.shared("mu", &[k, d]), t.shared("q", &[k, d]));
            let (below, x) = (t.shared("l", &[k, d, d]), t.example("x", &[d]));
            let (scales, volumes) = (logs.exp(), logs.sum_axis(1));
            let whitened =
                below.einsum("kij,j->ki", &x) + &scales * (x - &means) - below.einsum("kij,kj->ki", &means);
            let squares = whitened.einsum("ki,ki->k", &whitened);
            let exponents = &logits + &volumes - squares * 0.5;
            let likelihood = log_sum_exp(&exponents).sum_examples() - log_sum_exp(&logits) * t.count();
            let norms = scales.square().sum() + below.square().sum();
            let penalty = norms * (0.5 * gamma * gamma) - volumes.sum() * m;
            [("y", likelihood - penalty)]
        })?;
        Ok(Mixture { gradient: Gradient::new(&tape, &["alpha", "mu", "q", "l"])?, d, k })
    }

    /// The value and the gradient. Parameters are those of [`Gaussians::new`](crate::problems::Gaussians::new).
    ///
    /// # Errors
    /// Where there are more or fewer of them.
    pub fn gradient(&mut self, parameters: &[f64], points: &[f64]) -> Result<(f64, Vec<f64>)> {
        let (d, k) = (self.d, self.k);
        let (alpha, rest) = parameters.split_at(k);
        let (mu, rest) = rest.split_at(k * d);
        let (q, triangles) = rest.split_at(k * d);
        // The triangles as matrices, with zeros above and on the diagonals, which `q` has.
        let mut below = vec![0.0; k * d * d];
        places(d, k).zip(triangles).for_each(|(at, entry)| below[at] = *entry);
        let (value, mut gradient) = self.gradient.at(points.len() / d, &[alpha, mu, q, &below, points])?;
        let bars = gradient.split_off(k * (1 + 2 * d));
        gradient.extend(places(d, k).map(|at| bars[at]));
        Ok((value, gradient))
    }
}

/// Where the entries of triangles by columns stand in matrices by rows.
fn places(d: usize, k: usize) -> impl Iterator<Item = usize> {
    (0..k).flat_map(move |g| (0..d).flat_map(move |j| (j + 1..d).map(move |i| (g * d + i) * d + j)))
}
