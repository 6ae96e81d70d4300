//! A model of one's own, generic over its numbers, that knows nothing of derivatives; and its derivatives, with `ad-core`
//! as it is without default features: no thread-local list, two dependencies.

use ad_core::{Dual, List, Result, VarIn};
use num_traits::Float;

/// The energy of a chain of springs that harden: what the crate is about.
fn energy<T: Float>(x: &[T]) -> T {
    let half = T::one() / (T::one() + T::one());
    let spring = |w: &[T]| {
        let stretch = w[1] - w[0];
        half * stretch * stretch + (stretch * stretch).sin() / (T::one() + w[0].exp())
    };
    x.windows(2).map(spring).fold(T::zero(), |sum, e| sum + e)
}

/// The gradient in reverse mode: one pass back through a list of one's own.
fn gradient(x: &[f64]) -> Result<Vec<f64>> {
    let list = List::new();
    let x: Vec<VarIn> = x.iter().map(|&x| list.variable(x)).collect();
    list.gradient(energy(&x), &x)
}

/// A column of the Hessian: the same, over dual numbers.
fn hessian_column(x: &[f64], j: usize) -> Result<Vec<f64>> {
    let list = List::new();
    let seed = |(i, &x)| list.variable(Dual::new(x, [if i == j { 1.0 } else { 0.0 }]));
    let x: Vec<VarIn<Dual>> = x.iter().enumerate().map(seed).collect();
    let x_bar = list.gradient(energy(&x), &x)?;
    Ok(x_bar.iter().map(|x_bar| x_bar.tangent[0]).collect())
}

fn main() -> Result<()> {
    let x = [0.3, -0.2, 0.9, 0.4];
    let (slopes, h) = (gradient(&x)?, 1e-5);
    println!("energy {}, gradient {slopes:?}", energy(&x));
    for j in 0..x.len() {
        let column = hessian_column(&x, j)?;
        println!("column {j} of the Hessian: {column:?}");
        let at = |offset: f64| x.map(|value| value + if value == x[j] { offset } else { 0.0 });
        let (up, down) = (at(h), at(-h));
        let slope = (energy(&up) - energy(&down)) / (2.0 * h);
        assert!((slopes[j] - slope).abs() < 1e-8, "{} {slope}", slopes[j]);
        for ((a, b), curvature) in gradient(&up)?.iter().zip(gradient(&down)?).zip(column) {
            assert!(((a - b) / (2.0 * h) - curvature).abs() < 1e-7, "{curvature}");
        }
    }
    Ok(())
}
