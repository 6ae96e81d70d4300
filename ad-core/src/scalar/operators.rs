//! Operators: by value, by reference, and with plain numbers on either side.

use core::cmp::Ordering;
use core::fmt;
use core::iter::{Product, Sum, empty};
use core::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Rem, RemAssign, Sub, SubAssign};

use super::{Carrier, Scalar, each_kind};
use crate::elementary::function;

/// An operator between numbers from the one by value.
macro_rules! forms {
    ([$($generics:tt)*] $number:ty, $Op:ident $op:ident $OpAssign:ident $op_assign:ident $right:ident $left:ident) => {
        impl<$($generics)*> $Op<&$number> for $number {
            type Output = $number;
            #[inline]
            #[track_caller]
            fn $op(self, other: &$number) -> $number {
                $Op::$op(self, *other)
            }
        }
        impl<$($generics)*> $Op<$number> for &$number {
            type Output = $number;
            #[inline]
            #[track_caller]
            fn $op(self, other: $number) -> $number {
                $Op::$op(*self, other)
            }
        }
        impl<$($generics)*> $Op<&$number> for &$number {
            type Output = $number;
            #[inline]
            #[track_caller]
            fn $op(self, other: &$number) -> $number {
                $Op::$op(*self, *other)
            }
        }
        impl<$($generics)*> $OpAssign for $number {
            #[inline]
            #[track_caller]
            fn $op_assign(&mut self, other: $number) {
                *self = $Op::$op(*self, other);
            }
        }
        impl<$($generics)*> $OpAssign<&$number> for $number {
            #[inline]
            #[track_caller]
            fn $op_assign(&mut self, other: &$number) {
                *self = $Op::$op(*self, *other);
            }
        }
        forms!(plain f32 [$($generics)*] $number, $Op $op $OpAssign $op_assign $right $left);
        forms!(plain f64 [$($generics)*] $number, $Op $op $OpAssign $op_assign $right $left);
    };
    (plain $plain:ident [$($generics:tt)*] $number:ty, $Op:ident $op:ident $OpAssign:ident $op_assign:ident $right:ident $left:ident) => {
        impl<$($generics)*> $Op<$plain> for $number
        where
            T: Scalar<Base = $plain>,
        {
            type Output = $number;
            #[inline]
            #[track_caller]
            fn $op(self, other: $plain) -> $number {
                self.$right(T::constant(other))
            }
        }
        impl<$($generics)*> $Op<$plain> for &$number
        where
            T: Scalar<Base = $plain>,
        {
            type Output = $number;
            #[inline]
            #[track_caller]
            fn $op(self, other: $plain) -> $number {
                <$number as $Op<$plain>>::$op(*self, other)
            }
        }
        impl<$($generics)*> $Op<$number> for $plain
        where
            T: Scalar<Base = $plain>,
        {
            type Output = $number;
            #[inline]
            #[track_caller]
            fn $op(self, other: $number) -> $number {
                other.$left(T::constant(self))
            }
        }
        impl<$($generics)*> $Op<&$number> for $plain
        where
            T: Scalar<Base = $plain>,
        {
            type Output = $number;
            #[inline]
            #[track_caller]
            fn $op(self, other: &$number) -> $number {
                <$plain as $Op<$number>>::$op(self, *other)
            }
        }
        impl<$($generics)*> $OpAssign<$plain> for $number
        where
            T: Scalar<Base = $plain>,
        {
            #[inline]
            #[track_caller]
            fn $op_assign(&mut self, other: $plain) {
                *self = <$number as $Op<$plain>>::$op(*self, other);
            }
        }
    };
}

