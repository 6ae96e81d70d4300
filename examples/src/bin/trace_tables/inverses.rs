//! Inverses of two large sparse matrices, known by products alone, whose traces are known.

use std::f64::consts::PI;

use ad_core::Result;
use ad_ops::Probe;
use ad_ops::random::Purpose;
use ad_ops::trace::{Estimate, LinearMap, Products, Rescaling, hutch_pp, hutchinson, xnystrace, xtrace};

use crate::row::Row;

/// The number of unknowns of both.
const DIM: usize = 10_000;
const PRODUCTS: usize = 100;
/// Accepted errors, in standard errors that the estimates tell of.
const DEVIATIONS: f64 = 4.0;

pub(crate) fn table(seed: u64) -> Result<Vec<Row>> {
    let tridiagonal = Products::new(DIM, solve_tridiagonal);
    let poisson = Poisson::new(100);
    let poisson = Products::new(DIM, |x, y| poisson.solve(x, y));
    let mut rows = estimates("tridiagonal", &tridiagonal, seed, 2_886.706_687_749_4)?;
    rows.extend(estimates("Poisson", &poisson, seed, 7_397.810_396_853_5)?);
    Ok(rows)
}

fn estimates(spectrum: &str, map: &impl LinearMap, seed: u64, trace: f64) -> Result<Vec<Row>> {
    let stream = |k| Purpose::Probe.stream(7 + seed, k, 0);
    let all = [
        ("Hutchinson", hutchinson(map, PRODUCTS, Probe::Rademacher, &mut stream(0))?),
        ("Hutch++", hutch_pp(map, PRODUCTS, Probe::Rademacher, &mut stream(1))?),
        ("XTrace", xtrace(map, PRODUCTS, Rescaling::Resphered, &mut stream(2))?),
        ("XNysTrace", xnystrace(map, PRODUCTS, Rescaling::Resphered, &mut stream(3))?),
    ];
    let row = |(method, found): (&str, Estimate)| {
        let width = DEVIATIONS * found.standard_error.unwrap_or_default();
        Row {
            table: "inverse",
            spectrum: spectrum.to_owned(),
            products: found.products,
            method: method.to_owned(),
            published: trace,
            ours: found.value,
            low: trace - width,
            high: trace + width,
        }
    };
    Ok(all.into_iter().map(row).collect())
}

/// `y = T^-1 x` for 4 on the diagonal and -1 beside it, by elimination.
fn solve_tridiagonal(x: &[f64], y: &mut [f64]) {
    let mut factors = vec![0.0; x.len()];
    let (mut factor, mut carried) = (0.0, 0.0);
    for (i, &x) in x.iter().enumerate() {
        factor = 1.0 / (4.0 - factor);
        carried = (x + carried) * factor;
        (factors[i], y[i]) = (factor, carried);
    }
    for i in (1..y.len()).rev() {
        y[i - 1] += factors[i - 1] * y[i];
    }
}

/// The five-point Laplacian on a square grid, inverted by sine transforms.
struct Poisson {
    side: usize,
    sines: Vec<f64>,
    eigenvalues: Vec<f64>,
}

impl Poisson {
    fn new(side: usize) -> Self {
        let angle = |i: usize| PI * (i + 1) as f64 / (side + 1) as f64;
        let scale = (2.0 / (side + 1) as f64).sqrt();
        Poisson {
            side,
            sines: (0..side * side)
                .map(|ij| scale * (angle(ij / side) * (ij % side + 1) as f64).sin())
                .collect(),
            eigenvalues: (0..side).map(|i| 2.0 - 2.0 * angle(i).cos()).collect(),
        }
    }

    /// `S X S`, divided by sums of eigenvalues, and the same again.
    fn solve(&self, x: &[f64], y: &mut [f64]) {
        let n = self.side;
        let mut waves = self.transform(&self.transform(x));
        for (ij, wave) in waves.iter_mut().enumerate() {
            *wave /= self.eigenvalues[ij / n] + self.eigenvalues[ij % n];
        }
        y.copy_from_slice(&self.transform(&self.transform(&waves)));
    }

    /// `(S X)^T`.
    fn transform(&self, x: &[f64]) -> Vec<f64> {
        let n = self.side;
        let mut product = vec![0.0; n * n];
        for (row, sines) in product.chunks_exact_mut(n).zip(self.sines.chunks_exact(n)) {
            for (sine, x) in sines.iter().zip(x.chunks_exact(n)) {
                row.iter_mut().zip(x).for_each(|(y, x)| *y += sine * x);
            }
        }
        (0..n * n).map(|ij| product[ij % n * n + ij / n]).collect()
    }
}
