//! Derivatives inside recordings: forward, reverse, and both in each other.

use ad_core::{Array, Elementary, Tape, Tracer, check};

use crate::{check_everything, inputs, record};

#[test]
fn push_forward_along_one_direction() {
    check_everything(
        &record(|t| {
            let (x, d) = (t.example("x", &[3]), t.example("d", &[3]));
            t.push_forward(&[(&x, &d)], &[&(x.sin() * &x)]).remove(0)
        }),
        0.3,
        0.9,
    );
}

#[test]
fn push_forward_along_a_direction_that_examples_share() {
    check_everything(
        &record(|t| {
            let (x, d) = (t.example("x", &[3]), t.shared("d", &[3]));
            t.push_forward(&[(&x, &d)], &[&x.sum_examples().exp()]).remove(0)
        }),
        0.3,
        0.9,
    );
}

#[test]
fn push_forward_of_the_identity_is_the_transposed_jacobian() {
    let tape = Tape::record(|t| {
        let (x, w) = (t.example("x", &[3]), t.shared("w", &[3, 2]));
        let y = x.matmul(&w).tanh();
        let rows = t.push_forward(&[(&x, &t.identity(3))], &[&y]).remove(0);
        let columns = t.pull_back(&[(&y, &t.identity(2))], &[&x]).remove(0);
        let slope = 1.0 - y.square();
        [("rows", rows), ("columns", columns.transpose()), ("by_hand", w * slope.broadcast_to(&[3, 2]))]
    })
    .unwrap();
    let values = tape.eval(4, &inputs(&tape, 4, 0.3, 0.9)).unwrap();
    for other in &values[1..] {
        let differ = values[0].data.iter().zip(&other.data).any(|(a, b)| (a - b).abs() > 1e-14);
        assert!(!differ && values[0].shape == other.shape, "{values:?}");
    }
    check_everything(&tape, 0.3, 0.9);
}

#[test]
fn several_directions_through_everything_linear() {
    check_everything(
        &record(|t| {
            let x = t.example("x", &[2]);
            let y =
                x.reshape(&[2, 1]).broadcast_to(&[2, 3]).slice(1, 0..2).gather(0, &[1, 1, 0]).pad(0, 1, 4);
            let z = x.at(0, 0).less(&t.number(2.0)).select(&y.sum_axis(1), &y.square().sum_axis(1));
            t.push_forward(&[(&x, &t.identity(2))], &[&z.square().concat(&[&x], 0)]).remove(0)
        }),
        0.3,
        0.9,
    );
}

#[test]
fn the_divergence_of_a_field_never_multiplies_the_identity_out() {
    let tape = record(|t| {
        let (x, w, v) = (t.example("x", &[3]), t.shared("w", &[3, 4]), t.shared("v", &[4, 3]));
        let y = x.matmul(&w).tanh().matmul(&v);
        t.push_forward(&[(&x, &t.identity(3))], &[&y]).remove(0).trace()
    });
    let deltas =
        tape.nodes().iter().filter(|n| n.operands.is_empty() && n.out.len() == 2 && n.extents.len() == 1);
    assert_eq!(deltas.count(), 0, "{tape}");
    check_everything(&tape, 0.3, 0.9);
}

#[test]
fn pull_back_with_a_cotangent_of_the_recording() {
    check_everything(
        &record(|t| {
            let (x, w, c) = (t.example("x", &[3]), t.shared("w", &[3, 2]), t.example("c", &[2]));
            t.pull_back(&[(&x.matmul(&w).tanh(), &c)], &[&w]).remove(0)
        }),
        0.3,
        0.9,
    );
}

#[test]
fn pull_back_of_a_value_that_does_not_depend_is_zero() {
    let tape = record(|t| {
        let (x, w) = (t.example("x", &[3]), t.shared("w", &[2]));
        t.pull_back(&[(&x.exp(), &x)], &[&w]).remove(0)
    });
    assert_eq!(tape.eval(2, &inputs(&tape, 2, 0.3, 0.9)).unwrap()[0].data, [0.0, 0.0]);
}

#[test]
fn cotangents_come_in_the_order_asked_for() {
    let code = |x: &Tracer, w: &Tracer| (x.matmul(w).tanh() * x.sum()).sum();
    let outer = Tape::record(|t| {
        let (x, w) = (t.example("x", &[3]), t.example("w", &[3, 2]));
        let bars = t.pull_back(&[(&code(&x, &w), &t.number(1.0))], &[&w, &x]);
        ["w_bar", "x_bar"].into_iter().zip(bars).collect::<Vec<_>>()
    })
    .unwrap();
    let vjp = record(|t| code(&t.example("x", &[3]), &t.example("w", &[3, 2]))).vjp(&["x", "w"]).unwrap();
    let mut point = inputs(&outer, 2, 0.3, 0.9);
    let inside = outer.eval(2, &point).unwrap();
    point.push(Array::new(&[2], vec![1.0; 2]).unwrap());
    let outside = vjp.eval(2, &point).unwrap();
    assert_eq!((&inside[0], &inside[1]), (&outside[2], &outside[1]));
}

