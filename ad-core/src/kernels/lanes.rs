//! Sums of products lane by lane, and over the lanes: what is left of a contraction when both operands carry the example.
//!
//! The terms of a lane are added in their order, the first as it is, so that `-0` survives; each further one enters
//! by one fused multiply-add where the machine has it. A sum that goes on from an old one takes its terms so too, unless
//! there is a factor: then the old sum is added to the new one.

use pulp::{Simd, WithSimd};

use super::element::{Kind, Task};
use super::simd::{Vector, load, store};
use super::transpose::Transposition;
use super::{Element, Rows, RowsMut};

/// `y[l] (+)= alpha * a[l] * b[l]`.
pub(crate) fn multiply<T: Element>(alpha: T, a: &[T], b: &[T], y: &mut [T], accumulate: bool) {
    let [a, b] = [a, b].map(|data| Rows { data, stride: 0 });
    dot_lanes(1, alpha, a, Some(b), y, accumulate);
}

/// `y[l] (+)= alpha * a[l]`.
pub(crate) fn scale<T: Element>(alpha: T, a: &[T], y: &mut [T], accumulate: bool) {
    T::run(Task(Kind::Multiple(Tiles { y, accumulate, terms: Multiple { alpha, a } })));
}

/// `y[l] (+)= alpha * sum_p a[p, l] * b[p, l]`, over `k` rows and `y.len()` lanes; without `b`, of `a` alone.
pub(crate) fn dot_lanes<T: Element>(
    k: usize,
    alpha: T,
    a: Rows<'_, T>,
    b: Option<Rows<'_, T>>,
    y: &mut [T],
    accumulate: bool,
) {
    T::run(Task(Kind::Dot(Tiles { y, accumulate, terms: Dot { k, alpha, a, b } })));
}

/// `y[r * step] += alpha * sum_l a[r, l] * b[r, l]`, over `n` lanes of each of `count` rows; without `b`, of `a` alone.
///
/// The order of the sum depends on `n` alone: 16 running sums side by side, then those by halves.
pub(crate) fn sums_over_lanes<T: Element>(
    [count, n]: [usize; 2],
    alpha: T,
    a: Rows<'_, T>,
    b: Option<Rows<'_, T>>,
    y: &mut [T],
    step: usize,
) {
    T::run(Task(Kind::LaneSums(LaneSums { count, n, alpha, a, b, y, step })));
}

/// The arguments of [`sums_over_lanes`].
pub(super) struct LaneSums<'a, T> {
    count: usize,
    n: usize,
    alpha: T,
    a: Rows<'a, T>,
    b: Option<Rows<'a, T>>,
    y: &'a mut [T],
    step: usize,
}

impl<T: Element> WithSimd for LaneSums<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match T::lanes::<S>() {
            16 => self.all::<S, 1>(simd),
            8 => self.all::<S, 2>(simd),
            4 => self.all::<S, 4>(simd),
            2 => self.all::<S, 8>(simd),
            _ => self.all::<S, RUNNING>(simd),
        }
    }
}

/// The running sums of [`sums_over_lanes`].
const RUNNING: usize = 16;

/// The running sums of `R` rows. A row begins at a cache line: what is read right after it was written waits if it lies
/// across two.
#[repr(align(64))]
struct Sums<T, const R: usize>([[T; RUNNING]; R]);

impl<T: Element, const R: usize> Sums<T, R> {
    #[inline(always)]
    fn zeros() -> Self {
        Sums([[T::zero(); RUNNING]; R])
    }
}

