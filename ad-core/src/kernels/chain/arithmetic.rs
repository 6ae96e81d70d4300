//! Sums and products: each goes over its strip in one pass, which stays in the nearest cache.

use pulp::Simd;

use super::strip::{Read, Strip, Write};
use super::{Argument, Arithmetic, Function, Link};
use crate::kernels::Element;
use crate::kernels::simd::{Vector, load, store};

/// An operand within one row.
trait Source: Copy {
    /// One register, or one of each of two operands.
    type Item;
    /// Whole registers.
    fn registers(&self) -> impl Iterator<Item = Self::Item>;
    /// What fills no register.
    fn rest(&self) -> Self::Item;
}

impl<S: Simd, T: Element> Source for (S, &[T]) {
    type Item = Vector<S, T>;

    #[inline(always)]
    fn registers(&self) -> impl Iterator<Item = Vector<S, T>> {
        T::registers::<S>(self.1).0.iter().map(|&x| Vector::new(self.0, x))
    }

    #[inline(always)]
    fn rest(&self) -> Vector<S, T> {
        let [x] = load(self.0, T::registers::<S>(self.1).1);
        x
    }
}

/// One number for the whole row.
impl<S: Simd, T: Element> Source for Vector<S, T> {
    type Item = Vector<S, T>;

    #[inline(always)]
    fn registers(&self) -> impl Iterator<Item = Vector<S, T>> {
        std::iter::repeat(*self)
    }

    #[inline(always)]
    fn rest(&self) -> Vector<S, T> {
        *self
    }
}

/// Two operands.
#[derive(Clone, Copy)]
struct Both<A, B>(A, B);

impl<A: Source, B: Source> Source for Both<A, B> {
    type Item = (A::Item, B::Item);

    #[inline(always)]
    fn registers(&self) -> impl Iterator<Item = Self::Item> {
        self.0.registers().zip(self.1.registers())
    }

    #[inline(always)]
    fn rest(&self) -> Self::Item {
        (self.0.rest(), self.1.rest())
    }
}

/// Rows that are read or written together.
#[derive(Clone, Copy)]
struct Pass<S> {
    simd: S,
    rows: usize,
    lanes: usize,
}

