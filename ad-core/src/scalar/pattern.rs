//! Which derivatives are not zero: a run on sets of variables.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::{vec, vec::Vec};
use core::cell::RefCell;
use core::fmt;

use super::plain::Ground;
use super::{Carrier, Rule, sealed};
use crate::elementary::{Function, Function2, function};
use crate::error::Result;

/// A number that knows which variables it depends on. It has a value too, so that code may branch: a pattern is that of
/// the branches taken.
#[derive(Clone, Copy)]
pub struct Dependent<'p, T: Ground = f64> {
    value: T,
    set: u32,
    /// Constants have none.
    sets: Option<&'p Sets>,
}

/// Sets of variables as bits, each once.
pub(super) struct Sets {
    variables: usize,
    known: RefCell<Known>,
}

#[derive(Default)]
struct Known {
    sets: Vec<Vec<u64>>,
    numbers: BTreeMap<Vec<u64>, u32>,
    /// Unions that were asked for.
    unions: BTreeMap<(u32, u32), u32>,
    /// Pairs of sets of which each two variables act together.
    together: BTreeSet<(u32, u32)>,
}

impl Sets {
    pub(super) fn new(variables: usize) -> Self {
        Sets { variables, known: RefCell::default() }
    }

    fn number(known: &mut Known, set: Vec<u64>) -> u32 {
        let next = known.sets.len() as u32;
        let number = *known.numbers.entry(set.clone()).or_insert(next);
        if number == next {
            known.sets.push(set);
        }
        number
    }

    pub(super) fn variable<T: Ground>(&self, value: T, k: usize) -> Dependent<'_, T> {
        let mut set = vec![0; self.variables.div_ceil(64)];
        set[k / 64] |= 1 << (k % 64);
        let set = Sets::number(&mut self.known.borrow_mut(), set);
        Dependent { value, set, sets: Some(self) }
    }

    fn union(&self, a: u32, b: u32) -> u32 {
        if a == b {
            return a;
        }
        let pair = (a.min(b), a.max(b));
        let known = &mut *self.known.borrow_mut();
        if let Some(&union) = known.unions.get(&pair) {
            return union;
        }
        let both = known.sets[a as usize].iter().zip(&known.sets[b as usize]).map(|(a, b)| a | b).collect();
        let union = Sets::number(known, both);
        known.unions.insert(pair, union);
        union
    }

    fn meet(&self, a: u32, b: u32) {
        self.known.borrow_mut().together.insert((a.min(b), a.max(b)));
    }

    /// The variables in a set.
    pub(super) fn members(&self, set: u32) -> Vec<usize> {
        let known = self.known.borrow();
        let has = |k: &usize| known.sets[set as usize][k / 64] >> (k % 64) & 1 == 1;
        (0..self.variables).filter(has).collect()
    }

    /// For each variable those that it acts together with, not linearly.
    pub(super) fn partners(&self) -> Vec<Vec<usize>> {
        let mut rows: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); self.variables];
        let pairs: Vec<(u32, u32)> = self.known.borrow().together.iter().copied().collect();
        for (a, b) in pairs {
            let (a, b) = (self.members(a), self.members(b));
            for &i in &a {
                for &j in &b {
                    rows[i].insert(j);
                    rows[j].insert(i);
                }
            }
        }
        rows.into_iter().map(|row| row.into_iter().collect()).collect()
    }
}

impl<T: Ground> fmt::Debug for Dependent<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dependent").field("value", &self.value).field("on", &self.variables()).finish()
    }
}

impl<T: Ground> Dependent<'_, T> {
    /// A constant.
    pub const fn fixed(value: T) -> Self {
        Dependent { value, set: 0, sets: None }
    }

    /// The value.
    pub fn value(self) -> T {
        self.value
    }

    /// The variables it depends on.
    pub fn variables(self) -> Vec<usize> {
        self.sets.map_or(Vec::new(), |sets| sets.members(self.set))
    }

    fn joined(self, other: Self, y: T) -> Self {
        match (self.sets, other.sets) {
            (None, _) => Dependent { value: y, ..other },
            (_, None) => Dependent { value: y, ..self },
            (Some(sets), Some(_)) => Dependent { value: y, set: sets.union(self.set, other.set), ..self },
        }
    }

    /// The same variables, each acting together with each.
    fn bent(self, y: T) -> Self {
        if let Some(sets) = self.sets {
            sets.meet(self.set, self.set);
        }
        Dependent { value: y, ..self }
    }
}

impl<T: Ground> sealed::Sealed for Dependent<'_, T> {}

impl<T: Ground> Carrier for Dependent<'_, T> {
    type Inner = T;

    fn fixed(value: T) -> Self {
        Dependent::fixed(value)
    }

    fn inner(self) -> T {
        self.value
    }

    fn moved(self, y: T) -> Self {
        Dependent { value: y, ..self }
    }

    /// With a slope that is a constant.
    fn chain(self, _: &'static str, y: T, _: impl FnOnce() -> Option<T>) -> Self {
        self.moved(y)
    }

    /// With slopes that are constants.
    fn chain2(
        self,
        other: Self,
        _: &'static str,
        y: T,
        _: impl FnOnce() -> Option<T>,
        _: impl FnOnce() -> Option<T>,
    ) -> Self {
        self.joined(other, y)
    }

    fn sum(self, other: Self, y: T) -> Self {
        self.joined(other, y)
    }

    fn difference(self, other: Self, y: T) -> Self {
        self.joined(other, y)
    }

    fn negated(self, y: T) -> Self {
        self.moved(y)
    }

    fn unary<F: Function>(self) -> Self {
        let y = F::value(self.value);
        if T::slope::<F>(self.value, y).is_some() { self.bent(y) } else { Dependent::fixed(y) }
    }

    fn binary<F: Function2>(self, other: Self) -> Self {
        let (a, b) = (self.value, other.value);
        let y = F::value(a, b);
        match [0, 1].map(|k| T::slope2::<F>(k, a, b, y).is_some()) {
            [true, true] => self.joined(other, y).bent(y),
            [true, false] => self.bent(y),
            [false, true] => other.bent(y),
            [false, false] => Dependent::fixed(y),
        }
    }

    fn product(self, other: Self) -> Self {
        if let (Some(sets), Some(_)) = (self.sets, other.sets) {
            sets.meet(self.set, other.set);
        }
        self.joined(other, self.value * other.value)
    }

    fn power(self, n: i32) -> Self {
        self.bent(self.value.powi(n))
    }

    fn ruled<R: Rule>(rule: &R, x: &[Self]) -> Result<Vec<Self>> {
        let values: Vec<T> = x.iter().map(|x| x.value).collect();
        let y = T::apply_rule(rule, &values)?;
        let all = x.iter().fold(Dependent::fixed(T::zero()), |all, &x| all.joined(x, T::zero()));
        Ok(y.into_iter().map(|y| all.bent(y)).collect())
    }

    fn plain_div(self, c: T) -> Self {
        Dependent::fixed(c).binary::<function::Div>(self)
    }

    fn plain_rem(self, c: T) -> Self {
        Dependent::fixed(c).binary::<function::Rem>(self)
    }
}