macro_rules! operators {
    ($([$($generics:tt)*] $number:ty;)*) => {$(
        impl<$($generics)*> Add for $number {
            type Output = $number;
            #[inline]
            #[track_caller]
            fn add(self, other: $number) -> $number {
                self.sum(other, self.inner() + other.inner())
            }
        }
        impl<$($generics)*> Sub for $number {
            type Output = $number;
            #[inline]
            #[track_caller]
            fn sub(self, other: $number) -> $number {
                self.difference(other, self.inner() - other.inner())
            }
        }
        impl<$($generics)*> Mul for $number {
            type Output = $number;
            #[inline]
            #[track_caller]
            fn mul(self, other: $number) -> $number {
                self.product(other)
            }
        }
        impl<$($generics)*> Div for $number {
            type Output = $number;
            #[inline]
            #[track_caller]
            fn div(self, other: $number) -> $number {
                self.quotient(other)
            }
        }
        impl<$($generics)*> Rem for $number {
            type Output = $number;
            #[inline]
            #[track_caller]
            fn rem(self, other: $number) -> $number {
                self.apply2::<function::Rem>(other)
            }
        }
        impl<$($generics)*> Neg for $number {
            type Output = $number;
            #[inline]
            #[track_caller]
            fn neg(self) -> $number {
                self.negated(-self.inner())
            }
        }
        impl<$($generics)*> Neg for &$number {
            type Output = $number;
            #[inline]
            #[track_caller]
            fn neg(self) -> $number {
                -*self
            }
        }
        forms!([$($generics)*] $number, Add add AddAssign add_assign add_plain plain_add);
        forms!([$($generics)*] $number, Sub sub SubAssign sub_assign sub_plain plain_sub);
        forms!([$($generics)*] $number, Mul mul MulAssign mul_assign mul_plain plain_mul);
        forms!([$($generics)*] $number, Div div DivAssign div_assign div_plain plain_div);
        forms!([$($generics)*] $number, Rem rem RemAssign rem_assign rem_plain plain_rem);

        // Sums and products begin with what those of plain numbers begin with.
        impl<$($generics)*> Sum for $number {
            #[track_caller]
            fn sum<I: Iterator<Item = $number>>(numbers: I) -> $number {
                numbers.fold(Carrier::fixed(empty::<T>().sum()), |sum, x| sum + x)
            }
        }
        impl<'a, $($generics)*> Sum<&'a $number> for $number {
            #[track_caller]
            fn sum<I: Iterator<Item = &'a $number>>(numbers: I) -> $number {
                numbers.copied().sum()
            }
        }
        impl<$($generics)*> Product for $number {
            #[track_caller]
            fn product<I: Iterator<Item = $number>>(numbers: I) -> $number {
                numbers.fold(Carrier::fixed(empty::<T>().product()), |product, x| product * x)
            }
        }
        impl<'a, $($generics)*> Product<&'a $number> for $number {
            #[track_caller]
            fn product<I: Iterator<Item = &'a $number>>(numbers: I) -> $number {
                numbers.copied().product()
            }
        }

        impl<$($generics)*> PartialEq for $number {
            #[inline]
            #[track_caller]
            fn eq(&self, other: &$number) -> bool {
                self.ask2(*other, "==", |a, b| a == b)
            }
        }
        impl<$($generics)*> PartialOrd for $number {
            #[inline]
            #[track_caller]
            fn partial_cmp(&self, other: &$number) -> Option<Ordering> {
                self.ask2(*other, "partial_cmp", |a, b| a.partial_cmp(&b))
            }
            #[inline]
            #[track_caller]
            fn lt(&self, other: &$number) -> bool {
                self.ask2(*other, "<", |a, b| a < b)
            }
            #[inline]
            #[track_caller]
            fn le(&self, other: &$number) -> bool {
                self.ask2(*other, "<=", |a, b| a <= b)
            }
            #[inline]
            #[track_caller]
            fn gt(&self, other: &$number) -> bool {
                self.ask2(*other, ">", |a, b| a > b)
            }
            #[inline]
            #[track_caller]
            fn ge(&self, other: &$number) -> bool {
                self.ask2(*other, ">=", |a, b| a >= b)
            }
        }
        impl<$($generics)*> fmt::Display for $number {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.inner(), f)
            }
        }
        impl<$($generics)*> fmt::LowerExp for $number {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::LowerExp::fmt(&self.inner(), f)
            }
        }
        impl<$($generics)*> Default for $number {
            fn default() -> $number {
                Carrier::fixed(T::default())
            }
        }
        compare!(f32 [$($generics)*] $number);
        compare!(f64 [$($generics)*] $number);
    )*};
}

macro_rules! compare {
    ($plain:ident [$($generics:tt)*] $number:ty) => {
        impl<$($generics)*> PartialEq<$plain> for $number
        where
            T: Scalar<Base = $plain>,
        {
            #[inline]
            #[track_caller]
            fn eq(&self, other: &$plain) -> bool {
                self.ask2(<$number as Scalar>::constant(*other), "==", |a, b| a == b)
            }
        }
        impl<$($generics)*> PartialOrd<$plain> for $number
        where
            T: Scalar<Base = $plain>,
        {
            #[inline]
            #[track_caller]
            fn partial_cmp(&self, other: &$plain) -> Option<Ordering> {
                self.partial_cmp(&<$number as Scalar>::constant(*other))
            }
            #[inline]
            #[track_caller]
            fn lt(&self, other: &$plain) -> bool {
                *self < <$number as Scalar>::constant(*other)
            }
            #[inline]
            #[track_caller]
            fn le(&self, other: &$plain) -> bool {
                *self <= <$number as Scalar>::constant(*other)
            }
            #[inline]
            #[track_caller]
            fn gt(&self, other: &$plain) -> bool {
                *self > <$number as Scalar>::constant(*other)
            }
            #[inline]
            #[track_caller]
            fn ge(&self, other: &$plain) -> bool {
                *self >= <$number as Scalar>::constant(*other)
            }
        }
        impl<$($generics)*> From<$plain> for $number
        where
            T: Scalar<Base = $plain>,
        {
            #[inline]
            fn from(value: $plain) -> $number {
                <$number as Scalar>::constant(value)
            }
        }
    };
}

each_kind!(operators);
