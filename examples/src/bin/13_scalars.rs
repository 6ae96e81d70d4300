//! 13. Numbers that carry derivatives: for code that branches, loops and calls other crates.
//!
//! A tape is straight; much code is not. [`Dual`] and [`Var`] go wherever a number goes: they implement the traits of
//! num-traits, are `Copy` and `'static`, and have the bits of plain code as values. A function that is generic over
//! `Float` is written once, and the driver decides which derivatives it gives.

use ad_core::{Dual, Replay, Taylor, Var, derivative, gradient, hessian, hvp, taylor};
use num_traits::Float;

/// The root of `x^3 = a` by Newton's method, with as many steps as it takes.
fn cube_root<T: Float>(a: T) -> T {
    let (two, three) = (T::one() + T::one(), T::one() + T::one() + T::one());
    let mut x = T::one();
    for _ in 0..100 {
        let next = (two * x + a / (x * x)) / three;
        if (next - x).abs() < T::epsilon() * x {
            break;
        }
        x = next;
    }
    x
}

/// Rosenbrock's valley.
fn valley<T: Float>(x: &[T]) -> T {
    let hundred = T::from(100.0).unwrap_or_else(T::nan);
    let term = |w: &[T]| hundred * (w[1] - w[0] * w[0]).powi(2) + (T::one() - w[0]).powi(2);
    x.windows(2).map(term).fold(T::zero(), |sum, t| sum + t)
}

fn main() -> ad_core::Result<()> {
    // Forward: one number in, through a loop whose length depends on it.
    let (root, slope) = derivative(cube_root, 2.0);
    println!("cube root of 2: {root}, slope {slope}");
    assert!((slope - 2.0_f64.powf(-2.0 / 3.0) / 3.0).abs() < 1e-12);

    // Reverse: one number out, and its derivatives by all that went in.
    let x = [0.5, -0.2, 1.3, 0.7];
    let (value, slopes) = gradient(valley, &x)?;
    println!("valley: {value}, gradient {slopes:?}");
    assert_eq!(value, valley(&x));

    // Both: duals inside reverse mode give second derivatives.
    let (_, _, rows) = hessian(valley, &x)?;
    let (_, _, product) = hvp(valley, &x, &[1.0, 0.0, 0.0, 0.0])?;
    println!("first row of the Hessian: {:?}", rows[0]);
    assert!(rows.iter().zip(&product).all(|(row, p)| (row[0] - p).abs() < 1e-9));

    // Higher ones along a line, as a Taylor series.
    let series = taylor::<5>(|t: Taylor<f64, 5>| (t * t + 1.0).ln(), 0.0);
    println!("ln(1 + t^2) = {series:?}");
    assert_eq!(series, [0.0, 0.0, 1.0, 0.0, -0.5]);

    // A number of a recording that is over is never taken for another: the error names the line.
    let mut kept: Option<Var> = None;
    gradient(|x| *kept.insert(x[0]), &[1.0])?;
    let error = gradient(|x| x[0] * kept.unwrap_or_default(), &[2.0]).err();
    println!("{}", error.map(|e| e.to_string()).unwrap_or_default());

    // Code with branches can be recorded once and run again, while it branches as it did.
    let replay = Replay::record(&[8.0], |x| if x[0] > 1.0 { cube_root(x[0]) } else { x[0] })?;
    println!("{replay:?}");
    let refused = replay.gradient(&[0.5]).err().map(|e| e.to_string()).unwrap_or_default();
    println!("{refused}");
    assert!(refused.contains("13_scalars.rs"), "{refused}");

    // Plain numbers on either side; nested, each level is a type of its own.
    let x = Dual::<Dual>::variable(Dual::variable(3.0));
    let y = 1.0 / (2.0 * x - 1.0);
    println!("second derivative of 1 / (2 x - 1) at 3: {}", y.tangent[0].tangent[0]);
    Ok(())
}
