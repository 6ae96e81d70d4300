//! R: all routes to an exact divergence, their costs by the planner's model beside the times they take.

use ad_core::{Elementary, Port, Recorder, Tape, Tracer};
use ad_ops::random::Purpose;
use ad_ops::{Workload, explain};
use serde_json::json;

use crate::Result;
use crate::arguments::Arguments;
use crate::case::{Batch, Case, Float};
use crate::clock::time;

const WIDTH: usize = 64;

pub(crate) fn run<T: Float>(arguments: &Arguments) -> Result<()> {
    let examples = arguments.batch;
    for &d in &arguments.dims {
        let fields = [
            ("2 layers", perceptron(d, 2)?),
            ("3 layers", perceptron(d, 3)?),
            ("2 residual blocks", residual(d, 2)?),
            ("3 residual blocks", residual(d, 3)?),
        ];
        for (name, field) in fields.iter().filter(|(name, _)| arguments.wants(name)) {
            for route in explain(field, "x", "x_dot", Workload { examples, evaluations: 1 })?.iter() {
                let program = route.tape().compile::<T>()?;
                let rows = program.inputs().iter().zip(0..).map(|(port, k)| row(port, k, examples)).collect();
                let mut case = Batch::with_rows(program, rows, examples);
                let timing = time(arguments.budget(), || case.call())?;
                let us = timing.median / examples as f64 * 1e6;
                let own = json!({
                    "d": d, "batch": examples, "route": route.name(), "cost": route.cost(), "us_per_sample": us,
                });
                arguments.print(name, own, Some(&timing));
            }
        }
    }
    Ok(())
}

/// Normal numbers; of a matrix as small as keeps what it multiplies of its size.
fn row<T: Float>(port: &Port, seed: u32, examples: usize) -> Vec<T> {
    let mut stream = Purpose::Constant.stream(3, seed, 0);
    let (count, scale) = match (port.has_example(), &port.shape[..]) {
        (true, _) => (examples * port.size(), 1.0),
        (false, shape) => (port.size(), 1.0 / (shape[0] as f64).sqrt()),
    };
    (0..count).map(|_| T::from_f64(scale * stream.standard_normal())).collect()
}

fn layer(t: &Recorder, name: &str, x: &Tracer, to: usize) -> Tracer {
    x.matmul(&t.shared(name, &[x.shape()[0], to]))
}

fn perceptron(d: usize, layers: usize) -> Result<Tape> {
    Ok(Tape::record(|t| {
        let x = t.example("x", &[d]);
        let hidden = (0..layers).fold(x, |h, k| layer(t, &format!("w{k}"), &h, WIDTH).tanh());
        [("x_dot", layer(t, "last", &hidden, d))]
    })?)
}

fn residual(d: usize, blocks: usize) -> Result<Tape> {
    Ok(Tape::record(|t| {
        let block = |x: Tracer, k: usize| {
            layer(t, &format!("b{k}"), &layer(t, &format!("a{k}"), &x, WIDTH).tanh(), d) + x
        };
        [("x_dot", (0..blocks).fold(t.example("x", &[d]), block))]
    })?)
}
