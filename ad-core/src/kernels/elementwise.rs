//! Elementwise functions.

use num_traits::Float;
use pulp::{Simd, WithSimd};

use super::real::Real;
use super::simd::{Vector, fuses};
use super::{Element, area, exp, log, trig};
use crate::{Binary, Unary};

/// `y[i] = f(x[i])` with errors as `benches/README.md` lists them, 2.5 units in the last
/// place at most; the bits do not depend on the place of an element.
pub(super) struct Map<'a, T> {
    pub(super) f: Unary,
    pub(super) x: &'a [T],
    pub(super) y: &'a mut [T],
}

impl<T: Element> WithSimd for Map<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.f {
            Unary::Recip => self.numbers(Float::recip),
            Unary::Abs => self.numbers(Float::abs),
            Unary::Floor => self.numbers(Float::floor),
            Unary::Sqrt => self.numbers(Float::sqrt),
            Unary::Sign => self.numbers(|x| if x == T::zero() { T::zero() } else { x.signum() }),
            Unary::Step => self.numbers(|x| if x > T::zero() { T::one() } else { T::zero() }),
            Unary::Relu => self.numbers(|x| if x <= T::zero() { T::zero() } else { x }),
            Unary::Exp if fuses::<S>() => self.vectors(simd, &Exp),
            Unary::ExpM1 if fuses::<S>() => self.vectors(simd, &ExpM1),
            Unary::Tanh if fuses::<S>() => self.vectors(simd, &Tanh),
            Unary::Sigmoid if fuses::<S>() => self.vectors(simd, &Sigmoid),
            Unary::Softplus if fuses::<S>() => self.vectors(simd, &Softplus),
            Unary::Ln if fuses::<S>() => self.vectors(simd, &Ln),
            Unary::Ln1p if fuses::<S>() => self.vectors(simd, &Ln1p),
            Unary::Asinh if fuses::<S>() => self.vectors(simd, &Asinh),
            Unary::Acosh if fuses::<S>() => self.vectors(simd, &Acosh),
            Unary::Atanh if fuses::<S>() => self.vectors(simd, &Atanh),
            Unary::Sin if fuses::<S>() => self.angles(simd, Sin, Float::sin),
            Unary::Cos if fuses::<S>() => self.angles(simd, Cos, Float::cos),
            f => self.numbers(|x| f.value(x)),
        }
    }
}

impl<T: Element> Map<'_, T> {
    #[inline(always)]
    fn numbers(self, f: impl Fn(T) -> T) {
        self.y.iter_mut().zip(self.x).for_each(|(y, &x)| *y = f(x));
    }

    #[inline(always)]
    fn vectors<S: Simd>(self, simd: S, f: &impl Function<T>) {
        let (y, y_rest) = T::registers_mut::<S>(self.y);
        let (x, x_rest) = T::registers::<S>(self.x);
        for (y, &x) in y.iter_mut().zip(x) {
            *y = f.at(Vector::new(simd, x)).register();
        }
        if !y_rest.is_empty() {
            T::store(simd, y_rest, f.at(Vector::new(simd, T::load(simd, x_rest))).register());
        }
    }

    /// `fast` within the limit of its argument reduction, `slow` for the elements beyond.
    #[inline(always)]
    fn angles<S: Simd>(self, simd: S, fast: impl Function<T>, slow: fn(T) -> T) {
        // Counted and not searched: a search with its early end would be scalar code.
        let any_beyond = self.x.iter().filter(|x| x.abs() >= T::TRIG_LIMIT).count() > 0;
        self.vectors(simd, &Reduced { fast, slow, any_beyond });
    }
}

/// A function of a register. A trait and no closure, because its body must be inlined into the code of its level.
trait Function<T: Real> {
    fn at<S: Simd>(&self, x: Vector<S, T>) -> Vector<S, T>;
}

macro_rules! functions {
    ($($name:ident = $function:path;)*) => {$(
        struct $name;
        impl<T: Real> Function<T> for $name {
            #[inline(always)]
            fn at<S: Simd>(&self, x: Vector<S, T>) -> Vector<S, T> {
                $function(x)
            }
        }
    )*};
}

functions! {
    Exp = exp::exp;
    ExpM1 = exp::exp_m1;
    Tanh = exp::tanh;
    Sigmoid = exp::sigmoid;
    Softplus = exp::softplus;
    Ln = log::ln;
    Ln1p = log::ln_1p;
    Asinh = area::asinh;
    Acosh = area::acosh;
    Atanh = area::atanh;
    Sin = trig::sin;
    Cos = trig::cos;
}

/// `fast` within the limit of its argument reduction, `slow` for the lanes beyond, if there are any.
struct Reduced<F, T> {
    fast: F,
    slow: fn(T) -> T,
    any_beyond: bool,
}

impl<T: Real, F: Function<T>> Function<T> for Reduced<F, T> {
    #[inline(always)]
    fn at<S: Simd>(&self, mut x: Vector<S, T>) -> Vector<S, T> {
        let mut y = self.fast.at(x);
        if self.any_beyond {
            for (y, &mut x) in y.lanes().iter_mut().zip(x.lanes()).filter(|(_, x)| x.abs() >= T::TRIG_LIMIT) {
                *y = (self.slow)(x);
            }
        }
        y
    }
}

/// `y[i] = f(a[i], b[i])`, with the bits of [`Binary::value`].
pub(super) struct Zip<'a, T> {
    pub(super) f: Binary,
    pub(super) a: &'a [T],
    pub(super) b: &'a [T],
    pub(super) y: &'a mut [T],
}

impl<T: Element> WithSimd for Zip<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        match self.f {
            Binary::Div => self.each(|a, b| a / b),
            Binary::Max => self.each(|a, b| if a.is_nan() || a > b { a } else { b }),
            Binary::Min => self.each(|a, b| if a.is_nan() || a < b { a } else { b }),
            Binary::Less => self.each(|a, b| if a < b { T::one() } else { T::zero() }),
            f => self.each(|a, b| f.value(a, b)),
        }
    }
}

impl<T: Element> Zip<'_, T> {
    #[inline(always)]
    fn each(self, f: impl Fn(T, T) -> T) {
        for ((y, &a), &b) in self.y.iter_mut().zip(self.a).zip(self.b) {
            *y = f(a, b);
        }
    }
}
