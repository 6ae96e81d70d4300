//! As many products as an error takes.

use ad_core::{Error, Result};

use super::hutch_pp::at_least;
use super::qr::ThinQr;
use super::rows::dot;
use super::statistics::{Estimate, mean};
use super::{LinearMap, Rows};
use crate::probe::{Block, Probe};
use crate::random::Stream;

/// What an estimate is to reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// The largest error, in absolute terms.
    pub error: f64,
    /// The largest probability that the error is larger.
    pub failure: f64,
    /// Products that may be taken before the estimate is given up.
    pub max_products: usize,
}

/// Vectors that are sketched together.
const CHUNK: usize = 4;
/// The fewest probes whose spread is trusted.
const FEWEST: usize = 8;

/// Hutch++ of the size that the error takes (after Persson, Cortinovis, Kressner 2022): the basis grows while that saves
/// more products than it costs, then come probes until the spread that they show is small enough, allowing for how
/// little so few can show. Normal probes. An exact result, where the basis has become the whole space, has no error.
///
/// # Errors
/// Where the tolerance is not positive, the failure probability not in (0, 1), or the products do not suffice; what a
/// product fails with.
pub fn to_tolerance(map: &impl LinearMap, tolerance: Tolerance, stream: &mut Stream) -> Result<Estimate> {
    let Tolerance { error, failure, max_products } = tolerance;
    if !(error > 0.0 && failure > 0.0 && failure < 1.0) {
        let message = format!(
            "an error of {error} with failure probability {failure}: the error must be positive, the probability in (0, 1)"
        );
        return Err(Error::new(message));
    }
    at_least(max_products, FEWEST, "an estimate to a tolerance")?;
    let mut grown = Grown::new(map, tolerance, stream)?;
    if grown.basis.len() < map.dim() {
        grown.sample(stream)?;
    }
    let Grown { within, samples, left, products, .. } = grown;
    let (value, spread) = if samples.is_empty() {
        (within, 0.0)
    } else {
        (within + mean(&samples), (2.0 * mean(&left) / samples.len() as f64).sqrt())
    };
    Ok(Estimate { value, standard_error: Some(spread), products })
}

/// A basis, the trace over it, and samples of the rest.
struct Grown<'a, A> {
    map: &'a A,
    tolerance: Tolerance,
    basis: Rows,
    within: f64,
    samples: Vec<f64>,
    /// `|P A P g|^2` of each sample.
    left: Vec<f64>,
    products: usize,
}

impl<'a, A: LinearMap> Grown<'a, A> {
    fn new(map: &'a A, tolerance: Tolerance, stream: &mut Stream) -> Result<Self> {
        let basis = Rows::zeros(0, map.dim());
        let mut grown =
            Grown { map, tolerance, basis, within: 0.0, samples: Vec::new(), left: Vec::new(), products: 0 };
        let (mut least, mut in_vain) = (f64::INFINITY, 0);
        while grown.basis.len() < map.dim() && grown.products + 2 * CHUNK + FEWEST <= tolerance.max_products {
            let rows = CHUNK.min(map.dim() - grown.basis.len());
            let image = Rows::draw(Block::from(Probe::Gaussian), rows, map.dim(), stream)?.image(map)?;
            grown.products += rows;
            let left = image.beside(&grown.basis).beside(&grown.basis);
            let wanted = grown.probes_for(dot(&left.data, &left.data) / rows as f64);
            // It pays if the last rows saved more than they cost, and the next ones can. So few vectors show a norm
            // roughly: they may fail to once.
            in_vain = if least - wanted < 2.0 * rows as f64 { in_vain + 1 } else { 0 };
            if wanted <= 2.0 * rows as f64 || in_vain == 2 {
                break;
            }
            least = least.min(wanted);
            let new = ThinQr::new(&left).basis;
            grown.within += dot(&new.data, &new.image(map)?.data);
            grown.products += new.len();
            grown.basis = std::mem::replace(&mut grown.basis, Rows::zeros(0, 0)).concat(&new);
        }
        Ok(grown)
    }

