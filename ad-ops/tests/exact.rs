//! The cheapest route against `d` directions and against the dense Jacobian, and what it costs.

mod fields;

use ad_core::{Array, Cost, Tape};
use ad_ops::{DIVERGENCE, Estimator, Workload, divergence};
use fields::numbers;

/// The cost of the divergence alone, for 256 examples.
fn cost(field: &Tape, estimator: Estimator) -> Cost {
    let whole = divergence(field, "x", "x_dot", estimator).unwrap();
    only(&whole, DIVERGENCE).cost()
}

fn only(tape: &Tape, output: &str) -> Tape {
    Tape::record(|t| {
        let inputs = t.inputs_like(tape);
        let outputs = t.inline(tape, &inputs.iter().collect::<Vec<_>>());
        let place = tape.outputs().iter().position(|(name, _)| name == output).unwrap();
        [(output, outputs[place].clone())]
    })
    .unwrap()
}

fn multiply_adds(field: &Tape, estimator: Estimator) -> f64 {
    let cost = cost(field, estimator);
    cost.example.multiply_adds + cost.binding.multiply_adds / 256.0
}

#[test]
fn two_hidden_layers_cost_less_than_a_probe() {
    for (d, most) in [(8, 9_056.0), (32, 11_216.0), (128, 22_736.0), (512, 114_896.0)] {
        let field = fields::mlp(d, &[64, 64]);
        let exact = multiply_adds(&field, Estimator::Exact);
        println!("{d}: {exact}, directions {}", multiply_adds(&field, Estimator::Directions));
        assert!(
            exact <= most,
            "d = {d}: {exact}\n{}",
            divergence(&field, "x", "x_dot", Estimator::Exact).unwrap()
        );
    }
}
