//! Numbers with derivatives as elements of nalgebra's matrices: the traits of simba.

use approx::{AbsDiffEq, RelativeEq, UlpsEq};
use num_traits::{Float, FloatConst, One, Zero};
use simba::scalar::{ComplexField, Field, RealField, SubsetOf};
use simba::simd::SimdValue;

use super::{Carrier, Dual, Recorded, Scalar, Var};

/// Plain numbers that can be compared to a tolerance.
pub trait Plain: Scalar<Base = Self> + RelativeEq<Epsilon = Self> + UlpsEq<Epsilon = Self> {}
impl Plain for f32 {}
impl Plain for f64 {}

macro_rules! one {
    ($($name:ident)*) => {$(
        #[inline]
        #[track_caller]
        fn $name(self) -> Self {
            Float::$name(self)
        }
    )*};
}

macro_rules! constants {
    ($($name:ident $CONSTANT:ident)*) => {$(
        #[inline]
        fn $name() -> Self {
            FloatConst::$CONSTANT()
        }
    )*};
}

macro_rules! subset {
    ($plain:ident: [$($generics:tt)*] $number:ty) => {
        impl<$($generics)*> SubsetOf<$number> for $plain {
            #[inline]
            fn to_superset(&self) -> $number {
                // Rounded where the plain number below is an `f32`.
                <$number as Scalar>::lift(f64::from(*self))
            }
            #[inline]
            fn from_superset_unchecked(number: &$number) -> $plain {
                num_traits::cast(number.base()).unwrap_or($plain::NAN)
            }
            #[inline]
            fn is_in_subset(_: &$number) -> bool {
                true
            }
        }
    };
}

