//! Several probes of one estimate.

use ad_core::{Error, Result};

use super::hadamard::Hadamard;
use crate::Probe;
use crate::hutch_pp::orthonormalise;
use crate::random::Stream;

/// How the probes of one estimate stand to each other. The mean of `k <= d` probes in an orthogonal block has
/// `(d - k) / (d - 1)` times the variance of `k` independent ones: none at `k = d`. More than `d` probes are several
/// blocks, independent of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Block {
    /// Independent of each other.
    Independent(Probe),
    /// Orthogonal vectors of length `sqrt d`, uniform among such: each by itself is a [`Probe::Sphere`].
    Haar,
    /// Rows of a Hadamard matrix, chosen by chance, with its columns' signs drawn at random: each by itself is a
    /// [`Probe::Rademacher`]. Only for some `d`: see [`Block::check`].
    Hadamard,
}

impl Default for Block {
    fn default() -> Self {
        Block::Independent(Probe::default())
    }
}

impl From<Probe> for Block {
    fn from(probe: Probe) -> Self {
        Block::Independent(probe)
    }
}

impl Block {
    /// Whether there are such probes of `dim` numbers.
    ///
    /// # Errors
    /// For dimension zero; for [`Block::Hadamard`] where no matrix of that order is built in: orders are powers of two,
    /// and those times `p + 1` for a prime `p` that is 3 modulo 4.
    pub fn check(self, dim: usize) -> Result<()> {
        if dim == 0 {
            return Err(Error::new("a probe has at least one number"));
        }
        if self == Block::Hadamard && Hadamard::new(dim).is_none() {
            let message = format!(
                "no Hadamard matrix of order {dim} is built in: orders are 2^n, or 2^n (p + 1) for a prime p = 3 mod 4; \
                 Block::Haar takes any dimension"
            );
            return Err(Error::new(message));
        }
        Ok(())
    }

    /// The law of each probe by itself.
    pub fn marginal(self) -> Probe {
        match self {
            Block::Independent(probe) => probe,
            Block::Haar => Probe::Sphere,
            Block::Hadamard => Probe::Rademacher,
        }
    }

    /// The variance of a mean of `count` probes of `dim` numbers, in units of that of one probe.
    pub fn factor(self, dim: usize, count: usize) -> f64 {
        let independent = 1.0 / count as f64;
        if matches!(self, Block::Independent(_)) || dim < 2 {
            return if dim == 1 && self.marginal() != Probe::Gaussian { 0.0 } else { independent };
        }
        // Whole blocks have no error; the last one has, and weighs as much as it has probes.
        let rest = count % dim;
        rest as f64 * independent * independent * (dim - rest) as f64 / (dim - 1) as f64
    }

    /// Fills `rows` with probes of `dim` numbers, one after another.
    ///
    /// # Errors
    /// As [`Block::check`]; where `rows` does not hold whole probes.
    pub fn fill(self, stream: &mut Stream, dim: usize, rows: &mut [f64]) -> Result<()> {
        self.check(dim)?;
        if !rows.len().is_multiple_of(dim) {
            return Err(Error::new(format!("{} numbers are no whole probes of {dim}", rows.len())));
        }
        match self {
            Block::Independent(probe) => rows.chunks_exact_mut(dim).for_each(|v| probe.fill(stream, v)),
            Block::Haar => {
                for block in rows.chunks_mut(dim * dim) {
                    block.fill_with(|| stream.standard_normal());
                    orthonormalise(block, block.len() / dim, dim, 1)?;
                    for x in block {
                        *x *= (dim as f64).sqrt();
                    }
                }
            }
            Block::Hadamard => {
                let matrix = Hadamard::new(dim).ok_or_else(|| Error::new("no Hadamard matrix"))?;
                rows.chunks_mut(dim * dim).for_each(|block| sign_randomised(&matrix, stream, dim, block));
            }
        }
        Ok(())
    }
}

