//! Reverse mode: a value and its place in the list of the thread.

use alloc::vec::Vec;
use core::cell::RefCell;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::panic::Location;

use super::list::{FOREIGN, List, Memory, Suspended, Tag};
use super::{Carrier, Dual, Scalar, sealed};
use crate::error::Result;

/// A value that knows its place in the recording of this thread; 16 bytes with `f64`, `Copy`, `'static`.
///
/// Computing with it notes each operation and its slopes, and one pass back through them gives the gradient. The value
/// has the bits that plain code gives, comparisons look at values only, and constants are noted nowhere.
///
/// A `Var` of a recording that has ended, of another thread or of an outer recording is never taken for another one:
/// using it makes the derivative an [`Error`](crate::Error) that names the operation and its line. Its value stays right.
#[derive(Clone, Copy, Debug)]
pub struct Var<T = f64> {
    value: T,
    tag: Tag,
}

/// Numbers that a [`Var`] may hold: each has a list of its own in each thread.
pub trait Recorded: Scalar {
    /// Calls `f` with the list of this thread.
    #[doc(hidden)]
    fn with_list<R>(f: impl FnOnce(&List<Self>) -> R) -> R;
    /// The tag of the next number in the list of this thread.
    #[doc(hidden)]
    fn next() -> Tag;
    /// Adds a number of one operand to the list of this thread.
    #[doc(hidden)]
    fn push1(slope: Self, operand: u32) -> Tag;
    /// Adds a number of two operands to the list of this thread.
    #[doc(hidden)]
    fn push(slopes: [Self; 2], operands: [u32; 2]) -> Tag;
    /// Memory of earlier lists.
    #[doc(hidden)]
    fn take_memory() -> Memory<Self>;
    /// Keeps memory for later lists.
    #[doc(hidden)]
    fn keep_memory(memory: Memory<Self>);
}

macro_rules! recorded {
    ($($number:ty = $LIST:ident;)*) => {$(
        thread_local! {
            // Without a destructor reading it costs no check. A recording that ends takes the memory out.
            static $LIST: ManuallyDrop<List<$number>> = const { ManuallyDrop::new(List::idle()) };
        }

        impl Recorded for $number {
            #[inline(always)]
            fn with_list<R>(f: impl FnOnce(&List<Self>) -> R) -> R {
                $LIST.with(|list| f(list))
            }
            #[inline(always)]
            fn next() -> Tag {
                $LIST.with(|list| list.next())
            }
            #[inline(always)]
            fn push1(slope: Self, operand: u32) -> Tag {
                $LIST.with(|list| list.push1(slope, operand)).unwrap_or_else(store::<$number>)
            }
            #[inline(always)]
            fn push(slopes: [Self; 2], operands: [u32; 2]) -> Tag {
                $LIST.with(|list| list.push(slopes, operands)).unwrap_or_else(store::<$number>)
            }
            fn take_memory() -> Memory<Self> {
                Self::with_memory(|spare| spare.pop()).flatten().unwrap_or(Memory::new())
            }
            fn keep_memory(memory: Memory<Self>) {
                Self::with_memory(|spare| spare.push(memory));
            }
        }

        impl WithMemory for $number {
            fn with_memory<R>(f: impl FnOnce(&mut Vec<Memory<Self>>) -> R) -> Option<R> {
                thread_local! {
                    static SPARE: RefCell<Vec<Memory<$number>>> = const { RefCell::new(Vec::new()) };
                }
                SPARE.try_with(|spare| f(&mut spare.borrow_mut())).ok()
            }
        }
    )*};
}

/// Moves a full block to the list.
#[cold]
#[inline(never)]
fn store<T: Recorded>(last: Tag) -> Tag {
    T::with_list(|list| list.store(last))
}

trait WithMemory: Recorded {
    /// Calls `f` with the memory of lists that have ended; not while a thread ends.
    fn with_memory<R>(f: impl FnOnce(&mut Vec<Memory<Self>>) -> R) -> Option<R>;
}

