//! 2. The gradient of a loss.
//!
//! A *jvp* pushes one direction forward; a *vjp* pulls one cotangent back and so gives the derivatives in all inputs at
//! once. It is no second set of rules: the tape is linearised, and the linear half is read backwards.
//!
//! Inputs come in two kinds. Of an [`example`](ad_core::Recorder::example) input each example has its own, and so has
//! its cotangent. A [`shared`](ad_core::Recorder::shared) input, a parameter, is one for all: its cotangent is *the sum
//! over the examples*, which is what a training step wants.

use ad_core::{Elementary, Tape};

fn main() -> ad_core::Result<()> {
    // Logistic regression, written for one example: features x, a label of 0 or 1.
    let loss = Tape::record(|t| {
        let (x, label) = (t.example("x", &[2]), t.example("label", &[]));
        let (w, b) = (t.shared("w", &[2]), t.shared("b", &[]));
        let z = x.dot(&w) + b;
        [("loss", z.softplus() - label * z)]
    })?;
    let gradient = loss.vjp(&["w", "b", "x"])?;
    println!("Inputs and outputs of the vjp:");
    println!("  {:?}", gradient.inputs().iter().map(|(name, _)| name).collect::<Vec<_>>());
    println!("  {:?}\n", gradient.outputs().iter().map(|(name, _)| name).collect::<Vec<_>>());

    let x = [0.5, -1.0, 2.0, 0.3, -0.7, 1.1];
    let label = [1.0, 0.0, 1.0];
    let (w, b) = ([0.2, -0.4], [0.1]);
    let program = gradient.compile::<f64>()?;
    // The cotangent 1 for the loss of each of the three examples: the gradient of their sum.
    let all = program.call(3, &[&x, &label, &w, &b, &[1.0; 3]])?;
    let [_, w_bar, b_bar, x_bar] = &all[..] else { unreachable!("a program has the outputs of its tape") };
    println!("w_bar = {w_bar:.6?} and b_bar = {b_bar:.6?}: sums over the examples");
    println!("x_bar = {x_bar:.6?}: a row for each example\n");

    // The same, one example at a time.
    let mut sum = [0.0; 2];
    for e in 0..3 {
        let one = program.call(1, &[&x[2 * e..2 * e + 2], &label[e..=e], &w, &b, &[1.0]])?;
        println!("example {e} alone: w_bar = {:.6?}, x_bar = {:.6?}", one[1], one[3]);
        sum.iter_mut().zip(&one[1]).for_each(|(sum, part)| *sum += part);
        assert_eq!(one[3], x_bar[2 * e..2 * e + 2], "an example's own cotangent depends on the others");
    }
    for (total, part) in w_bar.iter().zip(sum) {
        assert!((total - part).abs() < 1e-15, "the cotangent of w is {total}, its parts add up to {part}");
    }
    println!("their sum:         w_bar = {sum:.6?}");

    // And by differences of the loss.
    let value = loss.compile::<f64>()?;
    let total = |w: &[f64]| Ok::<f64, ad_core::Error>(value.call(3, &[&x, &label, w, &b])?[0].iter().sum());
    let h = 1e-5;
    let difference = (total(&[w[0] + h, w[1]])? - total(&[w[0] - h, w[1]])?) / (2.0 * h);
    assert!((w_bar[0] - difference).abs() < 1e-9, "the derivative in w[0] is {difference}, not {}", w_bar[0]);
    println!("by differences:    w_bar[0] = {difference:.6}");
    Ok(())
}
