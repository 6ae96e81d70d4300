//! Sums of products lane by lane: what is left of a contraction when both operands carry the example.
//!
//! The terms of a lane are added in their order, the first as it is, so that `-0` survives; each further one enters
//! by one fused multiply-add where the machine has it. A sum that goes on from an old one takes its terms so too, unless
//! there is a factor: then the old sum is added to the new one.

use pulp::{Simd, WithSimd};

use super::simd::{Vector, dispatch, load, store};
use super::{Element, Rows};

/// `y[l] (+)= alpha * a[l] * b[l]`.
pub(crate) fn multiply<T: Element>(alpha: T, a: &[T], b: &[T], y: &mut [T], accumulate: bool) {
    let [a, b] = [a, b].map(|data| Rows { data, stride: 0 });
    dot_lanes(1, alpha, a, b, y, accumulate);
}

/// `y[l] (+)= alpha * a[l]`.
pub(crate) fn scale<T: Element>(alpha: T, a: &[T], y: &mut [T], accumulate: bool) {
    dispatch(Tiles { y, accumulate, terms: Combination { coefficients: &[alpha], operands: &[a] } });
}

/// `y[l] = sum_j coefficients[j] * operands[j][l]`, in one pass.
///
/// # Panics
///
/// If there are more coefficients than operands or fewer, or an operand is shorter than `y`.
pub(crate) fn linear_combination<T: Element>(coefficients: &[T], operands: &[&[T]], y: &mut [T]) {
    assert_eq!(coefficients.len(), operands.len(), "coefficients and operands of a linear combination");
    dispatch(Tiles { y, accumulate: false, terms: Combination { coefficients, operands } });
}

/// `y[l] (+)= alpha * sum_p a[p, l] * b[p, l]`, over `k` rows and `y.len()` lanes.
pub(crate) fn dot_lanes<T: Element>(
    k: usize,
    alpha: T,
    a: Rows<'_, T>,
    b: Rows<'_, T>,
    y: &mut [T],
    accumulate: bool,
) {
    dispatch(Tiles { y, accumulate, terms: Dot { k, alpha, a, b } });
}

/// The sum of `x[..n]`, in an order that depends on `n` alone: 16 running sums side by side, then those by halves.
pub(crate) fn sum_lanes<T: Element>(x: &[T], n: usize) -> T {
    dispatch(Sum { x: &x[..n] })
}

/// The argument of [`sum_lanes`].
struct Sum<'a, T> {
    x: &'a [T],
}

impl<T: Element> WithSimd for Sum<'_, T> {
    type Output = T;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> T {
        let mut sums = [T::zero(); 16];
        let (whole, rest) = self.x.as_chunks::<16>();
        for x in whole {
            for (sum, &x) in sums.iter_mut().zip(x) {
                *sum = *sum + x;
            }
        }
        for (sum, &x) in sums.iter_mut().zip(rest) {
            *sum = *sum + x;
        }
        for half in [8, 4, 2, 1] {
            for i in 0..half {
                sums[i] = sums[i] + sums[i + half];
            }
        }
        sums[0]
    }
}

/// Something to add up in each lane.
trait Terms<T: Element> {
    /// The sums of the lanes `j..j + width`, which fill `N` registers or a part of one; on top of `old` if given.
    fn tile<S: Simd, const N: usize>(
        &self,
        simd: S,
        j: usize,
        width: usize,
        old: Option<[Vector<S, T>; N]>,
    ) -> [Vector<S, T>; N];
}

/// `y (+)= terms`.
struct Tiles<'a, T, F> {
    y: &'a mut [T],
    accumulate: bool,
    terms: F,
}

impl<T: Element, F: Terms<T>> WithSimd for Tiles<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let (lanes, n) = (T::lanes::<S>(), self.y.len());
        let mut j = 0;
        while j + 4 * lanes <= n {
            self.tile::<S, 4>(simd, j, 4 * lanes);
            j += 4 * lanes;
        }
        while j < n {
            self.tile::<S, 1>(simd, j, lanes.min(n - j));
            j += lanes;
        }
    }
}

impl<T: Element, F: Terms<T>> Tiles<'_, T, F> {
    #[inline(always)]
    fn tile<S: Simd, const N: usize>(&mut self, simd: S, j: usize, width: usize) {
        let row = &mut self.y[j..][..width];
        let old = self.accumulate.then(|| load::<S, T, N>(simd, row));
        let sums = self.terms.tile::<S, N>(simd, j, width, old);
        store(simd, &sums, row);
    }
}

/// The arguments of [`dot_lanes`].
struct Dot<'a, T> {
    k: usize,
    alpha: T,
    a: Rows<'a, T>,
    b: Rows<'a, T>,
}

impl<T: Element> Terms<T> for Dot<'_, T> {
    #[inline(always)]
    fn tile<S: Simd, const N: usize>(
        &self,
        simd: S,
        j: usize,
        width: usize,
        old: Option<[Vector<S, T>; N]>,
    ) -> [Vector<S, T>; N] {
        let goes_on = self.alpha == T::one() && old.is_some();
        let zeros = [Vector::splat(simd, T::zero()); N];
        let mut sums = if goes_on { old.unwrap_or(zeros) } else { zeros };
        for p in 0..self.k {
            let a = load::<S, T, N>(simd, &self.a.data[p * self.a.stride + j..][..width]);
            let b = load::<S, T, N>(simd, &self.b.data[p * self.b.stride + j..][..width]);
            for (sum, (&a, &b)) in sums.iter_mut().zip(a.iter().zip(&b)) {
                *sum = if p == 0 && !goes_on { a * b } else { a.fused(b, *sum) };
            }
        }
        if self.alpha != T::one() {
            let alpha = Vector::splat(simd, self.alpha);
            for sum in &mut sums {
                *sum = alpha * *sum;
            }
            for (sum, old) in sums.iter_mut().zip(old.iter().flatten()) {
                *sum = *old + *sum;
            }
        }
        sums
    }
}

/// The arguments of [`linear_combination`].
struct Combination<'a, T> {
    coefficients: &'a [T],
    operands: &'a [&'a [T]],
}

impl<T: Element> Terms<T> for Combination<'_, T> {
    #[inline(always)]
    fn tile<S: Simd, const N: usize>(
        &self,
        simd: S,
        j: usize,
        width: usize,
        old: Option<[Vector<S, T>; N]>,
    ) -> [Vector<S, T>; N] {
        let mut sums = old.unwrap_or([Vector::splat(simd, T::zero()); N]);
        for (i, (&c, operand)) in self.coefficients.iter().zip(self.operands).enumerate() {
            let c = Vector::splat(simd, c);
            let a = load::<S, T, N>(simd, &operand[j..][..width]);
            for (sum, &a) in sums.iter_mut().zip(&a) {
                *sum = if i == 0 && old.is_none() { c * a } else { c.fused(a, *sum) };
            }
        }
        sums
    }
}
