//! The set `pinwheel`: five arms, each a Gaussian blot beside the centre, turned the more the farther out.

use super::warp::bisect;
use ad_ops::random::Stream;
use std::f64::consts::{PI, TAU};

const ARMS: f64 = 5.0;
const SCALE: f64 = 2.0;
/// Deviations along an arm and across it.
const SIGMA: [f64; 2] = [0.3, 0.1];

/// The angle by which a point is turned whose coordinate along its arm is `along`.
fn twist(along: f64) -> f64 {
    0.25 * along.exp()
}

pub(super) fn sample(stream: &mut Stream) -> [f64; 2] {
    let arm = (stream.uniform() * ARMS).floor();
    let along = 1.0 + SIGMA[0] * stream.standard_normal();
    let across = SIGMA[1] * stream.standard_normal();
    let (sin, cos) = (TAU / ARMS * arm + twist(along)).sin_cos();
    [SCALE * (along * cos - across * sin), SCALE * (along * sin + across * cos)]
}

/// The log-density at `x` in nats.
///
/// Turning keeps the radius, so a point of radius r and angle phi comes from those points (r cos a, r sin a)
/// for which
/// `a + twist(r cos a)` is phi up to whole arms. Where the density is below 1e-20 it may be taken for 0.
pub(super) fn log_density(x: &[f64; 2]) -> f64 {
    const INTERVALS: u32 = 256;
    let radius = x[0].hypot(x[1]) / SCALE;
    let angle = x[1].atan2(x[0]);
    let arms = |a: f64| (a + twist(radius * a.cos()) - angle) * ARMS / TAU;
    let end = |i: u32| PI * (2.0 * f64::from(i) / f64::from(INTERVALS) - 1.0);
    let mut density = 0.0;
    for (a, b) in (0..INTERVALS).map(|i| (end(i), end(i + 1))) {
        if blot(radius, a).max(blot(radius, b)) < 1e-24 {
            continue;
        }
        let (low, high) = (arms(a).min(arms(b)).floor(), arms(a).max(arms(b)).floor());
        for arm in (1..=(high - low) as u32).map(|i| low + f64::from(i)) {
            let below = arms(a) < arm;
            let root = bisect(a, b, |middle| (arms(middle) < arm) == below);
            let (across, along) = (radius * root.sin(), radius * root.cos());
            density += blot(radius, root) / (1.0 - across * twist(along)).abs();
        }
    }
    (density / (ARMS * SCALE * SCALE)).ln()
}

/// The density of an arm before it is turned, at a radius and an angle.
fn blot(radius: f64, angle: f64) -> f64 {
    let (across, along) = (radius * angle.sin() / SIGMA[1], (radius * angle.cos() - 1.0) / SIGMA[0]);
    (-0.5 * (along * along + across * across)).exp() / (TAU * SIGMA[0] * SIGMA[1])
}
