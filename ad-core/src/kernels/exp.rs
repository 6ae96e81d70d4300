//! The exponential and its kin.
//!
//! `x = n ln 2 + r` with integer `n` and `|r| <= ln(2) / 2`, then `e^x = 2^n (1 + q)` with a polynomial `q = e^r - 1`.

use std::f64::consts::LOG2_E;

use pulp::Simd;

use super::log::ln_1p_unit;
use super::real::Real;
use super::simd::Vector;

/// `(ROUND + n - less, e^r - 1)`, for `x` of a few thousand at most.
#[inline(always)]
fn reduce<S: Simd, T: Real>(x: Vector<S, T>, less: T) -> (Vector<S, T>, Vector<S, T>) {
    let round = x.constant(T::ROUND - less);
    let rounded = x.fused(x.constant(T::of(LOG2_E)), round);
    let n = round - rounded;
    let [high, low] = T::LN_2;
    let r = n.fused(x.constant(low), n.fused(x.constant(high), x));
    (rounded, (r * r).fused(r.polynomial(T::EXP), r))
}

/// `e^x`.
#[inline(always)]
pub(super) fn exp<S: Simd, T: Real>(x: Vector<S, T>) -> Vector<S, T> {
    let (rounded, q) = reduce(x.at_least(T::EXP_UNDERFLOW).at_most(T::EXP_OVERFLOW), T::zero());
    // 2^n in two factors: alone it may leave the exponents at either end.
    let half = rounded.half();
    let first = half.power_of_two();
    let second = (x.constant(T::ROUND) + (rounded - half)).power_of_two();
    q.fused(first, first) * second
}

/// `e^x - 1`.
#[inline(always)]
pub(super) fn exp_m1<S: Simd, T: Real>(x: Vector<S, T>) -> Vector<S, T> {
    // Half the value, since 2^n alone may overflow.
    let (rounded, q) = reduce(x.at_least(-T::SATURATED).at_most(T::EXP_OVERFLOW), T::one());
    let scale = rounded.power_of_two();
    let half = q.fused(scale, scale - x.constant(T::of(0.5)));
    x.abs().if_below(x.constant(T::EPSILON), x, half + half)
}

/// The hyperbolic tangent: `y = h / (h + 1)` with `h = (e^2|x| - 1) / 2`. Where `y` is small it is also `h - h y`, in
/// which the roundings of sum and quotient are damped by `y`.
#[inline(always)]
pub(super) fn tanh<S: Simd, T: Real>(x: Vector<S, T>) -> Vector<S, T> {
    let sign = x.sign();
    let magnitude = x.xor(sign);
    let (rounded, q) = reduce((magnitude + magnitude).at_most(T::SATURATED), T::one());
    let scale = rounded.power_of_two();
    let h = q.fused(scale, scale - x.constant(T::of(0.5)));
    let y = h / (h + x.constant(T::one()));
    let y = if T::DAMPED { magnitude.if_below(x.constant(T::of(0.35)), (-h).fused(y, h), y) } else { y };
    y.xor(sign)
}

/// `1 / (1 + e^-x)`.
#[inline(always)]
pub(super) fn sigmoid<S: Simd, T: Real>(x: Vector<S, T>) -> Vector<S, T> {
    let one = x.constant(T::one());
    let e = exp(-x.abs());
    x.if_below(x.constant(T::zero()), e, one) / (one + e)
}

/// `ln(1 + e^x)`.
#[inline(always)]
pub(super) fn softplus<S: Simd, T: Real>(x: Vector<S, T>) -> Vector<S, T> {
    x.at_least(T::zero()) + ln_1p_unit(exp(-x.abs()))
}
