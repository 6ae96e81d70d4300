//! Chains of elementwise operations over strips of rows that stay in the nearest cache.
//!
//! A chain runs at its instruction level from end to end: sums and products that follow each other hand their values on in
//! registers, and what else passes between its operations never leaves a few kilobytes of scratch. Every operation gives
//! the bits that it gives alone.

mod registers;
mod strip;

use pulp::{Simd, WithSimd};
use smallvec::SmallVec;

use super::Element;
use super::element::{Kind, Task};
use crate::{Binary, Unary};
use strip::{Read, Strip, Write};

/// Bytes of a value that a strip holds, in whole rows: some values of this size stay in the nearest cache.
const STRIP: usize = 8192;

/// A chain of operations on rows, walked by loops.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chain {
    /// Loops, outermost first; strips are cut from the innermost.
    pub(crate) axes: SmallVec<[ChainAxis; 3]>,
    /// Whether each array that is read has rows, or one number for each.
    pub(crate) rows: SmallVec<[bool; 6]>,
    pub(crate) links: Vec<Link>,
    /// How many values live between links.
    pub(crate) temporaries: usize,
}

/// A loop of a chain: how often, and how far each array moves, in rows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ChainAxis {
    pub(crate) size: usize,
    pub(crate) reads: SmallVec<[usize; 6]>,
    pub(crate) writes: SmallVec<[usize; 2]>,
}

/// One operation of a chain.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) function: Function,
    pub(crate) arguments: SmallVec<[Argument; 4]>,
    /// The array that is written, if any.
    pub(crate) write: Option<usize>,
    /// The temporary that is set, if later links read the value.
    pub(crate) temporary: Option<usize>,
    /// Goes on from what is there, in iterations of a loop but the first.
    pub(crate) accumulates: bool,
}

/// What a link computes.
#[derive(Clone, Debug)]
pub(crate) enum Function {
    Unary(Unary),
    Binary(Binary),
    /// `a` where the mask is not zero, else `b`.
    Select,
    /// `sum_i c_i x_i`, in order.
    Sum(SmallVec<[f64; 4]>),
    /// `alpha` times the product of at most two arguments.
    Product(f64),
}

impl Function {
    /// Whether it is computed in registers, with its neighbours.
    fn is_arithmetic(&self) -> bool {
        matches!(self, Function::Sum(_) | Function::Product(_))
    }
}

/// What a link reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Argument {
    Read(usize),
    Temporary(usize),
    /// The value of the link before, in registers.
    Last,
    /// What an earlier link has written.
    Written(usize),
}

/// Memory for the values between links.
#[derive(Clone, Debug, Default)]
pub(crate) struct StripScratch<T> {
    temporaries: Vec<Vec<T>>,
    /// Arguments, and a result, whose rows do not follow each other where they lie.
    filled: [Vec<T>; 3],
    result: Vec<T>,
}

impl<T> StripScratch<T> {
    /// Where the value of a link lies before it is written.
    fn home(&mut self, link: &Link) -> &mut Vec<T> {
        match link.temporary {
            Some(k) => &mut self.temporaries[k],
            None => &mut self.result,
        }
    }
}

impl Chain {
    /// The chain of `links` whose values lie in `temporaries` places. What is written anyway is read where it is written, and
    /// what an arithmetic link reads of the arithmetic link before it stays in registers: only what else is read keeps its
    /// place.
    pub(crate) fn new(
        axes: SmallVec<[ChainAxis; 3]>,
        rows: SmallVec<[bool; 6]>,
        mut links: Vec<Link>,
        temporaries: usize,
    ) -> Chain {
        for n in 1..links.len() {
            let (before, after) = links.split_at_mut(n);
            let link = &mut before[n - 1];
            let Some(place) = link.temporary else { continue };
            // From there on the place is another's.
            let end = after.iter().position(|link| link.temporary == Some(place)).unwrap_or(after.len());
            let registers = link.function.is_arithmetic() && after[0].function.is_arithmetic();
            let mut is_read = false;
            for (k, reader) in after[..end].iter_mut().enumerate() {
                for argument in reader.arguments.iter_mut().filter(|a| **a == Argument::Temporary(place)) {
                    match link.write {
                        _ if k == 0 && registers => *argument = Argument::Last,
                        Some(w) => *argument = Argument::Written(w),
                        None => is_read = true,
                    }
                }
            }
            if !is_read {
                link.temporary = None;
            }
        }
        Chain { axes, rows, links, temporaries }
    }
}

