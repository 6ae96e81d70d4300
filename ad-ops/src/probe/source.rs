//! Which probes belong to which example, step and solve.

use ad_core::Result;
use rand::Rng;

use super::Block;
use crate::random::{Purpose, Stream};

/// Whether examples have probes of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Sharing {
    /// Each example has its own: errors of different examples are independent, and average out.
    #[default]
    PerExample,
    /// All examples have the same: the errors of a batch move together, and do not average out.
    Shared,
}

/// When probes are drawn anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Renewal {
    /// Once for a solve: what is integrated is a deterministic function, fit for step control and for derivatives. The
    /// error of an integral over `N` steps is that of a single probe.
    #[default]
    PerSolve,
    /// For each step. The error of an integral over `N` steps has about `1 / N` of the variance, at no cost; for fixed
    /// steps, or with the log-density left out of the error norm.
    PerStep,
}

/// The probes of an estimate, by name: solve, step and example. Nothing is stored; whoever asks again, on the way back
/// say, gets the same numbers.
///
/// ```
/// use ad_ops::{Block, Probes, Renewal, Sharing};
///
/// let probes = Probes { renewal: Renewal::PerStep, ..Probes::new(7, Block::Haar) };
/// let (mut there, mut back, mut other) = ([0.0; 6], [0.0; 6], [0.0; 6]);
/// probes.fill([3, 20], 5, 3, &mut there)?; // two probes of three numbers, for solve 3, step 20, example 5
/// probes.fill([3, 21], 5, 3, &mut other)?;
/// probes.fill([3, 20], 5, 3, &mut back)?;
/// assert!(there == back && there != other);
/// # Ok::<(), ad_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Probes {
    /// The seed of all probes.
    pub seed: u64,
    /// How those of one estimate stand to each other.
    pub block: Block,
    /// Whether examples have their own.
    pub sharing: Sharing,
    /// When they are drawn anew.
    pub renewal: Renewal,
}

impl Probes {
    /// Each example its own, held during a solve.
    pub fn new(seed: u64, block: impl Into<Block>) -> Self {
        Probes { seed, block: block.into(), ..Probes::default() }
    }

    /// Fills `rows` with the probes, of `dim` numbers each, of `example` at `[solve, step]`.
    ///
    /// # Errors
    /// As [`Block::fill`].
    pub fn fill(&self, [solve, step]: [u32; 2], example: u32, dim: usize, rows: &mut [f64]) -> Result<()> {
        self.block.fill(&mut self.stream([solve, step], example), dim, rows)
    }

    fn stream(&self, [solve, step]: [u32; 2], example: u32) -> Stream {
        let example = if self.sharing == Sharing::Shared { 0 } else { example };
        match self.renewal {
            Renewal::PerSolve => Purpose::Probe.stream(self.seed, solve, example),
            // A name has two free words: the solve goes into the seed.
            Renewal::PerStep => {
                let seed = Purpose::Solve.stream(self.seed, solve, 0).next_u64();
                Purpose::Probe.stream(seed, step, example)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Probe;

    fn draw(probes: Probes, at: [u32; 2], example: u32) -> Vec<f64> {
        let mut rows = vec![0.0; 8];
        probes.fill(at, example, 4, &mut rows).unwrap();
        rows
    }

    #[test]
    fn names_say_what_is_shared_and_what_is_fresh() {
        for (sharing, renewal) in [
            (Sharing::PerExample, Renewal::PerSolve),
            (Sharing::PerExample, Renewal::PerStep),
            (Sharing::Shared, Renewal::PerSolve),
            (Sharing::Shared, Renewal::PerStep),
        ] {
            let probes = Probes { sharing, renewal, ..Probes::new(5, Probe::Gaussian) };
            let first = draw(probes, [1, 2], 3);
            assert_eq!(first, draw(probes, [1, 2], 3));
            assert_eq!(first == draw(probes, [1, 2], 4), sharing == Sharing::Shared);
            assert_eq!(first == draw(probes, [1, 3], 3), renewal == Renewal::PerSolve);
            assert_ne!(first, draw(probes, [2, 2], 3));
            assert_ne!(first, draw(Probes { seed: 6, ..probes }, [1, 2], 3));
        }
    }

    /// One probe held over `N` steps, against a fresh one at each, on the integral of a form that turns slowly: at 50
    /// steps 47 times the variance, plus or minus 3, by the variance formulas and by sampling.
    #[test]
    fn fresh_probes_at_fifty_steps_are_forty_seven_times_better() {
        let (d, steps) = (2, 50);
        let b = |k: usize| {
            let angle = (k as f64 + 0.5) / steps as f64;
            let (s, c) = (angle * SWING).sin_cos();
            [c, s, s, -c]
        };
        let form = |b: [f64; 4], v: &[f64]| (0..4).map(|ij| v[ij / 2] * b[ij] * v[ij % 2]).sum::<f64>();
        let variance = |renewal: Renewal| {
            let probes = Probes { renewal, ..Probes::new(9, Probe::Gaussian) };
            let integral = |solve: u32| {
                let mut v = vec![0.0; d];
                let step = |k: usize| {
                    probes.fill([solve, k as u32], 0, d, &mut v).unwrap();
                    form(b(k), &v) / steps as f64
                };
                (0..steps).map(step).sum::<f64>()
            };
            let n = 20_000;
            (0..n).map(|s| integral(s).powi(2)).sum::<f64>() / f64::from(n)
        };
        let mean: Vec<f64> =
            (0..4).map(|i| (0..steps).map(|k| b(k)[i]).sum::<f64>() / steps as f64).collect();
        let square = |b: &[f64]| b.iter().map(|x| x * x).sum::<f64>();
        let fresh = (0..steps).map(|k| 2.0 * square(&b(k))).sum::<f64>() / (steps * steps) as f64;
        let formula = 2.0 * square(&mean) / fresh;
        assert!((formula - 47.0).abs() < 0.5, "{formula}");
        let ratio = variance(Renewal::PerSolve) / variance(Renewal::PerStep);
        assert!((ratio - 47.0).abs() < 3.0, "{ratio}");
    }

    /// The angle in radians through which the form of the test above turns.
    const SWING: f64 = 0.86;
}
