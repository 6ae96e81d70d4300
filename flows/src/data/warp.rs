//! The six-dimensional set `warp6`: each coordinate of a standard normal point bent by `z + 0.6 sin 2z`, then
//! all turned by a fixed orthogonal matrix.

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

/// The density of `bend(z)` at `y` for a standard normal `z`: a sum over the up to three `z` that are bent to
/// `y`.
fn coordinate_density(y: f64) -> f64 {
    monotone_pieces(y - BEND, y + BEND)
        .filter(|&(a, b)| (bend(a) <= y) != (bend(b) <= y))
        .map(|(a, b)| {
            let below = bend(a) <= y;
            let z = bisect(a, b, |z| (bend(z) <= y) == below);
            (-0.5 * z * z).exp() / (TAU.sqrt() * bend_slope(z).abs())
        })
        .sum()
}

/// The intervals into which [a, b], shorter than pi, falls at the extrema of the bend.
fn monotone_pieces(a: f64, b: f64) -> impl Iterator<Item = (f64, f64)> {
    let extremum = 0.5 * (-0.5 / BEND).acos();
    let turn = PI * (a / PI).floor();
    let extrema = [extremum, PI - extremum, PI + extremum, TAU - extremum];
    let ends = extrema.map(|z| (turn + z).max(a).min(b)).into_iter().chain([b]);
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
    let mut stream = Purpose::Constant.stream(SEED, 0, 0);
    let mut rows: Matrix = std::array::from_fn(|_| std::array::from_fn(|_| stream.standard_normal()));
    for i in 0..DIMS {
        let (done, rest) = rows.split_at_mut(i);
        let row = &mut rest[0];
        for earlier in done.iter().chain(done.iter()) {
            let along = dot(row, earlier);
            row.iter_mut().zip(earlier).for_each(|(value, e)| *value -= along * e);
        }
        let length = dot(row, row).sqrt();
        *row = row.map(|value| value / length);
    }
    rows
}

fn dot(a: &[f64; DIMS], b: &[f64; DIMS]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::super::Builtin;
    use super::*;

    #[test]
    fn the_matrix_is_orthogonal() {
        let q = orthogonal();
        for (i, row) in q.iter().enumerate() {
            for (j, other) in q.iter().enumerate() {
                assert!((dot(row, other) - f64::from(u8::from(i == j))).abs() < 1e-15);
            }
        }
    }

    /// Averages over a standard normal `z` by the midpoint rule.
    fn average(f: impl Fn(f64) -> f64) -> f64 {
        const CELLS: u32 = 200_001;
        let width = 16.0 / f64::from(CELLS);
        let node = |i: u32| width * (f64::from(i) + 0.5) - 8.0;
        (0..CELLS).map(node).map(|z| width * (-0.5 * z * z).exp() / TAU.sqrt() * f(z)).sum()
    }

    /// The bend is not monotone: the entropy is that of the density summed over all preimages.
    #[test]
    fn entropy_by_quadrature() {
        let entropy = 6.0 * average(|z| -coordinate_density(bend(z)).ln());
        let floor = Builtin::Warp6.entropy_floor();
        assert!((entropy - floor).abs() < 1e-3, "{entropy}");
        let deviation = average(|z| bend(z).powi(2)).sqrt();
        assert!((floor - 6.0 * deviation.ln() - 3.9716).abs() < 1e-4);
    }

    /// The density's integral from 0 to y equals the probability of the `z` that are bent to between 0 and y.
    #[test]
    fn density_is_the_slope_of_the_distribution() {
        for y in [0.3, 1.0, 1.45, 1.8, 2.5, 4.0] {
            const CELLS: u32 = 50_000;
            let width = y / f64::from(CELLS);
            let node = |i: u32| width * (f64::from(i) + 0.5);
            let integral: f64 = (0..CELLS).map(|i| width * coordinate_density(node(i))).sum();
            let probability = average(|z| f64::from(u8::from((0.0..y).contains(&bend(z)))));
            assert!((integral - probability).abs() < 4e-3, "{y}: {integral} {probability}");
        }
    }
}