recorded! {
    f64 = F64;
    f32 = F32;
    Dual<f64> = DUAL_F64;
    Dual<f32> = DUAL_F32;
    Dual<f64, 4> = DUAL4_F64;
    Dual<f64, 8> = DUAL8_F64;
    Dual<Dual<f64>> = DUAL_DUAL_F64;
    Var<f64> = VAR_F64;
    Var<f32> = VAR_F32;
}

impl<T: Scalar> Var<T> {
    /// A constant.
    #[inline]
    pub const fn fixed(value: T) -> Self {
        Var { value, tag: Tag::CONSTANT }
    }

    /// The value.
    #[inline]
    pub fn value(self) -> T {
        self.value
    }

    /// Whether no derivative passes through it.
    pub fn is_constant(self) -> bool {
        self.tag.is_constant()
    }
}

/// A recording under way in this thread: see [`record`].
pub struct Recording<T: Recorded = f64> {
    interrupted: Option<Suspended<T>>,
    /// It belongs to its thread.
    thread: PhantomData<*const ()>,
}

/// Runs `code` with a recording of its own: what is computed with its variables is noted, for as many passes back as
/// are asked for. A recording inside another one interrupts it.
///
/// ```
/// let gradients = ad_core::record(|r| {
///     let (x, y) = (r.variable(2.0), r.variable(3.0));
///     let (p, q) = (x * y, x / y); // one pass forward
///     Ok([r.pull_back(&[(p, 1.0)], &[x, y])?, r.pull_back(&[(q, 1.0)], &[x, y])?]) // two back
/// })?;
/// assert_eq!(gradients, [[3.0, 2.0], [1.0 / 3.0, -2.0 / 9.0]]);
/// # Ok::<(), ad_core::Error>(())
/// ```
pub fn record<T: Recorded, R>(code: impl FnOnce(&Recording<T>) -> R) -> R {
    let interrupted = T::with_list(|list| list.begin(T::take_memory()));
    code(&Recording { interrupted: Some(interrupted), thread: PhantomData })
}

impl<T: Recorded> Drop for Recording<T> {
    fn drop(&mut self) {
        if let Some(interrupted) = self.interrupted.take() {
            let ended = T::with_list(|list| list.resume(interrupted));
            T::keep_memory(ended.into_memory());
        }
    }
}

impl<T: Recorded> Recording<T> {
    /// A variable: something to differentiate by.
    pub fn variable(&self, value: T) -> Var<T> {
        T::with_list(|list| Var { value, tag: list.leaf() })
    }

    /// A variable for each value.
    pub fn variables(&self, values: &[T]) -> Vec<Var<T>> {
        let first = T::with_list(|list| list.leaves(values.len()));
        values.iter().enumerate().map(|(k, &value)| Var { value, tag: first.behind(k) }).collect()
    }

    /// How many numbers were noted, variables included.
    pub fn len(&self) -> usize {
        T::with_list(List::len)
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The cotangents of `inputs` that belong to the cotangents given for some outputs. It can be called again.
    ///
    /// # Errors
    /// Where a number of another recording was computed with, or is among outputs and inputs.
    pub fn pull_back(&self, outputs: &[(Var<T>, T)], inputs: &[Var<T>]) -> Result<Vec<T>> {
        let outputs = outputs.iter().map(|(output, cotangent)| (output.tag, *cotangent));
        T::with_list(|list| list.pull_back(outputs, inputs.iter().map(|input| input.tag)))
    }
}

impl<T: Recorded> sealed::Sealed for Var<T> {}

impl<T: Recorded> Var<T> {
    /// A number that was computed from one of another recording: it is taken for none.
    #[cold]
    fn stale(y: T, what: &'static str, place: &'static Location<'static>) -> Self {
        T::with_list(|list| list.fault(what, FOREIGN, place));
        Var { value: y, tag: Tag::STALE }
    }

    #[inline(always)]
    #[track_caller]
    fn unary(self, what: &'static str, y: T, slope: impl FnOnce() -> T) -> Self {
        if T::next().has(self.tag, self.tag) {
            Var { value: y, tag: T::push1(slope(), self.tag.place()) }
        } else if self.is_constant() {
            Var::fixed(y)
        } else {
            Var::stale(y, what, Location::caller())
        }
    }

