//! What holds at kinks and poles, for examples by themselves, and that the testers find what is wrong.

use ad_core::{Array, Elementary, Tape, check};

use crate::record;

fn vector(data: &[f64]) -> Array {
    Array::new(&[data.len()], data.to_vec()).unwrap()
}

/// The derivatives of a function of one number at several points, forward and reverse.
fn slopes(code: impl Fn(&ad_core::Tracer) -> ad_core::Tracer, at: &[f64]) -> [Vec<f64>; 2] {
    let tape = record(|t| code(&t.example("x", &[])));
    let ones = vector(&vec![1.0; at.len()]);
    [tape.jvp(&["x"]), tape.vjp(&["x"])].map(|derivative| {
        let mut values = derivative.unwrap().eval(at.len(), &[vector(at), ones.clone()]).unwrap();
        values.remove(1).data
    })
}

#[test]
fn kinks_have_the_slope_of_the_table_in_both_modes() {
    for found in slopes(Elementary::abs, &[-1.0, 0.0, 1.0]) {
        assert_eq!(found, [-1.0, 0.0, 1.0]);
    }
    for found in slopes(Elementary::relu, &[-1.0, 0.0, 1.0]) {
        assert_eq!(found, [0.0, 0.0, 1.0]);
    }
    for found in slopes(|x| x.max(&(x * 2.0)), &[-1.0, 0.0, 1.0]) {
        assert_eq!(found, [1.0, 1.5, 2.0]);
    }
    for found in slopes(Elementary::sqrt, &[0.0, 0.25]) {
        assert_eq!(found, [f64::INFINITY, 1.0]);
    }
}

#[test]
fn the_slope_of_the_side_not_taken_never_enters_a_tangent() {
    // sqrt has an infinite slope at 0, and NaN below: neither reaches the derivative of the other side.
    let [forward, _] = slopes(|x| x.step().select(&x.sqrt(), &(x * 3.0)), &[-1.0, 0.0, 0.25]);
    assert_eq!(forward, [3.0, 3.0, 1.0]);
}

#[test]
fn powers_at_zero() {
    for found in slopes(|x| x.pow(&x.lift(2.0)), &[0.0, 3.0]) {
        assert_eq!(found, [0.0, 6.0]);
    }
    for found in slopes(|x| x.pow(&x.lift(0.0)), &[0.0, 3.0]) {
        assert_eq!(found, [0.0, 0.0]);
    }
}

/// d/dp x^p at p = 0 is ln x, and its slope by x is 1/x: the rule for x = p = 0 must not reach it.
#[test]
fn the_mixed_second_derivative_of_a_power_at_exponent_zero() {
    let tape = record(|t| {
        let (x, p) = (t.example("x", &[]), t.example("p", &[]));
        let one = t.number(1.0);
        let by_x = t.push_forward(&[(&x, &one)], &[&x.pow(&p)]).remove(0);
        t.push_forward(&[(&p, &one)], &[&by_x]).remove(0)
    });
    assert_eq!(tape.eval(1, &[vector(&[4.0]), vector(&[0.0])]).unwrap()[0].data, [0.25]);
}

#[test]
fn a_sum_over_examples_counts_tangents_that_examples_share() {
    // y = sum_e (x_e + w): the derivative by w is the number of examples, in both modes.
    let tape = record(|t| (t.example("x", &[]) + t.shared("w", &[])).sum_examples());
    let one = Array::new(&[], vec![1.0]).unwrap();
    for derivative in [tape.jvp(&["w"]).unwrap(), tape.vjp(&["w"]).unwrap()] {
        let values = derivative.eval(3, &[vector(&[1.0, 2.0, 4.0]), one.clone(), one.clone()]).unwrap();
        assert_eq!((values[0].data[0], values[1].data[0]), (10.0, 3.0), "{derivative}");
    }
}

#[test]
fn scaled_views_of_a_count_keep_the_count() {
    let tape = record(|t| t.shared("w", &[]).sum_examples() + t.example("x", &[]));
    let w = Array::new(&[], vec![2.0]).unwrap();
    assert_eq!(tape.eval(3, &[w, vector(&[1.0, 2.0, 3.0])]).unwrap()[0].data, [7.0, 8.0, 9.0]);
}

#[test]
fn no_examples_are_allowed() {
    let tape = record(|t| (t.example("x", &[2]) * t.shared("w", &[2])).sum_examples());
    let inputs = [Array::new(&[0, 2], vec![]).unwrap(), vector(&[1.0, 2.0])];
    assert_eq!(tape.eval(0, &inputs).unwrap()[0].data, [0.0, 0.0]);
    check::program(&tape, 0, &inputs, 0.0).unwrap();
}

#[test]
fn the_tester_points_out_a_kink() {
    let tape = record(|t| t.example("x", &[]).abs());
    let message = check::derivatives(&tape, 1, &[vector(&[1e-9])]).unwrap_err().to_string();
    assert!(
        message.contains("`x`") && message.contains("y[0]") && message.contains("differences"),
        "{message}"
    );
}

#[test]
fn the_tester_points_out_what_is_not_finite() {
    let tape = record(|t| t.example("x", &[]).ln());
    let message = check::derivatives(&tape, 2, &[vector(&[1.0, -1.0])]).unwrap_err().to_string();
    assert!(message.contains("the output y[1] is NaN"), "{message}");
    let tape = record(|t| t.example("x", &[]).sqrt());
    let message = check::derivatives(&tape, 1, &[vector(&[0.0])]).unwrap_err().to_string();
    assert!(message.contains("derivative") && message.contains("inf"), "{message}");
    let message = check::derivatives(&tape, 1, &[vector(&[f64::NAN])]).unwrap_err().to_string();
    assert!(message.contains("the input x[0] is NaN"), "{message}");
}

#[test]
fn the_tester_checks_tapes_whose_names_transforms_use() {
    let tape = record(|t| t.example("x", &[2]).exp());
    let vjp = tape.vjp(&["x"]).unwrap();
    let two = Array::new(&[1, 2], vec![0.5, -0.5]).unwrap();
    check::derivatives(&vjp, 1, &[two.clone(), two]).unwrap();
}

#[test]
fn numbers_of_all_kinds_survive_the_text_form() {
    let odd = f64::from_bits(0xfff8_0000_0000_00ab);
    let numbers = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.1,
        1e300,
        -5e-324,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        -f64::NAN,
        odd,
    ];
    let tape = Tape::record(|t| {
        let x = t.example("x", &[12]);
        let mut outputs = vec![("c".to_owned(), t.constant(&numbers, &[12]))];
        for (k, &c) in numbers.iter().enumerate() {
            outputs.push((format!("a{k}"), t.number(c)));
            outputs.push((format!("b{k}"), &x * c));
            outputs.push((format!("d{k}"), x.sin() - x.cos() * c));
        }
        outputs
    })
    .unwrap();
    check::round_trip(&tape).unwrap();
}
