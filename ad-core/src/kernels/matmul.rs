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
    a: Strided<&[T]>,
    b: Rows<'_, T>,
    c: RowsMut<'_, T>,
    old: Old,
    packed: &mut Aligned<T>,
) {
    let old = if old == Old::GoesOn && alpha != T::one() { Old::Added } else { old };
    T::run(Task(Kind::Matmul(Product { shape, alpha, a, b, c, old, packed })));
}

/// Up to so many rows or columns a product over lanes is summed entry by entry, faster than an operand is turned.
pub(crate) const FEW: usize = 4;
/// With fewer columns a tile does little for what it loads: rows and columns change places.
const NARROW: usize = 16;

/// `g[i, j] += alpha * sum_e a[i, e] * b[j, e]` for `shape = [m, lanes, n]`: `a` is `m` by `lanes`, `b` is `n` by `lanes`, and
/// the lanes of each follow each other; with more than [`FEW`] rows and columns its rows may instead (a step of 1 from one to the
/// next). Sums are in order, from zero, but those of few rows or columns, which are those of [`sums_over_lanes`]. The scratch
/// grows as needed.
pub(crate) fn matmul_lanes<T: Element>(
    [m, lanes, n]: [usize; 3],
    alpha: T,
    a: Strided<&[T]>,
    b: Strided<&[T]>,
    g: RowsMut<'_, T>,
    [turned, packed]: [&mut Aligned<T>; 2],
) {
    if n <= FEW {
        let (a, b) = (a.rows(), b.rows());
        return (0..n).for_each(|j| {
            sums_over_lanes([m, lanes], alpha, a, Some(b.again(j)), &mut g.data[j..], g.stride);
        });
    }
    if m <= FEW {
        let (a, b) = (a.rows(), b.rows());
        return (0..m).for_each(|i| {
            sums_over_lanes([n, lanes], alpha, b, Some(a.again(i)), &mut g.data[i * g.stride..], 1);
        });
    }
    let flips = n < NARROW && m >= NARROW;
    let (rows, left, columns, right) = if flips { (n, b, m, a) } else { (m, a, n, b) };
    let (turned, product) = turned.at_least((lanes + rows) * columns).split_at_mut(lanes * columns);
    let right = if right.col_stride == 1 {
        transpose([columns, lanes], right.rows(), RowsMut { data: turned, stride: columns });
        Rows { data: turned, stride: columns }
    } else {
        Rows { data: right.data, stride: right.col_stride }
    };
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

/// Columns of the left operand in one turn of the innermost loop, if they lie one behind the other.
const UNROLL: usize = 4;

/// The arguments of [`matmul`].
pub(super) struct Product<'a, T> {
    shape: [usize; 3],
    alpha: T,
    a: Strided<&'a [T]>,
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
            let columns = self.columns::<8>(j, 8 * lanes);
            self.tile::<S, 1, 8>(simd, columns, [0, j]);
            j += 8 * lanes;
        }
        while S::REGISTER_COUNT >= 32 && j + 4 * lanes <= n {
            self.panel::<S, 6, 4>(simd, self.columns::<4>(j, 4 * lanes), j);
            j += 4 * lanes;
        }
        while j + 2 * lanes <= n {
            self.packed_panel::<S, 6, 2>(simd, j);
            j += 2 * lanes;
        }
        while j < n {
            self.panel::<S, 8, 1>(simd, self.columns::<1>(j, lanes.min(n - j)), j);
            j += lanes;
        }
    }
}

/// Some columns of the right operand, which fill `N` registers or a part of one.
trait Columns<S: Simd, T: Element, const N: usize>: Copy {
    /// How many there are.
    fn width(self) -> usize;
    /// Row `p`.
    fn row(self, simd: S, p: usize) -> [Vector<S, T>; N];
    /// The first `k` rows: that there are so many is known from here on.
    fn first(self, k: usize) -> Self;
}

/// Columns where they lie.
#[derive(Clone, Copy)]
struct Lying<'a, T, const N: usize> {
    rows: Rows<'a, T>,
    width: usize,
}

impl<S: Simd, T: Element, const N: usize> Columns<S, T, N> for Lying<'_, T, N> {
    #[inline(always)]
    fn width(self) -> usize {
        self.width
    }

    #[inline(always)]
    fn row(self, simd: S, p: usize) -> [Vector<S, T>; N] {
        load(simd, &self.rows.data[p * self.rows.stride..][..self.width])
    }

    #[inline(always)]
    fn first(self, _: usize) -> Self {
        self
    }
}

/// Columns that are packed: whole registers, row behind row.
impl<S: Simd, T: Element, const N: usize> Columns<S, T, N> for &[[T::Register<S>; N]] {
    #[inline(always)]
    fn width(self) -> usize {
        N * T::lanes::<S>()
    }

    #[inline(always)]
    fn row(self, simd: S, p: usize) -> [Vector<S, T>; N] {
        let mut row = [Vector::splat(simd, T::zero()); N];
        for (to, &from) in row.iter_mut().zip(&self[p]) {
            *to = Vector::new(simd, from);
        }
        row
    }

    #[inline(always)]
    fn first(self, k: usize) -> Self {
        &self[..k]
    }
}

