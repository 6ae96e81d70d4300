//! Chains of elementwise operations over strips of rows that stay in the nearest cache.
//!
//! A chain runs at its instruction level from end to end. Each operation goes over a strip in one pass, and what passes
//! between operations never leaves a few kilobytes of scratch. Every operation gives the bits that it gives alone.

mod arithmetic;
mod merge;
mod strip;

use pulp::{Simd, WithSimd};
use smallvec::SmallVec;

use super::Element;
use super::aligned::Aligned;
use super::element::{Kind, Task};
use crate::{Binary, Unary};
pub(crate) use merge::Arithmetic;
use merge::merge;
use strip::{Read, Strip, Write};

/// Bytes of a value that a strip holds, in whole rows or a part of one: some values of this size stay in the nearest cache.
const STRIP: usize = 8192;

/// The most links of a chain, and so of the arrays that it writes.
pub(crate) const LONGEST: usize = 24;

/// Arrays that an instruction reads; more than any but the strangest chain has, so that nothing is allocated for them.
pub(crate) const OPERANDS: usize = 32;

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
    /// The place that is set, if later links read the value there: found by [`Chain::new`].
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
    /// `second` of the third argument and `first` of the others, which is its argument `at`. Made by [`Chain::new`].
    Pair {
        first: Arithmetic,
        second: Arithmetic,
        at: usize,
    },
}

impl Function {
    /// Whether it is a sum or a product.
    fn is_arithmetic(&self) -> bool {
        matches!(self, Function::Sum(_) | Function::Product(_) | Function::Pair { .. })
    }
}

/// What a link reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Argument {
    Read(usize),
    /// The value of an earlier link; once the chain is made, the place where it lies.
    Temporary(usize),
    /// What an earlier link has written.
    Written(usize),
}

/// Memory for the values between links.
#[derive(Clone, Debug, Default)]
pub(crate) struct StripScratch<T> {
    temporaries: Vec<Aligned<T>>,
    /// Arguments, and a result, whose rows do not follow each other where they lie.
    filled: [Aligned<T>; 3],
    result: Aligned<T>,
}

impl<T: Element> StripScratch<T> {
    /// Makes memory for so many values between links, where there is not enough yet.
    fn prepare(&mut self, temporaries: usize) {
        let is_there = |rows: &Aligned<T>| !rows.is_empty();
        if self.temporaries.len() >= temporaries
            && self.temporaries.iter().chain([&self.result]).all(is_there)
        {
            return;
        }
        let all = self.temporaries.len().max(temporaries);
        self.temporaries.resize_with(all, Aligned::default);
        for rows in self.temporaries.iter_mut().chain(&mut self.filled).chain([&mut self.result]) {
            rows.at_least(strip::<T>());
        }
    }

    /// Where the value of a link lies before it is written.
    fn home(&mut self, link: &Link) -> &mut Aligned<T> {
        match link.temporary {
            Some(k) => &mut self.temporaries[k],
            None => &mut self.result,
        }
    }
}

impl Chain {
    /// The chain of `links`. What is written anyway is read where it is written: only what else is read gets a place.
    pub(crate) fn new(axes: SmallVec<[ChainAxis; 3]>, rows: SmallVec<[bool; 6]>, links: Vec<Link>) -> Chain {
        let mut links = merge(links, &rows);
        for n in 1..links.len() {
            let (before, after) = links.split_at_mut(n);
            for argument in &mut after[0].arguments {
                if let Argument::Temporary(value) = *argument
                    && let Some(w) = before[value].write
                {
                    *argument = Argument::Written(w);
                }
            }
        }
        let temporaries = give_places(&mut links);
        Chain { axes, rows, links, temporaries }
    }

    /// Where an array with these steps is in row `row` of the innermost loop, at the place `index` of the others.
    #[inline(always)]
    fn row(&self, index: &[usize], row: usize, step: impl Fn(&ChainAxis) -> usize) -> usize {
        index.iter().chain([&row]).zip(&self.axes).map(|(i, axis)| i * step(axis)).sum()
    }
}

