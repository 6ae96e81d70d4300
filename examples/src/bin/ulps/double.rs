//! `f64`, against 128 bits.

use ad_core::Unary;
use ad_core::check::reference;
use dashu_float::ops::{Abs, CubicRoot};
use dashu_float::{FBig, round::mode::HalfEven};
use rayon::prelude::*;

use crate::finding::{Finding, Worst};
use crate::points::{hard, spread};
use crate::{Result, program, values};

type Big = FBig<HalfEven, 2>;

/// Binary digits of the truth.
const DIGITS: usize = 128;

/// The worst error of `f`.
pub(crate) fn measure(f: Unary, all: bool) -> Result<Finding> {
    let (count, kept) = if all { (1 << 24, 40_000) } else { (1 << 20, 4000) };
    let mut x = spread(count);
    x.extend(hard::<f64>());
    let y = values(&program::<f64>(f)?, &x)?;
    let std = x.par_iter().zip(&y).all(|(&x, &y)| distance(y, f.value(x)) == 0);
    // Where values differ most from the reference; then by chance, which a factor makes of the bits.
    let mut ranked: Vec<(u64, u64, usize)> = x
        .par_iter()
        .zip(&y)
        .enumerate()
        .map(|(i, (&x, &y))| {
            (distance(y, reference(f, x)), x.to_bits().wrapping_mul(0x9e37_79b9_7f4a_7c15), i)
        })
        .collect();
    ranked.select_nth_unstable_by(kept, |a, b| b.cmp(a));
    let worst = ranked[..kept]
        .par_iter()
        .map(|&(.., i)| Worst::one(x[i], error(f, x[i], y[i])))
        .reduce(Worst::default, Worst::or);
    Finding::new::<f64>(f, x.len(), worst, std)
}

/// How many numbers `a` is from `b`.
fn distance(a: f64, b: f64) -> u64 {
    if a.is_nan() && b.is_nan() { 0 } else { a.to_bits().abs_diff(b.to_bits()) }
}

/// The distance of `got` to `f(x)`, in units in the last place of `f(x)`. What overflows is `2^1024`.
fn error(f: Unary, x: f64, got: f64) -> f64 {
    let want = f.value(x);
    let pole = matches!((f, x), (Unary::Ln1p, -1.0) | (Unary::Atanh, -1.0 | 1.0));
    if want.is_nan() || x == 0.0 || pole {
        return if distance(got, want) == 0 { 0.0 } else { f64::INFINITY };
    }
    if got.is_nan() || got.is_sign_negative() != want.is_sign_negative() {
        return f64::INFINITY;
    }
    let infinity = Big::from_parts(1.into(), f64::MAX_EXP as isize);
    let want = truth(f, x).abs().min(infinity.clone());
    let got = if got.is_infinite() { infinity } else { big(got.abs()) };
    let exponent = (want.to_f64().value().to_bits() >> 52).clamp(1, 2046) as isize;
    ((got - want) << (1023 + 52 - exponent)).to_f64().value().abs()
}

/// `f(x)` for a finite `x` other than 0, inside the domain. Exponents are not bounded, so nothing overflows.
fn truth(f: Unary, x: f64) -> Big {
    // What is beyond this overflows, vanishes, or is nothing beside 1.
    let short = big(x.clamp(-2000.0, 2000.0));
    let decay = || (-big(x.abs().min(2000.0))).exp();
    let (x, one) = (big(x), big(1.0));
    match f {
        Unary::Recip => one / x,
        Unary::Sqrt => x.sqrt(),
        Unary::Cbrt => x.cbrt(),
        Unary::Exp => short.exp(),
        Unary::ExpM1 => short.exp_m1(),
        Unary::Ln => x.ln(),
        Unary::Ln1p => x.ln_1p(),
        Unary::Sin => x.sin(),
        Unary::Cos => x.cos(),
        Unary::Tan => x.tan(),
        Unary::Asin => x.asin(),
        Unary::Acos => x.acos(),
        Unary::Atan => x.atan(),
        Unary::Sinh => short.sinh(),
        Unary::Cosh => short.cosh(),
        Unary::Tanh => short.tanh(),
        Unary::Asinh => x.asinh(),
        Unary::Acosh => x.acosh(),
        Unary::Atanh => x.atanh(),
        Unary::Sigmoid if x < Big::ZERO => decay() / (one + decay()),
        Unary::Sigmoid => one.clone() / (one + decay()),
        Unary::Softplus => x.max(Big::ZERO) + decay().ln_1p(),
        // These are exact.
        Unary::Abs | Unary::Sign | Unary::Step | Unary::Floor | Unary::Relu => {
            big(f.value(x.to_f64().value()))
        }
    }
}

/// `x` to 128 binary digits.
fn big(x: f64) -> Big {
    Big::try_from(x).unwrap_or(Big::ZERO).with_precision(DIGITS).value()
}
