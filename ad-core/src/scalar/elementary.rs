//! Numbers and the trait of elementary functions: each name calls its line of the table.

use alloc::vec::Vec;

use super::{Carrier, Rule, Scalar, each_kind};
use crate::elementary::{Binary, Elementary, Function, Function2, Unary, each_binary, each_unary, function};
use crate::error::Result;

macro_rules! by_name {
    ($($variant:ident $name:ident)*) => {
        #[inline]
        #[track_caller]
        fn unary(&self, f: Unary) -> Self {
            match f { $(Unary::$variant => (*self).apply::<function::$variant>(),)* }
        }
        $(
            #[inline]
            #[track_caller]
            fn $name(&self) -> Self {
                (*self).apply::<function::$variant>()
            }
        )*
    };
}

macro_rules! by_variant {
    ($($variant:ident)*) => {
        #[inline]
        #[track_caller]
        fn binary(&self, f: Binary, other: &Self) -> Self {
            match f { $(Binary::$variant => (*self).apply2::<function::$variant>(*other),)* }
        }
    };
}

macro_rules! two {
    ($($variant:ident $name:ident)*) => {$(
        #[inline]
        #[track_caller]
        fn $name(&self, other: &Self) -> Self {
            (*self).apply2::<function::$variant>(*other)
        }
    )*};
}

macro_rules! elementary {
    ($([$($generics:tt)*] $number:ty;)*) => {$(
        impl<$($generics)*> Elementary for $number {
            #[inline]
            fn lift(&self, c: f64) -> Self {
                <$number as Scalar>::lift(c)
            }
            #[inline]
            #[track_caller]
            fn select(&self, a: &Self, b: &Self) -> Self {
                if num_traits::Zero::is_zero(self) { *b } else { *a }
            }
            each_unary!(by_name);
            each_binary!(by_variant);
            two!(Pow pow Max max Min min Atan2 atan2 Hypot hypot Less less);
        }
    )*};
}

elementary! {
    [] f32;
    [] f64;
}
each_kind!(elementary);

macro_rules! scalar {
    ($([$($generics:tt)*] $number:ty;)*) => {$(
        impl<$($generics)*> Scalar for $number {
            type Base = T::Base;

            #[inline]
            fn constant(value: T::Base) -> Self {
                Carrier::fixed(T::constant(value))
            }
            #[inline]
            fn base(self) -> T::Base {
                self.inner().base()
            }
            #[inline]
            fn lift(value: f64) -> Self {
                Carrier::fixed(T::lift(value))
            }
            #[inline]
            #[track_caller]
            fn apply<F: Function>(self) -> Self {
                self.unary::<F>()
            }
            #[inline]
            #[track_caller]
            fn apply2<F: Function2>(self, other: Self) -> Self {
                self.binary::<F>(other)
            }
            #[track_caller]
            fn apply_rule<R: Rule>(rule: &R, x: &[Self]) -> Result<Vec<Self>> {
                Carrier::ruled(rule, x)
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

each_kind!(scalar);
