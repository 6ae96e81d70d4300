//! Transposition.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m128d, __m256d, __m512d};

#[cfg(target_arch = "x86_64")]
use pulp::bytemuck::{Pod, Zeroable, bytes_of, cast_slice, cast_slice_mut, pod_read_unaligned};
#[cfg(target_arch = "x86_64")]
use pulp::cast;
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
        let mut done = [0, 0];
        let bytes = T::lanes::<S>() * size_of::<T>();
        if let (64, Some(level)) = (bytes, V4::try_new()) {
            done = self.whole(level, done);
        }
        if let (32 | 64, Some(level)) = (bytes, V3::try_new()) {
            done = self.whole(level, done);
        }
        done
    }

    /// All whole squares whose rows fill a register of `level`, but for the rows and columns that are `done`; returns the rows
    /// and columns that are done then.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn whole<L: Pieces<COUNT>, const COUNT: usize>(&mut self, level: L, done: [usize; 2]) -> [usize; 2] {
        if size_of::<T>() == 4 {
            self.whole_by(
                level,
                done,
                #[inline(always)]
                |rows| level.four(rows),
            )
        } else {
            self.whole_by(
                level,
                done,
                #[inline(always)]
                |rows| level.two(rows),
            )
        }
    }

    /// The same for pieces of `P` elements: a register that holds a piece of every `P`th row, with the `P - 1` that begin
    /// a row later each, is as many columns after `turn`.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn whole_by<L: Pieces<COUNT>, const COUNT: usize, const P: usize>(
        &mut self,
        level: L,
        done: [usize; 2],
        turn: impl Fn([L::Register; P]) -> [L::Register; P],
    ) -> [usize; 2] {
        let side = P * COUNT;
        let [rows, cols] = self.shape.map(|n| n / side * side);
        if cols == 0 {
            return [rows, 0];
        }
        for i in (0..rows).step_by(side) {
            let first = if i < done[0] { done[1] } else { 0 };
            let mut band: [[&[[T; P]]; COUNT]; P] = [[&[]; COUNT]; P];
            for (r, row) in (0..side).map(|r| (r, (i + r) * self.src.stride)) {
                band[r % P][r / P] = &self.src.data[row..][..cols].as_chunks().0[..cols / P];
            }
            for j in (first..cols).step_by(side) {
                for q in 0..COUNT {
                    let mut registers = [L::Register::zeroed(); P];
                    for (register, rows) in registers.iter_mut().zip(&band) {
                        let mut pieces = [__m128d::zeroed(); COUNT];
                        for (piece, row) in pieces.iter_mut().zip(rows) {
                            *piece = pod_read_unaligned(cast_slice(&row[j / P + q]));
                        }
                        *register = level.join(pieces);
                    }
                    for (s, column) in turn(registers).iter().enumerate() {
                        let dst = &mut self.dst.data[(j + q * P + s) * self.dst.stride + i..][..side];
                        cast_slice_mut(dst).copy_from_slice(bytes_of(column));
                    }
                }
            }
        }
        [rows, cols]
    }
}

/// Registers of `COUNT` pieces of 16 bytes.
///
/// A square of registers is turned piece by piece: what fills a register is loaded from `COUNT` rows, a piece each, so that
/// within the pieces only neighbours have to change places.
#[cfg(target_arch = "x86_64")]
trait Pieces<const COUNT: usize>: Copy {
    /// Two or four elements a piece.
    type Register: Pod;

    /// A register of pieces.
    fn join(self, pieces: [__m128d; COUNT]) -> Self::Register;
    /// Interleaves what has 8 bytes, in each piece: the first of both, the second of both.
    fn pairs(self, a: Self::Register, b: Self::Register) -> [Self::Register; 2];
    /// Interleaves what has 4 bytes, in each piece: the first two of both, the last two of both.
    fn singles(self, a: Self::Register, b: Self::Register) -> [Self::Register; 2];

    /// The columns of pieces of two doubles.
    #[inline(always)]
    fn two(self, [a, b]: [Self::Register; 2]) -> [Self::Register; 2] {
        self.pairs(a, b)
    }

    /// The columns of pieces of four singles.
    #[inline(always)]
    fn four(self, [a, b, c, d]: [Self::Register; 4]) -> [Self::Register; 4] {
        let ([a, b], [c, d]) = (self.singles(a, b), self.singles(c, d));
        let ([a, b], [c, d]) = (self.pairs(a, c), self.pairs(b, d));
        [a, b, c, d]
    }
}

#[cfg(target_arch = "x86_64")]
impl Pieces<2> for pulp::x86::V3 {
    type Register = __m256d;

    #[inline(always)]
    fn join(self, [a, b]: [__m128d; 2]) -> __m256d {
        self.avx._mm256_insertf128_pd::<1>(self.avx._mm256_castpd128_pd256(a), b)
    }

    #[inline(always)]
    fn pairs(self, a: __m256d, b: __m256d) -> [__m256d; 2] {
        [self.avx._mm256_unpacklo_pd(a, b), self.avx._mm256_unpackhi_pd(a, b)]
    }

    #[inline(always)]
    fn singles(self, a: __m256d, b: __m256d) -> [__m256d; 2] {
        let (a, b) = (cast(a), cast(b));
        [cast(self.avx._mm256_unpacklo_ps(a, b)), cast(self.avx._mm256_unpackhi_ps(a, b))]
    }
}

#[cfg(target_arch = "x86_64")]
impl Pieces<4> for pulp::x86::V4 {
    type Register = __m512d;

    #[inline(always)]
    fn join(self, [a, b, c, d]: [__m128d; 4]) -> __m512d {
        let (one, more) = (self.avx512f, self.avx512dq);
        let ab = more._mm512_insertf64x2::<1>(one._mm512_castpd128_pd512(a), b);
        more._mm512_insertf64x2::<3>(more._mm512_insertf64x2::<2>(ab, c), d)
    }

    #[inline(always)]
    fn pairs(self, a: __m512d, b: __m512d) -> [__m512d; 2] {
        [self.avx512f._mm512_unpacklo_pd(a, b), self.avx512f._mm512_unpackhi_pd(a, b)]
    }

    #[inline(always)]
    fn singles(self, a: __m512d, b: __m512d) -> [__m512d; 2] {
        let (a, b) = (cast(a), cast(b));
        [cast(self.avx512f._mm512_unpacklo_ps(a, b)), cast(self.avx512f._mm512_unpackhi_ps(a, b))]
    }
}
