//! Sums and products that follow each other: a tile of registers goes through all of them before the next one begins.

use pulp::Simd;
use smallvec::SmallVec;

use super::strip::{Read, Strip};
use super::{Argument, Function, Link};
use crate::kernels::Element;
use crate::kernels::simd::{Vector, load, store};

/// Registers that are taken together where they fill no tile.
const PIECES: usize = 4;

/// The registers of a tile.
type Registers<S, T, const N: usize> = [Vector<S, T>; N];

/// How an operand enters a value.
#[derive(Clone, Copy)]
enum Entry<S: Simd, T: Element> {
    /// `x`.
    Alone,
    /// `c x`.
    Scaled(Vector<S, T>),
    /// `c x + value`.
    Added(Vector<S, T>),
    /// `value x`.
    Times,
    /// `c (value x)`.
    TimesScaled(Vector<S, T>),
}

impl<S: Simd, T: Element> Entry<S, T> {
    #[inline(always)]
    fn enter(self, value: &mut Vector<S, T>, x: Vector<S, T>) {
        *value = match self {
            Entry::Alone => x,
            Entry::Scaled(c) => c * x,
            Entry::Added(c) => c.fused(x, *value),
            Entry::Times => *value * x,
            Entry::TimesScaled(c) => c * (*value * x),
        };
    }
}

/// Where the registers of a tile lie in the rows of a strip.
trait Tile<const N: usize> {
    /// Lets an array into the values. Register by register, since there is no room for a second tile.
    fn enter<S: Simd, T: Element>(
        &self,
        simd: S,
        x: Read<'_, T>,
        entry: Entry<S, T>,
        values: &mut Registers<S, T, N>,
    );
    fn store<S: Simd, T: Element>(&self, simd: S, values: &Registers<S, T, N>, to: &mut [T], step: usize);
}

/// `R` registers side by side in each of some rows that follow each other.
struct Band<const R: usize> {
    row: usize,
    column: usize,
}

impl<const R: usize, const N: usize> Tile<N> for Band<R> {
    #[inline(always)]
    fn enter<S: Simd, T: Element>(
        &self,
        simd: S,
        x: Read<'_, T>,
        entry: Entry<S, T>,
        values: &mut Registers<S, T, N>,
    ) {
        for (row, values) in (self.row..).zip(values.as_chunks_mut::<R>().0) {
            if x.number {
                let x = Vector::splat(simd, x.data[row * x.step]);
                for value in values {
                    entry.enter(value, x);
                }
            } else {
                let row = &x.data[row * x.step + self.column..][..R * T::lanes::<S>()];
                for (value, &x) in values.iter_mut().zip(T::registers::<S>(row).0) {
                    entry.enter(value, Vector::new(simd, x));
                }
            }
        }
    }

    #[inline(always)]
    fn store<S: Simd, T: Element>(&self, simd: S, values: &Registers<S, T, N>, to: &mut [T], step: usize) {
        for (row, values) in (self.row..).zip(values.as_chunks::<R>().0) {
            store(simd, values, &mut to[row * step + self.column..][..R * T::lanes::<S>()]);
        }
    }
}

/// The first lanes of a register, in a row of its own.
#[derive(Clone, Copy, Default)]
struct Piece {
    row: usize,
    column: usize,
    lanes: usize,
}

/// Registers here and there, some with lanes to spare.
struct Pieces([Piece; PIECES]);

impl Tile<PIECES> for Pieces {
    #[inline(always)]
    fn enter<S: Simd, T: Element>(
        &self,
        simd: S,
        x: Read<'_, T>,
        entry: Entry<S, T>,
        values: &mut Registers<S, T, PIECES>,
    ) {
        for (value, piece) in values.iter_mut().zip(&self.0) {
            let row = &x.data[piece.row * x.step..];
            if x.number {
                entry.enter(value, Vector::splat(simd, row[0]));
            } else {
                let [x] = load(simd, &row[piece.column..][..piece.lanes]);
                entry.enter(value, x);
            }
        }
    }

