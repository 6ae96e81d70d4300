//! A strip of rows, and the functions that run over all of it at once.

use pulp::{Simd, WithSimd};

use super::{Argument, Function, Link, StripScratch};
use crate::kernels::Element;
use crate::kernels::elementwise::{Map, Zip};

/// What links run on.
pub(super) struct Strip<'s, 'a, T> {
    pub(super) reads: &'s [Read<'a, T>],
    pub(super) writes: &'s mut [Write<'a, T>],
    pub(super) scratch: &'s mut StripScratch<T>,
    pub(super) rows: usize,
    /// Elements of a row.
    pub(super) lanes: usize,
    pub(super) goes_on: bool,
}

/// What is read in a strip: rows, or one number for each row.
#[derive(Clone, Copy)]
pub(super) struct Read<'a, T> {
    pub(super) data: &'a [T],
    /// Elements from one row to the next.
    pub(super) step: usize,
    pub(super) number: bool,
}

/// What is written in a strip.
pub(super) struct Write<'a, T> {
    pub(super) data: &'a mut [T],
    /// Elements from one row to the next.
    pub(super) step: usize,
}

impl<'a, T: Element> Read<'a, T> {
    #[inline(always)]
    pub(super) fn is_flat(&self, lanes: usize) -> bool {
        !self.number && self.step == lanes
    }

    /// The rows one behind the other, copied to `filled` if they lie otherwise.
    #[inline(always)]
    fn flattened<'f>(self, rows: usize, lanes: usize, filled: &'f mut [T]) -> &'f [T]
    where
        'a: 'f,
    {
        if self.is_flat(lanes) {
            return &self.data[..rows * lanes];
        }
        for (r, row) in filled.chunks_exact_mut(lanes).take(rows).enumerate() {
            if self.number {
                row.fill(self.data[r * self.step]);
            } else {
                row.copy_from_slice(&self.data[r * self.step..][..lanes]);
            }
        }
        &filled[..rows * lanes]
    }
}

impl<T> Write<'_, T> {
    /// What has been written.
    pub(super) fn read(&self) -> Read<'_, T> {
        Read { data: self.data, step: self.step, number: false }
    }
}

impl<T: Element> Strip<'_, '_, T> {
    /// Runs a link that is no sum or product.
    #[inline(always)]
    pub(super) fn function<S: Simd>(&mut self, simd: S, link: &Link) {
        let (rows, lanes) = (self.rows, self.lanes);
        if let (Some(k), None) = (link.write, link.temporary)
            && self.writes[k].step == lanes
        {
            let y = std::mem::take(&mut self.writes[k].data);
            self.apply(simd, link, &mut y[..rows * lanes]);
            self.writes[k].data = y;
            return;
        }
        let mut y = std::mem::take(self.scratch.home(link));
        self.apply(simd, link, &mut y[..rows * lanes]);
        if let Some(k) = link.write {
            let Write { data, step } = &mut self.writes[k];
            for (r, row) in y[..rows * lanes].chunks_exact(lanes).enumerate() {
                data[r * *step..][..lanes].copy_from_slice(row);
            }
        }
        *self.scratch.home(link) = y;
    }

    /// `y = link(arguments)`, row behind row.
    #[inline(always)]
    fn apply<S: Simd>(&mut self, simd: S, link: &Link, y: &mut [T]) {
        let StripScratch { temporaries, filled: [first, second, third], .. } = &mut *self.scratch;
        let argument = |k: usize, filled| match link.arguments[k] {
            Argument::Read(k) => self.reads[k].flattened(self.rows, self.lanes, filled),
            Argument::Temporary(k) => &temporaries[k][..self.rows * self.lanes],
            Argument::Written(k) => self.writes[k].read().flattened(self.rows, self.lanes, filled),
        };
        match link.function {
            Function::Unary(f) => Map { f, x: argument(0, first), y }.with_simd(simd),
            Function::Binary(f) => {
                Zip { f, a: argument(0, first), b: argument(1, second), y }.with_simd(simd);
            }
            Function::Select => select([argument(0, first), argument(1, second), argument(2, third)], y),
            Function::Sum(_) | Function::Product(_) | Function::Pair { .. } => {
                unreachable!("sums and products have passes of their own")
            }
        }
    }
}

#[inline(always)]
fn select<T: Element>([mask, a, b]: [&[T]; 3], y: &mut [T]) {
    for ((y, &mask), (&a, &b)) in y.iter_mut().zip(mask).zip(a.iter().zip(b)) {
        *y = if mask == T::zero() { b } else { a };
    }
}
