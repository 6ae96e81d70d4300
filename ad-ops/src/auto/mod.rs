//! Which estimator: measured, not guessed.
//!
//! [`Auto`] takes the exact trace where it costs no more than the products that are granted. Else it looks at the
//! Jacobians at hand through a few products, predicts the variance of every estimator at that number of products by the
//! formulas, and takes the least. Its [`Choice`] says what was chosen, and why.

mod measure;
mod method;
#[cfg(test)]
mod tests;

use std::fmt;

use ad_core::{Error, Result, Tape};

use crate::divergence::{Estimator, Workload, cost, divergence, explain};
use crate::random::Stream;
use crate::trace::{LinearMap, Transposable, mean};
use measure::Measurement;
use method::plural;

pub use method::Method;

/// What an automatic choice is to spend.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Auto {
    /// The products of one estimate.
    pub products: usize,
    /// The cost of the exact trace, in products.
    pub exact_cost: f64,
    /// Vectors that each Jacobian is measured by, each one product with it and one with its transpose. As many as
    /// dimensions measure it exactly.
    pub measure: usize,
}

impl Auto {
    /// As many products, with the exact trace by `d` directions, and up to 64 vectors for the measurement.
    pub fn new(products: usize, dim: usize) -> Self {
        Auto { products, exact_cost: dim as f64, measure: 64 }
    }

    /// As many products, for a field, with the exact trace by the cheapest route of the planner, in products as dear as that of a
    /// single probe.
    ///
    /// ```
    /// use ad_core::{Elementary, Tape};
    /// use ad_ops::{Workload, auto::{Auto, Method}, trace::Jacobian};
    ///
    /// let field = Tape::record(|t| {
    ///     let (x, w, v) = (t.example("x", &[40]), t.shared("w", &[40, 64]), t.shared("v", &[64, 40]));
    ///     [("x_dot", x.matmul(&w).tanh().matmul(&v))]
    /// })?;
    /// let auto = Auto::of_field(&field, "x", "x_dot", 2, Workload::default())?;
    /// // One dot product of 64 numbers, where a probe goes through both matrices.
    /// assert!(auto.exact_cost < 0.2);
    /// # Ok::<(), ad_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`divergence`](crate::divergence).
    pub fn of_field(
        tape: &Tape,
        state: &str,
        field: &str,
        products: usize,
        workload: Workload,
    ) -> Result<Self> {
        let exact = explain(tape, state, field, workload)?.cheapest().cost();
        let probe = divergence(tape, state, field, Estimator::Hutchinson { probes: 1 })?;
        let one = cost(&probe, workload) - cost(tape, workload);
        let dim = tape.node(tape.input(state)?).shape().iter().product();
        // A field without a derivative costs nothing either way.
        let exact_cost = if one > 0.0 { exact / one } else { 0.0 };
        Ok(Auto { exact_cost, ..Auto::new(products, dim) })
    }

    /// Chooses for maps like `maps`: the Jacobians at some points.
    ///
    /// ```
    /// use ad_ops::{auto::{Auto, Method}, random::Purpose, trace::Diagonal};
    ///
    /// let stream = || Purpose::Probe.stream(1, 0, 0);
    /// let decaying = Diagonal((0..100).map(|i| 0.5_f64.powi(i)).collect());
    /// let choice = Auto::new(12, 100).choose(&[decaying.clone()], &mut stream())?;
    /// println!("{choice}");
    /// assert!(matches!(choice.method(), Method::HutchPp { .. }));
    ///
    /// let cheap = Auto { exact_cost: 0.8, ..Auto::new(12, 100) };
    /// assert_eq!(cheap.choose(&[decaying], &mut stream())?.method(), Method::Exact);
    /// # Ok::<(), ad_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where no map, no products or no vectors are given, dimensions differ, or a product fails.
    pub fn choose<A: Transposable>(&self, maps: &[A], stream: &mut Stream) -> Result<Choice> {
        let Auto { products, exact_cost, measure } = *self;
        let dim = maps.first().map_or(0, LinearMap::dim);
        if dim == 0 || products == 0 || measure == 0 || maps.iter().any(|map| map.dim() != dim) {
            let message = format!(
                "an automatic choice takes maps of one dimension, products and vectors: it was given {} maps, the first of \
                 dimension {dim}, {products} products and {measure} vectors",
                maps.len()
            );
            return Err(Error::new(message));
        }
        if exact_cost <= products as f64 {
            let exact = Predicted { method: Method::Exact, variance: 0.0 };
            return Ok(Choice { auto: *self, dim, predicted: vec![exact], measured: 0 });
        }
        let measurements: Vec<Measurement<A>> =
            maps.iter().map(|map| Measurement::new(map, measure, stream)).collect::<Result<_>>()?;
        let mut predicted = Vec::new();
        for method in Method::all(products, dim) {
            let each: Vec<f64> =
                measurements.iter().map(|m| m.variance(method, stream)).collect::<Result<_>>()?;
            predicted.push(Predicted { method, variance: mean(&each) });
        }
        predicted.sort_by(|a, b| a.variance.total_cmp(&b.variance));
        let measured = measurements.iter().map(Measurement::products).sum();
        Ok(Choice { auto: *self, dim, predicted, measured })
    }
}

/// A method and the variance that it should have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Predicted {
    /// The method.
    pub method: Method,
    /// The variance of one estimate, in the mean over the maps.
    pub variance: f64,
}

/// What [`Auto`] chose, and from what.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    auto: Auto,
    dim: usize,
    predicted: Vec<Predicted>,
    measured: usize,
}

impl Choice {
    /// What was chosen.
    pub fn method(&self) -> Method {
        self.predicted.first().map_or(Method::Exact, |p| p.method)
    }

    /// What was to be spent.
    pub fn auto(&self) -> Auto {
        self.auto
    }

    /// All that was considered, the best first.
    pub fn considered(&self) -> &[Predicted] {
        &self.predicted
    }

    /// The products of the measurement.
    pub fn measured(&self) -> usize {
        self.measured
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Auto { products, exact_cost, .. } = self.auto;
        let (dim, method) = (self.dim, self.method());
        writeln!(f, "{method}, for a trace in {dim} dimensions by {products} product{}", plural(products))?;
        if method == Method::Exact {
            return write!(f, "  it costs {exact_cost:.2} products, no more than an estimate");
        }
        write!(
            f,
            "  the exact trace costs {exact_cost:.2} products; standard errors by {} products:",
            self.measured
        )?;
        for Predicted { method, variance } in &self.predicted {
            write!(f, "\n  {:>10.3e}  {method}", variance.sqrt())?;
        }
        Ok(())
    }
}