/// Gives a place to each value that later links read as a temporary, and tells how many places there are. A place is
/// taken over once its last reader has read it, but not by that reader.
fn give_places(links: &mut [Link]) -> usize {
    let reads = |link: &Link, value| link.arguments.contains(&Argument::Temporary(value));
    let last_read: Vec<Option<usize>> =
        (0..links.len()).map(|value| links.iter().rposition(|link| reads(link, value))).collect();
    let (mut free, mut count) = (Vec::new(), 0);
    for n in 0..links.len() {
        for k in 0..links[n].arguments.len() {
            if let Argument::Temporary(value) = links[n].arguments[k]
                && let Some(place) = links[value].temporary
            {
                links[n].arguments[k] = Argument::Temporary(place);
            }
        }
        links[n].temporary = last_read[n].map(|_| {
            free.pop().unwrap_or_else(|| {
                count += 1;
                count - 1
            })
        });
        free.extend((0..n).filter(|&m| last_read[m] == Some(n)).filter_map(|m| links[m].temporary));
    }
    count
}

/// The arrays that a chain runs on.
pub(crate) struct ChainRun<'a, 'y, T> {
    pub(crate) chain: &'a Chain,
    pub(crate) reads: &'a [&'a [T]],
    pub(crate) writes: &'a mut [&'y mut [T]],
    pub(crate) scratch: &'a mut StripScratch<T>,
    /// Elements of a row, at least one, and from one row to the next.
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
    run.scratch.prepare(run.chain.temporaries);
    T::run(Task(Kind::Chain(run)));
}

/// Where a strip begins, in rows and in elements of a row, and how far it reaches.
#[derive(Clone, Copy)]
struct Area {
    first: [usize; 2],
    size: [usize; 2],
}

impl<T: Element> WithSimd for ChainRun<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let Some((inner, outer)) = self.chain.axes.split_last() else { return };
        if self.chain.axes.iter().any(|axis| axis.size == 0) {
            return;
        }
        let width = strip::<T>().min(self.lanes);
        let height = strip::<T>() / width;
        let mut index: SmallVec<[usize; 8]> = SmallVec::from_elem(0, outer.len());
        loop {
            for row in (0..inner.size).step_by(height) {
                for column in (0..self.lanes).step_by(width) {
                    let size = [height.min(inner.size - row), width.min(self.lanes - column)];
                    self.strip(simd, inner, Area { first: [row, column], size }, &index);
                }
            }
            // The next values of the outer indices, or the first ones again.
            let Some(level) = (0..outer.len()).rfind(|&level| index[level] + 1 < outer[level].size) else {
                return;
            };
            index[level] += 1;
            index[level + 1..].fill(0);
        }
    }
}

impl<T: Element> ChainRun<'_, '_, T> {
    /// All links on an area of the innermost loop, at this place of the outer ones.
    #[inline(always)]
    fn strip<S: Simd>(&mut self, simd: S, inner: &ChainAxis, area: Area, index: &[usize]) {
        let ([row, column], [rows, lanes]) = (area.first, area.size);
        // What is one row follows itself.
        let step = |step: usize| if rows == 1 { lanes } else { step * self.scale };
        let mut from: SmallVec<[Read<'_, T>; OPERANDS]> = SmallVec::new();
        for (k, data) in self.reads.iter().enumerate() {
            let place = self.chain.row(index, row, |axis| axis.reads[k]);
            from.push(if self.chain.rows[k] {
                let data = &data[place * self.scale + column..];
                Read { data, step: step(inner.reads[k]), number: false }
            } else {
                Read { data: &data[place..], step: if rows == 1 { 0 } else { inner.reads[k] }, number: true }
            });
        }
        let mut to: SmallVec<[Write<'_, T>; LONGEST]> = SmallVec::new();
        for (k, data) in self.writes.iter_mut().enumerate() {
            let place = self.chain.row(index, row, |axis| axis.writes[k]);
            to.push(Write { data: &mut data[place * self.scale + column..], step: step(inner.writes[k]) });
        }
        let scratch = &mut *self.scratch;
        let mut strip = Strip { reads: &from, writes: &mut to, scratch, rows, lanes, goes_on: self.goes_on };
        for link in &self.chain.links {
            if link.function.is_arithmetic() {
                strip.arithmetic(simd, link);
            } else {
                strip.function(simd, link);
            }
        }
    }
}