impl<T: Element> LaneSums<'_, T> {
    /// With the running sums of a row in `N` registers.
    #[inline(always)]
    fn all<S: Simd, const N: usize>(mut self, simd: S) {
        let mut first = 0;
        while first + RUNNING <= self.count {
            self.square::<S, N>(simd, first);
            first += RUNNING;
        }
        // Additions of several rows fill the time that one takes.
        while first + 4 <= self.count {
            let mut sums = Sums::<T, 4>::zeros();
            self.rows::<S, N, 4>(simd, first, &mut sums.0);
            (first..).zip(&sums.0).for_each(|(r, sums)| self.add(r, by_halves(sums)));
            first += 4;
        }
        while first < self.count {
            let mut sums = Sums::<T, 1>::zeros();
            self.rows::<S, N, 1>(simd, first, &mut sums.0);
            self.add(first, by_halves(&sums.0[0]));
            first += 1;
        }
    }

    /// As many rows as there are running sums, from `first` on: turned, their halves are added side by side.
    #[inline(always)]
    fn square<S: Simd, const N: usize>(&mut self, simd: S, first: usize) {
        let (mut sums, mut turned) = (Sums::<T, RUNNING>::zeros(), Sums::<T, RUNNING>::zeros());
        for (rows, sums) in sums.0.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            self.rows::<S, N, 4>(simd, first + 4 * rows, sums);
        }
        let src = Rows { data: sums.0.as_flattened(), stride: RUNNING };
        let dst = RowsMut { data: turned.0.as_flattened_mut(), stride: RUNNING };
        Transposition { shape: [RUNNING; 2], src, dst }.with_simd(simd);
        let turned = &mut turned.0;
        let mut half = RUNNING / 2;
        while half > 0 {
            let (to, from) = turned.split_at_mut(half);
            for (to, from) in to.iter_mut().zip(from) {
                let sums = load::<S, T, N>(simd, to);
                let mut others = load::<S, T, N>(simd, from);
                for (other, sum) in others.iter_mut().zip(sums) {
                    *other = sum + *other;
                }
                store(simd, &others, to);
            }
            half /= 2;
        }
        (first..).zip(&turned[0]).for_each(|(r, &sum)| self.add(r, sum));
    }

    /// Adds the sum of row `r` to its result.
    #[inline(always)]
    fn add(&mut self, r: usize, sum: T) {
        let y = &mut self.y[r * self.step];
        *y = *y + self.alpha * sum;
    }

    /// Writes the running sums of the rows `first..first + R`.
    #[inline(always)]
    fn rows<S: Simd, const N: usize, const R: usize>(
        &self,
        simd: S,
        first: usize,
        all: &mut [[T; RUNNING]; R],
    ) {
        let mut running = [[Vector::splat(simd, T::zero()); N]; R];
        let a = chunks::<T, R>(self.a, first, self.n);
        match self.b {
            Some(b) if b.stride == 0 => {
                for (c, b) in b.data[..self.n].as_chunks::<RUNNING>().0.iter().enumerate() {
                    let b = load::<S, T, N>(simd, b);
                    for (running, a) in running.iter_mut().zip(a) {
                        add_products(running, load(simd, &a[c]), b);
                    }
                }
            }
            Some(b) => {
                let b = chunks::<T, R>(b, first, self.n);
                for (running, (a, b)) in running.iter_mut().zip(a.into_iter().zip(b)) {
                    for (a, b) in a.iter().zip(b) {
                        add_products(running, load(simd, a), load(simd, b));
                    }
                }
            }
            None => {
                for c in 0..self.n / RUNNING {
                    for (running, a) in running.iter_mut().zip(a) {
                        for (sum, a) in running.iter_mut().zip(load::<S, T, N>(simd, &a[c])) {
                            *sum = *sum + a;
                        }
                    }
                }
            }
        }
        self.add_rest(simd, first, &mut running);
        for (sums, running) in all.iter_mut().zip(&running) {
            store(simd, running, sums);
        }
    }

    /// Adds the lanes beyond the last whole chunk of the rows `first..first + R`. The zeros that fill a register up change no
    /// running sum: none is `-0`.
    #[inline(always)]
    fn add_rest<S: Simd, const N: usize, const R: usize>(
        &self,
        simd: S,
        first: usize,
        running: &mut [[Vector<S, T>; N]; R],
    ) {
        let whole = self.n / RUNNING * RUNNING;
        if whole == self.n {
            return;
        }
        for (r, running) in running.iter_mut().enumerate() {
            let a = load_part(simd, &self.a.data[(first + r) * self.a.stride..][whole..self.n]);
            if let Some(b) = self.b {
                let b = load_part(simd, &b.data[(first + r) * b.stride..][whole..self.n]);
                add_products(running, a, b);
            } else {
                for (sum, a) in running.iter_mut().zip(a) {
                    *sum = *sum + a;
                }
            }
        }
    }
}

