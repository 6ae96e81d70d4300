//! A recurrence and three sums.

use super::{Draws, Number, Problem, Taped};
use crate::{by_hand, tapes};

/// `y <- y a + b`, a million times.
pub struct Chain([f64; 3]);

impl Chain {
    const STEPS: usize = 1_000_000;

    /// The problem.
    #[expect(clippy::new_without_default, reason = "a problem is no default")]
    pub fn new() -> Self {
        Chain([0.999, 0.001, 0.5])
    }
}

impl Problem for Chain {
    const NAME: &'static str = "chain";
    const OPERATIONS: usize = 2 * Self::STEPS;
    const CHECK: f64 = 1_688.511_226_61;

    fn inputs(&self) -> &[f64] {
        &self.0
    }

    fn value<T: Number>(&self, x: &[T]) -> T {
        let (a, b) = (x[0], x[1]);
        (0..Self::STEPS).fold(x[2], |y, _| y * a + b)
    }

    fn taped(&self) -> ad_core::Result<Taped<'_>> {
        let mut tape = tapes::Chain::new(Self::STEPS)?;
        Ok(Box::new(move || tape.gradient(&self.0)))
    }
}

/// Rosenbrock's valley in `N` dimensions.
pub struct Rosenbrock<const N: usize>(Vec<f64>);

impl<const N: usize> Rosenbrock<N> {
    /// The problem.
    #[expect(clippy::new_without_default, reason = "a problem is no default")]
    pub fn new() -> Self {
        Rosenbrock(Draws::new().many(N, |u| 2.0 * u - 1.0))
    }
}

impl<const N: usize> Problem for Rosenbrock<N> {
    const NAME: &'static str = if N == 1000 { "rosen1k" } else { "rosen100k" };
    const OPERATIONS: usize = 8 * (N - 1);
    const CHECK: f64 = if N == 1000 { 15_754.247_606_2 } else { 505_320.637_304 };

    fn inputs(&self) -> &[f64] {
        &self.0
    }

    fn value<T: Number>(&self, x: &[T]) -> T {
        let mut sum = T::constant(0.0);
        for pair in x.windows(2) {
            let climb = pair[1] - pair[0] * pair[0];
            let rest = T::less_than(1.0, pair[0]);
            sum = sum + (climb * 100.0 * climb + rest * rest);
        }
        sum
    }

    fn taped(&self) -> ad_core::Result<Taped<'_>> {
        let mut tape = tapes::Rosenbrock::new(N)?;
        Ok(Box::new(move || tape.gradient(&self.0)))
    }
}

/// `ln sum e^x`.
pub struct LogSumExp(Vec<f64>);

impl LogSumExp {
    const TERMS: usize = 100_000;

    /// The problem.
    #[expect(clippy::new_without_default, reason = "a problem is no default")]
    pub fn new() -> Self {
        LogSumExp(Draws::new().many(Self::TERMS, |u| u))
    }
}

impl Problem for LogSumExp {
    const NAME: &'static str = "lse";
    const OPERATIONS: usize = 3 * Self::TERMS + 2;
    const CHECK: f64 = 1.081_604_028_16;

    fn inputs(&self) -> &[f64] {
        &self.0
    }

    fn value<T: Number>(&self, x: &[T]) -> T {
        log_sum_exp(x)
    }

    fn taped(&self) -> ad_core::Result<Taped<'_>> {
        let mut tape = tapes::LogSumExp::new(Self::TERMS)?;
        Ok(Box::new(move || tape.gradient(&self.0)))
    }

    fn by_hand(&self) -> Option<(f64, Vec<f64>)> {
        Some(by_hand::log_sum_exp(&self.0))
    }
}

/// `ln sum e^x`, from the greatest on, so that nothing overflows.
pub fn log_sum_exp<T: Number>(x: &[T]) -> T {
    let mut greatest = x[0];
    for &x in x {
        if greatest.plain() < x.plain() {
            greatest = x;
        }
    }
    let mut sum = T::constant(0.0);
    for &x in x {
        sum = sum + (x - greatest).exp();
    }
    sum.ln() + greatest
}

/// Half the squared distance of a polynomial from the sign, on a grid of [-1, 1].
pub struct LeastSquares(Vec<f64>);

impl LeastSquares {
    /// How many points the grid has.
    pub const POINTS: usize = 1024;
    const COEFFICIENTS: usize = 128;

    /// The problem.
    #[expect(clippy::new_without_default, reason = "a problem is no default")]
    pub fn new() -> Self {
        LeastSquares(Draws::new().many(Self::COEFFICIENTS, |u| u))
    }
}

impl Problem for LeastSquares {
    const NAME: &'static str = "llsq";
    const OPERATIONS: usize = Self::POINTS * (2 * Self::COEFFICIENTS + 2) + 1;
    const CHECK: f64 = 47_957.093_315_4;

    fn inputs(&self) -> &[f64] {
        &self.0
    }

    fn value<T: Number>(&self, x: &[T]) -> T {
        let mut sum = T::constant(0.0);
        for i in 0..Self::POINTS {
            let t = -1.0 + i as f64 * 2.0 / (Self::POINTS - 1) as f64;
            let mut rest = T::constant(if t == 0.0 { 0.0 } else { t.signum() });
            let mut power = 1.0;
            for &x in x {
                rest = rest - x * power;
                power *= t;
            }
            sum = sum + rest * rest;
        }
        sum * 0.5
    }

    fn taped(&self) -> ad_core::Result<Taped<'_>> {
        let mut tape = tapes::LeastSquares::new(Self::COEFFICIENTS, Self::POINTS)?;
        Ok(Box::new(move || tape.gradient(&self.0)))
    }

    fn by_hand(&self) -> Option<(f64, Vec<f64>)> {
        Some(by_hand::least_squares(&self.0, Self::POINTS))
    }
}