impl<'a, T: Element> Product<'a, T> {
    /// Columns `j..j + width` of the right operand; a matrix without rows has none.
    #[inline(always)]
    fn columns<const N: usize>(&self, j: usize, width: usize) -> Lying<'a, T, N> {
        Lying { rows: Rows { data: self.b.data.get(j..).unwrap_or_default(), stride: self.b.stride }, width }
    }

    /// As [`Product::panel`], with the columns packed first if they are read often: rows that lie a power of two apart
    /// share a few places of the nearest cache.
    #[inline(always)]
    fn packed_panel<S: Simd, const M: usize, const N: usize>(&mut self, simd: S, j: usize) {
        let [m, k, _] = self.shape;
        let width = N * T::lanes::<S>();
        let lying = self.columns::<N>(j, width);
        if m < 3 * M {
            return self.panel::<S, M, N>(simd, lying, j);
        }
        let mut packed = std::mem::take(self.packed);
        let rows = packed.at_least(k * width);
        for (p, row) in rows.chunks_exact_mut(width).enumerate() {
            store(simd, &lying.row(simd, p), row);
        }
        self.panel::<S, M, N>(simd, T::registers::<S>(rows).0.as_chunks::<N>().0, j);
        *self.packed = packed;
    }

    /// Columns from `j` on, in tiles of at most `M` rows by `N` registers.
    #[inline(always)]
    fn panel<S: Simd, const M: usize, const N: usize>(
        &mut self,
        simd: S,
        b: impl Columns<S, T, N>,
        j: usize,
    ) {
        let m = self.shape[0];
        let mut i = 0;
        while i + M <= m {
            self.tile::<S, M, N>(simd, b, [i, j]);
            i += M;
        }
        if M > 4 && i + 4 <= m {
            self.tile::<S, 4, N>(simd, b, [i, j]);
            i += 4;
        }
        if i + 2 <= m {
            self.tile::<S, 2, N>(simd, b, [i, j]);
            i += 2;
        }
        if i < m {
            self.tile::<S, 1, N>(simd, b, [i, j]);
        }
    }

    /// Rows `i..i + M` of columns from `j` on.
    #[inline(always)]
    fn tile<S: Simd, const M: usize, const N: usize>(
        &mut self,
        simd: S,
        b: impl Columns<S, T, N>,
        [i, j]: [usize; 2],
    ) {
        let (zero, width) = (Vector::<S, T>::splat(simd, T::zero()), b.width());
        let mut sums = [[zero; N]; M];
        if self.old == Old::GoesOn {
            for (r, sums) in sums.iter_mut().enumerate() {
                *sums = load::<S, T, N>(simd, &self.c.data[(i + r) * self.c.stride + j..][..width]);
            }
        }
        self.add_products(simd, b, i, &mut sums);
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

    /// Adds the products of the rows `i..i + M` with the columns `b` to `sums`.
    #[inline(always)]
    fn add_products<S: Simd, const M: usize, const N: usize>(
        &self,
        simd: S,
        b: impl Columns<S, T, N>,
        i: usize,
        sums: &mut [[Vector<S, T>; N]; M],
    ) {
        let k = self.shape[1];
        if k == 0 {
            return;
        }
        let Strided { data, row_stride, col_stride } = self.a;
        let (data, b) = (&data[i * row_stride..], b.first(k));
        // What an instruction costs beside the products decides where two threads share a core: entries that lie one
        // behind the other are not checked one by one.
        if col_stride == 1 {
            let mut rows: [&[T]; M] = [&[]; M];
            for (r, row) in rows.iter_mut().enumerate() {
                *row = &data[r * row_stride..][..k];
            }
            add_by_rows(simd, rows, b, sums);
        } else if row_stride == 1 && col_stride >= M {
            let (columns, last) = data.split_at((k - 1) * col_stride);
            for (p, column) in columns.chunks_exact(col_stride).enumerate() {
                let column = &column[..M];
                add_product(
                    b.row(simd, p),
                    sums,
                    #[inline(always)]
                    |r| column[r],
                );
            }
            let column = &last[..M];
            add_product(
                b.row(simd, k - 1),
                sums,
                #[inline(always)]
                |r| column[r],
            );
        } else {
            for p in 0..k {
                let entry = p * col_stride;
                add_product(
                    b.row(simd, p),
                    sums,
                    #[inline(always)]
                    |r| data[r * row_stride + entry],
                );
            }
        }
    }
}

/// `sums += rows * b`, for rows of one length.
#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "several rows are walked side by side")]
fn add_by_rows<S: Simd, T: Element, const M: usize, const N: usize>(
    simd: S,
    rows: [&[T]; M],
    b: impl Columns<S, T, N>,
    sums: &mut [[Vector<S, T>; N]; M],
) {
    let k = rows[0].len();
    let (count, rest) = (k / UNROLL, k / UNROLL * UNROLL);
    let mut chunks: [&[[T; UNROLL]]; M] = [&[]; M];
    for (chunks, row) in chunks.iter_mut().zip(&rows) {
        *chunks = &row.as_chunks().0[..count];
    }
    for q in 0..count {
        for u in 0..UNROLL {
            add_product(
                b.row(simd, UNROLL * q + u),
                sums,
                #[inline(always)]
                |r| chunks[r][q][u],
            );
        }
    }
    for p in rest..k {
        add_product(
            b.row(simd, p),
            sums,
            #[inline(always)]
            |r| rows[r][p],
        );
    }
}

/// `sums[r] += a(r) * b`.
#[inline(always)]
fn add_product<S: Simd, T: Element, const M: usize, const N: usize>(
    b: [Vector<S, T>; N],
    sums: &mut [[Vector<S, T>; N]; M],
    a: impl Fn(usize) -> T,
) {
    for (r, sums) in sums.iter_mut().enumerate() {
        let a = b[0].constant(a(r));
        for (sum, &b) in sums.iter_mut().zip(&b) {
            *sum = a.fused(b, *sum);
        }
    }
}
