//! `f32`, against the function in `f64`: all bit patterns, or every so many.

use ad_core::Unary;
use ad_core::check::reference;
use rayon::prelude::*;

use crate::finding::{Finding, Worst};
use crate::points::hard;
use crate::{Result, program, values};

/// From one bit pattern to the next, unless all are taken: a prime.
const STRIDE: usize = 1021;
/// Bit patterns of one call.
const CHUNK: usize = 1 << 16;

/// The worst error of `f`.
pub(crate) fn measure(f: Unary, all: bool) -> Result<Finding> {
    let stride = if all { 1 } else { STRIDE };
    let count = (1_usize << 32) / stride;
    let program = program::<f32>(f)?;
    let chunk = |x: &[f32]| -> Result<(Worst, bool)> {
        let y = values(&program, x)?;
        let worst =
            |worst: Worst, (&x, &y): (&f32, &f32)| worst.or(Worst::one(x, error(y, reference(f, x.into()))));
        let same = |(&x, &y): (&f32, &f32)| {
            let want = f.value(x);
            y.to_bits() == want.to_bits() || (y.is_nan() && want.is_nan())
        };
        Ok((x.iter().zip(&y).fold(Worst::default(), worst), x.iter().zip(&y).all(same)))
    };
    let patterns =
        |k: usize| (k * CHUNK..count.min((k + 1) * CHUNK)).map(|i| f32::from_bits((i * stride) as u32));
    let hard = hard::<f32>();
    let (worst, std) = (0..count.div_ceil(CHUNK))
        .into_par_iter()
        .map(|k| chunk(&patterns(k).collect::<Vec<_>>()))
        .chain(rayon::iter::once(()).map(|()| chunk(&hard)))
        .try_reduce(|| (Worst::default(), true), |(a, same), (b, also)| Ok((a.or(b), same && also)))?;
    Finding::new::<f32>(f, count + hard.len(), worst, std)
}

/// The distance of `got` to `want`. What overflows is `2^128`.
fn error(got: f32, want: f64) -> f64 {
    if got.is_nan() && want.is_nan() {
        return 0.0;
    }
    if got.is_nan() || want.is_nan() || got.is_sign_negative() != want.is_sign_negative() {
        return f64::INFINITY;
    }
    let infinity = 2.0_f64.powi(f32::MAX_EXP);
    let [got, want] = [got.into(), want].map(|x| f64::min(x.abs(), infinity));
    let exponent = (want.to_bits() >> 52).clamp(1023 - 126, 1023 + 127);
    (got - want).abs() / f64::from_bits((exponent - 23) << 52)
}