/// Rows chosen without repetition, columns times random signs.
fn sign_randomised(matrix: &Hadamard, stream: &mut Stream, dim: usize, block: &mut [f64]) {
    use rand::Rng;
    let signs: Vec<f64> = (0..dim).map(|_| stream.sign()).collect();
    let mut order: Vec<usize> = (0..dim).collect();
    for (k, v) in block.chunks_exact_mut(dim).enumerate() {
        let left = (dim - k) as u64;
        order.swap(k, k + ((u64::from(stream.next_u32()) * left) >> 32) as usize);
        for (j, (x, sign)) in v.iter_mut().zip(&signs).enumerate() {
            *x = if matrix.is_positive(order[k], j) { *sign } else { -sign };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;

    fn matrix(d: usize) -> Vec<f64> {
        let mut stream = Purpose::Constant.stream(3, d as u32, 0);
        (0..d * d).map(|_| stream.standard_normal()).collect()
    }

    /// The mean of `v^T A v` over `count` probes of a block.
    fn estimate(a: &[f64], d: usize, block: Block, count: usize, draw: u32) -> f64 {
        let mut rows = vec![0.0; count * d];
        block.fill(&mut Purpose::Probe.stream(11, count as u32, draw), d, &mut rows).unwrap();
        let form = |v: &[f64]| (0..d * d).map(|ij| v[ij / d] * a[ij] * v[ij % d]).sum::<f64>();
        rows.chunks_exact(d).map(form).sum::<f64>() / count as f64
    }

    /// Variance of one probe by the formulas of [`Probe`].
    fn variance_of_one(a: &[f64], d: usize, probe: Probe) -> f64 {
        let b = |i: usize, j: usize| 0.5 * (a[i * d + j] + a[j * d + i]);
        let trace: f64 = (0..d).map(|i| b(i, i)).sum();
        let all: f64 = (0..d * d).map(|ij| b(ij / d, ij % d).powi(2)).sum();
        let diagonal: f64 = (0..d).map(|i| b(i, i).powi(2)).sum();
        match probe {
            Probe::Rademacher => 2.0 * (all - diagonal),
            Probe::Gaussian => 2.0 * all,
            Probe::Sphere => 2.0 * d as f64 / (d as f64 + 2.0) * (all - trace * trace / d as f64),
        }
    }

    /// Mean and variance of estimates by `count` probes, against the formulas, within three standard errors of the
    /// sampled variance; on a matrix that is not symmetric.
    #[test]
    fn orthogonal_probes_have_the_block_factor() {
        let (d, draws) = (8, 20_000);
        let a = matrix(d);
        let trace: f64 = a.iter().step_by(d + 1).sum();
        let laws = [Block::Independent(Probe::Rademacher), Probe::Gaussian.into(), Probe::Sphere.into()];
        for block in laws.into_iter().chain([Block::Haar, Block::Hadamard]) {
            for count in [1, 2, 3, 5, 7, 11] {
                let formula = variance_of_one(&a, d, block.marginal()) * block.factor(d, count);
                let samples: Vec<f64> = (0..draws).map(|k| estimate(&a, d, block, count, k)).collect();
                let n = f64::from(draws);
                let mean = samples.iter().sum::<f64>() / n;
                let squares: Vec<f64> = samples.iter().map(|x| (x - mean).powi(2)).collect();
                let variance = squares.iter().sum::<f64>() / n;
                let spread = (squares.iter().map(|s| (s - variance).powi(2)).sum::<f64>() / n / n).sqrt();
                assert!((mean - trace).abs() < 4.0 * (formula / n).sqrt(), "{block:?} {count}: mean {mean}");
                assert!(
                    (variance - formula).abs() < 3.0 * spread,
                    "{block:?} {count}: {variance} +- {spread} of {formula}"
                );
            }
        }
    }

    /// As many orthogonal probes as dimensions leave nothing to chance.
    #[test]
    fn a_whole_block_is_exact() {
        for d in [1, 2, 4, 12, 20, 24] {
            let a = matrix(d);
            let trace: f64 = a.iter().step_by(d + 1).sum();
            for block in [Block::Haar, Block::Hadamard] {
                for count in [d, 3 * d] {
                    let got = estimate(&a, d, block, count, 0);
                    assert!(
                        (got - trace).abs() < 1e-11 * (1.0 + trace.abs()),
                        "{block:?} {d}: {got} of {trace}"
                    );
                    assert_eq!(block.factor(d, count), 0.0);
                }
            }
        }
    }

    /// Rows of a sign-randomised Hadamard matrix, over all signs and all choices of rows, have the factor without
    /// sampling: the variance of the mean of two of four.
    #[test]
    fn the_factor_of_hadamard_rows_by_enumeration() {
        let (d, a) = (4, matrix(4));
        let h = Hadamard::new(d).unwrap();
        let trace: f64 = a.iter().step_by(d + 1).sum();
        let form = |signs: usize, row: usize| -> f64 {
            let v = |j: usize| if h.is_positive(row, j) == (signs >> j & 1 == 1) { 1.0 } else { -1.0 };
            (0..d * d).map(|ij| v(ij / d) * a[ij] * v(ij % d)).sum()
        };
        let pairs = (0..d).flat_map(|i| (0..d).map(move |j| (i, j))).filter(|(i, j)| i != j);
        let all: Vec<f64> = pairs
            .flat_map(|(i, j)| (0..1 << d).map(move |s| (s, i, j)))
            .map(|(s, i, j)| (0.5 * (form(s, i) + form(s, j)) - trace).powi(2))
            .collect();
        let variance = all.iter().sum::<f64>() / all.len() as f64;
        let formula = variance_of_one(&a, d, Probe::Rademacher) * Block::Hadamard.factor(d, 2);
        assert!((variance - formula).abs() < 1e-12 * formula, "{variance} of {formula}");
    }

    /// Each probe of a block has the law that is told: entries of size one, or a length that is no matter of chance, or neither.
    #[test]
    fn the_law_of_one_probe_is_that_told() {
        let d = 12;
        let laws = [Block::Independent(Probe::Rademacher), Probe::Gaussian.into(), Probe::Sphere.into()];
        for block in laws.into_iter().chain([Block::Haar, Block::Hadamard]) {
            let mut v = vec![0.0; d];
            block.fill(&mut Purpose::Probe.stream(2, 1, 1), d, &mut v).unwrap();
            let law = if v.iter().all(|x| x.abs() == 1.0) {
                Probe::Rademacher
            } else if (v.iter().map(|x| x * x).sum::<f64>() - d as f64).abs() < 1e-12 {
                Probe::Sphere
            } else {
                Probe::Gaussian
            };
            assert_eq!(block.marginal(), law, "{block:?}");
        }
    }

    /// The sign of a probe changes nothing: the form is even.
    #[test]
    fn antithetic_probes_are_the_same_probe_twice() {
        let (d, a) = (5, matrix(5));
        let mut v = vec![0.0; d];
        Probe::Gaussian.fill(&mut Purpose::Probe.stream(1, 1, 1), &mut v);
        let form = |v: &[f64]| (0..d * d).map(|ij| v[ij / d] * a[ij] * v[ij % d]).sum::<f64>();
        assert_eq!(form(&v), form(&v.iter().map(|x| -x).collect::<Vec<_>>()));
    }

    #[test]
    fn what_cannot_be_drawn_is_refused() {
        let mut stream = Purpose::Probe.stream(1, 1, 1);
        let error = Block::Hadamard.fill(&mut stream, 6, &mut [0.0; 6]).unwrap_err().to_string();
        assert!(error.contains("order 6") && error.contains("Haar"), "{error}");
        assert!(
            Block::Haar.fill(&mut stream, 4, &mut [0.0; 6]).unwrap_err().to_string().contains("whole probes")
        );
        assert!(Block::default().fill(&mut stream, 0, &mut []).is_err());
    }
}
