//! Registers of lanes, with operators: what the kernels need of `pulp`, for `f32` and `f64` alike.

use std::fmt::Debug;
use std::ops::{Add, Div, Mul, Neg, Sub};

use num_traits::Float;
use pulp::bytemuck::{Pod, cast_slice_mut};
use pulp::{Simd, WithSimd};

/// Runs `op` at the best instruction level of this machine, which is detected once.
#[inline(always)]
pub(super) fn dispatch<Op: WithSimd>(op: Op) -> Op::Output {
    #[cfg(not(test))]
    let level = pulp::Arch::new();
    #[cfg(test)]
    let level = super::tests::level();
    level.dispatch(op)
}

/// Whether the level `S` has vectors with fused multiply-add; elsewhere they would be emulated.
pub(super) const fn fuses<S: Simd>() -> bool {
    !S::IS_SCALAR && cfg!(any(target_arch = "x86_64", target_arch = "aarch64"))
}

/// The register operations on lanes of one type. [`Vector`] makes them operators.
pub trait Lane: Float + Pod + Debug {
    /// A register.
    type Register<S: Simd>: Pod;
    /// One truth value a lane.
    type Mask<S: Simd>: Copy;

    /// `x` in every lane.
    fn splat<S: Simd>(simd: S, x: Self) -> Self::Register<S>;
    /// `a + b`.
    fn add<S: Simd>(simd: S, a: Self::Register<S>, b: Self::Register<S>) -> Self::Register<S>;
    /// `a - b`.
    fn sub<S: Simd>(simd: S, a: Self::Register<S>, b: Self::Register<S>) -> Self::Register<S>;
    /// `a * b`.
    fn mul<S: Simd>(simd: S, a: Self::Register<S>, b: Self::Register<S>) -> Self::Register<S>;
    /// `a / b`.
    fn div<S: Simd>(simd: S, a: Self::Register<S>, b: Self::Register<S>) -> Self::Register<S>;
    /// The square root.
    fn sqrt<S: Simd>(simd: S, x: Self::Register<S>) -> Self::Register<S>;
    /// The bits of both.
    fn and<S: Simd>(simd: S, a: Self::Register<S>, b: Self::Register<S>) -> Self::Register<S>;
    /// The bits of either, not both.
    fn xor<S: Simd>(simd: S, a: Self::Register<S>, b: Self::Register<S>) -> Self::Register<S>;
    /// `a * b + c`, rounded once where the level [`fuses`], else twice.
    fn fused<S: Simd>(
        simd: S,
        a: Self::Register<S>,
        b: Self::Register<S>,
        c: Self::Register<S>,
    ) -> Self::Register<S>;
    /// `a < b`.
    fn below<S: Simd>(simd: S, a: Self::Register<S>, b: Self::Register<S>) -> Self::Mask<S>;
    /// `a` where the mask is set, else `b`.
    fn choose<S: Simd>(
        simd: S,
        mask: Self::Mask<S>,
        a: Self::Register<S>,
        b: Self::Register<S>,
    ) -> Self::Register<S>;
    /// The first lanes, from `x`, and zeros.
    fn load<S: Simd>(simd: S, x: &[Self]) -> Self::Register<S>;
    /// The first lanes, to `y`.
    fn store<S: Simd>(simd: S, y: &mut [Self], x: Self::Register<S>);
    /// Whole registers and the rest.
    fn registers<S: Simd>(x: &[Self]) -> (&[Self::Register<S>], &[Self]);
    /// Whole registers and the rest, to be written.
    fn registers_mut<S: Simd>(x: &mut [Self]) -> (&mut [Self::Register<S>], &mut [Self]);
    /// The number of lanes.
    fn lanes<S: Simd>() -> usize {
        size_of::<Self::Register<S>>() / size_of::<Self>()
    }
}

