//! Derivatives inside of what is differentiated: saddle and particle, by the suite's own descent.
//!
//! Each level of derivatives is a type, so an inner derivative is code over numbers of the outer level.

use ad_core::{Dual, Recorded, Scalar, Var, record};
use serde_json::Value;

use crate::input::{expect, number, numbers};
use crate::{Job, Result};

/// Numbers among which those of `T` are constants.
trait Over<T>: Scalar<Base = f64> {
    fn from_outer(x: T) -> Self;
}

impl<T: Scalar<Base = f64>> Over<T> for T {
    fn from_outer(x: T) -> Self {
        x
    }
}

impl<T: Scalar<Base = f64>> Over<T> for Dual<T> {
    fn from_outer(x: T) -> Self {
        Dual::fixed(x)
    }
}

impl<T: Recorded<Base = f64>> Over<T> for Var<T> {
    fn from_outer(x: T) -> Self {
        Var::fixed(x)
    }
}

/// A function over constants of `T`.
trait Inner<T> {
    fn value<N: Over<T>>(&self, x: &[N]) -> N;
}

/// A function that takes gradients itself.
trait Outer {
    fn value<T: Recorded<Base = f64>>(&self, x: &[T]) -> Result<T>;
}

/// How a gradient is taken.
trait Mode {
    fn gradient<T: Recorded<Base = f64>>(f: &impl Inner<T>, x: &[T]) -> Result<Vec<T>>;
    fn outer_gradient(f: &impl Outer, x: &[f64]) -> Result<Vec<f64>>;
}

struct Forward;
struct Reverse;

/// `x`, of which number `moving` has tangent 1.
fn seeded<T: Scalar>(x: &[T], moving: usize) -> Vec<Dual<T>> {
    let seed = |(i, &x)| if i == moving { Dual::variable(x) } else { Dual::fixed(x) };
    x.iter().enumerate().map(seed).collect()
}

impl Mode for Forward {
    fn gradient<T: Recorded<Base = f64>>(f: &impl Inner<T>, x: &[T]) -> Result<Vec<T>> {
        Ok((0..x.len()).map(|i| f.value(&seeded(x, i)).tangent[0]).collect())
    }

    fn outer_gradient(f: &impl Outer, x: &[f64]) -> Result<Vec<f64>> {
        (0..x.len()).map(|i| Ok(f.value(&seeded(x, i))?.tangent[0])).collect()
    }
}

impl Mode for Reverse {
    fn gradient<T: Recorded<Base = f64>>(f: &impl Inner<T>, x: &[T]) -> Result<Vec<T>> {
        record(|r| {
            let x = r.variables(x);
            let y = f.value(&x);
            Ok(r.pull_back(&[(y, T::one())], &x)?)
        })
    }

    fn outer_gradient(f: &impl Outer, x: &[f64]) -> Result<Vec<f64>> {
        record(|r| {
            let x = r.variables(x);
            let y = f.value(&x)?;
            Ok(r.pull_back(&[(y, 1.0)], &x)?)
        })
    }
}

/// Where descent from `start` ends, by the steps that the suite prescribes.
fn descend<T: Scalar<Base = f64>>(
    value: impl Fn(&[T]) -> Result<T>,
    gradient: impl Fn(&[T]) -> Result<Vec<T>>,
    start: &[T],
) -> Result<Vec<T>> {
    const ENOUGH: f64 = 1e-5;
    let mut x = start.to_vec();
    let (mut y, mut slope) = (value(&x)?, gradient(&x)?);
    let (mut rate, mut successes) = (1e-5, 0);
    loop {
        if norm(&slope) <= ENOUGH {
            return Ok(x);
        }
        if successes == 10 {
            rate *= 2.0;
            successes = 0;
            continue;
        }
        let next: Vec<T> = x.iter().zip(&slope).map(|(&x, &s)| x - T::constant(rate) * s).collect();
        let apart: Vec<T> = x.iter().zip(&next).map(|(&a, &b)| a - b).collect();
        if norm(&apart) <= ENOUGH {
            return Ok(x);
        }
        let after = value(&next)?;
        if after < y {
            (x, y) = (next, after);
            slope = gradient(&x)?;
            successes += 1;
        } else {
            rate /= 2.0;
            successes = 0;
        }
    }
}

fn norm<T: Scalar<Base = f64>>(x: &[T]) -> f64 {
    x.iter().map(|x| x.base() * x.base()).sum::<f64>().sqrt()
}

/// The function with the saddle, at fixed `x`; what grows in `y` is its negative.
struct Height<T> {
    x: [T; 2],
}

