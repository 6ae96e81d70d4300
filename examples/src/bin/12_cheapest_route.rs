//! 12. The exact divergence by the cheapest route.
//!
//! The derivative of a field is a sum of products: matrices, and the slopes of what stands between them. The trace closes
//! it into a loop, and a loop may be opened anywhere. [`divergence`] plans the order of the products from the tape, with
//! the sizes of all indices, and with the knowledge of what has examples and what is computed once for each binding of
//! the parameters. [`explain`] shows the routes that came into question, the cheapest first. Three fields:
//!
//! * With two hidden layers a matrix `M` without examples is made of all three, and what is left for each example is
//!   `s1^T M s2`: less than one product with the Jacobian, at any `d`.
//! * With three, an index has to be carried along: the narrowest one.
//! * A residual field `x + f(x) + g(x + f(x))` is a product of sums. Multiplied out, the identity is a number.

use ad_core::{Elementary, Recorder, Tape, Tracer};
use ad_ops::{Estimator, Workload, divergence, explain};

const D: usize = 32;
const HIDDEN: usize = 64;

fn layer(t: &Recorder, name: &str, x: &Tracer, to: usize) -> Tracer {
    x.matmul(&t.shared(name, &[x.shape()[0], to]))
}

fn perceptron(layers: usize) -> ad_core::Result<Tape> {
    Tape::record(|t| {
        let x = t.example("x", &[D]);
        let hidden = (0..layers).fold(x, |h, k| layer(t, &format!("w{k}"), &h, HIDDEN).tanh());
        [("x_dot", layer(t, "last", &hidden, D))]
    })
}

fn residual() -> ad_core::Result<Tape> {
    Tape::record(|t| {
        let block = |x: Tracer, a: &str, b: &str| layer(t, b, &layer(t, a, &x, HIDDEN).tanh(), D) + x;
        let x = block(t.example("x", &[D]), "a1", "b1");
        [("x_dot", block(x, "a2", "b2"))]
    })
}

fn main() -> ad_core::Result<()> {
    let workload = Workload { examples: 256, evaluations: 32 };
    let fields = [
        ("two hidden layers", perceptron(2)?),
        ("three hidden layers", perceptron(3)?),
        ("two residual blocks", residual()?),
    ];
    for (name, field) in &fields {
        println!("== {name} of {HIDDEN}, d = {D}\n");
        let routes = explain(field, "x", "x_dot", workload)?;
        println!("{routes}");
        let directions = routes.iter().find(|route| route.name().ends_with("directions"));
        let times = directions.map_or(0.0, ad_ops::Route::cost) / routes.cheapest().cost();
        println!("Directions cost {times:.1} times as much.\n");
        assert!(times >= 1.0);
        same_numbers(field)?;
    }
    Ok(())
}

/// Whatever the order, the number is one.
fn same_numbers(field: &Tape) -> ad_core::Result<()> {
    let run = |estimator| {
        let program = divergence(field, "x", "x_dot", estimator)?.compile::<f64>()?;
        let numbers = |n: usize| (0..n).map(|k| (k as f64 * 1.3 + n as f64).sin() / 8.0).collect::<Vec<_>>();
        let inputs: Vec<Vec<f64>> = program.inputs().iter().map(|port| numbers(port.size())).collect();
        program.call(1, &inputs.iter().map(|x| &x[..]).collect::<Vec<_>>()).map(|out| out[1][0])
    };
    let (exact, directions) = (run(Estimator::Exact)?, run(Estimator::Directions)?);
    assert!((exact - directions).abs() < 1e-12 * (D as f64), "{exact} of {directions}");
    Ok(())
}
