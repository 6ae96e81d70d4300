//! A chain of linear differential equations.

use super::{Draws, Number, Problem, Taped};
use crate::tapes;

/// `y_0' = x_0`, `y_i' = x_i y_{i-1}` from 0, and where the last is at time 2, by 500 Runge-Kutta steps.
pub struct Oscillators(Vec<f64>);

impl Oscillators {
    const STEPS: usize = 500;
    const SIZE: usize = 100;

    /// The problem.
    #[expect(clippy::new_without_default, reason = "a problem is no default")]
    pub fn new() -> Self {
        let mut draws = Draws::new();
        Oscillators((0..Self::SIZE).map(|i| (i + 1) as f64 * 0.5 * (0.5 + draws.next())).collect())
    }
}

impl Problem for Oscillators {
    const NAME: &'static str = "ode";
    // Four right-hand sides, three stages of two operations, and a step of seven.
    const OPERATIONS: usize = Self::STEPS * (4 * (Self::SIZE - 1) + 13 * Self::SIZE);
    const CHECK: f64 = 0.082_998_362_478_3;

    fn inputs(&self) -> &[f64] {
        &self.0
    }

    fn value<T: Number>(&self, x: &[T]) -> T {
        integrate(x, Self::STEPS)[x.len() - 1]
    }

    fn taped(&self) -> ad_core::Result<Taped<'_>> {
        let mut tape = tapes::Oscillators::new(Self::SIZE, Self::STEPS)?;
        Ok(Box::new(move || tape.gradient(&self.0)))
    }
}

/// Where all of them are at time 2.
pub fn integrate<T: Number>(x: &[T], steps: usize) -> Vec<T> {
    let mut y = vec![T::constant(0.0); x.len()];
    for _ in 0..steps {
        step(x, &mut y, 2.0 / steps as f64);
    }
    y
}

/// One Runge-Kutta step.
pub fn step<T: Number>(x: &[T], y: &mut [T], h: f64) {
    let mut stage = y.to_vec();
    let mut slopes = [const { Vec::new() }; 4];
    for (k, share) in [0.5 * h, 0.5 * h, h, 0.0].into_iter().enumerate() {
        slopes[k] = velocity(x, &stage);
        if k < 3 {
            for ((stage, &y), &slope) in stage.iter_mut().zip(&*y).zip(&slopes[k]) {
                *stage = y + slope * share;
            }
        }
    }
    let [k1, k2, k3, k4] = &slopes;
    for (i, y) in y.iter_mut().enumerate() {
        *y = *y + (k1[i] + k2[i] * 2.0 + k3[i] * 2.0 + k4[i]) * (h / 6.0);
    }
}

fn velocity<T: Number>(x: &[T], y: &[T]) -> Vec<T> {
    let mut velocity = x.to_vec();
    for ((velocity, &x), &y) in velocity[1..].iter_mut().zip(&x[1..]).zip(y) {
        *velocity = x * y;
    }
    velocity
}