    #[inline(always)]
    fn store<S: Simd, T: Element>(
        &self,
        simd: S,
        values: &Registers<S, T, PIECES>,
        to: &mut [T],
        step: usize,
    ) {
        for (&value, piece) in values.iter().zip(&self.0) {
            store(simd, &[value], &mut to[piece.row * step + piece.column..][..piece.lanes]);
        }
    }
}

impl<T: Element> Strip<'_, '_, T> {
    /// Runs links that are sums and products.
    #[inline(always)]
    pub(super) fn arithmetic<S: Simd>(&mut self, simd: S, links: &[Link]) {
        // A tile and its successor have to find room.
        if S::REGISTER_COUNT >= 32 {
            self.in_tiles::<S, 8>(simd, links);
        } else {
            self.in_tiles::<S, 4>(simd, links);
        }
    }

    /// In tiles of `N` registers: whole columns of tiles, broad ones first, and what they leave in pieces.
    #[inline(always)]
    fn in_tiles<S: Simd, const N: usize>(&mut self, simd: S, links: &[Link]) {
        let flat = self.is_flat(links);
        let shape = if flat { [1, self.rows * self.lanes] } else { [self.rows, self.lanes] };
        let mut left: SmallVec<[Piece; 16]> = SmallVec::new();
        let mut column = 0;
        if N == 8 {
            column = self.bands::<S, N, 8>(simd, links, shape, column, &mut left);
        }
        column = self.bands::<S, N, 4>(simd, links, shape, column, &mut left);
        column = self.bands::<S, N, 2>(simd, links, shape, column, &mut left);
        column = self.bands::<S, N, 1>(simd, links, shape, column, &mut left);
        let [rows, lanes] = shape;
        let ends = if column < lanes { rows } else { 0 };
        // By number, not as an iterator of both: that would be moved around, which takes as long as many a chain.
        for first in (0..left.len() + ends).step_by(PIECES) {
            let piece = |k: usize| match left.get(k) {
                Some(&piece) => piece,
                None if k < left.len() + ends => Piece { row: k - left.len(), column, lanes: lanes - column },
                None => Piece::default(),
            };
            let pieces = Pieces(std::array::from_fn(|k| piece(first + k)));
            self.tile::<S, PIECES, _>(simd, links, &pieces);
        }
    }

    /// Columns from `column` on, `R` registers of them at a time, as long as there are so many. Rows that fill no tile are
    /// `left`.
    #[inline(always)]
    fn bands<S: Simd, const N: usize, const R: usize>(
        &mut self,
        simd: S,
        links: &[Link],
        [rows, lanes]: [usize; 2],
        mut column: usize,
        left: &mut SmallVec<[Piece; 16]>,
    ) -> usize {
        let register = T::lanes::<S>();
        while column + R * register <= lanes {
            let mut row = 0;
            while row + N / R <= rows {
                self.tile::<S, N, _>(simd, links, &Band::<R> { row, column });
                row += N / R;
            }
            while R == PIECES && row < rows {
                self.tile::<S, R, _>(simd, links, &Band::<R> { row, column });
                row += 1;
            }
            for row in row..rows {
                left.extend((0..R).map(|k| Piece { row, column: column + k * register, lanes: register }));
            }
            column += R * register;
        }
        column
    }

    /// Whether all that the links read and write can be walked as one row.
    #[inline(always)]
    fn is_flat(&self, links: &[Link]) -> bool {
        let mut flat = true;
        for link in links {
            for argument in &link.arguments {
                flat &= match *argument {
                    Argument::Read(k) => {
                        let read = &self.reads[k];
                        read.is_flat(self.lanes) || (read.number && read.step == 0)
                    }
                    Argument::Written(k) => self.writes[k].step == self.lanes,
                    Argument::Temporary(_) | Argument::Last => true,
                };
            }
            flat &= link.write.is_none_or(|k| self.writes[k].step == self.lanes);
        }
        flat
    }

