//! What a kind of number with derivatives has to say about itself.

use super::Scalar;
use crate::elementary::function;

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
