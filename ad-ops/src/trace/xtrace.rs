//! `XTrace` (Epperly, Tropp, Webber: *`XTrace`: Making the most of every sample in stochastic trace estimation*, 2024).

use ad_core::Result;

use super::hutch_pp::at_least;
use super::qr::ThinQr;
use super::rows::dot;
use super::statistics::{Estimate, mean, standard_error};
use super::{LinearMap, Rows};
use crate::probe::{Block, Probe};
use crate::random::Stream;

/// How long a probe counts as beside a basis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rescaling {
    /// As long as it is. Probes of any law.
    None(Probe),
    /// The root of the number of dimensions that are left. Normal probes, so that all directions beside the basis are
    /// equally likely; less variance on flat spectra.
    Resphered,
}

impl Rescaling {
    pub(super) fn probe(self) -> Block {
        match self {
            Rescaling::None(probe) => probe.into(),
            Rescaling::Resphered => Probe::Gaussian.into(),
        }
    }
}

/// Hutch++ with one probe for the rest, and for the basis all others, averaged over which: every product serves both.
/// Half of the products sketch, half are with the basis. Unbiased.
///
/// A vector without which the others span the same costs its estimate no direction, so that maps of low rank, more
/// vectors than dimensions, or the same signs drawn twice are estimated as what they are.
///
/// # Errors
/// Where there are fewer than 4 products or no such probes; what a product fails with.
pub fn xtrace(
    map: &impl LinearMap,
    products: usize,
    rescaling: Rescaling,
    stream: &mut Stream,
) -> Result<Estimate> {
    at_least(products, 4, "XTrace")?;
    from_probes(map, &Rows::draw(rescaling.probe(), products / 2, map.dim(), stream)?, rescaling)
}

/// The estimate by these vectors.
pub(super) fn from_probes(map: &impl LinearMap, omega: &Rows, rescaling: Rescaling) -> Result<Estimate> {
    let (count, dim) = (omega.len(), map.dim());
    let qr = ThinQr::new(&omega.image(map)?);
    let z = qr.basis.image(map)?;
    let h = qr.basis.times_transposed(&z);
    let (w, t) = (omega.times_transposed(&qr.basis), omega.times_transposed(&z));
    let trace: f64 = (0..qr.rank()).map(|k| h.row(k)[k]).sum();
    let samples: Vec<f64> = qr
        .lost_without()
        .into_iter()
        .enumerate()
        .map(|(i, lost)| {
            let (w, t, r) = (w.row(i), t.row(i), qr.coordinates.row(i));
            let s = lost.unwrap_or_else(|| vec![0.0; qr.rank()]);
            let rank = qr.rank() - usize::from(s.iter().any(|s| *s != 0.0));
            let ws = dot(w, &s);
            // The part of the probe within the basis that is left, in coordinates.
            let x: Vec<f64> = w.iter().zip(&s).map(|(w, s)| w - s * ws).collect();
            let quadratic = |x: &[f64]| h.iter().zip(x).map(|(row, &xi)| xi * dot(row, x)).sum::<f64>();
            let beside = ws * dot(&s, r) - dot(t, &x) + quadratic(&x);
            let length = dot(omega.row(i), omega.row(i)) - dot(w, w) + ws * ws;
            trace - quadratic(&s) + beside * scale(rescaling, dim - rank, length)
        })
        .collect();
    Ok(Estimate {
        value: mean(&samples),
        standard_error: standard_error(&samples),
        products: count + qr.rank(),
    })
}

/// What the form of a probe beside a basis is multiplied by, which leaves `dims` dimensions and `length` of the probe's
/// squared length.
pub(super) fn scale(rescaling: Rescaling, dims: usize, length: f64) -> f64 {
    match rescaling {
        // Nothing is beside the basis, and what is computed there is rounding error.
        _ if dims == 0 => 0.0,
        Rescaling::None(_) => 1.0,
        Rescaling::Resphered => dims as f64 / length,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::random::Purpose;
    use crate::trace::hutchinson::forms;
    use crate::trace::{Dense, Diagonal};

    /// Rows without one of them, and that one.
    pub(in crate::trace) fn without(rows: &Rows, k: usize) -> [Rows; 2] {
        [false, true].map(|is| {
            let some = rows.iter().enumerate().filter(|(j, _)| (*j == k) == is);
            Rows { dim: rows.dim, data: some.flat_map(|(_, row)| row).copied().collect() }
        })
    }

    /// The rest that a probe shows by its form, where its part beside some others is known, and how many dimensions that has.
    pub(in crate::trace) fn rest(rescaling: Rescaling, form: f64, beside: &Rows, dims: usize) -> f64 {
        match rescaling {
            Rescaling::None(_) => form,
            Rescaling::Resphered => form * dims as f64 / dot(&beside.data, &beside.data),
        }
    }

    pub(in crate::trace) fn assert_is_mean(found: &Estimate, samples: &[f64]) {
        let error = standard_error(samples).unwrap();
        for (got, want) in [(found.value, mean(samples)), (found.standard_error.unwrap(), error)] {
            assert!((got - want).abs() < 1e-9 * (1.0 + want.abs()), "{found}: {got} of {want}");
        }
    }

    /// By the definition: for each vector the trace over the basis of the other images, and the form of its part beside that
    /// basis; also where one vector is there twice.
    #[test]
    fn each_vector_is_left_out_in_turn() {
        let d = 9;
        let mut stream = Purpose::Probe.stream(25, 0, 0);
        let a = Dense::new(d, (0..d * d).map(|_| stream.standard_normal()).collect()).unwrap();
        let all = Rows::draw(Probe::Gaussian.into(), 4, d, &mut stream).unwrap();
        let [_, last] = without(&all, 3);
        for omega in [all.clone(), all.concat(&last)] {
            for rescaling in [Rescaling::None(Probe::Gaussian), Rescaling::Resphered] {
                let images = omega.image(&a).unwrap();
                let sample = |k: usize| {
                    let basis = ThinQr::new(&without(&images, k)[0]).basis;
                    let beside = without(&omega, k)[1].clone().beside(&basis);
                    let within: f64 = forms(&a, &basis).unwrap().iter().sum();
                    within + rest(rescaling, forms(&a, &beside).unwrap()[0], &beside, d - basis.len())
                };
                let samples: Vec<f64> = (0..omega.len()).map(sample).collect();
                assert_is_mean(&from_probes(&a, &omega, rescaling).unwrap(), &samples);
            }
        }
    }

    /// Half of the products sketch, where there are so many dimensions.
    #[test]
    fn half_of_the_products_sketch() {
        let map = Diagonal((1..40).map(f64::from).collect());
        for products in 4..20 {
            let mut stream = Purpose::Probe.stream(26, 0, 0);
            let found = xtrace(&map, products, Rescaling::Resphered, &mut stream).unwrap();
            assert_eq!(found.products, products / 2 * 2);
        }
    }
}
