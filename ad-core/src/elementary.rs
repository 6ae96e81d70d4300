//! The one table of elementary functions: value and partial derivatives, one line each.
//!
//! Everything that computes or differentiates a function reads this table: the rules of the tape, the naive evaluator
//! and the tests of the kernels. A derivative formula stands nowhere else.
//!
//! Derivatives are written over [`Elementary`], the trait of things that have elementary functions but no order: a
//! float, a node of a tape, or a number type of a user's own. They see the argument `x` *and* the value `y = f(x)`, so that no value is
//! ever computed twice, or recomputed where it overflows (`tanh(800)`).
//!
//! | at | rule | reason |
//! |---|---|---|
//! | `abs`, `relu` at 0 | `0` | the subgradient of least norm |
//! | `max`, `min` at a tie, of infinities too | half to each | the subgradient of least norm |
//! | `hypot` at (0, 0), a norm at 0 | `0` | the subgradient of least norm |
//! | `sqrt`, `cbrt`, `pow(x, p)` with `p < 1` at `x = 0` | `inf` | the true slope |
//! | `ln`, `recip`, `div` at 0; `asin`, `acos`, `acosh`, `atanh` at the ends | `inf`, with its sign | the true slope, a limit from inside |
//! | `pow(x, p)` at `x = 0`, by `p` | `0` where the value is 0 | the limit along `p` |
//! | `pow(x, p)` at `x = 0`, by `x` | `0` where `p = 0` | `x^0` is 1 for all `x` |
//! | `atan2` at (0, 0) | `NaN` | there is none: the angle turns at once |
//! | `sign`, `step`, `floor`, `less` | no derivative | constant between jumps |
//! | outside of the domain; NaN in | the value is NaN, its slope what the formula gives | nothing is right there |
//! | `inf` in | the limit, as far as the formula has it: `tanh' = 0`, `ln' = 0`; else NaN | no special cases |
//!
//! These are the slopes. In the chain rule a path with a factor 0 contributes nothing to a number ([`Dual`](crate::Dual),
//! `Var`), even past an infinite slope: `sqrt(x^2)` has slope 0 at 0, as `abs` has. On tapes products are plain ones, and
//! what a `select` did not take contributes nothing.

use core::ops::{Add, Div, Mul, Neg, Sub};

use num_traits::Float;

/// Reads the last column of a table line: `flat`, or a closure that gives the slope.
macro_rules! slope {
    ([flat] $($given:expr),*) => {{
        $(let _ = $given;)*
        None
    }};
    ([|$($x:ident),*| $slope:expr] $($given:expr),*) => {{
        $(let $x = $given;)*
        Some($slope)
    }};
}

/// Whether a slope reads the value `y`.
macro_rules! reads_value {
    (flat) => {
        false
    };
    (|$x:ident, _y| $slope:expr) => {
        false
    };
    ($($slope:tt)+) => {
        true
    };
}

/// A function of one argument as a type, for callers that know which one when they are compiled.
pub trait Function {
    /// The name in code.
    const NAME: &'static str;
    /// Whether the slope depends on the value it is given.
    const READS_VALUE: bool;
    /// The value at `x` of a plain number.
    fn value<T: Float>(x: T) -> T;
    /// The derivative at `x`, where `y = f(x)`; `None` where the function is constant between jumps.
    fn slope<E: Elementary>(x: &E, y: &E) -> Option<E>;
}

/// A function of two arguments as a type.
pub trait Function2 {
    /// The name in code.
    const NAME: &'static str;
    /// The value at `(a, b)` of plain numbers.
    fn value<T: Float>(a: T, b: T) -> T;
    /// The partial derivative in argument 0 or 1 at `(a, b)`, where `y = f(a, b)`.
    fn slope<E: Elementary>(argument: usize, a: &E, b: &E, y: &E) -> Option<E>;
}

