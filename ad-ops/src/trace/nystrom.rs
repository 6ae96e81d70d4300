//! Positive semidefinite maps: estimates by their Nystrom approximation.

use ad_core::{Error, Result};

use super::cholesky::{diagonal_of_inverse, inverse_cholesky};
use super::hutch_pp::at_least;
use super::hutchinson::forms;
use super::qr::ThinQr;
use super::rows::dot;
use super::statistics::{Estimate, mean, standard_error};
use super::xtrace::{Rescaling, scale};
use super::{LinearMap, Rows};
use crate::probe::{Block, Probe};
use crate::random::Stream;

/// The approximation `A~ = (A S) (S^T A S)^-1 (A S)^T` of `A + shift I`, in whose place no positive semidefinite matrix of
/// that range is nearer to `A` from below.
struct Nystrom {
    /// `A S + shift S`, rows by `S`.
    image: Rows,
    /// `L^-1` where `L L^T = S^T (A + shift I) S`.
    inverse: Rows,
    shift: f64,
}

impl Nystrom {
    /// Shifts by as much as rounding asks for (Tropp, Yurtsever, Udell, Cevher: *Fixed-rank approximation of a
    /// positive-semidefinite matrix from streaming data*, 2017).
    fn new(map: &impl LinearMap, s: &Rows) -> Result<Nystrom> {
        let image = s.image(map)?;
        let size = dot(&image.data, &image.data).sqrt() / (s.dim as f64).sqrt();
        let mut shift = if size > 0.0 { f64::EPSILON * size } else { 1e-100 };
        // Eigenvalues below zero by rounding are lifted by a shift or two; others are not.
        for _ in 0..4 {
            let mut shifted = image.clone();
            shifted.data.iter_mut().zip(&s.data).for_each(|(y, s)| *y += shift * s);
            let mut core = s.times_transposed(&shifted);
            let other = core.transposed();
            core.data.iter_mut().zip(&other.data).for_each(|(a, b)| *a = 0.5 * (*a + b));
            if let Some(inverse) = inverse_cholesky(&core) {
                return Ok(Nystrom { image: shifted, inverse, shift });
            }
            shift *= 10.0;
        }
        Err(Error::new("the map is not positive semidefinite: use an estimator for any map, such as xtrace"))
    }
}

/// Probes without those that depend on others, as signs do that are drawn twice in few dimensions.
fn independent(block: Block, count: usize, dim: usize, stream: &mut Stream) -> Result<Rows> {
    let drawn = Rows::draw(block, count, dim, stream)?;
    if block.marginal() != Probe::Rademacher {
        return Ok(drawn);
    }
    let data = ThinQr::new(&drawn).pivots.iter().flat_map(|&k| drawn.row(k)).copied().collect();
    Ok(Rows { dim, data })
}

/// The trace of the Nystrom approximation by half of the products, and what it leaves by probes (Persson, Cortinovis,
/// Kressner: *Improved variants of the Hutch++ algorithm for trace estimation*, 2022). For positive semidefinite maps.
/// Unbiased.
///
/// # Errors
/// Where the map is found not to be positive semidefinite, there are fewer than 2 products or no such probes; what a
/// product fails with.
pub fn nystrom_pp(
    map: &impl LinearMap,
    products: usize,
    block: impl Into<Block>,
    stream: &mut Stream,
) -> Result<Estimate> {
    at_least(products, 2, "Nystrom++")?;
    let (dim, block) = (map.dim(), block.into());
    let rows = (products / 2).min(dim);
    let nystrom = Nystrom::new(map, &independent(block, rows, dim, stream)?)?;
    let root = nystrom.inverse.times(&nystrom.image);
    let probes = Rows::draw(block, products - nystrom.image.len(), dim, stream)?;
    let along = probes.times_transposed(&root);
    let rest: Vec<f64> =
        forms(map, &probes)?.iter().zip(along.iter()).map(|(whole, a)| whole - dot(a, a)).collect();
    let value = dot(&root.data, &root.data) + mean(&rest);
    Ok(Estimate { value, standard_error: standard_error(&rest), products })
}