impl<S: Simd> Pass<S> {
    /// `y = f(y, a, b)`.
    #[inline(always)]
    fn pass<T: Element>(
        self,
        y: &mut Write<'_, T>,
        [a, b]: [Read<'_, T>; 2],
        f: impl Fn(Vector<S, T>, Vector<S, T>, Vector<S, T>) -> Vector<S, T>,
    ) {
        match (a.number, b.number) {
            (false, false) => self.rows(y, |k| self.line(a, k), |k| self.line(b, k), &f),
            (false, true) => self.rows(y, |k| self.line(a, k), |k| self.number(b, k), &f),
            (true, false) => self.rows(y, |k| self.number(a, k), |k| self.line(b, k), &f),
            (true, true) => self.rows(y, |k| self.number(a, k), |k| self.number(b, k), &f),
        }
    }

    /// `y = f(a, b, c)`, of which at most one is a number.
    #[inline(always)]
    fn pass_of_three<T: Element>(
        self,
        y: &mut Write<'_, T>,
        [a, b, c]: [Read<'_, T>; 3],
        f: impl Fn(Vector<S, T>, Vector<S, T>, Vector<S, T>) -> Vector<S, T>,
    ) {
        let f = |_, (a, b), c| f(a, b, c);
        let (x, z) = (|k| Both(self.line(a, k), self.line(b, k)), |k| self.line(c, k));
        if a.number {
            self.rows(y, |k| Both(self.number(a, k), self.line(b, k)), z, &f);
        } else if b.number {
            self.rows(y, |k| Both(self.line(a, k), self.number(b, k)), z, &f);
        } else if c.number {
            self.rows(y, x, |k| self.number(c, k), &f);
        } else {
            self.rows(y, x, z, &f);
        }
    }

    #[inline(always)]
    fn line<T: Element>(self, x: Read<'_, T>, row: usize) -> (S, &[T]) {
        (self.simd, &x.data[row * x.step..][..self.lanes])
    }

    #[inline(always)]
    fn number<T: Element>(self, x: Read<'_, T>, row: usize) -> Vector<S, T> {
        Vector::splat(self.simd, x.data[row * x.step])
    }

    #[inline(always)]
    fn rows<T: Element, A: Source, B: Source>(
        self,
        y: &mut Write<'_, T>,
        a: impl Fn(usize) -> A,
        b: impl Fn(usize) -> B,
        f: &impl Fn(Vector<S, T>, A::Item, B::Item) -> Vector<S, T>,
    ) {
        for row in 0..self.rows {
            self.row(&mut y.data[row * y.step..][..self.lanes], a(row), b(row), f);
        }
    }

    #[inline(always)]
    fn row<T: Element, A: Source, B: Source>(
        self,
        y: &mut [T],
        a: A,
        b: B,
        f: &impl Fn(Vector<S, T>, A::Item, B::Item) -> Vector<S, T>,
    ) {
        let (body, rest) = T::registers_mut::<S>(y);
        for (y, (x, z)) in body.iter_mut().zip(a.registers().zip(b.registers())) {
            *y = f(Vector::new(self.simd, *y), x, z).register();
        }
        if !rest.is_empty() {
            let [old] = load(self.simd, rest);
            store(self.simd, &[f(old, a.rest(), b.rest())], rest);
        }
    }
}

impl<T: Element> Strip<'_, '_, T> {
    /// Runs a link that is a sum or a product.
    #[inline(always)]
    pub(super) fn arithmetic<S: Simd>(&mut self, simd: S, link: &Link) {
        let mut own = std::mem::take(self.scratch.home(link));
        let (written, writes) = self.writes.split_at_mut(link.write.unwrap_or(self.writes.len()));
        let mut y = match writes.first_mut() {
            Some(write) => Write { data: &mut *write.data, step: write.step },
            None => Write { data: &mut own[..], step: self.lanes },
        };
        let scratch = &*self.scratch;
        let x = |k: usize| match link.arguments[k] {
            Argument::Read(k) => self.reads[k],
            Argument::Temporary(k) => Read { data: &scratch.temporaries[k], step: self.lanes, number: false },
            Argument::Written(k) => written[k].read(),
        };
        let even = |x: Read<'_, T>| x.step == if x.number { 0 } else { self.lanes };
        let count = link.arguments.len();
        let flat = y.step == self.lanes && (0..count).all(|k| even(x(k)));
        let [rows, lanes] = if flat { [1, self.rows * self.lanes] } else { [self.rows, self.lanes] };
        let pass = Pass { simd, rows, lanes };
        match &link.function {
            Function::Sum(coefficients) => pass.sum(coefficients, x, &mut y),
            Function::Product(alpha) => {
                let goes_on = link.accumulates && self.goes_on && link.write.is_some();
                pass.product(T::from_f64(*alpha), count, x, &mut y, goes_on);
            }
            Function::Pair { first, second, at } => {
                pass.pair([*first, *second], *at, [x(0), x(1), x(2)], &mut y);
            }
            _ => unreachable!("functions are applied to a strip"),
        }
        *self.scratch.home(link) = own;
    }
}

impl<S: Simd> Pass<S> {
    /// `y = sum_k c_k x_k`, in order.
    #[inline(always)]
    fn sum<'x, T: Element>(
        self,
        coefficients: &[f64],
        x: impl Fn(usize) -> Read<'x, T>,
        y: &mut Write<'_, T>,
    ) {
        let c = |k: usize| Vector::splat(self.simd, T::from_f64(coefficients[k]));
        let first = c(0);
        if coefficients.len() > 1 {
            let second = c(1);
            self.pass(y, [x(0), x(1)], |_, a, b| second.fused(b, first * a));
        } else {
            self.pass(y, [x(0), x(0)], |_, a, _| first * a);
        }
        for k in 2..coefficients.len() {
            let c = c(k);
            self.pass(y, [x(k), x(k)], |sum, a, _| c.fused(a, sum));
        }
    }

    /// `y = second(first(x_0, x_1), x_2)`, or with the arguments of `second` the other way round where `at` is 1.
    #[inline(always)]
    fn pair<T: Element>(
        self,
        [first, second]: [Arithmetic; 2],
        at: usize,
        x: [Read<'_, T>; 3],
        y: &mut Write<'_, T>,
    ) {
        let number = |c: f64| Vector::splat(self.simd, T::from_f64(c));
        match (first, second, at) {
            (Arithmetic::Product(p), Arithmetic::Product(q), _) => {
                let [p, q] = [p, q].map(number);
                self.pass_of_three(y, x, |a, b, c| q * (p * (a * b) * c));
            }
            (Arithmetic::Product(p), Arithmetic::Sum(q), 0) => {
                let (p, q) = (number(p), q.map(number));
                self.pass_of_three(y, x, |a, b, c| q[1].fused(c, q[0] * (p * (a * b))));
            }
            (Arithmetic::Product(p), Arithmetic::Sum(q), _) => {
                let (p, q) = (number(p), q.map(number));
                self.pass_of_three(y, x, |a, b, c| q[1].fused(p * (a * b), q[0] * c));
            }
            (Arithmetic::Sum(p), Arithmetic::Product(q), _) => {
                let (p, q) = (p.map(number), number(q));
                self.pass_of_three(y, x, |a, b, c| q * (p[1].fused(b, p[0] * a) * c));
            }
            (Arithmetic::Sum(p), Arithmetic::Sum(q), 0) => {
                let [p, q] = [p, q].map(|c| c.map(number));
                self.pass_of_three(y, x, |a, b, c| q[1].fused(c, q[0] * p[1].fused(b, p[0] * a)));
            }
            (Arithmetic::Sum(p), Arithmetic::Sum(q), _) => {
                let [p, q] = [p, q].map(|c| c.map(number));
                self.pass_of_three(y, x, |a, b, c| q[1].fused(p[1].fused(b, p[0] * a), q[0] * c));
            }
        }
    }

    /// `y = alpha` times the product of at most two arguments, on top of the old `y` if it `goes_on`.
    #[inline(always)]
    fn product<'x, T: Element>(
        self,
        alpha: T,
        count: usize,
        x: impl Fn(usize) -> Read<'x, T>,
        y: &mut Write<'_, T>,
        goes_on: bool,
    ) {
        let c = Vector::splat(self.simd, alpha);
        match (count, goes_on, alpha == T::one()) {
            (0, ..) => {
                let alpha = Read { data: &[alpha], step: 0, number: true };
                self.pass(y, [alpha, alpha], |_, a, _| a);
            }
            (1, false, _) => self.pass(y, [x(0), x(0)], |_, a, _| c * a),
            (1, true, _) => self.pass(y, [x(0), x(0)], |old, a, _| c.fused(a, old)),
            (_, false, true) => self.pass(y, [x(0), x(1)], |_, a, b| a * b),
            (_, false, false) => self.pass(y, [x(0), x(1)], |_, a, b| c * (a * b)),
            (_, true, true) => self.pass(y, [x(0), x(1)], |old, a, b| a.fused(b, old)),
            (_, true, false) => self.pass(y, [x(0), x(1)], |old, a, b| old + c * (a * b)),
        }
    }
}
