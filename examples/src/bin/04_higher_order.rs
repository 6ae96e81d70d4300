//! 4. Derivatives of derivatives.
//!
//! Transforms take a tape and give a tape, so they nest, and no higher order needs code of its own. Inside a recording
//! the same two are [`push_forward`](ad_core::Recorder::push_forward) and
//! [`pull_back`](ad_core::Recorder::pull_back): a derivative is a value like any other, and goes into further formulas.
//!
//! Here are three ways to the second derivatives of one function. None stores a matrix that is not asked for.

use ad_core::{Elementary, Recorder, Tape, Tracer};

/// Rosenbrock's function of two numbers, `(1 - x)^2 + 100 (y - x^2)^2`.
fn rosenbrock(p: &Tracer) -> Tracer {
    let (x, y) = (p.at(0, 0), p.at(0, 1));
    (1.0 - &x).square() + (y - x.square()).square() * 100.0
}

fn gradient(t: &Recorder, p: &Tracer) -> Tracer {
    t.pull_back(&[(&rosenbrock(p), &t.number(1.0))], &[p]).remove(0)
}

fn main() -> ad_core::Result<()> {
    let point = [-1.2, 1.0];
    let direction = [0.6, -0.8];

    // The product of the Hessian and a vector, forward over reverse and reverse over forward.
    let products = Tape::record(|t| {
        let (p, v) = (t.example("p", &[2]), t.example("v", &[2]));
        let forward_over_reverse = t.push_forward(&[(&p, &v)], &[&gradient(t, &p)]).remove(0);
        let slope = t.push_forward(&[(&p, &v)], &[&rosenbrock(&p)]).remove(0);
        let reverse_over_forward = t.pull_back(&[(&slope, &t.number(1.0))], &[&p]).remove(0);
        [("forward_over_reverse", forward_over_reverse), ("reverse_over_forward", reverse_over_forward)]
    })?;
    let out = products.compile::<f64>()?.call(1, &[&point, &direction])?;
    println!("H v, forward over reverse: {:?}", out[0]);
    println!("H v, reverse over forward: {:?}", out[1]);

    // The whole Hessian: all directions at once are one more index, and the identity matrix is never multiplied out.
    let hessian = Tape::record(|t| {
        let p = t.example("p", &[2]);
        [("hessian", t.push_forward(&[(&p, &t.identity(2))], &[&gradient(t, &p)]).remove(0))]
    })?;
    let h = hessian.compile::<f64>()?.call(1, &[&point])?.remove(0);
    println!("H: {h:?}");

    let [x, y] = point;
    let by_hand = [2.0 - 400.0 * (y - 3.0 * x * x), -400.0 * x, -400.0 * x, 200.0];
    println!("by hand: {by_hand:?}");
    for (got, want) in h.iter().zip(by_hand) {
        assert!((got - want).abs() < 1e-11, "an element of the Hessian is {want}, not {got}");
    }
    for row in 0..2 {
        let want = by_hand[2 * row] * direction[0] + by_hand[2 * row + 1] * direction[1];
        for (way, product) in products.outputs().iter().zip(&out) {
            assert!((product[row] - want).abs() < 1e-11, "{}: {want}, not {}", way.0, product[row]);
        }
    }
    Ok(())
}
