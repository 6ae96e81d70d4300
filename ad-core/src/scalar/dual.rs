//! Forward mode: a value and `N` tangents.

use super::{Carrier, Scalar, absolute, sealed};

/// A value with `N` tangents: derivatives along `N` directions at once.
///
/// The value has the bits that plain code gives. `T` may be a `Dual` again, and each level is a type of its own, so
/// that nested derivatives cannot be confused. Comparisons look at values only: code takes the branches it takes on
/// plain numbers.
///
/// ```
/// use ad_core::Dual;
/// let x = Dual::<f64>::variable(0.5);
/// let y = x.sin() / x; // value and derivative
/// assert_eq!(y.value, 0.5_f64.sin() / 0.5);
/// assert!((y.tangent[0] - (0.5 * 0.5_f64.cos() - 0.5_f64.sin()) / 0.25).abs() < 1e-15);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Dual<T = f64, const N: usize = 1> {
    /// The value.
    pub value: T,
    /// The derivative along each direction.
    pub tangent: [T; N],
}

impl<T: Scalar, const N: usize> Dual<T, N> {
    /// A value and its tangents.
    pub const fn new(value: T, tangent: [T; N]) -> Self {
        Dual { value, tangent }
    }

    /// A value that no direction moves.
    #[inline]
    pub fn fixed(value: T) -> Self {
        Dual { value, tangent: [T::zero(); N] }
    }

    /// A value that direction `k` moves at rate 1.
    ///
    /// # Panics
    /// Where there is no such direction.
    #[inline]
    pub fn along(value: T, k: usize) -> Self {
        let mut dual = Dual::fixed(value);
        dual.tangent[k] = T::one();
        dual
    }
}

impl<T: Scalar> Dual<T> {
    /// The variable itself: tangent 1.
    #[inline]
    pub fn variable(value: T) -> Self {
        Dual { value, tangent: [T::one()] }
    }
}

impl<T: Scalar, const N: usize> sealed::Sealed for Dual<T, N> {}

impl<T: Scalar, const N: usize> Carrier for Dual<T, N> {
    type Inner = T;

    #[inline]
    fn fixed(value: T) -> Self {
        Dual::fixed(value)
    }

    #[inline]
    fn inner(self) -> T {
        self.value
    }

    #[inline]
    fn moved(self, y: T) -> Self {
        Dual { value: y, ..self }
    }

    #[inline]
    fn chain(self, _: &'static str, y: T, slope: impl FnOnce() -> Option<T>) -> Self {
        let Some(slope) = slope() else { return Dual::fixed(y) };
        let tangent = self.tangent.map(|t| slope * t);
        // A product with a factor 0 that is not finite is NaN: only then is there something to mend.
        let tangent = if any_nan(&tangent) { self.tangent.map(|t| absolute(slope, t)) } else { tangent };
        Dual { value: y, tangent }
    }

    #[inline]
    fn chain2(
        self,
        other: Self,
        what: &'static str,
        y: T,
        slope: impl FnOnce() -> Option<T>,
        other_slope: impl FnOnce() -> Option<T>,
    ) -> Self {
        match (slope(), other_slope()) {
            (Some(p), Some(q)) => {
                let tangent =
                    core::array::from_fn(|k| p * self.tangent[k] + q * other.tangent[k]);
                let mended =
                    |k: usize| absolute(p, self.tangent[k]) + absolute(q, other.tangent[k]);
                let tangent = if any_nan(&tangent) { core::array::from_fn(mended) } else { tangent };
                Dual { value: y, tangent }
            }
            (Some(p), None) => self.chain(what, y, || Some(p)),
            (None, q) => other.chain(what, y, || q),
        }
    }

    #[inline]
    fn sum(self, other: Self, y: T) -> Self {
        Dual { value: y, tangent: core::array::from_fn(|k| self.tangent[k] + other.tangent[k]) }
    }

    #[inline]
    fn difference(self, other: Self, y: T) -> Self {
        Dual { value: y, tangent: core::array::from_fn(|k| self.tangent[k] - other.tangent[k]) }
    }

    #[inline]
    fn negated(self, y: T) -> Self {
        Dual { value: y, tangent: self.tangent.map(|t| -t) }
    }
}

#[inline]
fn any_nan<T: Scalar, const N: usize>(numbers: &[T; N]) -> bool {
    numbers.iter().fold(false, |any, t| any | t.is_nan())
}
