//! Chains of elementwise operations over strips of rows that stay in the nearest cache.
//!
//! A chain runs at its instruction level from end to end: values between its operations never leave a few kilobytes of
//! scratch. Every operation gives the bits that it gives alone.

use pulp::{Simd, WithSimd};
use smallvec::SmallVec;

use super::Element;
use super::element::{Kind, Task};
use super::elementwise::{Map, Zip};
use super::simd::Vector;
use crate::{Binary, Unary};

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

/// What a link reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Argument {
    Read(usize),
    Temporary(usize),
}

/// Memory for the values between links.
#[derive(Clone, Debug, Default)]
pub(crate) struct StripScratch<T> {
    temporaries: Vec<Vec<T>>,
    filled: [Vec<T>; 3],
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
    run.scratch.temporaries.resize_with(run.scratch.temporaries.len().max(run.chain.temporaries), Vec::new);
    for temporary in
        run.scratch.temporaries[..run.chain.temporaries].iter_mut().chain(&mut run.scratch.filled)
    {
        if temporary.len() < size {
            temporary.resize(size, T::zero());
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

/// An argument in a strip: rows, or one number for each row.
#[derive(Clone, Copy)]
struct Rows<'a, T> {
    data: &'a [T],
    /// Elements from one row to the next.
    step: usize,
    number: bool,
}

/// What a link writes in a strip.
struct RowsMut<'a, T> {
    data: &'a mut [T],
    step: usize,
    rows: usize,
    lanes: usize,
}

impl<T: Element> ChainRun<'_, '_, T> {
    /// All links on `rows` rows from row `first` of the innermost loop.
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
        let (lanes, scale) = (self.lanes, self.scale);
        for link in &self.chain.links {
            let mut own = link.temporary.map(|t| std::mem::take(&mut self.scratch.temporaries[t]));
            let mut filled = std::mem::take(&mut self.scratch.filled);
            let temporaries = &self.scratch.temporaries;
            let argument = |k: usize| match link.arguments[k] {
                Argument::Read(r) => {
                    let number = !self.chain.rows[r];
                    let unit = if number { 1 } else { scale };
                    let start = (reads[r] + first * inner.reads[r]) * unit;
                    Rows { data: &self.reads[r][start..], step: inner.reads[r] * unit, number }
                }
                Argument::Temporary(t) => Rows { data: &temporaries[t], step: lanes, number: false },
            };
            let onto = link.accumulates && self.goes_on;
            let to = |w: usize| ((writes[w] + first * inner.writes[w]) * scale, inner.writes[w] * scale);
            match (&mut own, link.write) {
                (Some(own), write) => {
                    let y = RowsMut { data: own, step: lanes, rows, lanes };
                    apply(simd, link, argument, y, &mut filled, false);
                    if let Some(w) = write {
                        let (start, step) = to(w);
                        let y = RowsMut { data: &mut self.writes[w][start..], step, rows, lanes };
                        let x = Rows { data: own, step: lanes, number: false };
                        pass(simd, &Scale(T::one()), x, y, false);
                    }
                }
                (None, Some(w)) => {
                    let (start, step) = to(w);
                    let y = RowsMut { data: &mut self.writes[w][start..], step, rows, lanes };
                    apply(simd, link, argument, y, &mut filled, onto);
                }
                (None, None) => {}
            }
            if let (Some(own), Some(t)) = (own, link.temporary) {
                self.scratch.temporaries[t] = own;
            }
            self.scratch.filled = filled;
        }
    }
}

/// `y = link(arguments)`.
#[inline(always)]
fn apply<'a, S: Simd, T: Element>(
    simd: S,
    link: &Link,
    argument: impl Fn(usize) -> Rows<'a, T>,
    mut y: RowsMut<'_, T>,
    filled: &mut [Vec<T>; 3],
    onto: bool,
) {
    match &link.function {
        Function::Product(alpha) => {
            let alpha = T::from_f64(*alpha);
            match link.arguments.len() {
                0 => y.fill(alpha),
                1 => pass(simd, &Scale(alpha), argument(0), y, onto),
                _ if alpha == T::one() => pass_two(simd, &Times, argument(0), argument(1), y, onto),
                _ => pass_two(simd, &TimesScaled(alpha), argument(0), argument(1), y, onto),
            }
        }
        Function::Sum(c) => {
            let c = |k: usize| T::from_f64(c[k]);
            match link.arguments.len() {
                0 => y.fill(T::zero()),
                1 => pass(simd, &Scale(c(0)), argument(0), y, false),
                n => {
                    pass_two(simd, &Combine(c(0), c(1)), argument(0), argument(1), y.again(), false);
                    for k in 2..n {
                        pass(simd, &Scale(c(k)), argument(k), y.again(), true);
                    }
                }
            }
        }
        Function::Unary(f) => {
            let x = argument(0);
            if x.is_flat(y.lanes) && y.is_flat() {
                let n = y.rows * y.lanes;
                Map { f: *f, x: Some(&x.data[..n]), y: &mut y.data[..n] }.with_simd(simd);
            } else {
                pass(simd, &Scale(T::one()), x, y.again(), false);
                for r in 0..y.runs() {
                    Map { f: *f, x: None, y: y.run(r) }.with_simd(simd);
                }
            }
        }
        Function::Binary(f) => {
            let [first, second, _] = filled;
            let (a, b) = (argument(0).flattened(simd, &y, first), argument(1).flattened(simd, &y, second));
            for r in 0..y.runs() {
                let y = y.run(r);
                let at = r * y.len();
                Zip { f: *f, a: &a[at..][..y.len()], b: &b[at..][..y.len()], y }.with_simd(simd);
            }
        }
        Function::Select => {
            let [first, second, third] = filled;
            let mask = argument(0).flattened(simd, &y, first);
            let (a, b) = (argument(1).flattened(simd, &y, second), argument(2).flattened(simd, &y, third));
            for r in 0..y.runs() {
                let y = y.run(r);
                let at = r * y.len();
                let pairs = a[at..][..y.len()].iter().zip(&b[at..][..y.len()]);
                for (y, (&mask, (&a, &b))) in y.iter_mut().zip(mask[at..].iter().zip(pairs)) {
                    *y = if mask == T::zero() { b } else { a };
                }
            }
        }
    }
}

