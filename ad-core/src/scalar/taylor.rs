//! Higher derivatives along one direction: the first terms of a Taylor series.

use alloc::vec::Vec;

use super::{Carrier, Rule, Scalar, sealed};
use crate::elementary::{Function, Function2, function};
use crate::error::Result;

/// The first `N` coefficients of a power series: `c[0] + c[1] t + c[2] t^2 + ...`.
///
/// The rules are those of the table, integrated term by term: of `y = f(x)` follows `y' = f'(x) x'`, and the slope
/// `f'(x)` is needed to one order less than `y`.
#[derive(Clone, Copy, Debug)]
pub struct Taylor<T = f64, const N: usize = 2> {
    /// The coefficients. What is behind `known` is zero and says nothing.
    coefficients: [T; N],
    known: usize,
}

/// The first `N` coefficients of the Taylor series of `f` at `x`: the value, the slope, half the curvature, and so on;
/// the `k`th is the `k`th derivative divided by `k!`.
///
/// ```
/// let exp = ad_core::taylor::<5>(|x| x.exp(), 0.0);
/// assert_eq!(exp, [1.0, 1.0, 1.0 / 2.0, 1.0 / 6.0, 1.0 / 24.0]);
/// ```
pub fn taylor<const N: usize>(f: impl FnOnce(Taylor<f64, N>) -> Taylor<f64, N>, x: f64) -> [f64; N] {
    f(Taylor::variable(x)).coefficients
}

impl<T: Scalar, const N: usize> Taylor<T, N> {
    /// A series from its coefficients: a curve through the first one.
    pub const fn new(coefficients: [T; N]) -> Self {
        Taylor { coefficients, known: N }
    }

    /// A constant.
    pub fn fixed(value: T) -> Self {
        let mut coefficients = [T::zero(); N];
        if let Some(first) = coefficients.first_mut() {
            *first = value;
        }
        Taylor::new(coefficients)
    }

    /// `value + t`.
    pub fn variable(value: T) -> Self {
        let mut series = Taylor::fixed(value);
        if let Some(second) = series.coefficients.get_mut(1) {
            *second = T::one();
        }
        series
    }

    /// The coefficients.
    pub fn coefficients(&self) -> &[T; N] {
        &self.coefficients
    }

    fn shorter(self, known: usize) -> Self {
        Taylor { known, ..self }
    }

    /// The series with the value `y` and the slope `sum of slope_i x_i'`.
    fn integrated(y: T, known: usize, parts: &[(Self, Option<Self>)]) -> Self {
        let mut series = Taylor::fixed(y).shorter(known);
        for j in 1..known {
            let mut sum = T::zero();
            for (x, slope) in parts {
                let Some(slope) = slope else { continue };
                for i in 1..=j {
                    sum += T::lift(i as f64) * x.coefficients[i] * slope.coefficients[j - i];
                }
            }
            series.coefficients[j] = sum / T::lift(j as f64);
        }
        series
    }

    fn map2(self, other: Self, f: impl Fn(T, T) -> T) -> Self {
        let known = self.known.min(other.known);
        let term = |k| if k < known { f(self.coefficients[k], other.coefficients[k]) } else { T::zero() };
        Taylor { coefficients: core::array::from_fn(term), known }
    }
}

impl<T: Scalar, const N: usize> sealed::Sealed for Taylor<T, N> {}

impl<T: Scalar, const N: usize> Carrier for Taylor<T, N> {
    type Inner = T;

    fn fixed(value: T) -> Self {
        Taylor::fixed(value)
    }

    fn inner(self) -> T {
        self.coefficients.first().copied().unwrap_or_else(T::nan)
    }

    fn moved(mut self, y: T) -> Self {
        if let Some(first) = self.coefficients.first_mut() {
            *first = y;
        }
        self
    }

    /// Only where the slope is a constant.
    fn chain(self, _: &'static str, y: T, slope: impl FnOnce() -> Option<T>) -> Self {
        let slope = slope().unwrap_or_else(T::zero);
        self.map2(self, |c, _| slope * c).moved(y)
    }

