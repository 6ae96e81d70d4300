//! `log |det(I + A)|`, the trace of a logarithm.

use ad_core::{Error, Result};

use super::rows::dot;
use super::statistics::{Estimate, mean, standard_error};
use super::tridiagonal::quadrature;
use super::{LinearMap, Rows, Transposable};
use crate::probe::Block;
use crate::random::Stream;

/// Where a power series ends: by chance, so that no term is left out in the mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Roulette {
    /// Terms that are always taken.
    pub certain: usize,
    /// The probability that each further term is taken after the one before, less than 1.
    pub survival: f64,
}

/// `log det(I + A) = sum_k (-1)^(k + 1) / k tr A^k` for maps of spectral radius below 1, as residual flows have: each probe
/// takes so many terms as the roulette lets it, each divided by the probability that it is taken (Chen, Behrmann, Duvenaud,
/// Jacobsen: *Residual flows for invertible generative modeling*, 2019). Unbiased; of finite variance where the norm of `A`
/// is below the root of the survival.
///
/// # Errors
/// Where no probes are asked for or there are none of this dimension, or the survival is not in [0, 1); what a product fails
/// with.
pub fn log_det_series(
    map: &impl LinearMap,
    probes: usize,
    roulette: Roulette,
    block: impl Into<Block>,
    stream: &mut Stream,
) -> Result<Estimate> {
    if probes == 0 || !(0.0..1.0).contains(&roulette.survival) {
        let message = format!(
            "a series takes at least one probe and a survival in [0, 1): it was given {probes} and {}",
            roulette.survival
        );
        return Err(Error::new(message));
    }
    let v = Rows::draw(block.into(), probes, map.dim(), stream)?;
    let (mut samples, mut products) = (Vec::new(), 0);
    for v in v.iter() {
        let mut power = Rows { dim: v.len(), data: v.to_vec() };
        let (mut sum, mut weight, mut k) = (0.0, 1.0, 1);
        while k <= roulette.certain || stream.uniform() < roulette.survival {
            if k > roulette.certain {
                weight /= roulette.survival;
            }
            power = power.image(map)?;
            let sign = if k % 2 == 1 { 1.0 } else { -1.0 };
            sum += sign * weight / k as f64 * dot(v, &power.data);
            products += 1;
            k += 1;
        }
        samples.push(sum);
    }
    Ok(Estimate { value: mean(&samples), standard_error: standard_error(&samples), products })
}

/// `log |det(I + A)| = 1/2 tr log(M^T M)` for `M = I + A`, any map: for each probe `steps` of Lanczos on `M^T M` make a Gauss
/// quadrature of `v^T log(M^T M) v` (Ubaru, Chen, Saad: *Fast estimation of tr(f(A)) via stochastic Lanczos quadrature*,
/// 2017). Two products a step. Its bias falls geometrically with the steps, at a rate that depends on the condition of `M`;
/// with as many steps as dimensions there is none.
///
/// # Errors
/// Where no probes or steps are asked for, or there are no probes of this dimension; what a product fails with.
pub fn log_det_lanczos(
    map: &impl Transposable,
    probes: usize,
    steps: usize,
    block: impl Into<Block>,
    stream: &mut Stream,
) -> Result<Estimate> {
    if probes == 0 || steps == 0 {
        return Err(Error::new(format!("{probes} probes and {steps} steps: at least one of each is wanted")));
    }
    lanczos_of(map, &Rows::draw(block.into(), probes, map.dim(), stream)?, steps)
}

fn lanczos_of(map: &impl Transposable, probes: &Rows, steps: usize) -> Result<Estimate> {
    let (mut samples, mut products) = (Vec::new(), 0);
    for v in probes.iter() {
        let (nodes, taken) = lanczos(map, v, steps.min(v.len()))?;
        products += 2 * taken;
        // What rounding makes negative is the eigenvalue zero.
        let logarithm: f64 = nodes.iter().map(|(x, weight)| weight * x.max(0.0).ln()).sum();
        samples.push(0.5 * dot(v, v) * logarithm);
    }
    Ok(Estimate { value: mean(&samples), standard_error: standard_error(&samples), products })
}