    /// The probes that a rest of this squared norm takes: the error is within `sqrt(2 ln(2 / failure))` standard errors.
    fn probes_for(&self, square: f64) -> f64 {
        let deviations = 2.0 * (2.0 / self.tolerance.failure).ln();
        deviations * 2.0 * square / self.tolerance.error.powi(2)
    }

    fn sample(&mut self, stream: &mut Stream) -> Result<()> {
        loop {
            let more = FEWEST.max(self.samples.len() / 4);
            if self.products + more > self.tolerance.max_products {
                let (taken, error) = (self.products, self.tolerance.error);
                let message = format!(
                    "an error of {error} takes more than {taken} products; more would exceed the limit"
                );
                return Err(Error::new(message));
            }
            let g =
                Rows::draw(Block::from(Probe::Gaussian), more, self.map.dim(), stream)?.beside(&self.basis);
            let image = g.image(self.map)?;
            self.products += more;
            self.samples.extend(g.iter().zip(image.iter()).map(|(g, y)| dot(g, y)));
            self.left.extend(image.beside(&self.basis).iter().map(|y| dot(y, y)));
            let count = self.samples.len();
            if self.probes_for(mean(&self.left) / self.shown_by(count)) <= count as f64 {
                return Ok(());
            }
        }
    }

    /// The least share of a mean of squares that `count` samples show but with the probability of failure: the quantile
    /// of chi squared over its degrees of freedom (Wilson, Hilferty 1931).
    fn shown_by(&self, count: usize) -> f64 {
        let small = 2.0 / (9.0 * count as f64);
        let deviations = (2.0 * (1.0 / self.tolerance.failure).ln()).sqrt();
        (1.0 - small - deviations * small.sqrt()).max(0.1).powi(3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;
    use crate::trace::Diagonal;

    fn flat() -> Diagonal {
        Diagonal((0..200).map(|i| 1.0 + f64::from(i % 7) / 7.0).collect())
    }

    fn found(tolerance: Tolerance) -> Result<Estimate> {
        to_tolerance(&flat(), tolerance, &mut Purpose::Probe.stream(29, 0, 0))
    }

    /// The standard error of so many probes is the one that the tolerance takes, and the quantile is that of tables, at ten per
    /// cent: the failure probability whose bound on a normal deviation is 1.2816.
    #[test]
    fn bounds_are_those_told() {
        let map = flat();
        let failure = (-0.5 * 1.281_552_f64.powi(2)).exp();
        let tolerance = Tolerance { error: 0.3, failure, max_products: 0 };
        let grown = Grown {
            map: &map,
            tolerance,
            basis: Rows::zeros(0, 200),
            within: 0.0,
            samples: Vec::new(),
            left: Vec::new(),
            products: 0,
        };
        let square = 7.0;
        let standard_error = (2.0 * square / grown.probes_for(square)).sqrt();
        assert!((standard_error * (2.0 * (2.0 / failure).ln()).sqrt() - 0.3).abs() < 1e-14);
        for (count, quantile) in [(10, 4.865), (30, 20.599), (100, 82.358)] {
            let got = grown.shown_by(count) * f64::from(count as u32);
            assert!((got - quantile).abs() < 5e-3 * quantile, "{got} of {quantile}");
        }
        let few = Tolerance { failure: 1e-9, ..tolerance };
        assert!(Grown { tolerance: few, ..grown }.shown_by(1) > 0.0, "some share is always shown");
    }

    /// As many products as an estimate takes are enough for it, and one less is not. The standard error is that of so many
    /// probes, `2 |A|_F^2 / probes`.
    #[test]
    fn products_are_taken_up_to_the_limit() {
        let tolerance = Tolerance { error: 8.0, failure: 0.1, max_products: 5000 };
        let whole = found(tolerance).unwrap();
        let products = whole.products;
        assert!(products > 100 && found(Tolerance { max_products: products, ..tolerance }).unwrap() == whole);
        let refused = found(Tolerance { max_products: products - 1, ..tolerance }).unwrap_err().to_string();
        assert!(refused.contains("takes more than"), "{refused}");
        let square: f64 = flat().0.iter().map(|a| a * a).sum();
        let ratio = whole.standard_error.unwrap().powi(2) * products as f64 / (2.0 * square);
        assert!((ratio - 1.0).abs() < 0.2, "{ratio}");
    }
}