macro_rules! lane {
    ($float:ty, $register:ident, $mask:ident, $lanes:ident, $splat:ident, [$($name:ident = $op:ident),*], $sqrt:ident, $fused:ident,
     $below:ident, $choose:ident, $load:ident, $store:ident, $registers:ident, $registers_mut:ident) => {
        impl Lane for $float {
            type Register<S: Simd> = S::$register;
            type Mask<S: Simd> = S::$mask;

            #[inline(always)]
            fn splat<S: Simd>(simd: S, x: Self) -> S::$register { simd.$splat(x) }
            $(#[inline(always)]
            fn $name<S: Simd>(simd: S, a: S::$register, b: S::$register) -> S::$register { simd.$op(a, b) })*
            #[inline(always)]
            fn sqrt<S: Simd>(simd: S, x: S::$register) -> S::$register { simd.$sqrt(x) }
            #[inline(always)]
            fn fused<S: Simd>(simd: S, a: S::$register, b: S::$register, c: S::$register) -> S::$register {
                simd.$fused(a, b, c)
            }
            #[inline(always)]
            fn below<S: Simd>(simd: S, a: S::$register, b: S::$register) -> S::$mask { simd.$below(a, b) }
            #[inline(always)]
            fn choose<S: Simd>(simd: S, mask: S::$mask, a: S::$register, b: S::$register) -> S::$register {
                simd.$choose(mask, a, b)
            }
            #[inline(always)]
            fn load<S: Simd>(simd: S, x: &[Self]) -> S::$register { simd.$load(x) }
            #[inline(always)]
            fn store<S: Simd>(simd: S, y: &mut [Self], x: S::$register) { simd.$store(y, x) }
            #[inline(always)]
            fn registers<S: Simd>(x: &[Self]) -> (&[S::$register], &[Self]) { S::$registers(x) }
            #[inline(always)]
            fn registers_mut<S: Simd>(x: &mut [Self]) -> (&mut [S::$register], &mut [Self]) { S::$registers_mut(x) }
        }
    };
}

lane!(
    f32,
    f32s,
    m32s,
    F32_LANES,
    splat_f32s,
    [add = add_f32s, sub = sub_f32s, mul = mul_f32s, div = div_f32s, and = and_f32s, xor = xor_f32s],
    sqrt_f32s,
    mul_add_e_f32s,
    less_than_f32s,
    select_f32s,
    partial_load_f32s,
    partial_store_f32s,
    as_simd_f32s,
    as_mut_simd_f32s
);
lane!(
    f64,
    f64s,
    m64s,
    F64_LANES,
    splat_f64s,
    [add = add_f64s, sub = sub_f64s, mul = mul_f64s, div = div_f64s, and = and_f64s, xor = xor_f64s],
    sqrt_f64s,
    mul_add_e_f64s,
    less_than_f64s,
    select_f64s,
    partial_load_f64s,
    partial_store_f64s,
    as_simd_f64s,
    as_mut_simd_f64s
);

/// A register of lanes.
#[derive(Clone, Copy)]
pub(super) struct Vector<S: Simd, T: Lane> {
    simd: S,
    register: T::Register<S>,
}

impl<S: Simd, T: Lane> Vector<S, T> {
    /// The register `register`.
    #[inline(always)]
    pub(super) fn new(simd: S, register: T::Register<S>) -> Self {
        Self { simd, register }
    }

    /// The register within.
    #[inline(always)]
    pub(super) fn register(self) -> T::Register<S> {
        self.register
    }

    /// The lanes, one by one.
    #[inline(always)]
    pub(super) fn lanes(&mut self) -> &mut [T] {
        cast_slice_mut(std::slice::from_mut(&mut self.register))
    }

    /// `x` in every lane.
    #[inline(always)]
    pub(super) fn splat(simd: S, x: T) -> Self {
        Self::new(simd, T::splat(simd, x))
    }

    /// `x` in every lane, at the level of `self`.
    #[inline(always)]
    pub(super) fn constant(self, x: T) -> Self {
        Self::splat(self.simd, x)
    }

