//! Sums of many terms.

use ad_core::{Elementary, Result, Tape, Tracer};

use super::Gradient;

/// `ln sum e^x` of so many numbers.
pub struct LogSumExp(Gradient);

impl LogSumExp {
    /// Of `n` numbers.
    ///
    /// # Errors
    /// Where there are too many for an address.
    pub fn new(n: usize) -> Result<Self> {
        let tape = Tape::record(|t| {
            let (x, shift) = (t.shared("x", &[n]), t.shared("shift", &[]));
            [("y", (x - &shift).exp().sum().ln() + shift)]
        })?;
        Ok(LogSumExp(Gradient::new(&tape, &["x"])?))
    }

    /// The value and the gradient.
    ///
    /// # Errors
    /// Where there are more or fewer numbers.
    pub fn gradient(&mut self, x: &[f64]) -> Result<(f64, Vec<f64>)> {
        // Any shift is right, and with this one nothing overflows.
        let greatest =
            x.iter().fold(f64::NEG_INFINITY, |greatest, &x| if greatest < x { x } else { greatest });
        self.0.at(0, &[x, &[greatest]])
    }
}

/// Half the squared distance of a polynomial from the sign, on a grid of [-1, 1].
pub struct LeastSquares {
    gradient: Gradient,
    points: usize,
}

/// How many powers are made one from the other.
const STRIDE: usize = 16;

impl LeastSquares {
    /// Of a polynomial of so many coefficients on so many points.
    ///
    /// # Errors
    /// Where there are too many for an address.
    pub fn new(coefficients: usize, points: usize) -> Result<Self> {
        let rows = coefficients.div_ceil(STRIDE);
        let tape = Tape::record(|t| {
            let (x, point, sign) = (t.shared("x", &[coefficients]), t.example("t", &[]), t.example("s", &[]));
            // Power `16 a + b` is one of `(t^16)^a` times one of `t^b`.
            let x = x.pad(0, 0, rows * STRIDE).reshape(&[rows, STRIDE]);
            let low = powers(&t.full(&[1], 1.0), &point, STRIDE);
            let stride = low.at(0, STRIDE - 1) * &point;
            let high = powers(&t.full(&[1], 1.0), &stride, rows);
            let rest = sign - x.matmul(&low).dot(&high);
            [("y", (rest.square() * 0.5).sum_examples())]
        })?;
        Ok(LeastSquares { gradient: Gradient::new(&tape, &["x"])?, points })
    }

    /// The value and the gradient.
    ///
    /// # Errors
    /// Where there are more or fewer coefficients.
    pub fn gradient(&mut self, x: &[f64]) -> Result<(f64, Vec<f64>)> {
        let n = self.points;
        let grid: Vec<f64> = (0..n).map(|i| -1.0 + i as f64 * 2.0 / (n as f64 - 1.0)).collect();
        let signs: Vec<f64> = grid.iter().map(|&t| if t == 0.0 { 0.0 } else { t.signum() }).collect();
        self.gradient.at(n, &[x, &grid, &signs])
    }
}

/// `1, t, t^2, ...`, so many: twice as many at a time.
fn powers(one: &Tracer, t: &Tracer, n: usize) -> Tracer {
    let (mut powers, mut next, mut length) = (one.clone(), t.clone(), 1);
    while length < n {
        powers = powers.concat(&[&(&powers * &next)], 0);
        next = next.square();
        length *= 2;
    }
    powers.slice(0, 0..n)
}

/// Rosenbrock's valley.
pub struct Rosenbrock(Gradient);

impl Rosenbrock {
    /// In `n` dimensions.
    ///
    /// # Errors
    /// Where there are too many for an address.
    pub fn new(n: usize) -> Result<Self> {
        let tape = Tape::record(|t| {
            // Each number and the one after it.
            let (a, b) = (t.shared("a", &[n - 1]), t.shared("b", &[n - 1]));
            let (climb, rest) = (b - a.square(), 1.0 - a);
            [("y", (climb.square() * 100.0 + rest.square()).sum())]
        })?;
        Ok(Rosenbrock(Gradient::new(&tape, &["a", "b"])?))
    }

    /// The value and the gradient.
    ///
    /// # Errors
    /// Where there are more or fewer numbers.
    pub fn gradient(&mut self, x: &[f64]) -> Result<(f64, Vec<f64>)> {
        let n = x.len() - 1;
        let (value, bars) = self.0.at(0, &[&x[..n], &x[1..]])?;
        let mut gradient = vec![0.0; n + 1];
        gradient[..n].copy_from_slice(&bars[..n]);
        gradient[1..].iter_mut().zip(&bars[n..]).for_each(|(total, bar)| *total += bar);
        Ok((value, gradient))
    }
}