    #[inline(always)]
    #[track_caller]
    fn binary(
        self,
        other: Self,
        what: &'static str,
        y: T,
        p: impl FnOnce() -> T,
        q: impl FnOnce() -> T,
    ) -> Self {
        if T::next().has(self.tag, other.tag) {
            Var { value: y, tag: T::push([p(), q()], [self.tag.place(), other.tag.place()]) }
        } else {
            self.mixed(other, what, y, p, q, Location::caller())
        }
    }

    /// A sum with a constant, which needs no place of its own, or with a number of another recording.
    #[inline(never)]
    fn mixed_sum(self, other: Self, y: T, at: &'static Location<'static>) -> Self {
        match (self.is_constant(), other.is_constant()) {
            (true, _) => other.moved(y),
            (_, true) => self.moved(y),
            _ => Var::stale(y, "+", at),
        }
    }

    #[inline(never)]
    fn mixed_difference(self, other: Self, y: T, at: &'static Location<'static>) -> Self {
        match (self.is_constant(), other.is_constant()) {
            (_, true) => self.moved(y),
            (true, _) if T::next().has(other.tag, other.tag) => other.negated(y),
            _ => Var::stale(y, "-", at),
        }
    }

    /// An operation with a constant or with a number of another recording.
    #[inline(never)]
    fn mixed(
        self,
        other: Self,
        what: &'static str,
        y: T,
        p: impl FnOnce() -> T,
        q: impl FnOnce() -> T,
        at: &'static Location<'static>,
    ) -> Self {
        let next = T::next();
        let tag = match (next.place_of(self.tag), next.place_of(other.tag)) {
            (None, Some(b)) if self.is_constant() => T::push1(q(), b),
            (Some(a), None) if other.is_constant() => T::push1(p(), a),
            _ if self.is_constant() && other.is_constant() => Tag::CONSTANT,
            _ => return Var::stale(y, what, at),
        };
        Var { value: y, tag }
    }
}

impl<T: Recorded> Carrier for Var<T> {
    type Inner = T;

    #[inline]
    fn fixed(value: T) -> Self {
        Var::fixed(value)
    }

    #[inline]
    fn inner(self) -> T {
        self.value
    }

    #[inline]
    fn moved(self, y: T) -> Self {
        Var { value: y, ..self }
    }

    #[inline(always)]
    #[track_caller]
    fn chain(self, what: &'static str, y: T, slope: impl FnOnce() -> Option<T>) -> Self {
        self.unary(what, y, move || slope().unwrap_or_else(T::zero))
    }

    #[inline(always)]
    #[track_caller]
    fn chain2(
        self,
        other: Self,
        what: &'static str,
        y: T,
        slope: impl FnOnce() -> Option<T>,
        other_slope: impl FnOnce() -> Option<T>,
    ) -> Self {
        let or_zero = |slope: Option<T>| slope.unwrap_or_else(T::zero);
        self.binary(other, what, y, move || or_zero(slope()), move || or_zero(other_slope()))
    }

    #[inline(always)]
    #[track_caller]
    fn sum(self, other: Self, y: T) -> Self {
        if T::next().has(self.tag, other.tag) {
            Var { value: y, tag: T::push([T::one(); 2], [self.tag.place(), other.tag.place()]) }
        } else {
            self.mixed_sum(other, y, Location::caller())
        }
    }

    #[inline(always)]
    #[track_caller]
    fn difference(self, other: Self, y: T) -> Self {
        if T::next().has(self.tag, other.tag) {
            Var { value: y, tag: T::push([T::one(), -T::one()], [self.tag.place(), other.tag.place()]) }
        } else {
            self.mixed_difference(other, y, Location::caller())
        }
    }

    #[inline(always)]
    #[track_caller]
    fn negated(self, y: T) -> Self {
        self.unary("-", y, || -T::one())
    }
}
