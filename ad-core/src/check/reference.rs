//! Elementary functions in double precision, where the table's own value is not near enough to check others by.

use core::f64::consts::LN_2;

use crate::Unary;

/// `f(x)` within three units or so in the last place over the whole range. [`Unary::value`] has the bits of `std`, whose
/// inverse hyperbolic functions overflow within the range and lose digits near its ends.
///
/// ```
/// use ad_core::{Unary, check::reference};
/// assert!(Unary::Asinh.value(1.5e308_f64).is_infinite());
/// assert!((reference(Unary::Asinh, 1.5e308) - (1.5_f64.ln() + 308.0 * 10_f64.ln() + 2_f64.ln())).abs() < 1e-12);
/// ```
pub fn reference(f: Unary, x: f64) -> f64 {
    let t = x.abs();
    match f {
        Unary::Asinh if x.is_finite() && t > 1e150 => (t.ln() + LN_2).copysign(x),
        Unary::Acosh if x.is_finite() && x > 1e150 => x.ln() + LN_2,
        Unary::Acosh if x > 1.0 => ((x - 1.0) + ((x - 1.0) * (x + 1.0)).sqrt()).ln_1p(),
        Unary::Atanh if t < 1.0 => (0.5 * (2.0 * t / (1.0 - t)).ln_1p()).copysign(x),
        f => f.value(x),
    }
}