impl<'a, T: Element> Rows<'a, T> {
    #[inline(always)]
    fn is_flat(&self, lanes: usize) -> bool {
        !self.number && self.step == lanes
    }

    /// The rows one behind the other, copied to `filled` if they lie otherwise.
    #[inline(always)]
    fn flattened<S: Simd>(self, simd: S, y: &RowsMut<'_, T>, filled: &'a mut Vec<T>) -> &'a [T] {
        let n = y.rows * y.lanes;
        if self.is_flat(y.lanes) {
            return &self.data[..n];
        }
        let to = RowsMut { data: filled, step: y.lanes, rows: y.rows, lanes: y.lanes };
        pass(simd, &Scale(T::one()), self, to, false);
        &filled[..n]
    }
}

impl<T: Element> RowsMut<'_, T> {
    #[inline(always)]
    fn again(&mut self) -> RowsMut<'_, T> {
        RowsMut { data: self.data, step: self.step, rows: self.rows, lanes: self.lanes }
    }

    #[inline(always)]
    fn is_flat(&self) -> bool {
        self.step == self.lanes || self.rows == 1
    }

    #[inline(always)]
    fn fill(mut self, x: T) {
        for r in 0..self.runs() {
            self.run(r).fill(x);
        }
    }

    /// How many stretches the rows are: one where they follow each other.
    #[inline(always)]
    fn runs(&self) -> usize {
        if self.is_flat() { 1 } else { self.rows }
    }

    #[inline(always)]
    fn run(&mut self, r: usize) -> &mut [T] {
        let length = if self.is_flat() { self.rows * self.lanes } else { self.lanes };
        &mut self.data[r * self.step..][..length]
    }
}

/// A function of two registers; one of a single argument looks at the first. A trait and no closure, because its body must
/// be inlined into the code of its level.
trait Lanewise<T: Element> {
    /// The value.
    fn at<S: Simd>(&self, a: Vector<S, T>, b: Vector<S, T>) -> Vector<S, T>;
    /// The value on top of `old`.
    fn onto<S: Simd>(&self, a: Vector<S, T>, b: Vector<S, T>, old: Vector<S, T>) -> Vector<S, T>;
}

/// `c a`.
struct Scale<T>(T);
/// `a b`.
struct Times;
/// `alpha (a b)`.
struct TimesScaled<T>(T);
/// `c a + d b`.
struct Combine<T>(T, T);

impl<T: Element> Lanewise<T> for Scale<T> {
    #[inline(always)]
    fn at<S: Simd>(&self, a: Vector<S, T>, _: Vector<S, T>) -> Vector<S, T> {
        a.constant(self.0) * a
    }
    #[inline(always)]
    fn onto<S: Simd>(&self, a: Vector<S, T>, _: Vector<S, T>, old: Vector<S, T>) -> Vector<S, T> {
        a.constant(self.0).fused(a, old)
    }
}

impl<T: Element> Lanewise<T> for Times {
    #[inline(always)]
    fn at<S: Simd>(&self, a: Vector<S, T>, b: Vector<S, T>) -> Vector<S, T> {
        a * b
    }
    #[inline(always)]
    fn onto<S: Simd>(&self, a: Vector<S, T>, b: Vector<S, T>, old: Vector<S, T>) -> Vector<S, T> {
        a.fused(b, old)
    }
}

impl<T: Element> Lanewise<T> for TimesScaled<T> {
    #[inline(always)]
    fn at<S: Simd>(&self, a: Vector<S, T>, b: Vector<S, T>) -> Vector<S, T> {
        a.constant(self.0) * (a * b)
    }
    #[inline(always)]
    fn onto<S: Simd>(&self, a: Vector<S, T>, b: Vector<S, T>, old: Vector<S, T>) -> Vector<S, T> {
        old + a.constant(self.0) * (a * b)
    }
}

