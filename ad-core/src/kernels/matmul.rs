//! Matrix products.
//!
//! Tiles of a few rows by a few registers of columns stay in registers while the summed index runs. Operands lie in cache.
//! Where registers are few, a few columns are packed at a time. Each entry is one sum, from zero and in the order of the
//! summed index, whatever tile it falls in, so its bits do not depend on the other rows and columns.

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
    packed: &mut Aligned<T>,
) {
    let old = if old == Old::GoesOn && alpha != T::one() { Old::Added } else { old };
    T::run(Task(Kind::Matmul(Product { shape, alpha, a, b, c, old, packed })));
}

/// Up to so many rows or columns a product over lanes is summed entry by entry, faster than an operand is turned.
pub(super) const FEW: usize = 4;
/// With fewer columns a tile does little for what it loads: rows and columns change places.
const NARROW: usize = 16;

/// `g[i, j] += alpha * sum_e a[i, e] * b[j, e]` for `shape = [m, lanes, n]`: `a` is `m` by `lanes`, `b` is `n` by `lanes`. Sums are
/// in order, from zero, but those of few rows or columns, which are those of [`sums_over_lanes`]. The scratch grows as needed.
pub(crate) fn matmul_lanes<T: Element>(
    [m, lanes, n]: [usize; 3],
    alpha: T,
    a: Rows<'_, T>,
    b: Rows<'_, T>,
    g: RowsMut<'_, T>,
    [turned, packed]: [&mut Aligned<T>; 2],
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
    let (turned, product) = turned.at_least((lanes + rows) * columns).split_at_mut(lanes * columns);
    transpose([columns, lanes], right, RowsMut { data: turned, stride: columns });
    let left = Strided { data: left.data, row_stride: left.stride, col_stride: 1 };
    let right = Rows { data: turned, stride: columns };
    if !flips {
        return matmul([rows, lanes, columns], alpha, left, right, g, Old::Added, packed);
    }
    let to = RowsMut { data: product, stride: columns };
    matmul([rows, lanes, columns], alpha, left, right, to, Old::Dropped, packed);
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
    /// Memory for some columns of `b`, by their rows.
    packed: &'a mut Aligned<T>,
}

impl<T: Element> WithSimd for Product<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let (lanes, n) = (T::lanes::<S>(), self.shape[2]);
        let mut j = 0;
        // A single row has no other sums to fill the time that one addition takes.
        while self.shape[0] == 1 && j + 8 * lanes <= n {
            self.tile::<S, 1, 8>(simd, self.b.from(j), [0, j], 8 * lanes);
            j += 8 * lanes;
        }
        while S::REGISTER_COUNT >= 32 && j + 4 * lanes <= n {
            self.panel::<S, 4, 4>(simd, self.b.from(j), j, 4 * lanes);
            j += 4 * lanes;
        }
        while j + 2 * lanes <= n {
            self.packed_panel::<S, 6, 2>(simd, j, 2 * lanes);
            j += 2 * lanes;
        }
        while j + lanes <= n {
            self.panel::<S, 8, 1>(simd, self.b.from(j), j, lanes);
            j += lanes;
        }
        if j < n {
            self.panel::<S, 8, 1>(simd, self.b.from(j), j, n - j);
        }
    }
}

