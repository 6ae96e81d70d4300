//! A mixture of Gaussians.

use ad_core::{Elementary, Result, Tape, Tracer};

use super::Gradient;

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
        let l = d * (d - 1) / 2;
        let tape = Tape::record(|t| {
            let logits = t.shared("alpha", &[k]);
            let (means, logs) = (t.shared("mu", &[k, d]), t.shared("q", &[k, d]));
            let (triangles, x) = (t.shared("l", &[k, l]), t.example("x", &[d]));
            let (scales, volumes) = (logs.exp(), logs.sum_axis(1));
            // Of each Gaussian a lower triangular matrix: its entries, read where they belong.
            let entries = scales.concat(&[&triangles, &t.full(&[k, 1], 0.0)], 1);
            let matrices = entries.gather(1, &places(d)).reshape(&[k, d, d]);
            let centres = matrices.einsum("kij,kj->ki", &means);
            let whitened = matrices.reshape(&[k * d, d]).matmul(&x).reshape(&[k, d]) - centres;
            let squares = whitened.einsum("ki,ki->k", &whitened);
            let exponents = &logits + &volumes - squares * 0.5;
            let likelihood = log_sum_exp(&exponents).sum_examples() - log_sum_exp(&logits) * t.count();
            let norms = scales.square().sum() + triangles.square().sum();
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
        let (q, l) = rest.split_at(k * d);
        self.gradient.at(&[alpha, mu, q, l], points.len() / d, &[points])
    }
}

/// Where the entries of a lower triangular matrix stand in a list of the diagonal, the columns below it, and a 0.
fn places(d: usize) -> Vec<usize> {
    let zero = d + d * (d - 1) / 2;
    let mut places = vec![zero; d * d];
    let mut next = d;
    for j in 0..d {
        places[j * d + j] = j;
        for i in j + 1..d {
            places[i * d + j] = next;
            next += 1;
        }
    }
    places
}

/// `ln sum e^x` of a vector, from the greatest on, so that nothing overflows.
fn log_sum_exp(x: &Tracer) -> Tracer {
    let shift = greatest(x).stop_gradient();
    (x - &shift).exp().sum().ln() + shift
}

/// The greatest of a vector: halves against each other.
fn greatest(x: &Tracer) -> Tracer {
    let (mut x, mut n) = (x.clone(), x.shape().iter().product::<usize>());
    while n > 1 {
        let half = n.div_ceil(2);
        x = x.slice(0, 0..half).max(&x.slice(0, n - half..n));
        n = half;
    }
    x.sum()
}
