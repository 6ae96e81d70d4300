//! The squared Frobenius norm: the trace of `A^T A`.

use ad_core::{Error, Result};

use super::statistics::{Estimate, mean, standard_error};
use super::{LinearMap, Rows, dot};
use crate::probe::Block;
use crate::random::Stream;

/// The mean of `|A v|^2` over probes. Unbiased; its variance is that of [`hutchinson`](super::hutchinson) on `A^T A`. The
/// standard error is that of independent probes, and too large for orthogonal ones.
///
/// # Errors
/// Where no probes are asked for, or there are none of this dimension; what a product fails with.
pub fn frobenius_square(
    map: &impl LinearMap,
    probes: usize,
    block: impl Into<Block>,
    stream: &mut Stream,
) -> Result<Estimate> {
    if probes == 0 {
        return Err(Error::new("an estimate of a norm takes at least one probe"));
    }
    let images = Rows::draw(block.into(), probes, map.dim(), stream)?.image(map)?;
    let samples: Vec<f64> = images.iter().map(|y| dot(y, y)).collect();
    Ok(Estimate { value: mean(&samples), standard_error: standard_error(&samples), products: probes })
}
