//! The family of num-traits. What tells numbers apart (order, classes, rounding to integers) looks at values only.

use core::num::FpCategory;

use num_traits::{
    Bounded, Float, FloatConst, FromPrimitive, Inv, MulAdd, MulAddAssign, Num, NumCast, One, Pow, Signed,
    ToPrimitive, Zero,
};

use super::{Carrier, Scalar, each_kind};
use crate::elementary::function;

/// Methods that are a line of the table.
macro_rules! applied {
    ($($name:ident $variant:ident)*) => {$(
        #[inline]
        #[track_caller]
        fn $name(self) -> Self {
            self.apply::<function::$variant>()
        }
    )*};
    (two: $($name:ident $variant:ident)*) => {$(
        #[inline]
        #[track_caller]
        fn $name(self, other: Self) -> Self {
            self.apply2::<function::$variant>(other)
        }
    )*};
}

/// Constants of the inner type.
macro_rules! constants {
    ($Trait:ident: $($name:ident)*) => {$(
        #[inline]
        fn $name() -> Self {
            Carrier::fixed(<T as $Trait>::$name())
        }
    )*};
}

/// Questions about the value.
macro_rules! asked {
    ($Trait:ident: $($name:ident -> $answer:ty;)*) => {$(
        #[inline]
        #[track_caller]
        fn $name(self) -> $answer {
            self.ask(stringify!($name), |x| <T as $Trait>::$name(x))
        }
    )*};
    (&$Trait:ident: $($name:ident -> $answer:ty;)*) => {$(
        #[inline]
        #[track_caller]
        fn $name(&self) -> $answer {
            self.ask(stringify!($name), |x| <T as $Trait>::$name(&x))
        }
    )*};
}

macro_rules! from_primitive {
    ($($name:ident $plain:ident)*) => {$(
        #[inline]
        fn $name(n: $plain) -> Option<Self> {
            T::$name(n).map(Carrier::fixed)
        }
    )*};
}

macro_rules! number {
    ($([$($generics:tt)*] $number:ty;)*) => {$(
        impl<$($generics)*> Zero for $number {
            constants!(Zero: zero);
            #[inline]
            #[track_caller]
            fn is_zero(&self) -> bool {
                self.ask("is_zero", |x| x.is_zero())
            }
        }

        impl<$($generics)*> One for $number {
            constants!(One: one);
        }

        impl<$($generics)*> Num for $number {
            type FromStrRadixErr = T::FromStrRadixErr;
            fn from_str_radix(text: &str, radix: u32) -> Result<Self, Self::FromStrRadixErr> {
                T::from_str_radix(text, radix).map(Carrier::fixed)
            }
        }

        impl<$($generics)*> Bounded for $number {
            constants!(Float: min_value max_value);
        }

        impl<$($generics)*> ToPrimitive for $number {
            asked!(&ToPrimitive:
                to_isize -> Option<isize>; to_i8 -> Option<i8>; to_i16 -> Option<i16>; to_i32 -> Option<i32>;
                to_i64 -> Option<i64>; to_i128 -> Option<i128>; to_usize -> Option<usize>; to_u8 -> Option<u8>;
                to_u16 -> Option<u16>; to_u32 -> Option<u32>; to_u64 -> Option<u64>; to_u128 -> Option<u128>;
                to_f32 -> Option<f32>; to_f64 -> Option<f64>;
            );
        }

        impl<$($generics)*> FromPrimitive for $number {
            from_primitive!(
                from_isize isize from_i8 i8 from_i16 i16 from_i32 i32 from_i64 i64 from_i128 i128
                from_usize usize from_u8 u8 from_u16 u16 from_u32 u32 from_u64 u64 from_u128 u128
                from_f32 f32 from_f64 f64
            );
        }

        impl<$($generics)*> NumCast for $number {
            #[inline]
            fn from<P: ToPrimitive>(n: P) -> Option<Self> {
                <T as NumCast>::from(n).map(Carrier::fixed)
            }
        }

        impl<$($generics)*> Signed for $number {
            #[inline]
            #[track_caller]
            fn abs(&self) -> Self {
                (*self).apply::<function::Abs>()
            }
            #[inline]
            #[track_caller]
            fn abs_sub(&self, other: &Self) -> Self {
                (*self).apply2::<function::AbsSub>(*other)
            }
            #[inline]
            #[track_caller]
            fn signum(&self) -> Self {
                (*self).apply::<function::Signum>()
            }
            #[inline]
            #[track_caller]
            fn is_positive(&self) -> bool {
                Float::is_sign_positive(*self)
            }
            #[inline]
            #[track_caller]
            fn is_negative(&self) -> bool {
                Float::is_sign_negative(*self)
            }
        }

        impl<$($generics)*> FloatConst for $number {
            constants!(FloatConst:
                E FRAC_1_PI FRAC_1_SQRT_2 FRAC_2_PI FRAC_2_SQRT_PI FRAC_PI_2 FRAC_PI_3 FRAC_PI_4 FRAC_PI_6 FRAC_PI_8
                LN_10 LN_2 LOG10_E LOG2_E PI SQRT_2 TAU LOG10_2 LOG2_10
            );
        }

        impl<$($generics)*> Inv for $number {
            type Output = $number;
            applied!(inv Recip);
        }

        impl<$($generics)*> Pow<$number> for $number {
            type Output = $number;
            #[inline]
            #[track_caller]
            fn pow(self, exponent: $number) -> $number {
                Float::powf(self, exponent)
            }
        }

        impl<$($generics)*> Pow<i32> for $number {
            type Output = $number;
            #[inline]
            #[track_caller]
            fn pow(self, exponent: i32) -> $number {
                Float::powi(self, exponent)
            }
        }

        impl<$($generics)*> MulAdd for $number {
            type Output = $number;
            #[inline]
            #[track_caller]
            fn mul_add(self, a: $number, b: $number) -> $number {
                Float::mul_add(self, a, b)
            }
        }

        impl<$($generics)*> MulAddAssign for $number {
            #[inline]
            #[track_caller]
            fn mul_add_assign(&mut self, a: $number, b: $number) {
                *self = Float::mul_add(*self, a, b);
            }
        }

        impl<$($generics)*> Float for $number {
            constants!(Float:
                nan infinity neg_infinity neg_zero min_value min_positive_value max_value epsilon
            );
            asked!(Float:
                is_nan -> bool; is_infinite -> bool; is_finite -> bool; is_normal -> bool; is_subnormal -> bool;
                is_sign_positive -> bool; is_sign_negative -> bool; classify -> FpCategory;
                integer_decode -> (u64, i16, i8);
            );
            applied!(
                floor Floor ceil Ceil round Round trunc Trunc fract Fract signum Signum abs Abs recip Recip
                sqrt Sqrt cbrt Cbrt exp Exp exp2 Exp2 exp_m1 ExpM1 ln Ln ln_1p Ln1p log2 Log2 log10 Log10
                to_degrees ToDegrees to_radians ToRadians sin Sin cos Cos tan Tan asin Asin acos Acos atan Atan
                sinh Sinh cosh Cosh tanh Tanh asinh Asinh acosh Acosh atanh Atanh
            );
            applied!(two: powf Pow abs_sub AbsSub hypot Hypot atan2 Atan2 copysign CopySign);

            #[inline]
            #[track_caller]
            fn powi(self, n: i32) -> Self {
                self.power(n)
            }

            #[inline]
            #[track_caller]
            fn log(self, base: Self) -> Self {
                let y = self.inner().log(base.inner());
                (Float::ln(self) / Float::ln(base)).moved(y)
            }

            #[inline]
            #[track_caller]
            fn mul_add(self, a: Self, b: Self) -> Self {
                self.times_plus(a, b)
            }

            #[inline]
            #[track_caller]
            fn sin_cos(self) -> (Self, Self) {
                (Float::sin(self), Float::cos(self))
            }

            // As on plain numbers a NaN gives way to the other number.
            #[inline]
            #[track_caller]
            fn max(self, other: Self) -> Self {
                match (Float::is_nan(self), Float::is_nan(other)) {
                    (true, _) => other,
                    (_, true) => self,
                    _ => self.apply2::<function::Larger>(other),
                }
            }

            #[inline]
            #[track_caller]
            fn min(self, other: Self) -> Self {
                match (Float::is_nan(self), Float::is_nan(other)) {
                    (true, _) => other,
                    (_, true) => self,
                    _ => self.apply2::<function::Smaller>(other),
                }
            }
        }
    )*};
}

