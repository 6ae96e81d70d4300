use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::divergence::DivergenceArgs;
use crate::layer::Activation;
use crate::model;
use crate::ode::tableau::Tableau;

/// All defaults of the program.
pub(super) mod defaults {
    pub(crate) const SEED: u64 = 0;
    pub(crate) const EPOCHS: usize = 40;
    pub(crate) const PATIENCE: usize = 15;
    pub(crate) const BATCH_SIZE: usize = 128;
    pub(crate) const LEARNING_RATE: f64 = 2e-2;
    /// The last learning rate as a part of the first.
    pub(crate) const FINAL_FRACTION: f64 = 0.02;
    /// The largest norm of a gradient.
    pub(crate) const CLIP: f64 = 5.0;
    pub(crate) const HIDDEN: &str = "64,64";
    pub(crate) const SOLVER: &str = "tsit5";
    pub(crate) const TOLERANCE: f64 = 1e-4;
    /// Of an automatic choice: in the plane the trace itself takes no more.
    pub(crate) const PRODUCTS: usize = 2;
    pub(crate) const SAMPLES: usize = 1000;
}

/// Learns a probability density from a table of numbers, with a continuous normalizing flow.
///
/// A flow moves a cloud of normally distributed points to the data along a trainable field of velocities.
/// Because the movement can be run backwards, the trained flow gives the density at any point, and because
/// it can be run forwards, new points like those of the data.
///
///   flows fit moons --out run/moons            train on a built-in set, about a minute
///   flows fit table.csv --out run/table        train on your own numbers
///   flows sample run/table -n 500 --out s.csv  draw new rows
///   flows log-prob run/table new.csv --out p.csv
///
/// Then open run/moons/report.html in a browser. `flows help fit` explains the options.
#[derive(Parser, Debug)]
#[command(name = "flows", bin_name = "flows", version, verbatim_doc_comment, max_term_width = 100)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Subcommand, Debug)]
pub(super) enum Command {
    Fit(FitArgs),
    Sample(SampleArgs),
    LogProb(LogProbArgs),
}

/// Train a flow on data and write the model, its figures and a report
///
/// Of your own data, 10 % are held out to stop the training in time and 10 % to judge the result. A built-in
/// set is judged by 10,000 fresh rows. The result is the mean negative log-likelihood (NLL) of those rows in
/// nats, in the units of the data: lower is better, and no model can have less than the entropy of the data.
/// It is computed with the exact divergence in double precision at a tolerance of 1e-6, whatever the
/// training used.
///
/// Written into the folder --out:
///   model.safetensors  the best model so far, rewritten whenever it improves, so that it is there whatever
///                      happens
///   metrics.json       NLLs with standard errors, costs of the solver, sizes
///   report.html        one page with the loss curve, the density, samples and the flow's path
///
/// Ctrl-C ends the training early and still writes all three. The same arguments give the same numbers, on
/// any number of threads.
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct FitArgs {
    /// A CSV file of numbers (with or without a header), or a built-in set: moons, 8gaussians, circles,
    /// rings, checkerboard, 2spirals, pinwheel, swissroll, warp6
    #[arg(verbatim_doc_comment)]
    pub(super) data: String,

    /// The folder to write into; made if it is not there, and a former run in it is replaced
    #[arg(long, value_name = "DIR")]
    pub(super) out: PathBuf,

    /// Seed of everything random: rows of a built-in set, split, initial weights, batches, probes
    #[arg(long, value_name = "N", default_value_t = defaults::SEED, help_heading = "Data")]
    pub(super) seed: u64,

    /// Rows of a built-in set to train and validate on, at least 10 [default: 10000]
    #[arg(long, value_name = "N", value_parser = counts(10..=10_000_000), help_heading = "Data")]
    pub(super) rows: Option<usize>,

    /// Widths of the hidden layers; more learns finer shapes and takes longer
    #[arg(long, value_name = "N,N,..", value_delimiter = ',', value_parser = counts(1..=16_384),
          default_value = defaults::HIDDEN, help_heading = "Model")]
    pub(super) hidden: Vec<usize>,

    /// The function between the layers: sin learns fine shapes in far fewer steps, tanh gives smoother fields
    #[arg(long, value_enum, default_value_t = ActivationName::Sin, help_heading = "Model")]
    pub(super) activation: ActivationName,

    #[command(flatten)]
    pub(super) divergence: DivergenceArgs,

    /// The Runge-Kutta method of the training: tsit5, dopri5, heun or rk4 (rk4 needs --steps)
    #[arg(long, value_name = "NAME", value_parser = solver, default_value = defaults::SOLVER, help_heading = "Solver")]
    pub(super) solver: &'static Tableau,

    /// Relative tolerance of a step; with f32 not below 1e-6
    #[arg(long, value_name = "X", value_parser = positive, allow_negative_numbers = true, default_value_t = defaults::TOLERANCE, help_heading = "Solver")]
    pub(super) rtol: f64,

    /// Absolute tolerance of a step
    #[arg(long, value_name = "X", value_parser = positive, allow_negative_numbers = true, default_value_t = defaults::TOLERANCE, help_heading = "Solver")]
    pub(super) atol: f64,

    /// Take this many equal steps in place of steps chosen by the tolerances
    #[arg(long, value_name = "N", value_parser = counts(1..=100_000), conflicts_with_all = ["rtol", "atol"],
          help_heading = "Solver")]
    pub(super) steps: Option<usize>,

    /// Precision of the training
    #[arg(long, value_enum, default_value_t = DtypeName::F32, help_heading = "Solver")]
    pub(super) dtype: DtypeName,

    /// Most passes over the training rows
    #[arg(long, value_name = "N", value_parser = counts(1..=1_000_000), default_value_t = defaults::EPOCHS,
          help_heading = "Training")]
    pub(super) epochs: usize,

    /// Stop after this many epochs without a better validation
    #[arg(long, value_name = "N", value_parser = counts(1..=1_000_000), default_value_t = defaults::PATIENCE,
          help_heading = "Training")]
    pub(super) patience: usize,

    /// Rows of a training step
    #[arg(long, value_name = "N", value_parser = counts(1..=10_000_000), default_value_t = defaults::BATCH_SIZE,
          help_heading = "Training")]
    pub(super) batch_size: usize,

    /// Learning rate at the beginning; it falls along a cosine to a fiftieth
    #[arg(long, value_name = "X", value_parser = positive, allow_negative_numbers = true, default_value_t = defaults::LEARNING_RATE,
          help_heading = "Training")]
    pub(super) lr: f64,

    /// Threads to compute on [default: all cores]
    #[arg(long, value_name = "N", value_parser = counts(1..=1024), help_heading = "Training")]
    pub(super) threads: Option<usize>,
}

