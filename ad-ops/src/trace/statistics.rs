//! Means and what is known of their errors.

use std::fmt;

/// An estimate of a trace, or of another sum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The estimate.
    pub value: f64,
    /// Its standard error, estimated from the spread of its parts, where there are several.
    pub standard_error: Option<f64>,
    /// The products that it took, those with the transpose included.
    pub products: usize,
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Estimate { value, standard_error, products } = self;
        match standard_error {
            Some(error) => write!(f, "{value} +- {error:.2e} ({products} products)"),
            None => write!(f, "{value} ({products} products)"),
        }
    }
}

pub(crate) fn mean(samples: &[f64]) -> f64 {
    samples.iter().sum::<f64>() / samples.len() as f64
}

/// The sample variance, where there are two samples.
pub(super) fn variance(samples: &[f64]) -> Option<f64> {
    let (n, mean) = (samples.len() as f64, mean(samples));
    (samples.len() > 1).then(|| samples.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0))
}

/// The standard error of the mean of independent samples.
pub(super) fn standard_error(samples: &[f64]) -> Option<f64> {
    variance(samples).map(|v| (v / samples.len() as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One sample has no spread, and an estimate without one prints none.
    #[test]
    fn an_error_is_told_where_it_is_known() {
        let of = |samples: &[f64]| Estimate {
            value: mean(samples),
            standard_error: standard_error(samples),
            products: samples.len(),
        };
        assert_eq!(of(&[3.5]).to_string(), "3.5 (1 products)");
        assert_eq!(of(&[1.0, 3.0]).to_string(), "2 +- 1.00e0 (2 products)");
    }
}
