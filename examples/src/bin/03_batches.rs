//! 3. One example, or a million.
//!
//! A tape is for reading and transforming; a [`Program`](ad_core::Program) is for running. [`Tape::compile`] makes one,
//! for `f64` or `f32`. There is no batching rule anywhere: a value has the indices that its operands have between them,
//! and `e`, the example, is one of them. A program computes what lacks `e` once, and the rest block by block of 128
//! examples, on all threads.
//!
//! An example's result never depends on its neighbours: the same bits alone, in any batch, on any number of threads.

use std::time::Instant;

use ad_core::{Elementary, Tape};

const WIDTH: usize = 32;

fn main() -> ad_core::Result<()> {
    let network = Tape::record(|t| {
        let x = t.example("x", &[WIDTH]);
        let (w, v) = (t.shared("w", &[WIDTH, WIDTH]), t.shared("v", &[WIDTH, WIDTH]));
        // `exp(v)` has no example: it is computed once per call, not once per example.
        [("y", x.matmul(&w).tanh().matmul(&v.exp()))]
    })?;
    println!("{network}");
    let program = network.compile::<f32>()?;

    let numbers =
        |n: usize, scale: f32| (0..n).map(|k| (k as f32 * 0.37).sin() * scale).collect::<Vec<f32>>();
    let (w, v) = (numbers(WIDTH * WIDTH, 0.2), numbers(WIDTH * WIDTH, 1.0));
    let rows = 100_000;
    let x = numbers(rows * WIDTH, 1.0);

    let start = Instant::now();
    let all = program.call(rows, &[&x, &w, &v])?.remove(0);
    println!("{rows} examples: {:.0} ns each", start.elapsed().as_nanos() as f64 / rows as f64);

    for e in [0, 1, 63, 64, 65, 4711, rows - 1] {
        let row = e * WIDTH..(e + 1) * WIDTH;
        let alone = program.call(1, &[&x[row.clone()], &w, &v])?.remove(0);
        let bits = |y: &[f32]| y.iter().map(|y| y.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&alone), bits(&all[row]), "example {e} alone differs from example {e} of {rows}");
    }
    println!("seven of them, computed alone: the same bits.");
    Ok(())
}