impl<T: Element> Lanewise<T> for Combine<T> {
    #[inline(always)]
    fn at<S: Simd>(&self, a: Vector<S, T>, b: Vector<S, T>) -> Vector<S, T> {
        b.constant(self.1).fused(b, a.constant(self.0) * a)
    }
    #[inline(always)]
    fn onto<S: Simd>(&self, a: Vector<S, T>, b: Vector<S, T>, old: Vector<S, T>) -> Vector<S, T> {
        old + self.at(a, b)
    }
}

/// `y = f(a)` row by row, on top of `y` if `onto`.
#[inline(always)]
fn pass<S: Simd, T: Element>(simd: S, f: &impl Lanewise<T>, a: Rows<'_, T>, y: RowsMut<'_, T>, onto: bool) {
    pass_two(simd, f, a, a, y, onto);
}

/// `y = f(a, b)` row by row, on top of `y` if `onto`.
#[inline(always)]
fn pass_two<S: Simd, T: Element>(
    simd: S,
    f: &impl Lanewise<T>,
    a: Rows<'_, T>,
    b: Rows<'_, T>,
    y: RowsMut<'_, T>,
    onto: bool,
) {
    if onto {
        pass_rows::<S, T, _, true>(simd, f, a, b, y);
    } else {
        pass_rows::<S, T, _, false>(simd, f, a, b, y);
    }
}

/// See [`pass_two`]. Closures are not always inlined into the code of an instruction level, and small arrays of rows go
/// through memory: so all is spelled out.
#[inline(always)]
fn pass_rows<S: Simd, T: Element, F: Lanewise<T>, const ONTO: bool>(
    simd: S,
    f: &F,
    a: Rows<'_, T>,
    b: Rows<'_, T>,
    mut y: RowsMut<'_, T>,
) {
    let y = &mut y;
    let follows = |x: Rows<'_, T>| x.is_flat(y.lanes) || (x.number && x.step == 0);
    let flat = y.is_flat() && (y.rows == 1 || (follows(a) && follows(b)));
    let (rows, lanes) = if flat { (1, y.rows * y.lanes) } else { (y.rows, y.lanes) };
    let whole = lanes / T::lanes::<S>() * T::lanes::<S>();
    for r in 0..rows {
        let row = &mut y.data[r * y.step..][..lanes];
        let (a_row, b_row) = (&a.data[r * a.step..], &b.data[r * b.step..]);
        {
            let y = T::registers_mut::<S>(&mut row[..whole]).0;
            match (a.number, b.number) {
                (false, false) => {
                    let (a, b) = (T::registers::<S>(&a_row[..whole]).0, T::registers::<S>(&b_row[..whole]).0);
                    for (y, (&a, &b)) in y.iter_mut().zip(a.iter().zip(b)) {
                        set::<S, T, F, ONTO>(f, Vector::new(simd, a), Vector::new(simd, b), y, simd);
                    }
                }
                (false, true) => {
                    let (a, b) = (T::registers::<S>(&a_row[..whole]).0, Vector::splat(simd, b_row[0]));
                    for (y, &a) in y.iter_mut().zip(a) {
                        set::<S, T, F, ONTO>(f, Vector::new(simd, a), b, y, simd);
                    }
                }
                (true, false) => {
                    let (a, b) = (Vector::splat(simd, a_row[0]), T::registers::<S>(&b_row[..whole]).0);
                    for (y, &b) in y.iter_mut().zip(b) {
                        set::<S, T, F, ONTO>(f, a, Vector::new(simd, b), y, simd);
                    }
                }
                (true, true) => {
                    let (a, b) = (Vector::splat(simd, a_row[0]), Vector::splat(simd, b_row[0]));
                    for y in y {
                        set::<S, T, F, ONTO>(f, a, b, y, simd);
                    }
                }
            }
        }
        if whole < lanes {
            let a = rest(simd, a.number, a_row, whole, lanes);
            let b = rest(simd, b.number, b_row, whole, lanes);
            let row = &mut row[whole..];
            let mut value = T::load(simd, row);
            set::<S, T, F, ONTO>(f, a, b, &mut value, simd);
            T::store(simd, row, value);
        }
    }
}

/// The function at one register.
#[inline(always)]
fn set<S: Simd, T: Element, F: Lanewise<T>, const ONTO: bool>(
    f: &F,
    a: Vector<S, T>,
    b: Vector<S, T>,
    y: &mut T::Register<S>,
    simd: S,
) {
    *y = if ONTO { f.onto(a, b, Vector::new(simd, *y)) } else { f.at(a, b) }.register();
}

/// The lanes of a row beyond its last whole register.
#[inline(always)]
fn rest<S: Simd, T: Element>(simd: S, number: bool, row: &[T], whole: usize, lanes: usize) -> Vector<S, T> {
    if number { Vector::splat(simd, row[0]) } else { Vector::new(simd, T::load(simd, &row[whole..lanes])) }
}
