//! Values of one block of examples: one row per element, examples side by side.

use std::ops::Range;

use ad_core::{BLOCK, Element};

/// A value with `rows` elements for each example of a block; element `r` of example `e` is at `r * BLOCK + e`.
#[derive(Clone, Debug)]
pub(crate) struct Lanes<T> {
    data: Vec<T>,
    rows: usize,
}

impl<T: Element> Lanes<T> {
    pub(crate) fn new(rows: usize) -> Self {
        Lanes { data: vec![T::zero(); rows * BLOCK], rows }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Reads one example after another, row-major.
    pub(crate) fn load<S: Copy>(&mut self, examples: &[S], convert: impl Fn(S) -> T) {
        for (e, row) in examples.chunks_exact(self.rows.max(1)).enumerate() {
            self.set(e, row, &convert);
        }
    }

    /// Reads the examples `range` of a batch.
    pub(crate) fn load_rows(&mut self, batch: &[f64], range: Range<usize>) {
        self.load(&batch[range.start * self.rows..range.end * self.rows], T::from_f64);
    }

    /// Reads one example.
    pub(crate) fn set<S: Copy>(&mut self, e: usize, row: &[S], convert: impl Fn(S) -> T) {
        row.iter().enumerate().for_each(|(r, &x)| self.data[r * BLOCK + e] = convert(x));
    }

    /// The elements of one example.
    pub(crate) fn example(&self, e: usize) -> impl Iterator<Item = T> {
        (0..self.rows).map(move |r| self.data[r * BLOCK + e])
    }

    /// Appends the first `count` examples, element by element.
    pub(crate) fn save(&self, count: usize, to: &mut Vec<T>) {
        self.data.chunks_exact(BLOCK).for_each(|row| to.extend_from_slice(&row[..count]));
    }

    /// The inverse of [`Lanes::save`]; returns what follows.
    pub(crate) fn restore<'s>(&mut self, count: usize, saved: &'s [T]) -> &'s [T] {
        let (own, rest) = saved.split_at(self.rows * count);
        let rows = self.data.chunks_exact_mut(BLOCK).zip(own.chunks_exact(count.max(1)));
        rows.for_each(|(row, saved)| row[..count].copy_from_slice(saved));
        rest
    }

    /// The first `count` examples, row-major, in double precision.
    pub(crate) fn rows_of(&self, count: usize) -> Vec<f64> {
        (0..count).flat_map(|e| self.example(e)).map(T::to_double).collect()
    }

    /// The examples `active`, side by side, into rows of `stride`. What pads the last vector repeats the first of them.
    pub(crate) fn gather(&self, active: &[usize], rows: &mut [T], stride: usize) {
        for (from, to) in self.data.chunks_exact(BLOCK).zip(rows.chunks_exact_mut(stride)) {
            for (to, &e) in to.iter_mut().zip(active) {
                *to = from[e];
            }
            let first = to[0];
            to[active.len()..].fill(first);
        }
    }

    /// The inverse of [`Lanes::gather`], for the places in `active` that `keep`.
    pub(crate) fn scatter(&mut self, active: &[usize], keep: &[bool], rows: &[T], stride: usize) {
        for (to, from) in self.data.chunks_exact_mut(BLOCK).zip(rows.chunks_exact(stride)) {
            for ((&x, &e), _) in from.iter().zip(active).zip(keep).filter(|(_, keep)| **keep) {
                to[e] = x;
            }
        }
    }
}
