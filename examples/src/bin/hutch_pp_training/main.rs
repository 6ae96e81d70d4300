//! Does Hutch++ train flows better than Hutchinson's estimator? `hutch_pp_training [--quick] [SETS]` tries it.
//!
//! 1. On data sets in the plane (Liu, Du, Deng, Zhang: *Optimal stochastic trace estimation in generative modeling*, 2025,
//!    claim that it does): flows trained with either at the same number of Jacobian-vector products, with bases that are renewed
//!    each time an example is visited, each 10 or 100 times, or when they have lost their worth; and with the exact
//!    divergence. What counts is the exact negative log-likelihood on fresh data, beside its spread over seeds.
//! 2. In 256 dimensions, on a deep field whose Jacobian has a decaying spectrum: where Hutch++ pays.

mod decaying;
mod toys;

use std::process::ExitCode;

use clap::Parser;

/// The result of everything here that can fail.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Flows trained with Hutchinson's estimator, with Hutch++ and with the exact divergence.
#[derive(Debug, Parser)]
#[command(name = "hutch_pp_training")]
struct Arguments {
    /// Small sizes, which show that it runs and nothing else.
    #[arg(long)]
    quick: bool,
    /// Trainings of each kind, each from a seed of its own.
    #[arg(long, default_value = "3")]
    seeds: u64,
    /// The data sets, of 2spirals, circles, checkerboard [default: all].
    #[arg(value_parser = ["2spirals", "circles", "checkerboard"])]
    sets: Vec<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = toys::run(&arguments).and_then(|()| decaying::run(arguments.quick));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hutch_pp_training: {error}");
            ExitCode::from(2)
        }
    }
}

/// Mean and standard deviation.
fn moments(x: &[f64]) -> [f64; 2] {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    let squares: f64 = x.iter().map(|x| (x - mean).powi(2)).sum();
    [mean, (squares / (n - 1.0).max(1.0)).sqrt()]
}