#[test]
fn names_turn_with_each_transposition() {
    let forward = record(|t| t.example("x", &[2]).sin()).linearize(&["x"]).unwrap();
    let reverse = forward.transpose().unwrap();
    assert_eq!((&forward.inputs()[0], &forward.outputs()[0]), (&"x_dot".to_owned(), &"y_dot".to_owned()));
    assert_eq!((&reverse.inputs()[0], &reverse.outputs()[0]), (&"y_bar".to_owned(), &"x_bar".to_owned()));
    let back = reverse.transpose().unwrap();
    assert_eq!((back.inputs(), back.outputs()), (forward.inputs(), forward.outputs()));
}

/// `z = y^2` and `y = exp x`, each moved by itself: `z_dot` is `2 y y_dot`, whatever `x` does.
#[test]
fn a_seed_is_the_tangent_of_its_value() {
    let tape = record(|t| {
        let (x, x_dot, y_dot) = (t.example("x", &[]), t.example("x_dot", &[]), t.example("y_dot", &[]));
        let y = x.exp();
        t.push_forward(&[(&x, &x_dot), (&y, &y_dot)], &[&y.square()]).remove(0)
    });
    let numbers = [0.5, 3.0, -2.0].map(|x| Array::new(&[1], vec![x]).unwrap());
    assert_eq!(tape.eval(1, &numbers).unwrap()[0].data, [2.0 * 0.5_f64.exp() * -2.0]);
}

#[test]
fn a_gradient_step_inside_a_recording() {
    check_everything(
        &record(|t| {
            let (x, w) = (t.example("x", &[2]), t.shared("w", &[2]));
            let loss = (x.dot(&w) - 1.0).square().mean_examples();
            let gradient = t.pull_back(&[(&loss, &t.number(1.0))], &[&w]).remove(0);
            let better = &w - gradient * 0.1;
            (x.dot(&better) - 1.0).square().mean_examples()
        }),
        0.3,
        0.9,
    );
}

#[test]
fn reverse_over_forward_over_reverse() {
    check_everything(
        &record(|t| {
            let x = t.example("x", &[2]);
            let y = x.sin().dot(&x.exp());
            let g = t.pull_back(&[(&y, &t.number(1.0))], &[&x]).remove(0);
            let h = t.push_forward(&[(&x, &t.identity(2))], &[&g]).remove(0).trace();
            t.pull_back(&[(&h, &t.number(1.0))], &[&x]).remove(0)
        }),
        0.3,
        0.9,
    );
}

/// d/dx (x * d/dy (x + y)) = 1: a derivative inside must not see the tangent of the one outside.
#[test]
fn perturbation_confusion() {
    let tape = record(|t| {
        let (x, y) = (t.example("x", &[]), t.example("y", &[]));
        let one = t.number(1.0);
        let inner = t.push_forward(&[(&y, &one)], &[&(&x + &y)]).remove(0);
        t.push_forward(&[(&x, &one)], &[&(&x * inner)]).remove(0)
    });
    let numbers = |x: f64| Array::new(&[1], vec![x]).unwrap();
    assert_eq!(tape.eval(1, &[numbers(3.0), numbers(5.0)]).unwrap()[0].data, [1.0]);
}

/// The same where both derivatives are by the same value: d/dx (x * d/dx x^2) = 4 x.
#[test]
fn nested_derivatives_by_one_value() {
    let tape = record(|t| {
        let (x, one) = (t.example("x", &[]), t.number(1.0));
        let inner = t.push_forward(&[(&x, &one)], &[&x.square()]).remove(0);
        t.push_forward(&[(&x, &one)], &[&(&x * inner)]).remove(0)
    });
    assert_eq!(tape.eval(1, &[Array::new(&[1], vec![3.0]).unwrap()]).unwrap()[0].data, [12.0]);
}

#[test]
fn an_inlined_tape_is_the_code_it_was_recorded_from() {
    let code = |x: &Tracer, w: &Tracer| (x.matmul(w).tanh() + x.sum()).square();
    let inner = record(|t| code(&t.example("a", &[2]), &t.shared("b", &[2, 3])));
    let outer = record(|t| t.inline(&inner, &[&t.example("x", &[2]), &t.shared("w", &[2, 3])]).remove(0));
    assert_eq!(outer, record(|t| code(&t.example("x", &[2]), &t.shared("w", &[2, 3]))));
    check_everything(&outer, 0.3, 0.9);
}

#[test]
fn an_inlined_tape_on_a_value_that_examples_share() {
    let inner = record(|t| t.example("a", &[2]).exp().sum_examples());
    check_everything(&record(|t| t.inline(&inner, &[&t.shared("w", &[2])]).remove(0)), 0.3, 0.9);
}

#[test]
fn values_come_first_and_are_left_as_they_are() {
    let tape = record(|t| (t.example("x", &[3]).matmul(&t.shared("w", &[3, 2]))).tanh());
    let jvp = tape.jvp(&["x"]).unwrap();
    assert_eq!(jvp.nodes()[..tape.nodes().len()], *tape.nodes());
    check::round_trip(&jvp).unwrap();
}
