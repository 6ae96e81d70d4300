//! Matrix products.
//!
//! Tiles of a few rows by a few registers of columns stay in registers while the summed index runs. Operands are not
//! packed: they are small and lie in cache. Each entry is one sum, from zero and in the order of the summed index,
//! whatever tile it falls in, so its bits do not depend on the other rows and columns.

use pulp::{Simd, WithSimd};

use super::element::{Kind, Task};
use super::lanes::sums_over_lanes;
use super::simd::{Vector, load, store};
use super::{Aligned, Element, Rows, RowsMut, Strided, transpose};

/// What becomes of the old entries of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Old {
    /// They are overwritten.
    Dropped,
    /// The sums go on from them (with a factor: they are added).
    GoesOn,
    /// They are added to the sums.
    Added,
}

/// `c[i, j] (+)= alpha * sum_p a[i, p] * b[p, j]` for `shape = [m, k, n]`: `a` is `m` by `k`, `b` is `k` by `n`.
pub(crate) fn matmul<T: Element>(
    shape: [usize; 3],
    alpha: T,
    a: Strided<'_, T>,
    b: Rows<'_, T>,
    c: RowsMut<'_, T>,
    old: Old,
) {
    let old = if old == Old::GoesOn && alpha != T::one() { Old::Added } else { old };
    T::run(Task(Kind::Matmul(Product { shape, alpha, a, b, c, old })));
}

/// Up to so many rows or columns a product over lanes is summed entry by entry, faster than an operand is turned.
pub(super) const FEW: usize = 4;
/// With fewer columns a tile does little for what it loads: rows and columns change places.
const NARROW: usize = 16;

/// `g[i, j] += alpha * sum_e a[i, e] * b[j, e]` for `shape = [m, lanes, n]`: `a` is `m` by `lanes`, `b` is `n` by `lanes`. Sums are
/// in order, from zero, but those of few rows or columns, which are those of [`sums_over_lanes`].
pub(crate) fn matmul_lanes<T: Element>(
    [m, lanes, n]: [usize; 3],
    alpha: T,
    a: Rows<'_, T>,
    b: Rows<'_, T>,
    g: RowsMut<'_, T>,
    scratch: &mut Aligned<T>,
) {
    if n <= FEW {
        return (0..n).for_each(|j| {
            sums_over_lanes([m, lanes], alpha, a, Some(b.again(j)), &mut g.data[j..], g.stride);
        });
    }
    if m <= FEW {
        return (0..m).for_each(|i| {
            sums_over_lanes([n, lanes], alpha, b, Some(a.again(i)), &mut g.data[i * g.stride..], 1);
        });
    }
    let flips = n < NARROW && m >= NARROW;
    let (rows, left, columns, right) = if flips { (n, b, m, a) } else { (m, a, n, b) };
    let (turned, product) = scratch.at_least((lanes + rows) * columns).split_at_mut(lanes * columns);
    transpose([columns, lanes], right, RowsMut { data: turned, stride: columns });
    let left = Strided { data: left.data, row_stride: left.stride, col_stride: 1 };
    let right = Rows { data: turned, stride: columns };
    if !flips {
        return matmul([rows, lanes, columns], alpha, left, right, g, Old::Added);
    }
    let to = RowsMut { data: product, stride: columns };
    matmul([rows, lanes, columns], alpha, left, right, to, Old::Dropped);
    for i in 0..m {
        for j in 0..n {
            let y = &mut g.data[i * g.stride + j];
            *y = *y + product[j * m + i];
        }
    }
}

/// The arguments of [`matmul`].
pub(super) struct Product<'a, T> {
    shape: [usize; 3],
    alpha: T,
    a: Strided<'a, T>,
    b: Rows<'a, T>,
    c: RowsMut<'a, T>,
    old: Old,
}

impl<T: Element> WithSimd for Product<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let (lanes, n) = (T::lanes::<S>(), self.shape[2]);
        let mut j = 0;
        // A single row has no other sums to fill the time that one addition takes.
        while self.shape[0] == 1 && j + 8 * lanes <= n {
            self.tile::<S, 1, 8>(simd, 0, j, 8 * lanes);
            j += 8 * lanes;
        }
        while S::REGISTER_COUNT >= 32 && j + 4 * lanes <= n {
            self.panel::<S, 4, 4>(simd, j, 4 * lanes);
            j += 4 * lanes;
        }
        while j + 2 * lanes <= n {
            self.panel::<S, 4, 2>(simd, j, 2 * lanes);
            j += 2 * lanes;
        }
        while j + lanes <= n {
            self.panel::<S, 8, 1>(simd, j, lanes);
            j += lanes;
        }
        if j < n {
            self.panel::<S, 8, 1>(simd, j, n - j);
        }
    }
}

impl<T: Element> Product<'_, T> {
    /// Columns `j..j + width`, in tiles of at most `M` rows by `N` registers.
    #[inline(always)]
    fn panel<S: Simd, const M: usize, const N: usize>(&mut self, simd: S, j: usize, width: usize) {
        let m = self.shape[0];
        let mut i = 0;
        while M >= 8 && i + 8 <= m {
            self.tile::<S, 8, N>(simd, i, j, width);
            i += 8;
        }
        while i + 4 <= m {
            self.tile::<S, 4, N>(simd, i, j, width);
            i += 4;
        }
        if i + 2 <= m {
            self.tile::<S, 2, N>(simd, i, j, width);
            i += 2;
        }
        if i < m {
            self.tile::<S, 1, N>(simd, i, j, width);
        }
    }

    /// Rows `i..i + M` of columns `j..j + width`, which fill `N` registers or a part of one.
    #[inline(always)]
    fn tile<S: Simd, const M: usize, const N: usize>(&mut self, simd: S, i: usize, j: usize, width: usize) {
        let zero = Vector::<S, T>::splat(simd, T::zero());
        let mut sums = [[zero; N]; M];
        if self.old == Old::GoesOn {
            for (r, sums) in sums.iter_mut().enumerate() {
                *sums = load::<S, T, N>(simd, &self.c.data[(i + r) * self.c.stride + j..][..width]);
            }
        }
        for p in 0..self.shape[1] {
            let b = load::<S, T, N>(simd, &self.b.data[p * self.b.stride + j..][..width]);
            for (r, sums) in sums.iter_mut().enumerate() {
                let a = zero.constant(self.a.data[(i + r) * self.a.row_stride + p * self.a.col_stride]);
                for (sum, &b) in sums.iter_mut().zip(&b) {
                    *sum = a.fused(b, *sum);
                }
            }
        }
        if self.alpha != T::one() {
            let alpha = zero.constant(self.alpha);
            for sum in sums.as_flattened_mut() {
                *sum = alpha * *sum;
            }
        }
        for (r, sums) in sums.iter_mut().enumerate() {
            let row = &mut self.c.data[(i + r) * self.c.stride + j..][..width];
            if self.old == Old::Added {
                for (sum, old) in sums.iter_mut().zip(load::<S, T, N>(simd, row)) {
                    *sum = old + *sum;
                }
            }
            store(simd, sums, row);
        }
    }
}
