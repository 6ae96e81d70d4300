//! Transposition.

#[cfg(target_arch = "x86_64")]
use pulp::bytemuck::{Pod, bytes_of, cast_slice, cast_slice_mut, pod_read_unaligned};
use pulp::{Simd, WithSimd};

use super::element::{Kind, Task};
use super::{Element, Rows, RowsMut};

/// `dst[j, i] = src[i, j]` for `shape = [rows, cols]` of `src`.
pub(crate) fn transpose<T: Element>(shape: [usize; 2], src: Rows<'_, T>, dst: RowsMut<'_, T>) {
    T::run(Task(Kind::Transposition(Transposition { shape, src, dst })));
}

/// The arguments of [`transpose`].
pub(super) struct Transposition<'a, T> {
    /// Rows and columns of `src`.
    pub(super) shape: [usize; 2],
    pub(super) src: Rows<'a, T>,
    pub(super) dst: RowsMut<'a, T>,
}

impl<T: Element> WithSimd for Transposition<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, _: S) {
        let [rows, cols] = self.shape;
        let [whole_rows, whole_cols] = self.squares::<S>();
        self.entries([whole_rows, rows], [0, cols]);
        self.entries([0, whole_rows], [whole_cols, cols]);
    }
}

impl<T: Element> Transposition<'_, T> {
    /// Entry by entry, for a range of rows and one of columns.
    #[inline(always)]
    fn entries(&mut self, [top, bottom]: [usize; 2], [left, right]: [usize; 2]) {
        if top == bottom {
            return;
        }
        let stride = self.src.stride;
        for j in left..right {
            let dst = &mut self.dst.data[j * self.dst.stride..][top..bottom];
            // All of them have to be there: the walk would end without a word where they are not.
            let src = &self.src.data[top * stride + j..=(bottom - 1) * stride + j];
            if stride == 0 {
                dst.fill(src[0]);
                continue;
            }
            for (dst, &src) in dst.iter_mut().zip(src.iter().step_by(stride)) {
                *dst = src;
            }
        }
    }

    /// All whole squares that fit into registers; returns the rows and columns that they fill.
    #[cfg(not(target_arch = "x86_64"))]
    fn squares<S: Simd>(&mut self) -> [usize; 2] {
        [0, 0]
    }

    /// All whole squares that fit into registers, and beside and below those of 64 bytes such of 32 bytes; returns the rows
    /// and columns that they fill.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn squares<S: Simd>(&mut self) -> [usize; 2] {
        use pulp::x86::{V3, V4};
        let doubles = size_of::<T>() == 8;
        let (Some(narrow_level), bytes) = (V3::try_new(), T::lanes::<S>() * size_of::<T>()) else {
            return [0, 0];
        };
        let mut done = [0, 0];
        if let (64, Some(level)) = (bytes, V4::try_new()) {
            done = if doubles {
                self.whole(
                    done,
                    #[inline(always)]
                    |rows| wide::square_of_8(level, rows),
                )
            } else {
                self.whole(
                    done,
                    #[inline(always)]
                    |rows| wide::square_of_16(level, rows),
                )
            };
        }
        match (bytes, doubles) {
            (32 | 64, true) => self.whole(
                done,
                #[inline(always)]
                |rows| narrow::square_of_4(narrow_level, rows),
            ),
            (32 | 64, false) => self.whole(
                done,
                #[inline(always)]
                |rows| narrow::square_of_8(narrow_level, rows),
            ),
            _ => done,
        }
    }

    /// All whole squares of `N` rows, each turned by `turn`, but for the rows and columns that are `done`; returns the rows
    /// and columns that are done then.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn whole<R: Pod, const N: usize>(
        &mut self,
        done: [usize; 2],
        turn: impl Fn([R; N]) -> [R; N],
    ) -> [usize; 2] {
        let [rows, cols] = self.shape.map(|n| n / N * N);
        for i in (0..rows).step_by(N) {
            let first = if i < done[0] { done[1] } else { 0 };
            for j in (first..cols).step_by(N) {
                let mut square = [R::zeroed(); N];
                for (r, row) in square.iter_mut().enumerate() {
                    let src = &self.src.data[(i + r) * self.src.stride + j..][..N];
                    *row = pod_read_unaligned(cast_slice(src));
                }
                for (r, row) in turn(square).iter().enumerate() {
                    let dst = &mut self.dst.data[(j + r) * self.dst.stride + i..][..N];
                    cast_slice_mut(dst).copy_from_slice(bytes_of(row));
                }
            }
        }
        [rows, cols]
    }
}

