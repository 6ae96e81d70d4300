//! Array-shaped problems as tapes: recorded and compiled for their sizes, then run for their numbers.
//!
//! Each is the function that [`problems`](crate::problems) has for numbers, written for one point, term or step, so that
//! all of them go through vector registers together. The gradient is what the tape's own transposition gives.

mod mixture;
mod sums;

use ad_core::{Program, Result, Runner, Tape};

pub use mixture::Mixture;
pub use sums::{LeastSquares, LogSumExp};

/// The value and the gradient of a function of shared inputs, summed over examples.
struct Gradient {
    runner: Runner<f64, Program<f64>>,
}

impl Gradient {
    /// Of the one output of a tape by some of its inputs.
    fn new(tape: &Tape, by: &[&str]) -> Result<Self> {
        Ok(Gradient { runner: tape.vjp(by)?.compile()?.into_runner() })
    }

    /// The value, and the gradient by one input after the other.
    fn at(&mut self, shared: &[&[f64]], examples: usize, rows: &[&[f64]]) -> Result<(f64, Vec<f64>)> {
        let inputs: Vec<&[f64]> = shared.iter().copied().chain([&[1.0][..]]).collect();
        self.runner.bind(&inputs)?;
        self.runner.run(examples, rows)?;
        let outputs = self.runner.outputs();
        Ok((outputs[0][0], outputs[1..].concat()))
    }
}
