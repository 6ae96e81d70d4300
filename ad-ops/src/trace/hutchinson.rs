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
