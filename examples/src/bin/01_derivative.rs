//! 1. A function, its tape, and its derivative.
//!
//! Write a function over [`Elementary`] and it runs on plain numbers. Call it on tracers, inside [`Tape::record`], and
//! what it does is written down instead: a *tape*, one line per operation, that prints as formulas. [`Tape::jvp`] makes
//! another tape of it that also computes the derivative along a direction `x_dot`: to each line that depends on `x` it
//! adds the line of its tangent, and the lines of the values stay as they are.

use ad_core::{Elementary, Tape};

/// `sin(x) / (1 + x^2)`: for numbers, for tracers, for whatever has elementary functions.
fn wave<E: Elementary>(x: &E) -> E {
    x.sin() / (x.square() + x.lift(1.0))
}

fn main() -> ad_core::Result<()> {
    let tape = Tape::record(|t| {
        let x = t.example("x", &[]); // one number for each example
        [("y", wave(&x))]
    })?;
    println!("The tape of sin(x) / (1 + x^2); `e` counts examples:\n\n{tape}");

    let with_derivative = tape.jvp(&["x"])?;
    println!("With the derivative along x_dot:\n\n{with_derivative}");

    // Four examples at once, each along the direction 1. Inputs and outputs are in the order of the tape.
    let x = [-1.0, 0.0, 0.5, 2.0];
    let outputs = with_derivative.compile::<f64>()?.call(x.len(), &[&x, &[1.0; 4]])?;
    let (y, y_dot) = (&outputs[0], &outputs[1]);

    println!("{:>8} {:>12} {:>12} {:>12}", "x", "y", "y'", "by hand");
    for (e, x) in x.into_iter().enumerate() {
        let q = 1.0 + x * x;
        let by_hand = x.cos() / q - 2.0 * x * x.sin() / (q * q);
        println!("{x:>8} {:>12.8} {:>12.8} {by_hand:>12.8}", y[e], y_dot[e]);
        assert!((y[e] - wave(&x)).abs() < 1e-15, "the tape gives {} at {x}, the function {}", y[e], wave(&x));
        assert!((y_dot[e] - by_hand).abs() < 1e-15, "the slope at {x} is {by_hand}, not {}", y_dot[e]);
    }
    Ok(())
}
