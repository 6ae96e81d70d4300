//! The set `checkerboard`: every second square of side 2 in [-4, 4)^2, each point of them equally likely.

use ad_ops::random::Stream;

pub(super) fn sample(stream: &mut Stream) -> [f64; 2] {
    let x = 4.0 * stream.uniform() - 2.0;
    let row = if stream.sign() > 0.0 { 0.0 } else { -2.0 };
    [2.0 * x, 2.0 * (stream.uniform() + row + offset(x))]
}

pub(super) fn log_density(x: &[f64; 2]) -> f64 {
    const AREA: f64 = 32.0;
    let [x, y] = x.map(|value| value / 2.0);
    let inside = (-2.0..2.0).contains(&x) && (-2.0..2.0).contains(&y);
    if inside && y.floor().rem_euclid(2.0) == offset(x) { -AREA.ln() } else { f64::NEG_INFINITY }
}

/// Columns of squares begin at 0 and at 1 in turn.
fn offset(x: f64) -> f64 {
    x.floor().rem_euclid(2.0)
}
