//! Transposition.

use pulp::{Simd, WithSimd};

use super::element::{Kind, Task};
use super::{Element, Rows, RowsMut};

/// `dst[j, i] = src[i, j]` for `shape = [rows, cols]` of `src`.
pub(crate) fn transpose<T: Element>(shape: [usize; 2], src: Rows<'_, T>, dst: RowsMut<'_, T>) {
    T::run(Task(Kind::Transposition(Transposition { shape, src, dst })));
}

/// The arguments of [`transpose`].
pub(super) struct Transposition<'a, T> {
    shape: [usize; 2],
    src: Rows<'a, T>,
    dst: RowsMut<'a, T>,
}

impl<T: Element> WithSimd for Transposition<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, _: S) {
        let [rows, cols] = self.shape;
        let [whole_rows, whole_cols] = self.squares();
        self.entries([whole_rows, rows], [0, cols]);
        self.entries([0, whole_rows], [whole_cols, cols]);
    }
}

impl<T: Element> Transposition<'_, T> {
    /// Entry by entry, for a range of rows and one of columns.
    #[inline(always)]
    fn entries(&mut self, [top, bottom]: [usize; 2], [left, right]: [usize; 2]) {
        for i in top..bottom {
            for j in left..right {
                self.dst.data[j * self.dst.stride + i] = self.src.data[i * self.src.stride + j];
            }
        }
    }

    /// All whole squares that fit into registers; returns the rows and columns that they fill.
    #[cfg(not(target_arch = "x86_64"))]
    fn squares(&mut self) -> [usize; 2] {
        [0, 0]
    }

    /// All whole squares that fit into registers; returns the rows and columns that they fill.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn squares(&mut self) -> [usize; 2] {
        let Some(level) = pulp::x86::V3::try_new() else { return [0, 0] };
        let side = 32 / size_of::<T>();
        let [rows, cols] = [self.shape[0] / side * side, self.shape[1] / side * side];
        for i in (0..rows).step_by(side) {
            for j in (0..cols).step_by(side) {
                if side == 8 {
                    self.square(i, j, level, x86::square_of_8);
                } else {
                    self.square(i, j, level, x86::square_of_4);
                }
            }
        }
        [rows, cols]
    }

    /// The square whose first entry is `(i, j)`.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn square<const N: usize>(&mut self, i: usize, j: usize, level: pulp::x86::V3, f: x86::Square<N>) {
        use pulp::bytemuck::{Zeroable, bytes_of, cast_slice, cast_slice_mut, pod_read_unaligned};
        let mut square = [x86::Row::zeroed(); N];
        for (r, row) in square.iter_mut().enumerate() {
            *row = pod_read_unaligned(cast_slice(&self.src.data[(i + r) * self.src.stride + j..][..N]));
        }
        for (r, row) in f(level, square).iter().enumerate() {
            let dst = &mut self.dst.data[(j + r) * self.dst.stride + i..][..N];
            cast_slice_mut(dst).copy_from_slice(bytes_of(row));
        }
    }
}

/// Squares of registers: neighbouring rows are interleaved, then neighbouring pairs, then halves.
#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{__m256, __m256d};

    use pulp::cast;
    use pulp::x86::V3;

    /// A row of a square: 4 doubles or 8 singles.
    pub(super) type Row = __m256d;

    /// The transposition of a square of `N` rows.
    pub(super) type Square<const N: usize> = fn(V3, [Row; N]) -> [Row; N];

    #[inline(always)]
    fn pairs(level: V3, a: Row, b: Row) -> [Row; 2] {
        [level.avx._mm256_unpacklo_pd(a, b), level.avx._mm256_unpackhi_pd(a, b)]
    }

    #[inline(always)]
    fn halves(level: V3, a: Row, b: Row) -> [Row; 2] {
        [level.avx._mm256_permute2f128_pd::<0x20>(a, b), level.avx._mm256_permute2f128_pd::<0x31>(a, b)]
    }

    #[inline(always)]
    fn singles(level: V3, a: Row, b: Row) -> [Row; 2] {
        let [a, b]: [__m256; 2] = [cast(a), cast(b)];
        [cast(level.avx._mm256_unpacklo_ps(a, b)), cast(level.avx._mm256_unpackhi_ps(a, b))]
    }

    /// Transposes 4 rows of 4 doubles.
    #[inline(always)]
    pub(super) fn square_of_4(level: V3, [a, b, c, d]: [Row; 4]) -> [Row; 4] {
        let ([a, b], [c, d]) = (pairs(level, a, b), pairs(level, c, d));
        let ([a, c], [b, d]) = (halves(level, a, c), halves(level, b, d));
        [a, b, c, d]
    }

    /// Transposes the left and the right half of 4 rows of 8 singles.
    #[inline(always)]
    fn two_squares(level: V3, [a, b, c, d]: [Row; 4]) -> [Row; 4] {
        let ([a, b], [c, d]) = (singles(level, a, b), singles(level, c, d));
        let ([a, b], [c, d]) = (pairs(level, a, c), pairs(level, b, d));
        [a, b, c, d]
    }

    /// Transposes 8 rows of 8 singles.
    #[inline(always)]
    pub(super) fn square_of_8(level: V3, [a, b, c, d, e, f, g, h]: [Row; 8]) -> [Row; 8] {
        let ([a, b, c, d], [e, f, g, h]) =
            (two_squares(level, [a, b, c, d]), two_squares(level, [e, f, g, h]));
        let ([a, e], [b, f]) = (halves(level, a, e), halves(level, b, f));
        let ([c, g], [d, h]) = (halves(level, c, g), halves(level, d, h));
        [a, b, c, d, e, f, g, h]
    }
}