/// Squares of registers with two halves: neighbouring rows are interleaved, then neighbouring pairs, then halves.
#[cfg(target_arch = "x86_64")]
mod narrow {
    use std::arch::x86_64::{__m256, __m256d};

    use pulp::cast;
    use pulp::x86::V3;

    /// A row of a square: 4 doubles or 8 singles.
    type Row = __m256d;

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

/// Squares of registers with four quarters: within each quarter as with halves, then quarters.
#[cfg(target_arch = "x86_64")]
mod wide {
    use std::arch::x86_64::{__m512, __m512d};

    use pulp::cast;
    use pulp::x86::V4;

    /// A row of a square: 8 doubles or 16 singles.
    type Row = __m512d;

    #[inline(always)]
    fn pairs(level: V4, [a, b]: [Row; 2]) -> [Row; 2] {
        [level.avx512f._mm512_unpacklo_pd(a, b), level.avx512f._mm512_unpackhi_pd(a, b)]
    }

    #[inline(always)]
    fn singles(level: V4, [a, b]: [Row; 2]) -> [Row; 2] {
        let [a, b]: [__m512; 2] = [cast(a), cast(b)];
        [cast(level.avx512f._mm512_unpacklo_ps(a, b)), cast(level.avx512f._mm512_unpackhi_ps(a, b))]
    }

    /// Transposes the quarters of 4 rows of 16 singles.
    #[inline(always)]
    fn four_squares(level: V4, [a, b, c, d]: [Row; 4]) -> [Row; 4] {
        let ([a, b], [c, d]) = (singles(level, [a, b]), singles(level, [c, d]));
        let ([a, b], [c, d]) = (pairs(level, [a, c]), pairs(level, [b, d]));
        [a, b, c, d]
    }

    /// Transposes 4 rows of 4 quarters.
    #[inline(always)]
    fn quarters(level: V4, [a, b, c, d]: [Row; 4]) -> [Row; 4] {
        let even = |a, b| level.avx512f._mm512_shuffle_f64x2::<0x88>(a, b);
        let odd = |a, b| level.avx512f._mm512_shuffle_f64x2::<0xdd>(a, b);
        let [e, f, g, h] = [even(a, b), even(c, d), odd(a, b), odd(c, d)];
        [even(e, f), even(g, h), odd(e, f), odd(g, h)]
    }

    /// Row `k` of each quarter of `G` is row `k` of a group; these quarters make the rows `k`, `k + G` ...
    #[inline(always)]
    fn spread<const N: usize, const G: usize>(level: V4, groups: [Row; N]) -> [Row; N] {
        let mut rows = groups;
        for k in 0..G {
            let turned = quarters(level, std::array::from_fn(|group| groups[G * group + k]));
            for (quarter, row) in turned.into_iter().enumerate() {
                rows[G * quarter + k] = row;
            }
        }
        rows
    }

    /// Transposes 8 rows of 8 doubles.
    #[inline(always)]
    pub(super) fn square_of_8(level: V4, mut rows: [Row; 8]) -> [Row; 8] {
        for group in rows.as_chunks_mut::<2>().0 {
            *group = pairs(level, *group);
        }
        spread::<8, 2>(level, rows)
    }

    /// Transposes 16 rows of 16 singles.
    #[inline(always)]
    pub(super) fn square_of_16(level: V4, mut rows: [Row; 16]) -> [Row; 16] {
        for group in rows.as_chunks_mut::<4>().0 {
            *group = four_squares(level, *group);
        }
        spread::<16, 4>(level, rows)
    }
}
