//! 5. Whether a derivative is one.
//!
//! `ad_core::check` is for the tests of your own crate: each function, derivative by hand and tape that you write is held
//! against what must be true of it in one line. The answer to a broken law names the law, the point, the direction, the
//! element and both numbers. At a kink it has something to say too: there the one-sided slopes differ, and no rule can
//! equal a difference across it.

use ad_core::{Array, Elementary, Rule, Scalar, Tape, check, check_formula, check_function};

/// A function of your crate, on numbers of any kind.
fn energy<T: Scalar>(x: &[T]) -> T {
    let r = x[0].hypot(x[1]);
    if r > T::one() { r.ln() } else { x[0] * x[1].exp() }
}

/// Another, that can also be recorded on a tape.
fn gate<E: Elementary>(x: &E, y: &E) -> E {
    x.sigmoid() * y.clone() + x.less(y).select(&x.square(), &y.tanh())
}

/// `x / |x|` for two numbers, with the vjp by hand; `sign` is 1 where it is right.
struct Normalise {
    sign: f64,
}

impl Rule for Normalise {
    fn value<T: Scalar>(&self, x: &[T]) -> Vec<T> {
        let r = x[0].hypot(x[1]);
        vec![x[0] / r, x[1] / r]
    }
    fn vjp<T: Scalar>(&self, x: &[T], y: &[T], y_bar: &[T]) -> Option<Vec<T>> {
        let r = x[0].hypot(x[1]);
        let along = T::lift(self.sign) * (y[0] * y_bar[0] + y[1] * y_bar[1]);
        Some(vec![(y_bar[0] - along * y[0]) / r, (y_bar[1] - along * y[1]) / r])
    }
}

/// What a check that has to fail says.
fn refusal(result: ad_core::Result<()>) -> String {
    result.err().map(|error| error.to_string()).unwrap_or_default()
}

fn main() -> ad_core::Result<()> {
    // A function: bits, differences, duality, forward = reverse, and second derivatives in all four mixes.
    check_function!(|x| [energy(x)], &[0.3, -1.2])?;
    check_function!(|x| [energy(x)], &[0.3, -0.2])?;
    // The same, as a tape, compiled, and by a complex step.
    check_formula!(|x| [gate(&x[0], &x[1])], &[0.3, -1.2])?;
    println!("energy and gate have the derivatives that they should.");

    check::rule(&Normalise { sign: 1.0 }, &[0.6, -1.1])?;
    let message = refusal(check::rule(&Normalise { sign: -1.0 }, &[0.6, -1.1]));
    println!("A sign is wrong: {message}\n");
    assert!(message.contains("y[0] by x[0]"), "the kit does not see a wrong vjp: `{message}`");

    // A tape: to second order, by each of its inputs.
    let field = Tape::record(|t| {
        let (time, x) = (t.example("t", &[]), t.example("x", &[3]));
        let (w, b) = (t.shared("w", &[3, 3]), t.shared("b", &[3]));
        let gate = (time * 2.0).sigmoid();
        [("x_dot", (x.matmul(&w) + b).tanh() * gate - x.clone() / (x.square().sum() + 1.0))]
    })?;
    let examples = 4;
    let array = |shape: &[usize]| {
        let n = shape.iter().product::<usize>();
        Array::new(shape, (0..n).map(|k| (1.7 * k as f64 + shape.len() as f64).cos()).collect())
    };
    let inputs = [array(&[examples])?, array(&[examples, 3])?, array(&[3, 3])?, array(&[3])?];
    check::derivatives(&field, examples, &inputs)?;
    check::program(&field, examples, &inputs, check::PROGRAM_TOLERANCE)?;
    println!(
        "The field's derivatives in t, x, w and b are right, to second order, and it runs as it evaluates.\n"
    );

    // relu has slope 0 at 0, by the table of elementary functions; a difference across 0 says 1/2.
    let kink = Tape::record(|t| [("y", t.example("x", &[2]).relu())])?;
    check::derivatives(&kink, 1, &[Array::new(&[1, 2], vec![-1.0, 1.0])?])?;
    println!("relu is fine at -1 and at 1.");
    let message = refusal(check::derivatives(&kink, 1, &[Array::new(&[1, 2], vec![1.0, 0.0])?]));
    println!("relu at 0: {message}");
    assert!(message.contains('x'), "the tester does not see the kink of relu: `{message}`");

    // The square root has no finite slope at 0: nothing to check, and that is said too.
    let edge = Tape::record(|t| [("y", t.example("x", &[]).sqrt())])?;
    let message = refusal(check::derivatives(&edge, 1, &[Array::new(&[1], vec![0.0])?]));
    println!("sqrt at 0: {message}");
    assert!(!message.is_empty(), "the tester finds a slope of sqrt at 0");
    Ok(())
}
