//! 5. Whether a derivative is one.
//!
//! [`check::derivatives`] takes any tape and a point and holds the derivatives against what must be true of them: they
//! are limits of differences, `<y_bar, J x_dot> = <J^T y_bar, x_dot>`, forward and reverse give the same Jacobian, and
//! all of that again for the derivatives themselves. Use it in the tests of your own fields.
//!
//! Its answer names the input, the element and both numbers. At a kink it has something to say: there the one-sided
//! slopes differ, and no rule can equal a difference across it.

use ad_core::{Array, Elementary, Tape, check};

fn main() -> ad_core::Result<()> {
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
    println!("The field's derivatives in t, x, w and b are right, to second order.\n");

    // relu has slope 0 at 0, by the table of elementary functions; a difference across 0 says 1/2.
    let kink = Tape::record(|t| [("y", t.example("x", &[2]).relu())])?;
    check::derivatives(&kink, 1, &[Array::new(&[1, 2], vec![-1.0, 1.0])?])?;
    println!("relu is fine at -1 and at 1.");
    let refused = check::derivatives(&kink, 1, &[Array::new(&[1, 2], vec![1.0, 0.0])?]);
    let message = refused.err().map(|error| error.to_string()).unwrap_or_default();
    println!("relu at 0: {message}");
    assert!(message.contains('x'), "the tester does not see the kink of relu: `{message}`");

    // The square root has no finite slope at 0: nothing to check, and that is said too.
    let edge = Tape::record(|t| [("y", t.example("x", &[]).sqrt())])?;
    let refused = check::derivatives(&edge, 1, &[Array::new(&[1], vec![0.0])?]);
    let message = refused.err().map(|error| error.to_string()).unwrap_or_default();
    println!("sqrt at 0: {message}");
    assert!(!message.is_empty(), "the tester finds a slope of sqrt at 0");
    Ok(())
}