    #[inline(always)]
    fn tile<S: Simd, const N: usize, P: Tile<N>>(&mut self, simd: S, links: &[Link], at: &P) {
        let mut last = [Vector::splat(simd, T::zero()); N];
        for link in links {
            last = match &link.function {
                Function::Sum(coefficients) => self.sum(simd, link, coefficients, at, &last),
                Function::Product(alpha) => self.product(simd, link, T::from_f64(*alpha), at, &last),
                _ => unreachable!("functions run over a strip"),
            };
            if let Some(k) = link.write {
                let write = &mut self.writes[k];
                at.store(simd, &last, write.data, write.step);
            }
            if let Some(k) = link.temporary {
                at.store(simd, &last, &mut self.scratch.temporaries[k], self.lanes);
            }
        }
    }

    #[inline(always)]
    fn enter<S: Simd, const N: usize, P: Tile<N>>(
        &self,
        simd: S,
        argument: Argument,
        at: &P,
        last: &Registers<S, T, N>,
        entry: Entry<S, T>,
        values: &mut Registers<S, T, N>,
    ) {
        match argument {
            Argument::Last => {
                for (value, &x) in values.iter_mut().zip(last) {
                    entry.enter(value, x);
                }
            }
            Argument::Read(k) => at.enter(simd, self.reads[k], entry, values),
            Argument::Temporary(k) => {
                let data = &self.scratch.temporaries[k][..];
                at.enter(simd, Read { data, step: self.lanes, number: false }, entry, values);
            }
            Argument::Written(k) => at.enter(simd, self.writes[k].read(), entry, values),
        }
    }

    #[inline(always)]
    fn sum<S: Simd, const N: usize, P: Tile<N>>(
        &self,
        simd: S,
        link: &Link,
        coefficients: &[f64],
        at: &P,
        last: &Registers<S, T, N>,
    ) -> Registers<S, T, N> {
        let mut sum = [Vector::splat(simd, T::zero()); N];
        for (k, (&argument, &c)) in link.arguments.iter().zip(coefficients).enumerate() {
            let c = Vector::splat(simd, T::from_f64(c));
            if k == 0 {
                self.enter(simd, argument, at, last, Entry::Scaled(c), &mut sum);
            } else {
                self.enter(simd, argument, at, last, Entry::Added(c), &mut sum);
            }
        }
        sum
    }

    #[inline(always)]
    fn product<S: Simd, const N: usize, P: Tile<N>>(
        &self,
        simd: S,
        link: &Link,
        alpha: T,
        at: &P,
        last: &Registers<S, T, N>,
    ) -> Registers<S, T, N> {
        let factor = Vector::splat(simd, alpha);
        let mut value = [factor; N];
        let Some(&first) = link.arguments.first() else { return value };
        let Some(&second) = link.arguments.get(1) else {
            if let Some(old) = self.old(link) {
                at.enter(simd, old, Entry::Alone, &mut value);
                self.enter(simd, first, at, last, Entry::Added(factor), &mut value);
            } else {
                self.enter(simd, first, at, last, Entry::Scaled(factor), &mut value);
            }
            return value;
        };
        self.enter(simd, first, at, last, Entry::Alone, &mut value);
        if let Some(old) = self.old(link) {
            let mut sum = value;
            at.enter(simd, old, Entry::Alone, &mut sum);
            let mut other = value;
            self.enter(simd, second, at, last, Entry::Alone, &mut other);
            for (sum, (x, y)) in sum.iter_mut().zip(value.into_iter().zip(other)) {
                *sum = if alpha == T::one() { x.fused(y, *sum) } else { *sum + factor * (x * y) };
            }
            return sum;
        }
        if alpha == T::one() {
            self.enter(simd, second, at, last, Entry::Times, &mut value);
        } else {
            self.enter(simd, second, at, last, Entry::TimesScaled(factor), &mut value);
        }
        value
    }

    /// What a link goes on from, in iterations of a loop but the first.
    #[inline(always)]
    fn old(&self, link: &Link) -> Option<Read<'_, T>> {
        match link.write {
            Some(k) if link.accumulates && self.goes_on => Some(self.writes[k].read()),
            _ => None,
        }
    }
}