macro_rules! functions {
    ($($(#[doc = $doc:literal])* $variant:ident $name:ident |$v:ident| $value:expr => [$($slope:tt)+];)*) => {$(
        $(#[doc = $doc])*
        pub(crate) struct $variant;

        impl Function for $variant {
            const NAME: &'static str = stringify!($name);
            const READS_VALUE: bool = reads_value!($($slope)+);
            #[inline]
            fn value<T: Float>($v: T) -> T {
                $value
            }
            #[inline]
            fn slope<E: Elementary>(x: &E, y: &E) -> Option<E> {
                slope!([$($slope)+] x, y)
            }
        }
    )*};
    ($($(#[doc = $doc:literal])* $variant:ident $name:ident |$u:ident, $v:ident| $value:expr => [$($first:tt)+], [$($second:tt)+];)*) => {$(
        $(#[doc = $doc])*
        pub(crate) struct $variant;

        impl Function2 for $variant {
            const NAME: &'static str = stringify!($name);
            #[inline]
            fn value<T: Float>($u: T, $v: T) -> T {
                $value
            }
            #[inline]
            fn slope<E: Elementary>(argument: usize, a: &E, b: &E, y: &E) -> Option<E> {
                if argument == 0 { slope!([$($first)+] a, b, y) } else { slope!([$($second)+] a, b, y) }
            }
        }
    )*};
}

macro_rules! unary {
    ($d:tt $($(#[doc = $doc:literal])* $variant:ident $name:ident |$v:ident| $value:expr => [$($slope:tt)+];)*) => {
        /// An elementary function of one argument.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Unary { $($(#[doc = $doc])* $variant,)* }

        impl Unary {
            /// All of them.
            pub const ALL: &'static [Unary] = &[$(Unary::$variant,)*];

            /// The name in code and in the text form of a tape.
            pub const fn name(self) -> &'static str {
                match self { $(Unary::$variant => stringify!($name),)* }
            }

            /// The value at `x`, by the functions of `std`.
            pub fn value<T: Float>(self, x: T) -> T {
                match self { $(Unary::$variant => function::$variant::value(x),)* }
            }

            /// The derivative at `x`, where `y = f(x)`; `None` where the function is constant between jumps.
            pub fn slope<E: Elementary>(self, x: &E, y: &E) -> Option<E> {
                match self { $(Unary::$variant => function::$variant::slope(x, y),)* }
            }
        }

        /// Things with arithmetic and elementary functions, and no comparison: one generic function runs on numbers,
        /// differentiates eagerly (`Dual`, `Var`), or is recorded (`Tracer`).
        ///
        /// Methods take `&self`, since a node of a tape is not `Copy`. Masks are values: `0` is false, all else true.
        pub trait Elementary:
            Clone + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> + Neg<Output = Self>
        {
            /// The constant `c`, of the same kind as `self` (on a tape: on the same tape).
            #[must_use]
            fn lift(&self, c: f64) -> Self;
            /// The function `f` of `self`.
            #[must_use]
            #[track_caller]
            fn unary(&self, f: Unary) -> Self;
            /// The function `f` of `self` and `other`.
            #[must_use]
            #[track_caller]
            fn binary(&self, f: Binary, other: &Self) -> Self;
            /// `a` where the mask `self` is not zero, else `b`. The derivative of the side not taken never enters, whatever
            /// it is: no NaN leaks out of it, forward or in reverse.
            #[must_use]
            #[track_caller]
            fn select(&self, a: &Self, b: &Self) -> Self;

            $($(#[doc = $doc])* #[must_use] #[track_caller] fn $name(&self) -> Self { self.unary(Unary::$variant) })*

            /// `self * self`.
            #[must_use]
            #[track_caller]
            fn square(&self) -> Self { self.clone() * self.clone() }
            /// `self` to the power `exponent`.
            #[must_use]
            #[track_caller]
            fn pow(&self, exponent: &Self) -> Self { self.binary(Binary::Pow, exponent) }
            /// The larger of two; NaN if either is.
            #[must_use]
            #[track_caller]
            fn max(&self, other: &Self) -> Self { self.binary(Binary::Max, other) }
            /// The smaller of two; NaN if either is.
            #[must_use]
            #[track_caller]
            fn min(&self, other: &Self) -> Self { self.binary(Binary::Min, other) }
            /// The angle of the point `(other, self)`, in radians.
            #[must_use]
            #[track_caller]
            fn atan2(&self, other: &Self) -> Self { self.binary(Binary::Atan2, other) }
            /// The length of the vector `(self, other)`, without overflow.
            #[must_use]
            #[track_caller]
            fn hypot(&self, other: &Self) -> Self { self.binary(Binary::Hypot, other) }
            /// The mask of `self < other`: `1` or `0`.
            #[must_use]
            #[track_caller]
            fn less(&self, other: &Self) -> Self { self.binary(Binary::Less, other) }
        }

        /// Calls a macro with all functions of one argument, as variant and name.
        macro_rules! unary_lines {
            ($d callback:ident) => { $d callback! { $($variant $name)* } };
        }

        mod one {
            use super::*;
            functions! { $($(#[doc = $doc])* $variant $name |$v| $value => [$($slope)+];)* }
        }
    };
}

macro_rules! binary {
    ($d:tt $($(#[doc = $doc:literal])* $variant:ident $name:ident |$u:ident, $v:ident| $value:expr => [$($first:tt)+], [$($second:tt)+];)*) => {
        /// An elementary function of two arguments.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Binary { $($(#[doc = $doc])* $variant,)* }

        impl Binary {
            /// All of them.
            pub const ALL: &'static [Binary] = &[$(Binary::$variant,)*];

            /// The name in code and in the text form of a tape.
            pub const fn name(self) -> &'static str {
                match self { $(Binary::$variant => stringify!($name),)* }
            }

            /// The value at `(a, b)`, by the functions of `std`.
            pub fn value<T: Float>(self, a: T, b: T) -> T {
                match self { $(Binary::$variant => function::$variant::value(a, b),)* }
            }

            /// The partial derivative in argument 0 or 1 at `(a, b)`, where `y = f(a, b)`; `None` where it is zero
            /// between jumps.
            pub fn slope<E: Elementary>(self, argument: usize, a: &E, b: &E, y: &E) -> Option<E> {
                match self { $(Binary::$variant => function::$variant::slope(argument, a, b, y),)* }
            }
        }

        /// Calls a macro with all functions of two arguments, as variants.
        macro_rules! binary_lines {
            ($d callback:ident) => { $d callback! { $($variant)* } };
        }

        mod two {
            use super::*;
            functions! { $($(#[doc = $doc])* $variant $name |$u, $v| $value => [$($first)+], [$($second)+];)* }
        }
    };
}

fn constant<T: Float>(c: f64) -> T {
    T::from(c).unwrap_or_else(T::nan)
}

#[rustfmt::skip]
unary! {$
    /// `1 / x`.
    Recip    recip    |v| v.recip()                      => [|_x, y| -(y.square())];
    /// The absolute value.
    Abs      abs      |v| v.abs()                        => [|x, _y| x.sign()];
    /// `-1`, `0` or `1`; NaN stays NaN.
    Sign     sign     |v| if v == T::zero() { T::zero() } else { v.signum() } => [flat];
    /// `1` where `x > 0`, else `0`.
    Step     step     |v| if v > T::zero() { T::one() } else { T::zero() } => [flat];
    /// The largest integer not above `x`.
    Floor    floor    |v| v.floor()                      => [flat];
    /// The square root.
    Sqrt     sqrt     |v| v.sqrt()                       => [|_x, y| y.lift(0.5) / y.clone()];
    /// The cube root.
    Cbrt     cbrt     |v| v.cbrt()                       => [|_x, y| y.lift(1.0 / 3.0) / y.square()];
    /// `e^x`.
    Exp      exp      |v| v.exp()                        => [|_x, y| y.clone()];
    /// `e^x - 1`.
    ExpM1    exp_m1   |v| v.exp_m1()                     => [|_x, y| y.clone() + y.lift(1.0)];
    /// The natural logarithm.
    Ln       ln       |v| v.ln()                         => [|x, _y| x.recip()];
    /// `ln(1 + x)`.
    Ln1p     ln_1p    |v| v.ln_1p()                      => [|x, _y| (x.lift(1.0) + x.clone()).recip()];
    /// The sine of radians.
    Sin      sin      |v| v.sin()                        => [|x, _y| x.cos()];
    /// The cosine of radians.
    Cos      cos      |v| v.cos()                        => [|x, _y| -x.sin()];
    /// The tangent of radians.
    Tan      tan      |v| v.tan()                        => [|_x, y| y.lift(1.0) + y.square()];
    /// The arc sine, in radians.
    Asin     asin     |v| v.asin()                       => [|x, _y| (x.lift(1.0) - x.square()).sqrt().recip()];
    /// The arc cosine, in radians.
    Acos     acos     |v| v.acos()                       => [|x, _y| -(x.lift(1.0) - x.square()).sqrt().recip()];
    /// The arc tangent, in radians.
    Atan     atan     |v| v.atan()                       => [|x, _y| (x.lift(1.0) + x.square()).recip()];
    /// The hyperbolic sine.
    Sinh     sinh     |v| v.sinh()                       => [|x, _y| x.cosh()];
    /// The hyperbolic cosine.
    Cosh     cosh     |v| v.cosh()                       => [|x, _y| x.sinh()];
    /// The hyperbolic tangent.
    Tanh     tanh     |v| v.tanh()                       => [|_x, y| y.lift(1.0) - y.square()];
    /// The inverse hyperbolic sine.
    Asinh    asinh    |v| v.asinh()                      => [|x, _y| (x.square() + x.lift(1.0)).sqrt().recip()];
    /// The inverse hyperbolic cosine.
    Acosh    acosh    |v| v.acosh()                      => [|x, _y| (x.square() - x.lift(1.0)).sqrt().recip()];
    /// The inverse hyperbolic tangent.
    Atanh    atanh    |v| v.atanh()                      => [|x, _y| (x.lift(1.0) - x.square()).recip()];
    /// The logistic function `1 / (1 + e^-x)`.
    Sigmoid  sigmoid  |v| { let e = (-v.abs()).exp(); if v < T::zero() { e / (T::one() + e) } else { (T::one() + e).recip() } } => [|_x, y| y.clone() * (y.lift(1.0) - y.clone())];
    /// `ln(1 + e^x)`, without overflow.
    Softplus softplus |v| if v.is_nan() { v } else { v.max(T::zero()) + (-v.abs()).exp().ln_1p() } => [|x, _y| x.sigmoid()];
    /// `max(x, 0)`; NaN stays NaN.
    Relu     relu     |v| if v <= T::zero() { T::zero() } else { v } => [|x, _y| x.step()];
}

#[rustfmt::skip]
binary! {$
    /// `a / b`.
    Div   div   |a, b| a / b          => [|_a, b, _y| b.recip()],
                                         [|_a, b, y| -(y.clone() / b.clone())];
    /// `a` to the power `b`.
    Pow   pow   |a, b| a.powf(b)      => [|a, b, _y| power_slope(a, b)],
                                         [|a, _b, y| y.select(&(y.clone() * a.ln()), &y.lift(0.0))];
    /// The larger of two; NaN if either is.
    Max   max   |a, b| if a.is_nan() || a > b { a } else { b } => [|a, b, _y| share(a, b)],
                                                                  [|a, b, _y| share(b, a)];
    /// The smaller of two; NaN if either is.
    Min   min   |a, b| if a.is_nan() || a < b { a } else { b } => [|a, b, _y| share(b, a)],
                                                                  [|a, b, _y| share(a, b)];
    /// The angle of the point `(b, a)`, in radians.
    Atan2 atan2 |a, b| a.atan2(b)     => [|a, b, _y| b.clone() / (a.square() + b.square())],
                                         [|a, b, _y| -(a.clone() / (a.square() + b.square()))];
    /// The length of the vector `(a, b)`, without overflow.
    Hypot hypot |a, b| a.hypot(b)     => [|a, _b, y| y.select(&(a.clone() / y.clone()), y)],
                                         [|_a, b, y| y.select(&(b.clone() / y.clone()), y)];
    /// The mask of `a < b`: `1` or `0`.
    Less  less  |a, b| if a < b { T::one() } else { T::zero() } => [flat], [flat];
}

/// `b a^(b-1)`, and 0 at `a = b = 0`. Elsewhere `b = 0` is no exception: the slope's own slope is not 0 there.
fn power_slope<E: Elementary>(a: &E, b: &E) -> E {
    let slope = b.clone() * a.pow(&(b.clone() - b.lift(1.0)));
    a.select(&slope, &b.select(&slope, &b.lift(0.0)))
}

/// How much of `max(a, b)` is `a`: 1, 0, or a half at a tie.
fn share<E: Elementary>(a: &E, b: &E) -> E {
    let half = a.lift(0.5);
    half.clone() + half * (b.less(a) - a.less(b))
}

/// The functions as types. What follows the two tables above is for numbers alone: tapes do without.
pub(crate) mod function {
    pub(crate) use super::one::*;
    pub(crate) use super::three::*;
    pub(crate) use super::two::*;
}

#[rustfmt::skip]
mod three {
    use core::f64::consts::{LN_2, LN_10};

    use super::{Elementary, Float, Function, Function2, share};

    functions! {
        /// `2^x`.
        Exp2      exp2       |v| v.exp2()       => [|_x, y| y.clone() * y.lift(LN_2)];
        /// The logarithm to base 2.
        Log2      log2       |v| v.log2()       => [|x, _y| (x.clone() * x.lift(LN_2)).recip()];
        /// The logarithm to base 10.
        Log10     log10      |v| v.log10()      => [|x, _y| (x.clone() * x.lift(LN_10)).recip()];
        /// Radians in degrees.
        ToDegrees to_degrees |v| v.to_degrees() => [|x, _y| x.lift(1.0_f64.to_degrees())];
        /// Degrees in radians.
        ToRadians to_radians |v| v.to_radians() => [|x, _y| x.lift(1.0_f64.to_radians())];
        /// What is behind the point.
        Fract     fract      |v| v.fract()      => [|x, _y| x.lift(1.0)];
        /// The smallest integer not below `x`.
        Ceil      ceil       |v| v.ceil()       => [flat];
        /// The nearest integer; a half goes away from 0.
        Round     round      |v| v.round()      => [flat];
        /// What is before the point.
        Trunc     trunc      |v| v.trunc()      => [flat];
        /// `1` or `-1`, the sign bit's.
        Signum    signum     |v| v.signum()     => [flat];
    }
    functions! {
        /// The remainder of `a / b`, with the sign of `a`.
        Rem       rem        |a, b| a % b          => [|a, _b, _y| a.lift(1.0)],
                                                      [|a, b, y| ((y.clone() - a.clone()) / b.clone() + a.lift(0.5)).floor()];
        /// The larger of two numbers, neither of them NaN.
        Larger    max        |a, b| a.max(b)       => [|a, b, _y| share(a, b)], [|a, b, _y| share(b, a)];
        /// The smaller of two numbers, neither of them NaN.
        Smaller   min        |a, b| a.min(b)       => [|a, b, _y| share(b, a)], [|a, b, _y| share(a, b)];
        /// `max(a - b, 0)`.
        AbsSub    abs_sub    |a, b| if a <= b { T::zero() } else { a - b } => [|a, b, _y| (a.clone() - b.clone()).step()],
                                                                              [|a, b, _y| -(a.clone() - b.clone()).step()];
        /// The size of `a` with the sign of `b`.
        CopySign  copysign   |a, b| a.copysign(b)  => [|a, _b, y| a.sign() * y.sign()], [flat];
    }
}

/// The slope of `x^n`, `n` an integer.
pub(crate) fn integer_power_slope<T: Float>(x: T, n: i32) -> T {
    if n == 0 { T::zero() } else { constant::<T>(n.into()) * x.powi(n.saturating_sub(1)) }
}

pub(crate) use {binary_lines as each_binary, unary_lines as each_unary};

#[cfg(test)]
mod tests {
    use super::*;

    /// Points inside the domain of `f`, away from kinks.
    fn points(f: Unary) -> &'static [f64] {
        match f {
            Unary::Sqrt | Unary::Cbrt | Unary::Ln | Unary::Ln1p | Unary::Recip => &[0.3, 0.9, 2.5],
            Unary::Asin | Unary::Acos | Unary::Atanh => &[-0.7, 0.1, 0.6],
            Unary::Acosh => &[1.2, 2.0, 5.0],
            _ => &[-1.3, -0.4, 0.35, 1.4],
        }
    }

    fn assert_close(got: f64, want: f64, what: &str) {
        assert!((got - want).abs() <= 1e-7 * (1.0 + want.abs()), "{what}: {got} against {want}");
    }

    #[test]
    fn slopes_equal_central_differences() {
        let h = 1e-5;
        for &f in Unary::ALL {
            for &x in points(f) {
                let slope = f.slope(&x, &f.value(x)).unwrap_or(0.0);
                assert_close(slope, (f.value(x + h) - f.value(x - h)) / (2.0 * h), f.name());
            }
        }
        for &f in Binary::ALL {
            for (a, b) in [(0.7, 1.9), (2.3, 0.4), (1.1, -0.8)] {
                let y = f.value(a, b);
                let da = f.slope(0, &a, &b, &y).unwrap_or(0.0);
                let db = f.slope(1, &a, &b, &y).unwrap_or(0.0);
                assert_close(da, (f.value(a + h, b) - f.value(a - h, b)) / (2.0 * h), f.name());
                assert_close(db, (f.value(a, b + h) - f.value(a, b - h)) / (2.0 * h), f.name());
            }
        }
    }

    #[test]
    fn values_survive_large_arguments() {
        assert_eq!(Unary::Tanh.value(800.0_f64), 1.0);
        assert_eq!(Unary::Softplus.value(1e4_f64), 1e4);
        assert_eq!(Unary::Softplus.value(-1e4_f64), 0.0);
        assert_eq!(Unary::Sigmoid.value(-1e4_f64), 0.0);
        for &f in Unary::ALL.iter().filter(|f| !matches!(f, Unary::Step)) {
            assert!(f.value(f64::NAN).is_nan(), "{} loses NaN", f.name());
        }
    }
}
