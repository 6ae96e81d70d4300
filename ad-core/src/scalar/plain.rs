//! Plain numbers: where the nesting of derivatives ends.

use alloc::vec::Vec;

use super::{Rule, Scalar, sealed};
use crate::elementary::{Function, Function2};
use crate::error::Result;

/// `f32` and `f64`.
pub trait Ground: Scalar + Send + Sync + 'static {}

macro_rules! plain {
    ($($float:ident)*) => {$(
        impl sealed::Sealed for $float {}
        impl Ground for $float {}

        impl Scalar for $float {
            type Base = $float;

            #[inline]
            fn constant(value: $float) -> Self {
                value
            }
            #[inline]
            fn base(self) -> $float {
                self
            }
            #[inline]
            fn lift(value: f64) -> Self {
                value as $float
            }
            #[inline]
            fn apply<F: Function>(self) -> Self {
                F::value(self)
            }
            #[inline]
            fn apply2<F: Function2>(self, other: Self) -> Self {
                F::value(self, other)
            }
            fn apply_rule<R: Rule>(rule: &R, x: &[Self]) -> Result<Vec<Self>> {
                Ok(rule.value(x))
            }
            #[inline]
            fn slope<F: Function>(x: Self, y: Self) -> Option<Self> {
                F::slope(&x, &y)
            }
            #[inline]
            fn slope2<F: Function2>(argument: usize, a: Self, b: Self, y: Self) -> Option<Self> {
                F::slope(argument, &a, &b, &y)
            }
        }
    )*};
}
plain!(f32 f64);
