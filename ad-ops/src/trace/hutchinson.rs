//! Hutchinson's estimate: quadratic forms of random vectors.

use ad_core::{Error, Result};

use super::rows::dot;
use super::statistics::{Estimate, mean, variance};
use super::{LinearMap, Rows};
use crate::probe::Block;
use crate::random::Stream;

/// The mean of `v^T A v` over `probes` probes `v` (Hutchinson 1990), one product each. Unbiased.
///
/// The standard error counts that orthogonal probes share no direction: `k` of `d` have `1 - k / d` of the squared error
/// that the spread of independent ones would mean, and none at `k = d`.
///
/// # Errors
/// Where no probes are asked for, or there are none of this dimension; what a product fails with.
pub fn hutchinson(
    map: &impl LinearMap,
    probes: usize,
    block: impl Into<Block>,
    stream: &mut Stream,
) -> Result<Estimate> {
    if probes == 0 {
        return Err(Error::new("Hutchinson's estimator takes at least one probe"));
    }
    let block = block.into();
    let samples = forms(map, &Rows::draw(block, probes, map.dim(), stream)?)?;
    let standard_error =
        variance(&samples).map(|v| (v * of_sample_variance(block, map.dim(), probes)).sqrt());
    Ok(Estimate { value: mean(&samples), standard_error, products: probes })
}

/// `v^T A v` of each row `v`.
pub(super) fn forms(map: &impl LinearMap, rows: &Rows) -> Result<Vec<f64>> {
    let images = rows.image(map)?;
    Ok(rows.iter().zip(images.iter()).map(|(v, image)| dot(v, image)).collect())
}

/// The variance of the mean, in units of the expected sample variance: samples of orthogonal probes are correlated by
/// `-1 / (d - 1)`, so that they spread by `d / (d - 1)` more.
fn of_sample_variance(block: Block, dim: usize, probes: usize) -> f64 {
    if matches!(block, Block::Independent(_)) || dim < 2 {
        return 1.0 / probes as f64;
    }
    let (d, n) = (dim as f64, probes as f64);
    let pairs = |k: usize| (k * k.saturating_sub(1)) as f64;
    let within = (probes / dim) as f64 * pairs(dim) + pairs(probes % dim);
    let spread = 1.0 + within / (n * (n - 1.0) * (d - 1.0));
    block.factor(dim, probes) / spread
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Dense;

    /// All choices of `count` of the rows 0 to 3, in order.
    fn chosen(count: usize) -> Vec<Vec<usize>> {
        if count == 0 {
            return vec![Vec::new()];
        }
        let longer = |rows: Vec<usize>| {
            (0..4).filter(|r| !rows.contains(r)).map(|r| [&rows[..], &[r]].concat()).collect::<Vec<_>>()
        };
        chosen(count - 1).into_iter().flat_map(longer).collect()
    }

    /// The forms of `count` rows of a sign-randomised Hadamard matrix of order 4, in all ways in which these can be drawn.
    fn drawn(a: &Dense, count: usize) -> Vec<Vec<f64>> {
        let form = |row: usize, signs: usize| {
            let v: [f64; 4] = std::array::from_fn(|j| {
                let minus = (row & j).count_ones() as usize + (signs >> j & 1);
                if minus.is_multiple_of(2) { 1.0 } else { -1.0 }
            });
            (0..16).map(|ij| v[ij / 4] * a.entries()[ij] * v[ij % 4]).sum()
        };
        let rows = chosen(count);
        let all = rows.iter().flat_map(|rows| (0..16).map(|s| rows.iter().map(|&r| form(r, s)).collect()));
        all.collect()
    }

    /// Over all draws the expected square that is told is the variance of the mean, without sampling: for part of a block, a
    /// whole one, and one and a part; and for independent signs.
    #[test]
    fn the_variance_told_by_enumeration() {
        let entries = (0..16).map(|k| f64::from(k * k % 11) - 0.3 * f64::from(k)).collect();
        let a = Dense::new(4, entries).unwrap();
        let trace: f64 = a.entries().iter().step_by(5).sum();
        let check = |block: Block, draws: &[Vec<f64>]| {
            let over =
                |f: &dyn Fn(&[f64]) -> f64| mean(&draws.iter().map(|samples| f(samples)).collect::<Vec<_>>());
            let count = draws[0].len();
            let told = over(&|s| variance(s).unwrap()) * of_sample_variance(block, 4, count);
            let is = over(&|s| (mean(s) - trace).powi(2));
            assert!((told - is).abs() < 1e-12 * (1.0 + is), "{block:?} {count}: told {told}, is {is}");
        };
        for count in 2..=4 {
            check(Block::Hadamard, &drawn(&a, count));
        }
        for part in 1..=3 {
            let (whole, part) = (drawn(&a, 4), drawn(&a, part));
            // The order of a whole block changes nothing: 16 of its draws are all signs.
            let pairs = whole.iter().take(16).flat_map(|w| part.iter().map(|p| [&w[..], p].concat()));
            check(Block::Hadamard, &pairs.collect::<Vec<_>>());
        }
        let one = drawn(&a, 1);
        let pairs = one.iter().flat_map(|x| one.iter().map(|y| [&x[..], y].concat()));
        check(Block::Independent(crate::Probe::Rademacher), &pairs.collect::<Vec<_>>());
    }

    /// A whole block of orthogonal probes tells of no error, and half of one of some.
    #[test]
    fn a_whole_block_tells_of_no_error() {
        let a = Dense::new(4, (0..16).map(|k| f64::from(k * k % 11)).collect()).unwrap();
        let told = |probes| {
            let mut stream = crate::random::Purpose::Probe.stream(1, 2, 3);
            hutchinson(&a, probes, Block::Hadamard, &mut stream).unwrap().standard_error
        };
        assert_eq!((told(1), told(4), told(8)), (None, Some(0.0), Some(0.0)));
        assert!(told(2).is_some_and(|error| error > 0.0));
    }

    /// In one dimension no probe is orthogonal to another: they are independent. In two, two leave nothing to chance.
    #[test]
    fn blocks_begin_at_two_dimensions() {
        assert_eq!([Block::Haar, Block::Hadamard].map(|block| of_sample_variance(block, 2, 2)), [0.0; 2]);
        for block in [Block::default(), Block::Haar, Block::Hadamard] {
            assert_eq!(of_sample_variance(block, 1, 5), 0.2);
        }
    }
}