    /// `self * a + b`.
    #[inline(always)]
    pub(super) fn fused(self, a: Self, b: Self) -> Self {
        Self::new(self.simd, T::fused(self.simd, self.register, a.register, b.register))
    }

    /// The square root.
    #[inline(always)]
    pub(super) fn sqrt(self) -> Self {
        Self::new(self.simd, <T as Lane>::sqrt(self.simd, self.register))
    }

    /// The bits of both.
    #[inline(always)]
    pub(super) fn and(self, other: Self) -> Self {
        Self::new(self.simd, T::and(self.simd, self.register, other.register))
    }

    /// The bits of either, not both.
    #[inline(always)]
    pub(super) fn xor(self, other: Self) -> Self {
        Self::new(self.simd, T::xor(self.simd, self.register, other.register))
    }

    /// The sign bits alone.
    #[inline(always)]
    pub(super) fn sign(self) -> Self {
        self.and(self.constant(-T::zero()))
    }

    /// The absolute value.
    #[inline(always)]
    pub(super) fn abs(self) -> Self {
        self.xor(self.sign())
    }

    /// `a` where `self < bound`, else `b`.
    #[inline(always)]
    pub(super) fn if_below(self, bound: Self, a: Self, b: Self) -> Self {
        let mask = T::below(self.simd, self.register, bound.register);
        Self::new(self.simd, T::choose(self.simd, mask, a.register, b.register))
    }

    /// The larger of `self` and `low`; NaN stays.
    #[inline(always)]
    pub(super) fn at_least(self, low: T) -> Self {
        let low = self.constant(low);
        self.if_below(low, low, self)
    }

    /// The smaller of `self` and `high`; NaN stays.
    #[inline(always)]
    pub(super) fn at_most(self, high: T) -> Self {
        let high = self.constant(high);
        high.if_below(self, high, self)
    }

    /// `coefficients[0] + coefficients[1] * self + ...`
    #[inline(always)]
    pub(super) fn polynomial(self, coefficients: &[T]) -> Self {
        let mut sum = self.constant(T::zero());
        for (i, &c) in coefficients.iter().rev().enumerate() {
            sum = if i == 0 { self.constant(c) } else { sum.fused(self, self.constant(c)) };
        }
        sum
    }
}

macro_rules! operator {
    ($($trait:ident $name:ident),*) => {$(
        impl<S: Simd, T: Lane> $trait for Vector<S, T> {
            type Output = Self;
            #[inline(always)]
            fn $name(self, other: Self) -> Self {
                Self::new(self.simd, <T as Lane>::$name(self.simd, self.register, other.register))
            }
        }
    )*};
}
operator!(Add add, Sub sub, Mul mul, Div div);

impl<S: Simd, T: Lane> Neg for Vector<S, T> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        self.xor(self.constant(-T::zero()))
    }
}

/// `row` in `N` registers; it may be shorter than one, where `N` is 1.
#[inline(always)]
pub(super) fn load<S: Simd, T: Lane, const N: usize>(simd: S, row: &[T]) -> [Vector<S, T>; N] {
    let width = N * T::lanes::<S>();
    let mut registers = [Vector::splat(simd, T::zero()); N];
    if row.len() == width {
        let row = T::registers::<S>(&row[..width]).0;
        for (register, &values) in registers.iter_mut().zip(row) {
            *register = Vector::new(simd, values);
        }
    } else {
        registers[0] = Vector::new(simd, T::load(simd, row));
    }
    registers
}

/// The inverse of [`load`].
#[inline(always)]
pub(super) fn store<S: Simd, T: Lane, const N: usize>(simd: S, registers: &[Vector<S, T>; N], row: &mut [T]) {
    let width = N * T::lanes::<S>();
    if row.len() == width {
        let row = T::registers_mut::<S>(&mut row[..width]).0;
        for (register, values) in registers.iter().zip(row) {
            *values = register.register();
        }
    } else {
        T::store(simd, row, registers[0].register());
    }
}