/// Nodes and weights for the measure of `M^T M` that belongs to `v`, and the steps taken. The basis is made orthogonal
/// anew in each step.
fn lanczos(map: &impl Transposable, v: &[f64], steps: usize) -> Result<(Vec<(f64, f64)>, usize)> {
    let dim = v.len();
    let unit = |v: &[f64], length: f64| Rows { dim, data: v.iter().map(|x| x / length).collect() };
    let mut basis = unit(v, dot(v, v).sqrt());
    let (mut diagonal, mut beside) = (Vec::new(), Vec::new());
    loop {
        let q = Rows { dim, data: basis.row(diagonal.len()).to_vec() };
        let plus = |mut image: Rows, x: &Rows| {
            image.data.iter_mut().zip(&x.data).for_each(|(y, x)| *y += x);
            image
        };
        let mq = plus(q.image(map)?, &q);
        let image = plus(mq.transposed_image(map)?, &mq);
        diagonal.push(dot(&mq.data, &mq.data));
        let rest = image.clone().beside(&basis).beside(&basis);
        let length = dot(&rest.data, &rest.data).sqrt();
        let whole = dot(&image.data, &image.data).sqrt();
        // An invariant subspace: the quadrature is exact.
        if diagonal.len() == steps || length <= 1e2 * f64::EPSILON * whole {
            return Ok((quadrature(&diagonal, &beside), diagonal.len()));
        }
        beside.push(length);
        basis = basis.concat(&unit(&rest.data, length));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Probe;
    use crate::random::Purpose;
    use crate::trace::{Dense, Diagonal};

    fn dense(d: usize, size: f64) -> Dense {
        let mut stream = Purpose::Constant.stream(13, 0, d as u32);
        let entries = (0..d * d).map(|_| size / (d as f64).sqrt() * stream.standard_normal()).collect();
        Dense::new(d, entries).unwrap()
    }

    /// By elimination with the largest pivots.
    fn exact(a: &Dense) -> f64 {
        let d = a.dim();
        let mut m: Vec<Vec<f64>> = a.entries().chunks_exact(d).map(<[f64]>::to_vec).collect();
        (0..d).for_each(|i| m[i][i] += 1.0);
        let mut sum = 0.0;
        for k in 0..d {
            let pivot = (k..d).max_by(|&i, &j| m[i][k].abs().total_cmp(&m[j][k].abs())).unwrap();
            m.swap(k, pivot);
            sum += m[k][k].abs().ln();
            for i in k + 1..d {
                let factor = m[i][k] / m[k][k];
                (k..d).for_each(|j| m[i][j] -= factor * m[k][j]);
            }
        }
        sum
    }

    fn all_signs(d: usize) -> Rows {
        let sign = |bits: usize, i: usize| if bits >> i & 1 == 1 { 1.0 } else { -1.0 };
        Rows { dim: d, data: (0..1 << d).flat_map(|bits| (0..d).map(move |i| sign(bits, i))).collect() }
    }

    /// With as many steps as dimensions the mean over all signs is exact, for a map that is no contraction and whose
    /// determinant with the identity is negative or positive.
    #[test]
    fn lanczos_over_all_signs_is_exact() {
        for (d, size) in [(6, 0.5), (6, 3.0), (7, 2.0)] {
            let a = dense(d, size);
            let found = lanczos_of(&a, &all_signs(d), d).unwrap().value;
            assert!((found - exact(&a)).abs() < 1e-9, "{d} {size}: {found} of {}", exact(&a));
        }
    }

    /// Few steps do where the condition is moderate; the spread is that of the probes, and shrinks with them.
    #[test]
    fn lanczos_converges_in_steps_and_probes() {
        let a = dense(60, 0.4);
        let error = |steps, probes| {
            let mut stream = Purpose::Probe.stream(5, 0, 0);
            let found = log_det_lanczos(&a, probes, steps, Probe::Rademacher, &mut stream).unwrap();
            assert_eq!(found.products, 2 * steps * probes);
            (found.value - exact(&a), found.standard_error.unwrap())
        };
        let (off, told) = error(10, 400);
        assert!(off.abs() < 4.0 * told && told < 0.2, "{off} +- {told}");
        // The same probes, fewer steps: what differs is the bias of the quadrature.
        let bias = |steps| (error(steps, 20).0 - error(30, 20).0).abs();
        assert!(bias(12) < 1e-3 * bias(2), "{} {}", bias(2), bias(12));
        for size in [1.0, 1e10, 0.0] {
            let map = Diagonal(vec![size; 9]);
            let mut stream = Purpose::Probe.stream(1, 1, 1);
            let found = log_det_lanczos(&map, 2, 5, Probe::Sphere, &mut stream).unwrap();
            assert!(
                (found.value - 9.0 * size.ln_1p()).abs() < 1e-12 * (1.0 + found.value),
                "{size}: {found}"
            );
            assert_eq!(found.products, 4, "one step is all, for each probe");
        }
    }

    /// The mean of roulettes is the logarithm, whatever few terms each takes; without the weights it would not be.
    #[test]
    fn a_series_that_ends_by_chance_is_unbiased() {
        let (a, runs) = (dense(8, 0.5), 40_000);
        let roulette = Roulette { certain: 1, survival: 0.6 };
        let mut stream = Purpose::Probe.stream(6, 0, 0);
        let found = log_det_series(&a, runs, roulette, Probe::Rademacher, &mut stream).unwrap();
        let (off, told) = (found.value - exact(&a), found.standard_error.unwrap());
        assert!(off.abs() < 4.0 * told, "{off} +- {told}");
        let each = found.products as f64 / runs as f64;
        assert!((each - 2.5).abs() < 0.05, "1 + 0.6 / 0.4 terms in the mean, not {each}");
        // The tail that a fixed end leaves out is far beyond the error.
        let fixed = Roulette { survival: 0.0, ..roulette };
        let short = log_det_series(&a, runs, fixed, Probe::Rademacher, &mut stream).unwrap();
        assert!((short.value - exact(&a)).abs() > 8.0 * short.standard_error.unwrap());
        // The spread of an estimate is what it tells, and falls with the number of probes.
        let errors: Vec<[f64; 2]> = (0..400)
            .map(|k| {
                let mut stream = Purpose::Probe.stream(7, k, 0);
                let e = log_det_series(&a, 50, roulette, Probe::Rademacher, &mut stream).unwrap();
                [(e.value - exact(&a)).powi(2), e.standard_error.unwrap().powi(2)]
            })
            .collect();
        let [is, told] = [0, 1].map(|i| errors.iter().map(|e| e[i]).sum::<f64>());
        assert!(is < 1.3 * told && told < 1.3 * is, "told {told}, is {is}");
    }

    /// With enough certain terms, over all signs in the basis of one: a deterministic series.
    #[test]
    fn a_long_series_is_exact() {
        let a = dense(5, 0.3);
        let long = Roulette { certain: 80, survival: 0.0 };
        let mut stream = Purpose::Probe.stream(8, 0, 0);
        let found = log_det_series(&a, 5, long, Block::Haar, &mut stream).unwrap();
        assert!((found.value - exact(&a)).abs() < 1e-12, "{} of {}", found.value, exact(&a));
    }

    #[test]
    fn what_cannot_be_estimated_is_refused() {
        let (a, mut s) = (dense(3, 0.1), Purpose::Probe.stream(1, 1, 1));
        let endless = Roulette { certain: 1, survival: 1.0 };
        assert!(
            log_det_series(&a, 1, endless, Probe::Gaussian, &mut s)
                .unwrap_err()
                .to_string()
                .contains("[0, 1)")
        );
        assert!(log_det_lanczos(&a, 1, 0, Probe::Gaussian, &mut s).is_err());
        assert!(super::super::frobenius_square(&a, 0, Probe::Gaussian, &mut s).is_err());
    }
}
