//! Sine and cosine, for `|x| <= Real::TRIG_LIMIT`.
//!
//! `x = n pi/2 + r` with integer `n` and `|r| <= pi/4`: the products `n * PI_2[i]` enter through fused
//! multiply-adds, so that only the last two roundings are felt (the reduction of Cody and Waite, 1980).

use std::f64::consts::FRAC_2_PI;

use pulp::Simd;

use super::real::Real;
use super::simd::Vector;

/// `sin(x + quarters * pi/2)`.
#[inline(always)]
fn turned<S: Simd, T: Real>(x: Vector<S, T>, quarters: T) -> Vector<S, T> {
    let round = x.constant(T::ROUND);
    let rounded = x.fused(x.constant(T::of(FRAC_2_PI)), round);
    let n = round - rounded;
    let mut r = x;
    for part in T::PI_2 {
        r = n.fused(x.constant(part), r);
    }
    let z = r * r;
    let sin = (r * z).fused(z.polynomial(T::SIN), r);
    let cos = (z * z).fused(z.polynomial(T::COS), z.fused(x.constant(T::of(-0.5)), x.constant(T::one())));
    let quadrant = rounded + x.constant(quarters);
    let odd = quadrant.last_bit_as_sign();
    let value = odd.if_below(x.constant(T::zero()), cos, sin);
    value.xor(quadrant.next_bit_as_sign().sign())
}

/// The sine of radians.
#[inline(always)]
pub(super) fn sin<S: Simd, T: Real>(x: Vector<S, T>) -> Vector<S, T> {
    x.abs().if_below(x.constant(T::EPSILON), x, turned(x, T::zero()))
}

/// The cosine of radians.
#[inline(always)]
pub(super) fn cos<S: Simd, T: Real>(x: Vector<S, T>) -> Vector<S, T> {
    turned(x, T::one())
}
