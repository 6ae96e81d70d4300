//! The inverse hyperbolic functions: `ln(1 + w)` where `w` has a low part, so that only the logarithm's own error is felt.
//!
//! The functions of `std` overflow within the range, and lose digits where `1 + w` cancels.

use pulp::Simd;

use super::log::ln_1p_sum;
use super::real::Real;
use super::simd::Vector;

/// From here on `sqrt(x^2 + 1)` is `x`.
const LARGE: f64 = (1_u64 << 28) as f64;

/// `ln(1 + high + low)`, but `ln(2x)` where `x` is large.
#[inline(always)]
fn unless_large<S: Simd, T: Real>(x: Vector<S, T>, high: Vector<S, T>, low: Vector<S, T>) -> Vector<S, T> {
    let [zero, one, large] = [0.0, 1.0, LARGE].map(|c| x.constant(T::of(c)));
    let [high, low] = [x.if_below(large, high, x - one), x.if_below(large, low, zero)];
    ln_1p_sum(high, low, x.if_below(large, zero, one))
}

/// `asinh t = ln(1 + t + t^2 / (1 + sqrt(1 + t^2)))` for `t = |x|`.
#[inline(always)]
pub(super) fn asinh<S: Simd, T: Real>(x: Vector<S, T>) -> Vector<S, T> {
    let one = x.constant(T::one());
    let (sign, t) = (x.sign(), x.abs());
    let less = t * t / (one + t.fused(t, one).sqrt());
    let high = t + less;
    let value = unless_large(t, high, less - (high - t)).xor(sign);
    t.if_below(x.constant(T::EPSILON), x, value)
}

/// `acosh x = ln(1 + t + sqrt(2t + t^2))` for `t = x - 1`.
#[inline(always)]
pub(super) fn acosh<S: Simd, T: Real>(x: Vector<S, T>) -> Vector<S, T> {
    let [one, two] = [1.0, 2.0].map(|c| x.constant(T::of(c)));
    let t = x - one;
    let (double, square) = (t + t, t * t);
    let sum = double + square;
    let lost = t.if_below(two, square - (sum - double), double - (sum - square)) + t.fused(t, -square);
    let root = sum.sqrt();
    let root_low = ((-root).fused(root, sum) + lost) / (root + root).at_least(T::min_positive_value());
    let high = t + root;
    let value = unless_large(x, high, t - (high - root) + root_low);
    x.if_below(one, x.constant(T::nan()), value)
}

/// `atanh t = ln(1 + 2t / (1 - t)) / 2` for `t = |x|`.
#[inline(always)]
pub(super) fn atanh<S: Simd, T: Real>(x: Vector<S, T>) -> Vector<S, T> {
    let [zero, half, one] = [0.0, 0.5, 1.0].map(|c| x.constant(T::of(c)));
    let (sign, t) = (x.sign(), x.abs());
    let rest = one - t;
    let lost = (one - rest) - t;
    let high = (t + t) / rest;
    let low = (-high).fused(lost, (-high).fused(rest, t + t)) / rest;
    t.if_below(x.constant(T::EPSILON), x, (half * ln_1p_sum(high, low, zero)).xor(sign))
}
