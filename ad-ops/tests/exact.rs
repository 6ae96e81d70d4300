//! The cheapest route against `d` directions and against the dense Jacobian, and what it costs.

mod fields;

use ad_core::{Array, Cost, Tape};
use ad_ops::{DIVERGENCE, Estimator, divergence};
use proptest::prelude::*;

fn run(tape: &Tape, examples: usize, inputs: &[Array]) -> Vec<Vec<f64>> {
    let data: Vec<&[f64]> = inputs.iter().map(|a| &a.data[..]).collect();
    tape.compile::<f64>().unwrap().call(examples, &data).unwrap()
}

/// The Jacobians of a field, `[e, direction, component]`.
fn jacobian(field: &Tape, examples: usize, inputs: &[Array]) -> Vec<f64> {
    let tape = Tape::record(|t| {
        let given = t.inputs_like(field);
        let y = t.inline(field, &given.iter().collect::<Vec<_>>()).remove(0);
        let d = y.shape()[0];
        let directions = t.identity(d);
        [("jacobian", t.push_forward(&[(&given[1], &directions)], &[&y]).remove(0))]
    });
    run(&tape.unwrap(), examples, inputs).remove(0)
}

/// Holds the divergence of a field and its gradient in all inputs against the other ways to compute them, to 1e-12 of
/// the size of what is added up.
fn check(field: &Tape, seed: u32) {
    let n = 5;
    let mut inputs = fields::inputs(field, n, seed);
    let tapes = [Estimator::Exact, Estimator::Directions]
        .map(|estimator| divergence(field, "x", "x_dot", estimator).unwrap());
    let [exact, directions] = [0, 1].map(|k| run(&tapes[k], n, &inputs));
    assert_eq!(exact[0], directions[0], "the field itself");
    let jacobian = jacobian(field, n, &inputs);
    let d = directions[0].len() / n;
    for e in 0..n {
        let own = &jacobian[e * d * d..][..d * d];
        let dense: f64 = (0..d).map(|i| own[i * d + i]).sum();
        let size = 1.0 + own.iter().map(|x| x * x).sum::<f64>().sqrt() * (d as f64).sqrt();
        for other in [dense, directions[1][e]] {
            let same = exact[1][e] == other || (exact[1][e] - other).abs() <= 1e-12 * size;
            let both_nan = exact[1][e].is_nan() && other.is_nan();
            assert!(same || both_nan, "{} of {other}, size {size}\n{}", exact[1][e], tapes[0]);
        }
    }
    let names: Vec<&str> = field.inputs().iter().map(|(name, _)| name.as_str()).collect();
    inputs.extend([fields::numbers(&[n, d], seed + 1000), fields::numbers(&[n], seed + 1001)]);
    let [exact, directions] = [0, 1].map(|k| run(&tapes[k].vjp(&names).unwrap(), n, &inputs));
    for ((a, b), name) in exact.iter().zip(&directions).skip(2).zip(&names) {
        let size = b.iter().fold(1.0, |m: f64, x| m.max(x.abs()));
        for (a, b) in a.iter().zip(b) {
            assert!(
                a == b || (a - b).abs() <= 1e-12 * size || !b.is_finite(),
                "{name}: {a} of {b}\n{}",
                tapes[0]
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn random_networks(field in fields::networks(), seed in 0_u32..1000) {
        check(&field, seed);
    }
}

#[test]
fn fields_that_are_no_networks() {
    for (name, field) in fields::others() {
        println!("{name}");
        (0..4).for_each(|seed| check(&field, 17 * seed));
    }
}

/// The cost of the divergence alone.
fn cost(field: &Tape, estimator: Estimator) -> Cost {
    let whole = divergence(field, "x", "x_dot", estimator).unwrap();
    let only = Tape::record(|t| {
        let inputs = t.inputs_like(&whole);
        [(DIVERGENCE, t.inline(&whole, &inputs.iter().collect::<Vec<_>>()).remove(1))]
    });
    only.unwrap().cost()
}

/// Multiply-adds an example when parameters are bound anew for each 256 of them.
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
