//! Reverse mode on a list of one's own, where no thread keeps one.

use alloc::vec::Vec;
use core::fmt;
use core::panic::Location;
use core::ptr;

use super::list::{FOREIGN, List, Tag};
use super::{Carrier, Scalar, sealed};
use crate::error::Result;

/// A value that knows its list and its place there: [`Var`](crate::Var) without a thread-local list, so for `no_std`.
///
/// It borrows the list, so that none outlives its recording. Of the rest that is said of `Var` all is true.
///
/// ```
/// use ad_core::List;
/// let list = List::new();
/// let x = list.variables(&[2.0, 3.0]);
/// let y = x[0] * x[1].ln();
/// assert_eq!(list.gradient(y, &x)?, [3.0_f64.ln(), 2.0 / 3.0]);
/// # Ok::<(), ad_core::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct VarIn<'l, T = f64> {
    value: T,
    tag: Tag,
    /// Constants have none.
    list: Option<&'l List<T>>,
}

impl<T: fmt::Debug> fmt::Debug for VarIn<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VarIn").field("value", &self.value).field("tag", &self.tag).finish_non_exhaustive()
    }
}

impl<T: Scalar> VarIn<'_, T> {
    /// A constant.
    pub const fn fixed(value: T) -> Self {
        VarIn { value, tag: Tag::CONSTANT, list: None }
    }

    /// The value.
    pub fn value(self) -> T {
        self.value
    }

    /// Whether no derivative passes through it.
    pub fn is_constant(self) -> bool {
        self.list.is_none()
    }
}

impl<T: Scalar> List<T> {
    /// A variable: something to differentiate by.
    pub fn variable(&self, value: T) -> VarIn<'_, T> {
        VarIn { value, tag: self.leaf(), list: Some(self) }
    }

    /// A variable for each value.
    pub fn variables(&self, values: &[T]) -> Vec<VarIn<'_, T>> {
        let first = self.leaves(values.len());
        let variable = |(k, &value): (usize, &T)| VarIn { value, tag: first.behind(k), list: Some(self) };
        values.iter().enumerate().map(variable).collect()
    }

    /// The gradient of `output` by `inputs`. It can be called again.
    ///
    /// # Errors
    /// Where numbers of different lists were computed with, or are given here.
    pub fn gradient(&self, output: VarIn<'_, T>, inputs: &[VarIn<'_, T>]) -> Result<Vec<T>> {
        self.pull_back([(output.tag, T::one())].into_iter(), inputs.iter().map(|input| input.tag))
    }
}

impl<T: Scalar> sealed::Sealed for VarIn<'_, T> {}

impl<T: Scalar> Carrier for VarIn<'_, T> {
    type Inner = T;

    #[inline]
    fn fixed(value: T) -> Self {
        VarIn::fixed(value)
    }

    #[inline]
    fn inner(self) -> T {
        self.value
    }

    #[inline]
    fn moved(self, y: T) -> Self {
        VarIn { value: y, ..self }
    }

    #[inline]
    fn chain(self, _: &'static str, y: T, slope: impl FnOnce() -> Option<T>) -> Self {
        let (Some(list), Some(slope)) = (self.list, slope()) else { return VarIn::fixed(y) };
        let tag = list.push1(slope, self.tag.place()).unwrap_or_else(|tag| list.store(tag));
        VarIn { value: y, tag, ..self }
    }

    #[inline]
    #[track_caller]
    fn chain2(
        self,
        other: Self,
        what: &'static str,
        y: T,
        slope: impl FnOnce() -> Option<T>,
        other_slope: impl FnOnce() -> Option<T>,
    ) -> Self {
        let (Some(list), Some(others)) = (self.list, other.list) else {
            return if self.is_constant() {
                other.chain(what, y, other_slope)
            } else {
                self.chain(what, y, slope)
            };
        };
        if !ptr::eq(list, others) {
            // Whichever list is asked for derivatives says so.
            list.fault(what, FOREIGN, Location::caller());
            others.fault(what, FOREIGN, Location::caller());
            return VarIn { value: y, tag: Tag::STALE, ..self };
        }
        let slopes = [slope(), other_slope()].map(|slope| slope.unwrap_or_else(T::zero));
        let tag = list.push(slopes, [self.tag.place(), other.tag.place()]);
        VarIn { value: y, tag: tag.unwrap_or_else(|tag| list.store(tag)), ..self }
    }

    #[inline]
    #[track_caller]
    fn sum(self, other: Self, y: T) -> Self {
        match (self.is_constant(), other.is_constant()) {
            (true, _) => other.moved(y),
            (_, true) => self.moved(y),
            _ => self.chain2(other, "+", y, || Some(T::one()), || Some(T::one())),
        }
    }

    #[inline]
    #[track_caller]
    fn difference(self, other: Self, y: T) -> Self {
        if other.is_constant() {
            return self.moved(y);
        }
        self.chain2(other, "-", y, || Some(T::one()), || Some(-T::one()))
    }

    #[inline]
    fn negated(self, y: T) -> Self {
        self.chain("-", y, || Some(-T::one()))
    }
}
