//! 6. The divergence of a field.
//!
//! The divergence is the trace of the Jacobian. [`divergence`] takes the tape of a field and gives a tape of the field
//! and its divergence: it pushes all `d` directions forward at once, an index `k` more, and reads the diagonal.
//!
//! The directions begin as the identity matrix, which is an index that stands twice. A product with it renames an
//! index, so it is never computed: the directions of the first layer *are* the rows of its matrix, whatever the number
//! of examples. At the other end the diagonal alone is computed, not the Jacobian. Look for both in the tape below.
//! ([`Estimator::Exact`] goes further and plans the order of all products: `12_cheapest_route`.)

use ad_core::{Elementary, Tape};
use ad_ops::{Estimator, divergence};

const D: usize = 6;
const HIDDEN: usize = 16;

fn main() -> ad_core::Result<()> {
    let field = Tape::record(|t| {
        let x = t.example("x", &[D]);
        let (w1, w2) = (t.shared("w1", &[D, HIDDEN]), t.shared("w2", &[HIDDEN, D]));
        [("x_dot", x.matmul(&w1).tanh().matmul(&w2))]
    })?;
    let both = divergence(&field, "x", "x_dot", Estimator::Directions)?;
    println!("{both}");
    let nodes = both.nodes();
    let identities =
        nodes.iter().filter(|node| node.out.len() > 1 && node.out.iter().all(|l| *l == node.out[0])).count();
    assert_eq!(identities, 0, "the identity matrix is on the tape");

    // The same from the whole Jacobian, one direction at a time.
    let examples = 5;
    let numbers = |n: usize, phase: f64| (0..n).map(|k| (k as f64 * 1.3 + phase).sin()).collect::<Vec<f64>>();
    let (x, w1, w2) = (numbers(examples * D, 0.0), numbers(D * HIDDEN, 1.0), numbers(HIDDEN * D, 2.0));
    let out = both.compile::<f64>()?.call(examples, &[&x, &w1, &w2])?;
    let jvp = field.jvp(&["x"])?.compile::<f64>()?;
    let mut traces = vec![0.0; examples];
    for k in 0..D {
        let direction: Vec<f64> =
            (0..examples * D).map(|place| f64::from(u8::from(place % D == k))).collect();
        let x_dot = &jvp.call(examples, &[&x, &w1, &w2, &direction])?[1];
        traces.iter_mut().enumerate().for_each(|(e, trace)| *trace += x_dot[e * D + k]);
    }
    println!("{:>8} {:>20} {:>20}", "example", "divergence", "trace of Jacobian");
    for (e, (divergence, trace)) in out[1].iter().zip(&traces).enumerate() {
        println!("{e:>8} {divergence:>20.14} {trace:>20.14}");
        assert!((divergence - trace).abs() < 1e-12, "example {e}: divergence {divergence}, trace {trace}");
    }

    // It is an ordinary tape: the gradient of the divergence is its vjp.
    let gradient = both.vjp(&["w1", "w2"])?;
    println!("\nThe gradient of both in w1 and w2 has {} lines.", gradient.nodes().len());
    Ok(())
}