/// The arrays that a chain runs on.
pub(crate) struct ChainRun<'a, 'y, T> {
    pub(crate) chain: &'a Chain,
    pub(crate) reads: &'a [&'a [T]],
    pub(crate) writes: &'a mut [&'y mut [T]],
    pub(crate) scratch: &'a mut StripScratch<T>,
    /// Elements of a row, and from one row to the next.
    pub(crate) lanes: usize,
    pub(crate) scale: usize,
    pub(crate) goes_on: bool,
}

/// Elements of a strip.
const fn strip<T>() -> usize {
    STRIP / size_of::<T>()
}

/// Runs a chain.
pub(crate) fn chain<T: Element>(run: ChainRun<'_, '_, T>) {
    let size = run.lanes.max(strip::<T>());
    let StripScratch { temporaries, filled, result } = &mut *run.scratch;
    temporaries.resize_with(temporaries.len().max(run.chain.temporaries), Vec::new);
    for rows in temporaries[..run.chain.temporaries].iter_mut().chain(filled).chain([result]) {
        if rows.len() < size {
            rows.resize(size, T::zero());
        }
    }
    T::run(Task(Kind::Chain(run)));
}

impl<T: Element> WithSimd for ChainRun<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let Some((inner, outer)) = self.chain.axes.split_last() else { return };
        let strip = (strip::<T>() / self.lanes.max(1)).clamp(1, inner.size.max(1));
        if self.chain.axes.iter().any(|axis| axis.size == 0) {
            return;
        }
        let mut index: SmallVec<[usize; 8]> = SmallVec::from_elem(0, outer.len());
        let mut reads: SmallVec<[usize; 32]> = SmallVec::from_elem(0, self.reads.len());
        let mut writes: SmallVec<[usize; 24]> = SmallVec::from_elem(0, self.writes.len());
        loop {
            let mut first = 0;
            while first < inner.size {
                let rows = strip.min(inner.size - first);
                self.strip(simd, inner, first, rows, &reads, &writes);
                first += rows;
            }
            // The next values of the outer indices, or the first ones again.
            let Some(level) = (0..outer.len()).rfind(|&level| index[level] + 1 < outer[level].size) else {
                return;
            };
            index[level] += 1;
            index[level + 1..].fill(0);
            let places = [(&mut reads[..], 0), (&mut writes[..], 1)];
            for (places, kind) in places {
                for (k, place) in places.iter_mut().enumerate() {
                    let step = |axis: &ChainAxis| if kind == 0 { axis.reads[k] } else { axis.writes[k] };
                    *place = index.iter().zip(outer).map(|(i, axis)| i * step(axis)).sum();
                }
            }
        }
    }
}

impl<T: Element> ChainRun<'_, '_, T> {
    /// All links on `rows` rows from row `first` of the innermost loop, which begins at the rows `reads` and `writes` of
    /// the arrays.
    #[inline(always)]
    fn strip<S: Simd>(
        &mut self,
        simd: S,
        inner: &ChainAxis,
        first: usize,
        rows: usize,
        reads: &[usize],
        writes: &[usize],
    ) {
        let mut from: SmallVec<[Read<'_, T>; 32]> = SmallVec::new();
        for (k, data) in self.reads.iter().enumerate() {
            let number = !self.chain.rows[k];
            let unit = if number { 1 } else { self.scale };
            let start = (reads[k] + first * inner.reads[k]) * unit;
            from.push(Read { data: &data[start..], step: inner.reads[k] * unit, number });
        }
        let mut to: SmallVec<[Write<'_, T>; 24]> = SmallVec::new();
        for (k, data) in self.writes.iter_mut().enumerate() {
            let start = (writes[k] + first * inner.writes[k]) * self.scale;
            to.push(Write { data: &mut data[start..], step: inner.writes[k] * self.scale });
        }
        let scratch = &mut *self.scratch;
        let mut strip =
            Strip { reads: &from, writes: &mut to, scratch, rows, lanes: self.lanes, goes_on: self.goes_on };
        let mut links = &self.chain.links[..];
        while let Some((link, others)) = links.split_first() {
            if link.function.is_arithmetic() {
                let count = 1 + others.iter().take_while(|link| link.function.is_arithmetic()).count();
                strip.arithmetic(simd, &links[..count]);
                links = &links[count..];
            } else {
                strip.function(simd, link);
                links = others;
            }
        }
    }
}