impl<T: Scalar<Base = f64>> Inner<T> for Height<T> {
    fn value<N: Over<T>>(&self, y: &[N]) -> N {
        let [a, b] = self.x.map(N::from_outer);
        (y[0] * y[0] + y[1] * y[1]) - (a * a + b * b)
    }
}

impl<T: Recorded<Base = f64>> Height<T> {
    /// The best `y`, from `start` on.
    fn best<M: Mode>(&self, start: &[T]) -> Result<Vec<T>> {
        descend(|y| Ok(self.value(y)), |y| M::gradient(self, y), start)
    }
}

/// The greatest height over all `y`, by descent in mode `M`.
struct Greatest<M> {
    start: [f64; 2],
    mode: std::marker::PhantomData<M>,
}

impl<M: Mode> Outer for Greatest<M> {
    fn value<T: Recorded<Base = f64>>(&self, x: &[T]) -> Result<T> {
        let height = Height { x: [x[0], x[1]] };
        let best = height.best::<M>(&self.start.map(T::constant))?;
        Ok(-height.value(&best))
    }
}

fn saddle_point<O: Mode, M: Mode>(start: [f64; 2]) -> Result<Vec<f64>> {
    let greatest = Greatest::<M> { start, mode: std::marker::PhantomData };
    let mut x = descend(|x| greatest.value(x), |x| O::outer_gradient(&greatest, x), &start)?;
    let y = Height { x: [x[0], x[1]] }.best::<O>(&start)?;
    x.extend(y);
    Ok(x)
}

pub(crate) fn saddle(function: &str, input: &Value) -> Result<Option<Job>> {
    let start = numbers(input, "start")?;
    expect("start", start.len(), 2)?;
    let start = [start[0], start[1]];
    Ok(match function {
        "ff" => Some(Job::list(move || saddle_point::<Forward, Forward>(start))),
        "fr" => Some(Job::list(move || saddle_point::<Forward, Reverse>(start))),
        "rf" => Some(Job::list(move || saddle_point::<Reverse, Forward>(start))),
        "rr" => Some(Job::list(move || saddle_point::<Reverse, Reverse>(start))),
        _ => None,
    })
}

/// The potential of two charges.
struct Potential<T> {
    charges: [[T; 2]; 2],
}

impl<T: Scalar<Base = f64>> Inner<T> for Potential<T> {
    fn value<N: Over<T>>(&self, x: &[N]) -> N {
        let of = |charge: [T; 2]| {
            let [dx, dy] = [x[0] - N::from_outer(charge[0]), x[1] - N::from_outer(charge[1])];
            (dx * dx + dy * dy).sqrt().recip()
        };
        of(self.charges[0]) + of(self.charges[1])
    }
}

/// How far from the origin a particle meets the axis, squared: Euler's method with forces by mode `M`.
struct Flight<M>(std::marker::PhantomData<M>);

/// A particle that has not come down after so many steps never will.
const LONGEST: usize = 1_000_000;

impl<M: Mode> Outer for Flight<M> {
    fn value<T: Recorded<Base = f64>>(&self, w: &[T]) -> Result<T> {
        let [zero, ten, step] = [0.0, 10.0, 0.1].map(T::constant);
        let potential = Potential { charges: [[ten, ten - w[0]], [ten, zero]] };
        let (mut x, mut v) = ([zero, T::constant(8.0)], [T::constant(0.75), zero]);
        for _ in 0..LONGEST {
            let slope = M::gradient(&potential, &x)?;
            let next = [x[0] + step * v[0], x[1] + step * v[1]];
            if next[1] <= zero {
                let at = x[0] - x[1] / v[1] * v[0];
                return Ok(at * at);
            }
            x = next;
            v = [v[0] - step * slope[0], v[1] - step * slope[1]];
        }
        Err("the particle does not come down".into())
    }
}

fn best_control<O: Mode, M: Mode>(w: f64) -> Result<f64> {
    let flight = Flight::<M>(std::marker::PhantomData);
    Ok(descend(|w| flight.value(w), |w| O::outer_gradient(&flight, w), &[w])?[0])
}

pub(crate) fn particle(function: &str, input: &Value) -> Result<Option<Job>> {
    let w = number(input, "w")?;
    Ok(match function {
        "ff" => Some(Job::number(move || best_control::<Forward, Forward>(w))),
        "fr" => Some(Job::number(move || best_control::<Forward, Reverse>(w))),
        "rf" => Some(Job::number(move || best_control::<Reverse, Forward>(w))),
        "rr" => Some(Job::number(move || best_control::<Reverse, Reverse>(w))),
        _ => None,
    })
}
