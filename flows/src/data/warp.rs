//! The six-dimensional set `warp6`: each coordinate of a standard normal point bent by `z + 0.6 sin 2z`, then all
//! turned by a fixed orthogonal matrix.

use ad_ops::random::{Purpose, Stream};
use std::f64::consts::{PI, TAU};

pub(super) const DIMS: usize = 6;

pub(super) type Matrix = [[f64; DIMS]; DIMS];

/// How far the bend moves a point at most.
const BEND: f64 = 0.6;

fn bend(z: f64) -> f64 {
    z + BEND * (2.0 * z).sin()
}

fn bend_slope(z: f64) -> f64 {
    1.0 + 2.0 * BEND * (2.0 * z).cos()
}

pub(super) fn sample(matrix: &Matrix, stream: &mut Stream) -> [f64; DIMS] {
    let bent: [f64; DIMS] = std::array::from_fn(|_| bend(stream.standard_normal()));
    matrix.map(|row| dot(&row, &bent))
}

/// The log-density at `x` in nats; turning leaves the product of the coordinates' densities as it is.
pub(super) fn log_density(matrix: &Matrix, x: &[f64; DIMS]) -> f64 {
    let unturned = |i| matrix.iter().zip(x).map(|(row, x)| row[i] * x).sum();
    (0..DIMS).map(|i| coordinate_density(unturned(i)).ln()).sum()
}

/// The density of `bend(z)` at `y` for a standard normal `z`: a sum over the up to three `z` that are bent to `y`.
fn coordinate_density(y: f64) -> f64 {
    monotone_pieces(y - BEND, y + BEND)
        .filter(|&(a, b)| (bend(a) <= y) != (bend(b) <= y))
        .map(|(a, b)| {
            let z = bisect(a, b, |z| (bend(z) <= y) == (bend(a) <= y));
            (-0.5 * z * z).exp() / (TAU.sqrt() * bend_slope(z).abs())
        })
        .sum()
}

/// The intervals into which [a, b], shorter than pi, falls at the extrema of the bend.
fn monotone_pieces(a: f64, b: f64) -> impl Iterator<Item = (f64, f64)> {
    let extremum = 0.5 * (-0.5 / BEND).acos();
    let turn = PI * (a / PI).floor();
    let extrema = [extremum, PI - extremum, PI + extremum, TAU - extremum];
    let ends = extrema.map(|z| (turn + z).clamp(a, b)).into_iter().chain([b]);
    ends.scan(a, |from, to| Some((std::mem::replace(from, to), to)))
}

/// The point in (a, b) at which `left` ceases to hold, to the last bit.
pub(super) fn bisect(mut a: f64, mut b: f64, left: impl Fn(f64) -> bool) -> f64 {
    loop {
        let middle = a.midpoint(b);
        if middle <= a || middle >= b {
            return middle;
        }
        if left(middle) { a = middle } else { b = middle }
    }
}

/// The fixed orthogonal matrix: that factor of a Gaussian matrix, by Gram-Schmidt, each step done twice to be
/// orthogonal to rounding.
pub(super) fn orthogonal() -> Matrix {
    const SEED: u64 = 6;
    let mut stream = Purpose::Init.stream(SEED, 0, 0);
    let mut rows: Matrix = std::array::from_fn(|_| std::array::from_fn(|_| stream.standard_normal()));
    for i in 0..DIMS {
        let (done, rest) = rows.split_at_mut(i);
        let row = &mut rest[0];
        for earlier in done.iter().chain(done.iter()) {
            let along = dot(row, earlier);
            row.iter_mut().zip(earlier).for_each(|(value, e)| *value -= along * e);
        }
        let length = dot(row, row).sqrt();
        row.iter_mut().for_each(|value| *value /= length);
    }
    rows
}

fn dot(a: &[f64; DIMS], b: &[f64; DIMS]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
