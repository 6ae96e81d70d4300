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
        let mut tangent = self.tangent;
        let mut nan = false;
        for t in &mut tangent {
            *t = slope * *t;
            nan |= t.is_nan();
        }
        // A product with a factor 0 that is not 0 is NaN: only then is there something to mend.
        if nan {
            tangent = mended(slope, &self.tangent);
        }
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
                let mut tangent = self.tangent;
                let mut nan = false;
                for (t, u) in tangent.iter_mut().zip(&other.tangent) {
                    *t = p * *t + q * *u;
                    nan |= t.is_nan();
                }
                if nan {
                    let [a, b] = [mended(p, &self.tangent), mended(q, &other.tangent)];
                    tangent = core::array::from_fn(|k| a[k] + b[k]);
                }
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

#[cold]
fn mended<T: Scalar, const N: usize>(slope: T, tangent: &[T; N]) -> [T; N] {
    tangent.map(|t| absolute(slope, t))
}
