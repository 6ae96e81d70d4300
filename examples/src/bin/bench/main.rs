//! Measures fixed jobs and prints one JSON object a line, to be set beside what other libraries need for the same jobs
//! (`examples/bench/compare.py` makes the table).
//!
//! | letter | job |
//! |---|---|
//! | `A` | the divergence of a field at one point |
//! | `B` | the field, and its divergence, at a batch of points |
//! | `C` | the parameter gradient of the mean divergence of a batch |
//! | `D` | one training step of a continuous normalizing flow |
//! | `G` | memory and time of the gradient through 1000 and 10,000 Runge-Kutta steps |
//! | `H` | from the start of the process to the first loss and the first gradient |
//! | `R` | every route to an exact divergence that was in question: the cost it was taken or left by, and its time |
//!
//! The field of all but the last is an MLP of `d + 1` inputs (time first), two hidden layers of 64 `tanh` each, and `d` outputs.
//! With `--inputs FOLDER`, weights, points and probes come from files; otherwise from seeds. Keys of a row: `value`, by
//! which programs are checked against each other; `median`, `p25`, `p75`, `min` in seconds, of `n` calls.

mod arguments;
mod batch;
mod by_hand;
mod case;
mod clock;
mod gradient;
mod inputs;
mod memory;
mod network;
mod point;
mod routes;
mod startup;
mod training;

use std::process::ExitCode;

use arguments::{Arguments, Letter, Precision};
use clap::Parser;

/// The result of everything here that can fail.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.dtype {
        Precision::F32 => run::<f32>(&arguments),
        Precision::F64 => run::<f64>(&arguments),
    };
    examples::exit("bench", outcome)
}

fn run<T: case::Float>(arguments: &Arguments) -> Result<()> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(arguments.threads).build()?;
    // An error has to be sent out of the pool, so it goes as its text.
    let outcome = pool.install(|| {
        let outcome = match arguments.letter {
            Letter::A => point::run::<T>(arguments),
            Letter::B => batch::run::<T>(arguments),
            Letter::C => gradient::run::<T>(arguments),
            Letter::D => training::run::<T>(arguments),
            Letter::G => memory::run::<T>(arguments),
            Letter::H => startup::run::<T>(arguments),
            Letter::R => routes::run::<T>(arguments),
        };
        outcome.map_err(|error| error.to_string())
    });
    Ok(outcome?)
}