/// A part of a chunk, and zeros.
#[inline(always)]
fn load_part<S: Simd, T: Element, const N: usize>(simd: S, part: &[T]) -> [Vector<S, T>; N] {
    let mut registers = [Vector::splat(simd, T::zero()); N];
    for (register, part) in registers.iter_mut().zip(part.chunks(T::lanes::<S>())) {
        *register = Vector::new(simd, T::load(simd, part));
    }
    registers
}

/// The whole chunks of the rows `first..first + R` of `n` lanes.
#[inline(always)]
fn chunks<T: Element, const R: usize>(from: Rows<'_, T>, first: usize, n: usize) -> [&[[T; RUNNING]]; R] {
    let mut chunks: [&[[T; RUNNING]]; R] = [&[]; R];
    for (r, row) in chunks.iter_mut().enumerate() {
        *row = from.data[(first + r) * from.stride..][..n].as_chunks().0;
    }
    chunks
}

#[inline(always)]
fn add_products<S: Simd, T: Element, const N: usize>(
    sums: &mut [Vector<S, T>; N],
    a: [Vector<S, T>; N],
    b: [Vector<S, T>; N],
) {
    for (sum, (a, b)) in sums.iter_mut().zip(a.into_iter().zip(b)) {
        *sum = a.fused(b, *sum);
    }
}

/// The running sums added up, the second half on top of the first again and again.
#[inline(always)]
fn by_halves<T: Element>(sums: &[T; RUNNING]) -> T {
    let s8: [T; 8] = [
        sums[0] + sums[8],
        sums[1] + sums[9],
        sums[2] + sums[10],
        sums[3] + sums[11],
        sums[4] + sums[12],
        sums[5] + sums[13],
        sums[6] + sums[14],
        sums[7] + sums[15],
    ];
    let s4: [T; 4] = [s8[0] + s8[4], s8[1] + s8[5], s8[2] + s8[6], s8[3] + s8[7]];
    let s2: [T; 2] = [s4[0] + s4[2], s4[1] + s4[3]];
    s2[0] + s2[1]
}

/// Something to add up in each lane.
pub(super) trait Terms<T: Element> {
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
pub(super) struct Tiles<'a, T, F> {
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
pub(super) struct Dot<'a, T> {
    k: usize,
    alpha: T,
    a: Rows<'a, T>,
    b: Option<Rows<'a, T>>,
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
            let first = p == 0 && !goes_on;
            if let Some(b) = self.b {
                let b = load::<S, T, N>(simd, &b.data[p * b.stride + j..][..width]);
                for (sum, (&a, &b)) in sums.iter_mut().zip(a.iter().zip(&b)) {
                    *sum = if first { a * b } else { a.fused(b, *sum) };
                }
            } else {
                for (sum, &a) in sums.iter_mut().zip(&a) {
                    *sum = if first { a } else { *sum + a };
                }
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

/// The arguments of [`scale`].
pub(super) struct Multiple<'a, T> {
    alpha: T,
    a: &'a [T],
}

impl<T: Element> Terms<T> for Multiple<'_, T> {
    #[inline(always)]
    fn tile<S: Simd, const N: usize>(
        &self,
        simd: S,
        j: usize,
        width: usize,
        old: Option<[Vector<S, T>; N]>,
    ) -> [Vector<S, T>; N] {
        let alpha = Vector::splat(simd, self.alpha);
        let mut sums = load::<S, T, N>(simd, &self.a[j..][..width]);
        for (i, sum) in sums.iter_mut().enumerate() {
            *sum = if let Some(old) = old { alpha.fused(*sum, old[i]) } else { alpha * *sum };
        }
        sums
    }
}