/// The Nystrom approximation by all vectors but one, and what it leaves by that one, averaged over which (Epperly, Tropp,
/// Webber 2024). For positive semidefinite maps. Unbiased but for the shift that rounding asks for; signs
/// only nearly so where the dimension is so small that vectors come out dependent, of which one is left out.
///
/// # Errors
/// Where the map is found not to be positive semidefinite, there are fewer than 2 products or no such probes; what a
/// product fails with.
pub fn xnystrace(
    map: &impl LinearMap,
    products: usize,
    rescaling: Rescaling,
    stream: &mut Stream,
) -> Result<Estimate> {
    at_least(products, 2, "XNysTrace")?;
    let dim = map.dim();
    let omega = independent(rescaling.probe(), products.min(dim), dim, stream)?;
    let count = omega.len();
    let nystrom = Nystrom::new(map, &omega)?;
    let coordinates = ThinQr::new(&nystrom.image).coordinates;
    let root = nystrom.inverse.times(&coordinates);
    let whole = dot(&root.data, &root.data) - nystrom.shift * dim as f64;
    // Rows of A S (S^T A S)^-1, in coordinates.
    let dual = nystrom.inverse.transposed().times(&root);
    let lengths = match rescaling {
        Rescaling::None(_) => vec![1.0; count],
        // The part of a vector beside the others has the squared length 1 / (Gram^-1)_ii.
        Rescaling::Resphered => inverse_cholesky(&omega.times_transposed(&omega))
            .map_or_else(|| vec![f64::INFINITY; count], |inverse| diagonal_of_inverse(&inverse)),
    };
    let samples: Vec<f64> = diagonal_of_inverse(&nystrom.inverse)
        .iter()
        .zip(dual.iter().zip(&lengths))
        .map(|(inverse, (dual, length))| {
            let beside = scale(rescaling, dim + 1 - count, length.recip());
            whole + (beside - dot(dual, dual)) / inverse
        })
        .collect();
    Ok(Estimate { value: mean(&samples), standard_error: standard_error(&samples), products: count })
}

#[cfg(test)]
mod tests {
    use super::super::xtrace::tests::{assert_is_mean, rest, without};
    use super::*;
    use crate::random::Purpose;
    use crate::trace::Diagonal;

    fn stream(draw: u32) -> Stream {
        Purpose::Probe.stream(27, draw, 0)
    }

    /// By the definition: for each vector the trace of the approximation by the others, and the form of what that leaves.
    #[test]
    fn each_vector_is_left_out_in_turn() {
        let map = Diagonal((0..9).map(|k| 0.5_f64.powi(k)).collect());
        for rescaling in [Rescaling::None(Probe::Gaussian), Rescaling::Resphered] {
            let omega = Rows::draw(rescaling.probe(), 4, 9, &mut stream(0)).unwrap();
            let sample = |k: usize| {
                let [others, own] = without(&omega, k);
                let nystrom = Nystrom::new(&map, &others).unwrap();
                let root = nystrom.inverse.times(&nystrom.image);
                let along = own.times_transposed(&root);
                let form = forms(&map, &own).unwrap()[0] - dot(&along.data, &along.data);
                let beside = own.beside(&ThinQr::new(&others).basis);
                dot(&root.data, &root.data) + rest(rescaling, form, &beside, 9 - 3)
            };
            let samples: Vec<f64> = (0..4).map(sample).collect();
            assert_is_mean(&xnystrace(&map, 4, rescaling, &mut stream(0)).unwrap(), &samples);
        }
    }

    /// Signs that depend on those before them are left out, so that what is left makes no singular matrix.
    #[test]
    fn signs_are_independent() {
        let map = Diagonal(vec![1.0, 2.0, 3.0]);
        for draw in 0..50 {
            let signs = independent(Probe::Rademacher.into(), 3, 3, &mut stream(draw)).unwrap();
            assert_eq!(ThinQr::new(&signs).rank(), signs.len());
            let found = xnystrace(&map, 3, Rescaling::None(Probe::Rademacher), &mut stream(draw)).unwrap();
            assert_eq!(found.products, signs.len());
        }
    }

    /// Half of the products make the approximation: as many as the rank leave no rest.
    #[test]
    fn low_rank_is_exact() {
        let mut entries = vec![0.0; 20];
        entries[..4].copy_from_slice(&[5.0, 2.0, 0.5, 3.0]);
        let found = nystrom_pp(&Diagonal(entries), 8, Probe::Gaussian, &mut stream(0)).unwrap();
        assert!((found.value - 10.5).abs() < 1e-10 && found.standard_error.unwrap() < 1e-10, "{found}");
    }
}
