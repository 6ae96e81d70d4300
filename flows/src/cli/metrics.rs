use ad_ops::auto::Choice;
use serde::Serialize;

use super::Failure;
use crate::ode::Statistics;

/// What `metrics.json` holds, in this order.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Metrics {
    pub(super) nll_train: Estimate,
    pub(super) nll_valid: Estimate,
    pub(super) nll_test: Estimate,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) entropy_floor: Option<f64>,
    /// Epochs trained.
    pub(super) epochs: usize,
    pub(super) seconds: f64,
    #[serde(flatten)]
    pub(super) cost: Cost,
    pub(super) parameters: usize,
    /// How the divergence was chosen, where that was left to the program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) auto: Option<Chosen>,
}

/// An automatic choice of the divergence, and why it was made.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Chosen {
    /// The most products of an estimate.
    products: usize,
    /// The cost of the exact divergence, in products.
    exact_cost: f64,
    /// The products of the measurement.
    measured: usize,
    /// The best first, which was taken; alone where it is exact.
    considered: Vec<Considered>,
}

#[derive(Clone, Debug, Serialize)]
struct Considered {
    method: String,
    /// Of one estimate, as it is predicted.
    standard_error: f64,
}

impl From<&Choice> for Chosen {
    fn from(choice: &Choice) -> Self {
        let considered = choice.considered().iter().map(|predicted| Considered {
            method: predicted.method.to_string(),
            standard_error: predicted.variance.sqrt(),
        });
        let auto = choice.auto();
        Self {
            products: auto.products,
            exact_cost: auto.exact_cost,
            measured: choice.measured(),
            considered: considered.collect(),
        }
    }
}

/// A mean over rows, with its standard error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Estimate {
    pub(super) mean: f64,
    /// The sample standard deviation over the root of the number of rows.
    pub(super) se: f64,
}

/// What one row's log-density costs at the settings of the training, on average over the validation rows.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Cost {
    #[serde(rename = "nfe_mean")]
    evaluations: f64,
    /// Accepted steps.
    #[serde(rename = "steps_mean")]
    steps: f64,
    #[serde(rename = "rejected_mean")]
    rejected: f64,
}

impl Estimate {
    /// The mean negative log-likelihood from log-densities, those that are NaN left out: see [`unsolved`].
    pub(super) fn nll(log_p: &[f64]) -> Self {
        let log_p: Vec<f64> = log_p.iter().copied().filter(|p| !p.is_nan()).collect();
        let n = log_p.len() as f64;
        let mean = -log_p.iter().sum::<f64>() / n;
        let variance = log_p.iter().map(|p| (p + mean).powi(2)).sum::<f64>() / (n - 1.0);
        Self { mean, se: (variance / n).sqrt() }
    }
}

/// The rows that could not be integrated.
pub(super) fn unsolved(log_p: &[f64]) -> usize {
    log_p.iter().filter(|p| p.is_nan()).count()
}

impl std::fmt::Display for Estimate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.4} ± {:.4}", self.mean, self.se)
    }
}

impl From<Statistics> for Cost {
    fn from(s: Statistics) -> Self {
        let Statistics { accepted, rejected, evaluations, .. } = s;
        Self { evaluations: s.mean(evaluations), steps: s.mean(accepted), rejected: s.mean(rejected) }
    }
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "steps {:.1}  NFE {:.1}", self.steps + self.rejected, self.evaluations)
    }
}

impl Metrics {
    pub(super) fn to_json(&self) -> Result<String, Failure> {
        let json = serde_json::to_string_pretty(self).map_err(|error| Failure::other(error.to_string()))?;
        Ok(json + "\n")
    }

    /// What a reader of the report sees.
    pub(super) fn table(&self) -> Vec<(String, String)> {
        let nll = |what: &str, nll: Estimate| (format!("NLL, {what} (nats)"), nll.to_string());
        let floor =
            self.entropy_floor.map(|floor| ("entropy of the data (nats)".to_owned(), format!("{floor:.4}")));
        let row = |what: &str, value: String| (what.to_owned(), value);
        [nll("test", self.nll_test), nll("validation", self.nll_valid), nll("training", self.nll_train)]
            .into_iter()
            .chain(floor)
            .chain([
                row("epochs", self.epochs.to_string()),
                row("time (s)", format!("{:.1}", self.seconds)),
                row("field evaluations per row", format!("{:.1}", self.cost.evaluations)),
                row("accepted steps per row", format!("{:.1}", self.cost.steps)),
                row("rejected steps per row", format!("{:.1}", self.cost.rejected)),
                row("parameters", self.parameters.to_string()),
            ])
            .collect()
    }
}