impl<T: Element> Product<'_, T> {
    /// As [`Product::panel`], with the columns laid side by side first if they are read often: rows that lie a power of
    /// two apart share a few places of the nearest cache.
    #[inline(always)]
    fn packed_panel<S: Simd, const M: usize, const N: usize>(&mut self, simd: S, j: usize, width: usize) {
        let [m, k, _] = self.shape;
        if m < 3 * M {
            return self.panel::<S, M, N>(simd, self.b.from(j), j, width);
        }
        let mut packed = std::mem::take(self.packed);
        let rows = packed.at_least(k * width);
        for (p, row) in rows.chunks_exact_mut(width).enumerate() {
            let columns = load::<S, T, N>(simd, &self.b.data[p * self.b.stride + j..][..width]);
            store(simd, &columns, row);
        }
        self.panel::<S, M, N>(simd, Rows { data: rows, stride: width }, j, width);
        *self.packed = packed;
    }

    /// Columns `j..j + width`, which begin at `b`, in tiles of at most `M` rows by `N` registers.
    #[inline(always)]
    fn panel<S: Simd, const M: usize, const N: usize>(
        &mut self,
        simd: S,
        b: Rows<'_, T>,
        j: usize,
        width: usize,
    ) {
        let m = self.shape[0];
        let mut i = 0;
        while i + M <= m {
            self.tile::<S, M, N>(simd, b, [i, j], width);
            i += M;
        }
        if M > 4 && i + 4 <= m {
            self.tile::<S, 4, N>(simd, b, [i, j], width);
            i += 4;
        }
        if i + 2 <= m {
            self.tile::<S, 2, N>(simd, b, [i, j], width);
            i += 2;
        }
        if i < m {
            self.tile::<S, 1, N>(simd, b, [i, j], width);
        }
    }

    /// Rows `i..i + M` of columns `j..j + width`, which begin at `b` and fill `N` registers or a part of one.
    #[inline(always)]
    fn tile<S: Simd, const M: usize, const N: usize>(
        &mut self,
        simd: S,
        b: Rows<'_, T>,
        [i, j]: [usize; 2],
        width: usize,
    ) {
        let zero = Vector::<S, T>::splat(simd, T::zero());
        let mut sums = [[zero; N]; M];
        if self.old == Old::GoesOn {
            for (r, sums) in sums.iter_mut().enumerate() {
                *sums = load::<S, T, N>(simd, &self.c.data[(i + r) * self.c.stride + j..][..width]);
            }
        }
        self.add_products(simd, b, i, width, &mut sums);
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

    /// Adds the products of the rows `i..i + M` with the columns `..width` of `b` to `sums`.
    #[inline(always)]
    fn add_products<S: Simd, const M: usize, const N: usize>(
        &self,
        simd: S,
        b: Rows<'_, T>,
        i: usize,
        width: usize,
        sums: &mut [[Vector<S, T>; N]; M],
    ) {
        let Strided { data, row_stride, col_stride } = self.a;
        let (Some(data), k @ 1..) = (data.get(i * row_stride..), self.shape[1]) else { return };
        // Of what is one behind the other not every entry is checked.
        if col_stride == 1 {
            let mut rows: [&[T]; M] = [&[]; M];
            for (r, row) in rows.iter_mut().enumerate() {
                *row = &data[r * row_stride..][..k];
            }
            add_products(
                simd,
                [k, width],
                b,
                sums,
                #[inline(always)]
                |r, p| rows[r][p],
            );
        } else if row_stride == 1 {
            add_products(
                simd,
                [k, width],
                b,
                sums,
                #[inline(always)]
                |r, p| data[p * col_stride..][..M][r],
            );
        } else {
            let size = [k, width];
            add_products(
                simd,
                size,
                b,
                sums,
                #[inline(always)]
                |r, p| data[r * row_stride + p * col_stride],
            );
        }
    }
}

/// `sums[r] += sum_p a(r, p) * b[p, ..width]` for `p` below `k`.
#[inline(always)]
fn add_products<S: Simd, T: Element, const M: usize, const N: usize>(
    simd: S,
    [k, width]: [usize; 2],
    b: Rows<'_, T>,
    sums: &mut [[Vector<S, T>; N]; M],
    a: impl Fn(usize, usize) -> T,
) {
    let zero = Vector::<S, T>::splat(simd, T::zero());
    for p in 0..k {
        let b = load::<S, T, N>(simd, &b.data[p * b.stride..][..width]);
        for (r, sums) in sums.iter_mut().enumerate() {
            let a = zero.constant(a(r, p));
            for (sum, &b) in sums.iter_mut().zip(&b) {
                *sum = a.fused(b, *sum);
            }
        }
    }
}
