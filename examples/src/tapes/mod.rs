//! Problems as tapes: recorded and compiled for their sizes, then run for their numbers.
//!
//! Each is the function that [`problems`](crate::problems) has for numbers, written for one point, term or step, so that
//! all of them go through vector registers together; the chain alone has single numbers. The gradient is what the tape's own transposition gives.

mod bundle;
mod chain;
mod clusters;
mod determinant;
mod mixture;
mod oscillators;
mod recurrent;
mod steps;
mod sums;

use ad_core::{Elementary, Program, Result, Runner, Tape, Tracer};

pub use bundle::Bundle;
pub use chain::Chain;
pub use clusters::Clusters;
pub use determinant::Determinant;
pub use mixture::Mixture;
pub use oscillators::Oscillators;
pub use recurrent::Recurrent;
pub use sums::{LeastSquares, LogSumExp, Rosenbrock};

/// The value and the gradient of a function of shared inputs, summed over examples.
struct Gradient {
    runner: Runner<f64, Program<f64>>,
}

impl Gradient {
    /// Of the one output of a tape by some of its inputs.
    fn new(tape: &Tape, by: &[&str]) -> Result<Self> {
        Ok(Gradient { runner: tape.vjp(by)?.compile()?.into_runner() })
    }

    /// The value, and the gradient by one input after the other. `inputs` are all, in order.
    fn at(&mut self, examples: usize, inputs: &[&[f64]]) -> Result<(f64, Vec<f64>)> {
        let inputs: Vec<&[f64]> = inputs.iter().copied().chain([&[1.0][..]]).collect();
        self.runner.call(examples, &inputs)?;
        let outputs = self.runner.outputs();
        Ok((outputs[0][0], outputs[1..].concat()))
    }
}

/// `ln sum e^x` of a vector, from the greatest on, so that nothing overflows.
fn log_sum_exp(x: &Tracer) -> Tracer {
    // Any shift is right, so that it need not be differentiated.
    let shift = folded(x, Tracer::max).sum().stop_gradient();
    (x - &shift).exp().sum().ln() + shift
}

/// All along the last axis, which gets length 1, folded into one: halves with each other, which may overlap.
fn folded(x: &Tracer, with: impl Fn(&Tracer, &Tracer) -> Tracer) -> Tracer {
    let shape = x.shape();
    let (mut x, axis, mut n) = (x.clone(), shape.len() - 1, shape[shape.len() - 1]);
    while n > 1 {
        let half = n.div_ceil(2);
        x = with(&x.slice(axis, 0..half), &x.slice(axis, n - half..n));
        n = half;
    }
    x
}