each_kind!(number);

/// The same methods without a trait in scope, where several traits would offer them.
macro_rules! inherent {
    ($([$($generics:tt)*] $number:ty;)*) => {$(
        inherent!(methods [$($generics)*] $number;
            abs ceil floor round trunc fract signum recip sqrt cbrt exp exp2 exp_m1 ln ln_1p log2 log10 to_degrees
            to_radians sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh;
            powf max min hypot atan2 copysign;
            is_nan is_infinite is_finite is_sign_positive is_sign_negative
        );
    )*};
    (methods [$($generics:tt)*] $number:ty; $($one:ident)*; $($two:ident)*; $($is:ident)*) => {
        impl<$($generics)*> $number {
            $(
                #[doc = concat!("[`Float::", stringify!($one), "`].")]
                #[inline]
                #[track_caller]
                #[must_use]
                pub fn $one(self) -> Self {
                    <Self as Float>::$one(self)
                }
            )*
            $(
                #[doc = concat!("[`Float::", stringify!($two), "`].")]
                #[inline]
                #[track_caller]
                #[must_use]
                pub fn $two(self, other: Self) -> Self {
                    <Self as Float>::$two(self, other)
                }
            )*
            $(
                #[doc = concat!("[`Float::", stringify!($is), "`].")]
                #[inline]
                #[track_caller]
                pub fn $is(self) -> bool {
                    <Self as Float>::$is(self)
                }
            )*
            /// [`Float::powi`].
            #[inline]
            #[track_caller]
            #[must_use]
            pub fn powi(self, n: i32) -> Self {
                <Self as Float>::powi(self, n)
            }
            /// [`Float::mul_add`].
            #[inline]
            #[track_caller]
            #[must_use]
            pub fn mul_add(self, a: Self, b: Self) -> Self {
                <Self as Float>::mul_add(self, a, b)
            }
            /// [`Float::sin_cos`].
            #[inline]
            #[track_caller]
            pub fn sin_cos(self) -> (Self, Self) {
                <Self as Float>::sin_cos(self)
            }
            /// The logistic function `1 / (1 + e^-x)`.
            #[inline]
            #[track_caller]
            #[must_use]
            pub fn sigmoid(self) -> Self {
                self.apply::<function::Sigmoid>()
            }
            /// `ln(1 + e^x)`, without overflow.
            #[inline]
            #[track_caller]
            #[must_use]
            pub fn softplus(self) -> Self {
                self.apply::<function::Softplus>()
            }
            /// `max(x, 0)`; NaN stays NaN.
            #[inline]
            #[track_caller]
            #[must_use]
            pub fn relu(self) -> Self {
                self.apply::<function::Relu>()
            }
        }
    };
}

each_kind!(inherent);