    /// Only where the slopes are constants.
    fn chain2(
        self,
        other: Self,
        what: &'static str,
        y: T,
        slope: impl FnOnce() -> Option<T>,
        other_slope: impl FnOnce() -> Option<T>,
    ) -> Self {
        self.chain(what, y, slope).map2(other.chain(what, y, other_slope), |a, b| a + b).moved(y)
    }

    fn sum(self, other: Self, y: T) -> Self {
        self.map2(other, |a, b| a + b).moved(y)
    }

    fn difference(self, other: Self, y: T) -> Self {
        self.map2(other, |a, b| a - b).moved(y)
    }

    fn negated(self, y: T) -> Self {
        self.map2(self, |c, _| -c).moved(y)
    }

    fn unary<F: Function>(self) -> Self {
        let y = self.inner().apply::<F>();
        if self.known < 2 {
            return Taylor::fixed(y).shorter(self.known);
        }
        let x = self.shorter(self.known - 1);
        // Not all slopes read the value; what does not is not computed.
        let value = if F::READS_VALUE { x.unary::<F>() } else { x };
        Taylor::integrated(y, self.known, &[(self, F::slope(&x, &value))])
    }

    fn binary<F: Function2>(self, other: Self) -> Self {
        let (y, known) = (self.inner().apply2::<F>(other.inner()), self.known.min(other.known));
        if known < 2 {
            return Taylor::fixed(y).shorter(known);
        }
        let (a, b) = (self.shorter(known - 1), other.shorter(known - 1));
        let value = a.binary::<F>(b);
        let slope = |k| F::slope(k, &a, &b, &value);
        Taylor::integrated(y, known, &[(self, slope(0)), (other, slope(1))])
    }

    fn product(self, other: Self) -> Self {
        let y = self.inner() * other.inner();
        let known = self.known.min(other.known);
        let (a, b) = (self.shorter(known), other.shorter(known));
        let term = |k: usize| {
            let products = (0..=k).map(|i| a.coefficients[i] * b.coefficients[k - i]);
            if k < known { products.sum() } else { T::zero() }
        };
        Taylor { coefficients: core::array::from_fn(term), known }.moved(y)
    }

    fn quotient(self, other: Self) -> Self {
        let known = self.known.min(other.known);
        let mut quotient = Taylor::fixed(self.inner() / other.inner()).shorter(known);
        for k in 1..known {
            let earlier: T = (0..k).map(|i| quotient.coefficients[i] * other.coefficients[k - i]).sum();
            quotient.coefficients[k] = (self.coefficients[k] - earlier) / other.inner();
        }
        quotient
    }

    fn power(self, n: i32) -> Self {
        let y = num_traits::Float::powi(self.inner(), n);
        if self.known < 2 || n == 0 {
            return Taylor::fixed(y).shorter(self.known);
        }
        let slope = self.shorter(self.known - 1).power(n.saturating_sub(1)).mul_plain(T::lift(n.into()));
        Taylor::integrated(y, self.known, &[(self, Some(slope))])
    }

    fn ruled<R: Rule>(rule: &R, x: &[Self]) -> Result<Vec<Self>> {
        let inner: Vec<T> = x.iter().map(|x| x.inner()).collect();
        let y = T::apply_rule(rule, &inner)?;
        let known = x.iter().map(|x| x.known).min().unwrap_or(N);
        if known < 2 {
            return Ok(y.into_iter().map(|y| Taylor::fixed(y).shorter(known)).collect());
        }
        let lower: Vec<Self> = x.iter().map(|x| x.shorter(known - 1)).collect();
        let rows = rule.jacobian(&lower, &Self::ruled(rule, &lower)?)?;
        let series = |(y, row): (T, Vec<Self>)| {
            let parts: Vec<(Self, Option<Self>)> = x.iter().copied().zip(row.into_iter().map(Some)).collect();
            Taylor::integrated(y, known, &parts)
        };
        Ok(y.into_iter().zip(rows).map(series).collect())
    }

    fn plain_div(self, c: T) -> Self {
        Taylor::fixed(c).quotient(self)
    }

    fn plain_rem(self, c: T) -> Self {
        Taylor::fixed(c).binary::<function::Rem>(self)
    }
}
