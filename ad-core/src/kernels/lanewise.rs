//! Matrix products of which every lane has its own: an entry of a matrix is a row of lanes.

use pulp::{Simd, WithSimd};

use super::element::{Kind, Task};
use super::simd::{Vector, load, store};
use super::{Element, Strided};

/// `y[i, j, l] (+)= alpha * sum_p a[i, p, l] * b[p, j, l]` for `shape = [m, k, n]`, `k` at least 1, and `lanes` lanes `l`:
/// strides lead from one row of lanes to another. Sums are in order, from the first product or, where `alpha` is 1, from
/// what is there.
pub(crate) fn matmul_lanewise<T: Element>(
    [m, k, n]: [usize; 3],
    lanes: usize,
    alpha: T,
    [a, b]: [Strided<&[T]>; 2],
    y: Strided<&mut [T]>,
    accumulate: bool,
) {
    // The result is no higher than wide: where there is one row or column, it is a row.
    let (shape, a, b, y) =
        if n < m { ([n, k, m], b.turned(), a.turned(), y.turned()) } else { ([m, k, n], a, b, y) };
    T::run(Task(Kind::Lanewise(Lanewise { shape, lanes, alpha, a, b, y, accumulate })));
}

/// The arguments of [`matmul_lanewise`].
pub(super) struct Lanewise<'a, T> {
    shape: [usize; 3],
    lanes: usize,
    alpha: T,
    a: Strided<&'a [T]>,
    b: Strided<&'a [T]>,
    y: Strided<&'a mut [T]>,
    accumulate: bool,
}

impl<T: Element> WithSimd for Lanewise<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let (step, mut l) = (T::lanes::<S>(), 0);
        while S::REGISTER_COUNT >= 32 && l + 4 * step <= self.lanes {
            self.panel::<S, 4>(simd, [l, 4 * step]);
            l += 4 * step;
        }
        while S::REGISTER_COUNT < 32 && l + 2 * step <= self.lanes {
            self.panel::<S, 2>(simd, [l, 2 * step]);
            l += 2 * step;
        }
        while l < self.lanes {
            self.panel::<S, 1>(simd, [l, step.min(self.lanes - l)]);
            l += step;
        }
    }
}

impl<T: Element> Lanewise<'_, T> {
    /// The lanes `l..l + width`: `R` registers, or a part of one.
    #[inline(always)]
    fn panel<S: Simd, const R: usize>(&mut self, simd: S, lane: [usize; 2]) {
        let [m, _, n] = self.shape;
        let mut i = 0;
        while i + 2 <= m {
            let mut j = 0;
            while j + 2 <= n {
                self.tile::<S, 2, 2, R>(simd, [i, j], lane);
                j += 2;
            }
            if j < n {
                self.tile::<S, 2, 1, R>(simd, [i, j], lane);
            }
            i += 2;
        }
        if i < m {
            let mut j = 0;
            while j + 4 <= n {
                self.tile::<S, 1, 4, R>(simd, [i, j], lane);
                j += 4;
            }
            while j < n {
                self.tile::<S, 1, 1, R>(simd, [i, j], lane);
                j += 1;
            }
        }
    }

    /// Rows `i..i + M` of columns `j..j + N`.
    #[inline(always)]
    fn tile<S: Simd, const M: usize, const N: usize, const R: usize>(
        &mut self,
        simd: S,
        [i, j]: [usize; 2],
        [l, width]: [usize; 2],
    ) {
        let zero = Vector::<S, T>::splat(simd, T::zero());
        let goes_on = self.accumulate && self.alpha == T::one();
        let mut sums = [[[zero; R]; N]; M];
        if goes_on {
            for (r, sums) in sums.iter_mut().enumerate() {
                for (c, sum) in sums.iter_mut().enumerate() {
                    *sum = load(simd, &self.y.data[self.y.place([i + r, j + c]) + l..][..width]);
                }
            }
        }
        for p in 0..self.shape[1] {
            let mut column = [[zero; R]; M];
            for (r, a) in column.iter_mut().enumerate() {
                *a = load(simd, &self.a.data[self.a.place([i + r, p]) + l..][..width]);
            }
            for c in 0..N {
                let b = load::<S, T, R>(simd, &self.b.data[self.b.place([p, j + c]) + l..][..width]);
                for (sums, a) in sums.iter_mut().zip(&column) {
                    for (sum, (&a, &b)) in sums[c].iter_mut().zip(a.iter().zip(&b)) {
                        *sum = if p == 0 && !goes_on { a * b } else { a.fused(b, *sum) };
                    }
                }
            }
        }
        for (r, sums) in sums.iter_mut().enumerate() {
            for (c, sum) in sums.iter_mut().enumerate() {
                let place = self.y.place([i + r, j + c]) + l;
                let y = &mut self.y.data[place..][..width];
                if self.alpha != T::one() {
                    for sum in &mut *sum {
                        *sum = zero.constant(self.alpha) * *sum;
                    }
                    if self.accumulate {
                        for (sum, old) in sum.iter_mut().zip(load::<S, T, R>(simd, y)) {
                            *sum = old + *sum;
                        }
                    }
                }
                store(simd, sum, y);
            }
        }
    }
}
