//! The diagonal, the squared norm and the Laplacian against dense derivatives.

use ad_core::{Elementary, Tape};
use ad_ops::{LAPLACIAN, Workload, diagonal, laplacian, squared_norm};
use proptest::prelude::*;

use crate::{fields, jacobian, run, workload};

/// Holds diagonal and squared norm of a field against its dense Jacobians.
fn check(field: &Tape, workload: Workload, seed: u32) {
    let n = 3;
    let inputs = fields::inputs(field, n, seed);
    let dense = jacobian(field, n, &inputs);
    let diagonals = run(&diagonal(field, "x", "x_dot", workload).unwrap(), n, &inputs).remove(1);
    let norms = run(&squared_norm(field, "x", "x_dot", workload).unwrap(), n, &inputs).remove(1);
    let d = diagonals.len() / n;
    for e in 0..n {
        let own = &dense[e * d * d..][..d * d];
        let norm: f64 = own.iter().map(|x| x * x).sum();
        assert!((norms[e] - norm).abs() <= 1e-12 * (1.0 + norm), "{} of {norm}", norms[e]);
        for i in 0..d {
            let (got, want) = (diagonals[e * d + i], own[i * d + i]);
            assert!((got - want).abs() <= 1e-12 * (1.0 + norm.sqrt()), "{i}: {got} of {want}");
        }
    }
}

/// The sum of half squares of a field: a scalar that bends as much as the field does.
fn energy(field: &Tape) -> Tape {
    let energy = Tape::record(|t| {
        let inputs = t.inputs_like(field);
        let y = t.inline(field, &inputs.iter().collect::<Vec<_>>()).remove(0);
        [("energy", (y.dot(&y) * 0.5).to_examples())]
    });
    energy.unwrap()
}

/// Holds the Laplacian of a field's energy against the trace of its dense Hessian.
fn check_laplacian(field: &Tape, workload: Workload, seed: u32) {
    let (n, energy) = (3, energy(field));
    let inputs = fields::inputs(&energy, n, seed);
    let hessian = Tape::record(|t| {
        let given = t.inputs_like(&energy);
        let u = t.inline(&energy, &given.iter().collect::<Vec<_>>()).remove(0);
        let slopes = t.pull_back(&[(&u, &t.number(1.0))], &[&given[1]]).remove(0);
        let d = slopes.shape()[0];
        [("hessian", t.push_forward(&[(&given[1], &t.identity(d))], &[&slopes]).remove(0))]
    });
    let dense = run(&hessian.unwrap(), n, &inputs).remove(0);
    let whole = laplacian(&energy, "x", "energy", workload).unwrap();
    assert_eq!(whole.outputs().len(), 2, "the value and {LAPLACIAN}");
    let got = run(&whole, n, &inputs).remove(1);
    let d = field.node(field.input("x").unwrap()).shape()[0];
    for e in 0..n {
        let own = &dense[e * d * d..][..d * d];
        let trace: f64 = (0..d).map(|i| own[i * d + i]).sum();
        let size = 1.0 + own.iter().map(|x| x * x).sum::<f64>().sqrt() * (d as f64).sqrt();
        let same = (got[e] - trace).abs() <= 1e-12 * size || trace.is_nan();
        assert!(same, "{} of {trace}\n{whole}", got[e]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn random_networks(field in fields::networks(), workload in workload(), seed in 0_u32..1000) {
        check(&field, workload, seed);
        check_laplacian(&field, workload, seed);
    }
}

#[test]
fn fields_that_are_no_networks() {
    for (name, field) in fields::others() {
        println!("{name}");
        check(&field, Workload::default(), 3);
        check_laplacian(&field, Workload::default(), 5);
    }
}

/// One bent layer: `u = sum_h v_h tanh(w_h x)` has the Laplacian `sum_h v_h |w_h|^2 tanh''`, where the lengths are made
/// once for each binding; so it costs as much at any `d`.
#[test]
fn the_laplacian_of_one_layer_is_a_dot_product() {
    let beyond = [5, 500].map(|d| {
        let value = Tape::record(|t| {
            let (x, w, v) = (t.example("x", &[d]), t.shared("w", &[d, 30]), t.shared("v", &[30]));
            [("u", x.matmul(&w).tanh().dot(&v))]
        });
        let value = value.unwrap();
        let whole = laplacian(&value, "x", "u", Workload::default()).unwrap();
        whole.cost().example.multiply_adds - value.cost().example.multiply_adds
    });
    assert_eq!(beyond[0], beyond[1]);
    assert!(beyond[0] <= 6.0 * 30.0, "{}", beyond[0]);
}

#[test]
fn a_laplacian_of_no_number_is_refused() {
    let field = fields::mlp(3, &[4]);
    let refusal = laplacian(&field, "x", "x_dot", Workload::default()).unwrap_err().to_string();
    assert!(refusal.contains("shape [3] in states of shape [3]: a number and a vector"), "{refusal}");
}