macro_rules! matrix_element {
    ($([$($generics:tt)*] $number:ty;)*) => {$(
        subset!(f32: [$($generics)*] $number);
        subset!(f64: [$($generics)*] $number);

        impl<$($generics)*> SubsetOf<$number> for $number {
            #[inline]
            fn to_superset(&self) -> $number {
                *self
            }
            #[inline]
            fn from_superset_unchecked(number: &$number) -> $number {
                *number
            }
            #[inline]
            fn is_in_subset(_: &$number) -> bool {
                true
            }
        }

        #[expect(unsafe_code, reason = "the trait declares its methods so; there is nothing unsafe in them")]
        impl<$($generics)*> SimdValue for $number {
            const LANES: usize = 1;
            type Element = Self;
            type SimdBool = bool;

            #[inline]
            fn splat(number: Self) -> Self {
                number
            }
            #[inline]
            fn extract(&self, _: usize) -> Self {
                *self
            }
            #[inline]
            unsafe fn extract_unchecked(&self, _: usize) -> Self {
                *self
            }
            #[inline]
            fn replace(&mut self, _: usize, number: Self) {
                *self = number;
            }
            #[inline]
            unsafe fn replace_unchecked(&mut self, _: usize, number: Self) {
                *self = number;
            }
            #[inline]
            fn select(self, condition: bool, other: Self) -> Self {
                if condition { self } else { other }
            }
        }

        impl<$($generics)*> Field for $number {}

        impl<$($generics)*> AbsDiffEq for $number
        where
            T::Base: Plain,
        {
            type Epsilon = Self;

            #[inline]
            fn default_epsilon() -> Self {
                <Self as Scalar>::constant(T::Base::default_epsilon())
            }
            #[inline]
            fn abs_diff_eq(&self, other: &Self, epsilon: Self) -> bool {
                self.base().abs_diff_eq(&other.base(), epsilon.base())
            }
        }

        impl<$($generics)*> RelativeEq for $number
        where
            T::Base: Plain,
        {
            #[inline]
            fn default_max_relative() -> Self {
                <Self as Scalar>::constant(T::Base::default_max_relative())
            }
            #[inline]
            fn relative_eq(&self, other: &Self, epsilon: Self, max_relative: Self) -> bool {
                self.base().relative_eq(&other.base(), epsilon.base(), max_relative.base())
            }
        }

        impl<$($generics)*> UlpsEq for $number
        where
            T::Base: Plain,
        {
            #[inline]
            fn default_max_ulps() -> u32 {
                T::Base::default_max_ulps()
            }
            #[inline]
            fn ulps_eq(&self, other: &Self, epsilon: Self, max_ulps: u32) -> bool {
                self.base().ulps_eq(&other.base(), epsilon.base(), max_ulps)
            }
        }

        impl<$($generics)*> ComplexField for $number
        where
            T::Base: Plain,
        {
            type RealField = Self;

            one! {
                floor ceil round trunc fract abs signum recip sin cos tan asin acos atan sinh cosh tanh asinh acosh
                atanh log2 log10 ln ln_1p sqrt exp exp2 exp_m1 cbrt
            }
            #[inline]
            fn from_real(re: Self) -> Self {
                re
            }
            #[inline]
            fn real(self) -> Self {
                self
            }
            #[inline]
            fn imaginary(self) -> Self {
                Self::zero()
            }
            #[inline]
            #[track_caller]
            fn modulus(self) -> Self {
                Float::abs(self)
            }
            #[inline]
            #[track_caller]
            fn modulus_squared(self) -> Self {
                self * self
            }
            #[inline]
            #[track_caller]
            fn norm1(self) -> Self {
                Float::abs(self)
            }
            #[inline]
            fn argument(self) -> Self {
                if self >= Self::zero() { Self::zero() } else { FloatConst::PI() }
            }
            #[inline]
            #[track_caller]
            fn to_exp(self) -> (Self, Self) {
                if self >= Self::zero() { (self, Self::one()) } else { (-self, -Self::one()) }
            }
            #[inline]
            #[track_caller]
            fn scale(self, factor: Self) -> Self {
                self * factor
            }
            #[inline]
            #[track_caller]
            fn unscale(self, factor: Self) -> Self {
                self / factor
            }
            #[inline]
            fn conjugate(self) -> Self {
                self
            }
            #[inline]
            #[track_caller]
            fn mul_add(self, a: Self, b: Self) -> Self {
                Float::mul_add(self, a, b)
            }
            #[inline]
            #[track_caller]
            fn hypot(self, other: Self) -> Self {
                Float::hypot(self, other)
            }
            #[inline]
            #[track_caller]
            fn sin_cos(self) -> (Self, Self) {
                Float::sin_cos(self)
            }
            #[inline]
            #[track_caller]
            fn log(self, base: Self) -> Self {
                Float::log(self, base)
            }
            #[inline]
            #[track_caller]
            fn powi(self, n: i32) -> Self {
                Float::powi(self, n)
            }
            #[inline]
            #[track_caller]
            fn powf(self, n: Self) -> Self {
                Float::powf(self, n)
            }
            #[inline]
            #[track_caller]
            fn powc(self, n: Self) -> Self {
                Float::powf(self, n)
            }
            #[inline]
            fn is_finite(&self) -> bool {
                Float::is_finite(*self)
            }
            #[inline]
            #[track_caller]
            fn try_sqrt(self) -> Option<Self> {
                (self >= Self::zero()).then(|| Float::sqrt(self))
            }
        }

        impl<$($generics)*> RealField for $number
        where
            T::Base: Plain,
        {
            constants! {
                pi PI two_pi TAU frac_pi_2 FRAC_PI_2 frac_pi_3 FRAC_PI_3 frac_pi_4 FRAC_PI_4 frac_pi_6 FRAC_PI_6
                frac_pi_8 FRAC_PI_8 frac_1_pi FRAC_1_PI frac_2_pi FRAC_2_PI frac_2_sqrt_pi FRAC_2_SQRT_PI e E
                log2_e LOG2_E log10_e LOG10_E ln_2 LN_2 ln_10 LN_10
            }
            #[inline]
            fn is_sign_positive(&self) -> bool {
                self.inner().is_sign_positive()
            }
            #[inline]
            fn is_sign_negative(&self) -> bool {
                self.inner().is_sign_negative()
            }
            #[inline]
            #[track_caller]
            fn copysign(self, sign: Self) -> Self {
                Float::copysign(self, sign)
            }
            #[inline]
            #[track_caller]
            fn max(self, other: Self) -> Self {
                Float::max(self, other)
            }
            #[inline]
            #[track_caller]
            fn min(self, other: Self) -> Self {
                Float::min(self, other)
            }
            #[inline]
            fn clamp(self, min: Self, max: Self) -> Self {
                if self < min {
                    min
                } else if self > max {
                    max
                } else {
                    self
                }
            }
            #[inline]
            #[track_caller]
            fn atan2(self, other: Self) -> Self {
                Float::atan2(self, other)
            }
            #[inline]
            fn min_value() -> Option<Self> {
                Some(Float::min_value())
            }
            #[inline]
            fn max_value() -> Option<Self> {
                Some(Float::max_value())
            }
        }
    )*};
}

matrix_element! {
    [T: Scalar + Send + Sync + 'static, const N: usize] Dual<T, N>;
    [T: Recorded + Send + Sync + 'static] Var<T>;
}