/// Draw rows from a trained flow and write them as CSV
#[derive(Args, Debug)]
pub(super) struct SampleArgs {
    /// The folder of a run, or its model file
    pub(super) run: PathBuf,

    /// How many rows
    #[arg(short = 'n', long = "rows", value_name = "N", value_parser = counts(1..=100_000_000),
          default_value_t = defaults::SAMPLES)]
    pub(super) rows: usize,

    /// The CSV file to write
    #[arg(long, value_name = "FILE")]
    pub(super) out: PathBuf,

    /// Seed of the draws; the same seed draws the same rows
    #[arg(long, value_name = "N", default_value_t = defaults::SEED)]
    pub(super) seed: u64,

    /// Threads to compute on [default: all cores]
    #[arg(long, value_name = "N", value_parser = counts(1..=1024))]
    pub(super) threads: Option<usize>,
}

/// Write the log-density of each row of a table under a trained flow
///
/// The output has one column, `log_p`, and a row for each row of the data: the logarithm of the density in
/// nats, in the units of the data.
#[derive(Args, Debug)]
pub(super) struct LogProbArgs {
    /// The folder of a run, or its model file
    pub(super) run: PathBuf,

    /// A CSV file with the columns of the training data, or a built-in set: then its 10,000 rows that judge
    /// a run of this seed
    pub(super) data: String,

    /// The CSV file to write
    #[arg(long, value_name = "FILE")]
    pub(super) out: PathBuf,

    /// Threads to compute on [default: all cores]
    #[arg(long, value_name = "N", value_parser = counts(1..=1024))]
    pub(super) threads: Option<usize>,
}

/// The function between the layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ActivationName {
    Sin,
    Tanh,
}

impl From<ActivationName> for Activation {
    fn from(name: ActivationName) -> Self {
        match name {
            ActivationName::Sin => Self::Sin,
            ActivationName::Tanh => Self::Tanh,
        }
    }
}

/// Precision of the training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum DtypeName {
    F32,
    F64,
}

impl From<DtypeName> for model::Dtype {
    fn from(name: DtypeName) -> Self {
        match name {
            DtypeName::F32 => Self::F32,
            DtypeName::F64 => Self::F64,
        }
    }
}

pub(super) fn counts(range: std::ops::RangeInclusive<u64>) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(range)
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value > 0.0 && value.is_finite() => Ok(value),
        _ => Err("a number above 0 such as 0.001 or 1e-3 is wanted".to_owned()),
    }
}

fn solver(name: &str) -> Result<&'static Tableau, String> {
    Tableau::by_name(name).map_err(|error| error.to_string())
}
