//! Hutch++ (Meyer, Musco, Musco, Woodruff 2021), with and without products that wait for others.

use ad_core::{Error, Result};

use super::hutchinson::forms;
use super::qr::ThinQr;
use super::rows::dot;
use super::statistics::{Estimate, mean, standard_error};
use super::{LinearMap, Rows, Transposable};
use crate::probe::Block;
use crate::random::Stream;

/// The trace over an orthonormal basis of `A S`, exactly, and the rest by probes: a third of the products each for the
/// sketch, the basis and the rest (what is left over goes to the rest). Unbiased.
///
/// # Errors
/// Where there are fewer than 3 products or no such probes; what a product fails with.
pub fn hutch_pp(
    map: &impl LinearMap,
    products: usize,
    block: impl Into<Block>,
    stream: &mut Stream,
) -> Result<Estimate> {
    at_least(products, 3, "Hutch++")?;
    let (dim, block) = (map.dim(), block.into());
    let sketch = Rows::draw(block, (products / 3).min(dim), dim, stream)?;
    let basis = ThinQr::new(&sketch.image(map)?).basis;
    let rest = products - sketch.len() - basis.len();
    let found = with_basis(map, &basis, 0.0, &Rows::draw(block, rest, dim, stream)?)?;
    Ok(Estimate { products, ..found })
}

/// The trace of `A - shift I` over the basis and by probes beside it, and what the shift took off.
pub(crate) fn with_basis(map: &impl LinearMap, basis: &Rows, shift: f64, probes: &Rows) -> Result<Estimate> {
    let probes = probes.clone().beside(basis);
    let within: f64 = forms(map, basis)?.iter().sum();
    let forms = forms(map, &probes)?;
    let rest: Vec<f64> = forms.iter().zip(probes.iter()).map(|(form, g)| form - shift * dot(g, g)).collect();
    let taken_off = shift * (map.dim() - basis.len()) as f64;
    let products = basis.len() + probes.len();
    Ok(Estimate { value: within + taken_off + mean(&rest), standard_error: standard_error(&rest), products })
}

/// What is less than this of a vector's length is taken for rounding errors of a map of low rank.
const TRUNCATION: f64 = 1e-10;

/// Hutch++ whose products do not depend on each other, so that all can be computed at once: with `S` a quarter of the
/// products (by the transpose), `R` a half and `G` a quarter, `A` is close to `A~ = A R (S^T A R)^+ S^T A`, whose trace is
/// known; the rest is estimated by `G`. Unbiased.
///
/// The right-hand factor of `A~` is `(A^T S)^T`. With `A S` in its place, which is the same for symmetric maps alone, `A~`
/// would not be near `A`.
///
/// # Errors
/// Where there are fewer than 4 products or no such probes; what a product fails with.
pub fn hutch_pp_non_adaptive(
    map: &impl Transposable,
    products: usize,
    block: impl Into<Block>,
    stream: &mut Stream,
) -> Result<Estimate> {
    at_least(products, 4, "non-adaptive Hutch++")?;
    let (dim, block) = (map.dim(), block.into());
    let left = products / 4;
    let right = products / 2;
    let s = Rows::draw(block, left, dim, stream)?;
    let r = Rows::draw(block, right, dim, stream)?;
    let g = Rows::draw(block, products - left - right, dim, stream)?;
    let (z, w) = (r.image(map)?, s.transposed_image(map)?);
    // S^T A R, rows by S; its pseudo-inverse by a basis of its rows: core = L Q, core^+ = Q^T L^+.
    let core = ThinQr::truncated(&s.times_transposed(&z), TRUNCATION);
    let solve = |rows: &Rows| core.least_norm(rows);
    // tr(core^+ (S^T A) (A R)) and G^T A R core^+ S^T A G.
    let value = {
        let inner = w.times_transposed(&z);
        let solved = solve(&inner.transposed());
        (0..right).map(|k| solved.row(k)[k]).sum::<f64>()
    };
    let (gz, gw) = (g.times_transposed(&z), solve(&g.times_transposed(&w)));
    let rest: Vec<f64> = forms(map, &g)?
        .into_iter()
        .zip(gz.iter().zip(gw.iter()))
        .map(|(whole, (a, b))| whole - dot(a, b))
        .collect();
    Ok(Estimate { value: value + mean(&rest), standard_error: standard_error(&rest), products })
}

impl ThinQr {
    /// For each row `b` the shortest `x` with `vectors x = b`, `b` having one number for each vector; where there is none,
    /// that fits those vectors that the basis was made of.
    fn least_norm(&self, rows: &Rows) -> Rows {
        let rank = self.rank();
        let mut solved = Rows::zeros(rows.len(), rank);
        for (k, b) in rows.iter().enumerate() {
            let x = solved.row_mut(k);
            for (i, &pivot) in self.pivots.iter().enumerate() {
                let r = self.coordinates.row(pivot);
                let known: f64 = (0..i).map(|l| r[l] * x[l]).sum();
                x[i] = (b[pivot] - known) / r[i];
            }
        }
        solved.times(&self.basis)
    }
}

pub(super) fn at_least(products: usize, least: usize, name: &str) -> Result<()> {
    if products < least {
        return Err(Error::new(format!("{name} takes at least {least} products; {products} were granted")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Probe;
    use crate::random::Purpose;
    use crate::trace::Dense;

    /// A third of the products sketch, or a quarter and a half of them: as many as the rank leave no rest, of a map that is
    /// not symmetric.
    #[test]
    fn low_rank_is_exact() {
        let (d, rank) = (20, 4);
        let mut stream = Purpose::Probe.stream(28, 0, 0);
        let [left, right] = [0, 1].map(|_| Rows::draw(Probe::Gaussian.into(), rank, d, &mut stream).unwrap());
        let a = left.transposed().times(&right);
        let trace: f64 = a.data.iter().step_by(d + 1).sum();
        let a = Dense::new(d, a.data).unwrap();
        let check = |found: Estimate| {
            let told = found.standard_error.unwrap();
            assert!((found.value - trace).abs() < 1e-10 && told < 1e-10, "{found} of {trace}");
        };
        check(hutch_pp(&a, 3 * rank + 1, Probe::Gaussian, &mut stream).unwrap());
        check(hutch_pp_non_adaptive(&a, 4 * rank, Probe::Gaussian, &mut stream).unwrap());
    }
}
