//! The report of a run.

use ad_ops::hutch_pp::{Refresh, Sketch};
use ad_ops::{Block, Probe, Renewal};

use super::Failure;
use super::dataset::Dataset;
use super::metrics::Metrics;
use crate::cnf::Divergence;
use crate::model::{Architecture, Description, Dtype, Flow};
use crate::ode::controller::Control;
use crate::report::{Density, Epoch, Frame, Report};
use crate::train::Fit;

/// Points drawn from the model to be shown beside the data.
const SAMPLES: usize = 2000;
/// Cells along each axis of the density.
const CELLS: usize = 100;
/// Times at which the flow is shown, and the points shown there.
const FRAMES: usize = 6;
const PARTICLES: usize = 600;

/// Draws samples, density and path from the flow and renders the page.
pub(super) fn render(data: &Dataset, flow: &Flow, fit: &Fit, metrics: &Metrics) -> Result<String, Failure> {
    let description = &flow.model().description;
    let (seed, rows, dims) = (description.seed, data.train.values(), data.train.columns());
    let density = match dims {
        1 | 2 => Some(Density::over(rows, dims, CELLS, |centres| flow.log_prob_or_nan(centres))?),
        _ => None,
    };
    let frames = flow.path(PARTICLES, seed, FRAMES)?.into_iter().map(|(t, points)| Frame { t, points });
    let report = Report {
        title: format!("Flow trained on {}", data.name),
        settings: settings(data, description),
        metrics: metrics.table(),
        losses: losses(fit, data.standardisation.log_det()),
        entropy_floor: data.entropy_floor,
        names: data.train.names().to_vec(),
        data: rows.to_vec(),
        samples: flow.sample_or_nan(SAMPLES, seed)?,
        density,
        frames: frames.collect(),
    };
    Ok(report.render()?)
}

/// Losses of standardised rows become those of the data by `log_det`.
fn losses(fit: &Fit, log_det: f64) -> Vec<Epoch> {
    let in_units = |e: &crate::train::Epoch| Epoch {
        epoch: e.number,
        train: e.train + log_det,
        valid: e.valid + log_det,
    };
    fit.history.iter().map(in_units).collect()
}

fn settings(data: &Dataset, description: &Description) -> Vec<(String, String)> {
    let (train, valid, test) = (data.train.rows(), data.valid.rows(), data.test.rows());
    let rows = [
        ("data", format!("{}: {train} rows to train, {valid} to validate, {test} to test", data.name)),
        ("field", field(&description.architecture)),
        ("solver", format!("{}, {}", description.solver, control(&description.control))),
        ("divergence in training", divergence(description)),
        ("precision of training", dtype(description.dtype).to_owned()),
        ("seed", description.seed.to_string()),
        ("NLL computed with", "exact divergence, double precision, tolerance 1e-6".to_owned()),
        ("flows", format!("version {}", description.crate_version)),
    ];
    rows.into_iter().map(|(what, value)| (what.to_owned(), value)).collect()
}

/// A field in words.
pub(super) fn field(Architecture::Mlp { dims, hidden, activation, .. }: &Architecture) -> String {
    let widths: Vec<String> = hidden.iter().map(usize::to_string).collect();
    format!("MLP with hidden layers of {} ({}) in {dims} dimensions", widths.join(", "), activation.name())
}

/// A step control in words.
pub(super) fn control(control: &Control) -> String {
    match control {
        Control::Constant { steps } => format!("{steps} equal steps"),
        Control::Adaptive(a) => format!("rtol {:e}, atol {:e}", a.rtol, a.atol),
    }
}

/// A training's divergence in words.
pub(super) fn divergence(description: &Description) -> String {
    match description.divergence {
        Divergence::Exact => "exact".to_owned(),
        Divergence::Directions => "exact, by directions".to_owned(),
        Divergence::Hutchinson { probes, probe, renewal } => {
            format!("Hutchinson with {}", self::probes(probes, probe, renewal))
        }
        Divergence::HutchPp { basis, probes, probe, renewal, sketch } => {
            let of = match sketch {
                Sketch::Jacobian => "",
                Sketch::Symmetric => " of the symmetric part",
                Sketch::Shifted => " without the mean diagonal",
            };
            let kept = match description.refresh {
                Refresh::Always => String::new(),
                Refresh::Every(n) => format!(", each basis taken {n} times"),
                Refresh::Adaptive => ", bases kept while they are worth it".to_owned(),
            };
            format!("Hutch++ with a basis of {basis}{of} and {}{kept}", self::probes(probes, probe, renewal))
        }
    }
}

fn probes(count: usize, law: Block, renewal: Renewal) -> String {
    let law = match law {
        Block::Independent(Probe::Rademacher) => "Rademacher",
        Block::Independent(Probe::Gaussian) => "Gaussian",
        Block::Independent(Probe::Sphere) => "sphere",
        Block::Haar => "orthogonal (Haar)",
        Block::Hadamard => "orthogonal (Hadamard)",
    };
    let plural = if count == 1 { "" } else { "s" };
    let drawn = match renewal {
        Renewal::PerSolve => "",
        Renewal::PerStep => ", new at each step",
    };
    format!("{count} {law} probe{plural} an example{drawn}")
}

/// A precision in words.
pub(super) fn dtype(dtype: Dtype) -> &'static str {
    match dtype {
        Dtype::F32 => "f32",
        Dtype::F64 => "f64",
    }
}
