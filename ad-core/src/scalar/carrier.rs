//! What a kind of number with derivatives has to say about itself.

use alloc::vec::Vec;

use num_traits::{Float, One};

use super::{Rule, Scalar};
use crate::elementary::{Function, Function2, function, integer_power_slope};
use crate::error::Result;

/// A number of an inner type and how its derivative is carried along.
///
/// Values are computed by the inner type and passed in as `y`, so they are the bits of plain code. Slopes come as
/// closures: what is constant does not ask for them. `what` names the operation.
pub(crate) trait Carrier: Copy {
    /// The type of the value.
    type Inner: Scalar;

    /// A number without derivative.
    fn fixed(value: Self::Inner) -> Self;
    /// The value.
    fn inner(self) -> Self::Inner;
    /// `y`, with the derivative of `self`.
    fn moved(self, y: Self::Inner) -> Self;
    /// `y = f(x)`; no slope, no derivative.
    #[track_caller]
    fn chain(self, what: &'static str, y: Self::Inner, slope: impl FnOnce() -> Option<Self::Inner>) -> Self;
    /// `y = f(a, b)`.
    #[track_caller]
    fn chain2(
        self,
        other: Self,
        what: &'static str,
        y: Self::Inner,
        slope: impl FnOnce() -> Option<Self::Inner>,
        other_slope: impl FnOnce() -> Option<Self::Inner>,
    ) -> Self;
    /// `y = a + b`.
    #[track_caller]
    fn sum(self, other: Self, y: Self::Inner) -> Self;
    /// `y = a - b`.
    #[track_caller]
    fn difference(self, other: Self, y: Self::Inner) -> Self;
    /// `y = -a`.
    #[track_caller]
    fn negated(self, y: Self::Inner) -> Self;

    /// `F` of this number.
    #[inline]
    #[track_caller]
    fn unary<F: Function>(self) -> Self {
        let x = self.inner();
        let y = x.apply::<F>();
        self.chain(F::NAME, y, move || Scalar::slope::<F>(x, y))
    }

    /// `F` of two numbers.
    #[inline]
    #[track_caller]
    fn binary<F: Function2>(self, other: Self) -> Self {
        let (a, b) = (self.inner(), other.inner());
        let y = a.apply2::<F>(b);
        let slope = |argument| move || Scalar::slope2::<F>(argument, a, b, y);
        self.chain2(other, F::NAME, y, slope(0), slope(1))
    }

    /// `a * b`.
    #[inline]
    #[track_caller]
    fn product(self, other: Self) -> Self {
        let (a, b) = (self.inner(), other.inner());
        self.chain2(other, "*", a * b, move || Some(b), move || Some(a))
    }

    /// `a / b`.
    #[inline]
    #[track_caller]
    fn quotient(self, other: Self) -> Self {
        self.binary::<function::Div>(other)
    }

    /// `x a + b`, rounded once.
    #[inline]
    #[track_caller]
    fn times_plus(self, a: Self, b: Self) -> Self {
        let y = self.inner().mul_add(a.inner(), b.inner());
        self.product(a).sum(b, y)
    }

    /// `x^n`.
    #[inline]
    #[track_caller]
    fn power(self, n: i32) -> Self {
        let x = self.inner();
        self.chain("powi", x.powi(n), move || Some(integer_power_slope(x, n)))
    }

    /// Several functions by the user's rule: a sum of slopes times operands for each, two operands at a time.
    #[track_caller]
    fn ruled<R: Rule>(rule: &R, x: &[Self]) -> Result<Vec<Self>> {
        let inner: Vec<Self::Inner> = x.iter().map(|x| x.inner()).collect();
        let y = Self::Inner::apply_rule(rule, &inner)?;
        let rows = rule.jacobian(&inner, &y)?;
        let mut results = Vec::with_capacity(y.len());
        for (y, row) in y.into_iter().zip(rows) {
            let mut sum = Self::fixed(y);
            for (&x, slope) in x.iter().zip(row) {
                sum = sum.chain2(x, "a rule", y, || Some(Self::Inner::one()), || Some(slope));
            }
            results.push(sum);
        }
        Ok(results)
    }

    /// The answer to a question about the value, on which code may branch.
    #[inline]
    #[track_caller]
    fn ask<A: PartialEq + Copy + 'static>(self, _what: &'static str, question: fn(Self::Inner) -> A) -> A {
        question(self.inner())
    }

    /// The answer to a question about two values.
    #[inline]
    #[track_caller]
    fn ask2<A: PartialEq + Copy + 'static>(
        self,
        other: Self,
        _what: &'static str,
        question: fn(Self::Inner, Self::Inner) -> A,
    ) -> A {
        question(self.inner(), other.inner())
    }

    // With constants on one side: what is known not to move costs nothing.

    #[inline]
    fn add_plain(self, c: Self::Inner) -> Self {
        self.moved(self.inner() + c)
    }
    #[inline]
    fn plain_add(self, c: Self::Inner) -> Self {
        self.moved(c + self.inner())
    }
    #[inline]
    fn sub_plain(self, c: Self::Inner) -> Self {
        self.moved(self.inner() - c)
    }
    #[inline]
    #[track_caller]
    fn plain_sub(self, c: Self::Inner) -> Self {
        self.negated(c - self.inner())
    }
    #[inline]
    #[track_caller]
    fn mul_plain(self, c: Self::Inner) -> Self {
        self.chain("*", self.inner() * c, move || Some(c))
    }
    #[inline]
    #[track_caller]
    fn plain_mul(self, c: Self::Inner) -> Self {
        self.chain("*", c * self.inner(), move || Some(c))
    }
    #[inline]
    #[track_caller]
    fn div_plain(self, c: Self::Inner) -> Self {
        let (x, y) = (self.inner(), self.inner() / c);
        self.chain("/", y, move || Scalar::slope2::<function::Div>(0, x, c, y))
    }
    #[inline]
    #[track_caller]
    fn plain_div(self, c: Self::Inner) -> Self {
        let (x, y) = (self.inner(), c / self.inner());
        self.chain("/", y, move || Scalar::slope2::<function::Div>(1, c, x, y))
    }
    #[inline]
    #[track_caller]
    fn rem_plain(self, c: Self::Inner) -> Self {
        self.moved(self.inner() % c)
    }
    #[inline]
    #[track_caller]
    fn plain_rem(self, c: Self::Inner) -> Self {
        let (x, y) = (self.inner(), c % self.inner());
        self.chain("%", y, move || Scalar::slope2::<function::Rem>(1, c, x, y))
    }
}

/// A product of the chain rule: 0 where either factor is, whatever the other.
///
/// A path of the chain rule on which a slope is 0 contributes nothing, even past a slope that is not finite: what was
/// not selected, multiplied by zero or never used leaks no NaN. Forward and reverse multiply the same factors in
/// opposite order, so only this rule makes them agree.
#[inline]
pub(crate) fn absolute<T: Scalar>(slope: T, t: T) -> T {
    if slope.is_zero() || t.is_zero() { T::zero() } else { slope * t }
}
