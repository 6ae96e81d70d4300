//! Logarithms.
//!
//! `x = 2^k (1 + f)` with `1 + f` within a factor `sqrt 2` of 1. Then, with `s = f / (2 + f)`,
//! `ln(1 + f) = 2 atanh s = f - f^2/2 + s (f^2/2 + R(s^2))` where `R` is a polynomial.

use pulp::Simd;

use super::real::Real;
use super::simd::Vector;

/// `ln(2^k (1 + f))`.
#[inline(always)]
fn combine<S: Simd, T: Real>(k: Vector<S, T>, f: Vector<S, T>) -> Vector<S, T> {
    let [high, low] = T::LN_2;
    let s = f / (f + f.constant(T::of(2.0)));
    let z = s * s;
    let half_square = f * f * f.constant(T::of(0.5));
    let small = s.fused(z.fused(z.polynomial(T::LN), half_square), k * k.constant(low));
    k.fused(k.constant(high), f - (half_square - small))
}

/// The natural logarithm.
#[inline(always)]
pub(super) fn ln<S: Simd, T: Real>(x: Vector<S, T>) -> Vector<S, T> {
    // Subnormal numbers are made normal by a factor 2^54.
    let normal = x.constant(T::min_positive_value());
    let raised = x.if_below(normal, x * x.constant(T::of(2.0_f64.powi(54))), x);
    let extra = x.if_below(normal, x.constant(T::of(54.0)), x.constant(T::zero()));
    let k = raised.exponent() - x.constant(T::ROUND);
    edges(x, combine(k - extra, raised.mantissa() - x.constant(T::one())))
}

/// `ln(1 + x)`.
#[inline(always)]
pub(super) fn ln_1p<S: Simd, T: Real>(x: Vector<S, T>) -> Vector<S, T> {
    let zero = x.constant(T::zero());
    x.abs().if_below(x.constant(T::EPSILON), x, ln_1p_sum(x, zero, zero))
}

/// `ln(2^k (1 + x + low))`, where `low` is less than the last digit of `x`.
#[inline(always)]
pub(super) fn ln_1p_sum<S: Simd, T: Real>(
    x: Vector<S, T>,
    low: Vector<S, T>,
    k: Vector<S, T>,
) -> Vector<S, T> {
    let one = x.constant(T::one());
    let u = one + x;
    // What the rounding of 1 + x lost; where x > 1, too little to matter beyond an exponent of 64.
    let lost = x.if_below(one, x - (u - one), one - (u - x)) + low;
    let round = x.constant(T::ROUND);
    let exponent = u.exponent() - round;
    let scale = (round - exponent.at_most(T::of(64.0))).power_of_two();
    edges(u, combine(exponent + k, lost.fused(scale, u.mantissa() - one)))
}

/// `ln(1 + x)` for `x` in `[0, 1]`.
#[inline(always)]
pub(super) fn ln_1p_unit<S: Simd, T: Real>(x: Vector<S, T>) -> Vector<S, T> {
    let (one, round) = (x.constant(T::one()), x.constant(T::ROUND));
    let u = one + x;
    let k = u.exponent() - round;
    let scale = (round - k).power_of_two();
    combine(k, (x - (u - one)).fused(scale, u.mantissa() - one))
}

/// `value`, but the logarithm's own values where `x` is not positive and finite.
#[inline(always)]
fn edges<S: Simd, T: Real>(x: Vector<S, T>, value: Vector<S, T>) -> Vector<S, T> {
    let zero = x.constant(T::zero());
    let value = x.if_below(x.constant(T::infinity()), value, x);
    let at_most_zero = x.if_below(zero, x.constant(T::nan()), x.constant(T::neg_infinity()));
    x.abs().if_below(x.constant(T::SMALLEST), at_most_zero, x.if_below(zero, at_most_zero, value))
}
