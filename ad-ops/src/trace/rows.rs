//! Some long vectors, one a row, and the products among them.

use ad_core::Result;
use pulp::Arch;

use super::map::{LinearMap, Transposable};
use crate::probe::Block;
use crate::random::Stream;

/// Vectors of `dim` numbers, one after another; or a matrix, row-major.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rows {
    pub(crate) dim: usize,
    pub(crate) data: Vec<f64>,
}

impl Rows {
    pub(crate) fn zeros(count: usize, dim: usize) -> Rows {
        Rows { dim, data: vec![0.0; count * dim] }
    }

    /// `count` probes.
    pub(crate) fn draw(block: Block, count: usize, dim: usize, stream: &mut Stream) -> Result<Rows> {
        let mut rows = Rows::zeros(count, dim);
        block.fill(stream, dim, &mut rows.data)?;
        Ok(rows)
    }

    /// `A x` of each row `x`.
    pub(crate) fn image(&self, map: &impl LinearMap) -> Result<Rows> {
        let mut images = Rows::zeros(self.len(), self.dim);
        map.apply(&self.data, &mut images.data)?;
        Ok(images)
    }

    /// `A^T x` of each row `x`.
    pub(crate) fn transposed_image(&self, map: &impl Transposable) -> Result<Rows> {
        let mut images = Rows::zeros(self.len(), self.dim);
        map.apply_transpose(&self.data, &mut images.data)?;
        Ok(images)
    }

    /// The number of vectors.
    pub(crate) fn len(&self) -> usize {
        self.data.len() / self.dim.max(1)
    }

    pub(crate) fn row(&self, k: usize) -> &[f64] {
        &self.data[k * self.dim..][..self.dim]
    }

    pub(crate) fn row_mut(&mut self, k: usize) -> &mut [f64] {
        &mut self.data[k * self.dim..][..self.dim]
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.data.chunks_exact(self.dim.max(1))
    }

    /// All inner products of rows: `self other^T`.
    pub(crate) fn times_transposed(&self, other: &Rows) -> Rows {
        let mut out = Rows::zeros(self.len(), other.len());
        inner_products(&self.data, &other.data, self.dim, &mut out.data);
        out
    }

    /// `self other`.
    pub(crate) fn times(&self, other: &Rows) -> Rows {
        let mut out = Rows::zeros(self.len(), other.dim);
        add_combinations(&self.data, 1.0, &other.data, other.dim, &mut out.data);
        out
    }

    pub(crate) fn transposed(&self) -> Rows {
        let (m, n) = (self.len(), self.dim);
        Rows { dim: m, data: (0..m * n).map(|k| self.data[k % m * n + k / m]).collect() }
    }

    /// The rows without their parts along orthonormal rows `q`.
    pub(crate) fn beside(mut self, q: &Rows) -> Rows {
        let along = self.times_transposed(q);
        add_combinations(&along.data, -1.0, &q.data, self.dim, &mut self.data);
        self
    }

    pub(crate) fn concat(mut self, other: &Rows) -> Rows {
        self.data.extend_from_slice(&other.data);
        self
    }
}

pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut out = [0.0];
    inner_products(a, b, a.len(), &mut out);
    out[0]
}

/// `out[i, j] = a_i . b_j` for rows of `n` numbers.
pub(super) fn inner_products(a: &[f64], b: &[f64], n: usize, out: &mut [f64]) {
    let (rows, columns) = (a.len() / n.max(1), b.len() / n.max(1));
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for i in (0..rows).step_by(4) {
                for j in (0..columns).step_by(4) {
                    if i + 4 <= rows && j + 4 <= columns {
                        tile::<4, 4>(a, b, n, [i, j], columns, out);
                    } else {
                        for i in i..rows.min(i + 4) {
                            (j..columns.min(j + 4)).for_each(|j| tile::<1, 1>(a, b, n, [i, j], columns, out));
                        }
                    }
                }
            }
        },
    );
}

/// `M` by `N` inner products at once, each in eight running sums.
#[inline(always)]
#[allow(clippy::inline_always, reason = "must be compiled for the instruction level of the caller")]
fn tile<const M: usize, const N: usize>(
    a: &[f64],
    b: &[f64],
    n: usize,
    [i, j]: [usize; 2],
    columns: usize,
    out: &mut [f64],
) {
    let a: [&[f64]; M] = std::array::from_fn(|k| &a[(i + k) * n..][..n]);
    let b: [&[f64]; N] = std::array::from_fn(|k| &b[(j + k) * n..][..n]);
    let mut sums = [[[0.0; 8]; N]; M];
    let whole = n / 8 * 8;
    for at in (0..whole).step_by(8) {
        let x: [[f64; 8]; M] = std::array::from_fn(|k| std::array::from_fn(|w| a[k][at + w]));
        let y: [[f64; 8]; N] = std::array::from_fn(|k| std::array::from_fn(|w| b[k][at + w]));
        for (sums, x) in sums.iter_mut().zip(&x) {
            for (sum, y) in sums.iter_mut().zip(&y) {
                for w in 0..8 {
                    sum[w] += x[w] * y[w];
                }
            }
        }
    }
    for (k, sums) in sums.iter().enumerate() {
        for (l, sum) in sums.iter().enumerate() {
            let rest: f64 = (whole..n).map(|at| a[k][at] * b[l][at]).sum();
            out[(i + k) * columns + j + l] = sum.iter().sum::<f64>() + rest;
        }
    }
}

/// `y_i += alpha sum_j c[i, j] b_j` for rows of `n` numbers.
pub(super) fn add_combinations(c: &[f64], alpha: f64, b: &[f64], n: usize, y: &mut [f64]) {
    /// Columns that are worked on together: what they take of `b` stays in cache.
    const STRIP: usize = 64;
    let terms = b.len() / n.max(1);
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for start in (0..n).step_by(STRIP) {
                let width = STRIP.min(n - start);
                for (y, c) in y.chunks_exact_mut(n).zip(c.chunks_exact(terms.max(1))) {
                    let y = &mut y[start..][..width];
                    for (b, c) in b.chunks_exact(n).zip(c) {
                        let (c, b) = (alpha * c, &b[start..][..width]);
                        y.iter_mut().zip(b).for_each(|(y, b)| *y += c * b);
                    }
                }
            }
        },
    );
}
