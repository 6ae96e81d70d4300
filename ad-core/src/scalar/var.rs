//! Reverse mode: a value and its place in the list of the thread.

use alloc::vec::Vec;
use core::cell::RefCell;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::panic::Location;

use super::list::{Buffers, CONSTANT, List, STALE, Suspended, foreign};
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
    place: u32,
    generation: u32,
}

/// Numbers that a [`Var`] may hold: each has a list of its own in each thread.
pub trait Recorded: Scalar {
    /// Calls `f` with the list of this thread.
    #[doc(hidden)]
    fn with_list<R>(f: impl FnOnce(&List<Self>) -> R) -> R;
    /// Memory of earlier lists.
    #[doc(hidden)]
    fn take_memory() -> Memory<Self>;
    /// Keeps memory for later lists.
    #[doc(hidden)]
    fn keep_memory(memory: Memory<Self>);
}

/// The memory of a list that has ended.
pub struct Memory<T>(Buffers<T>);

macro_rules! recorded {
    ($($number:ty),*) => {$(
        impl Recorded for $number {
            #[inline(always)]
            fn with_list<R>(f: impl FnOnce(&List<Self>) -> R) -> R {
                thread_local! {
                    // Without a destructor reading it costs no check. A recording that ends takes the memory out.
                    static LIST: ManuallyDrop<List<$number>> = const { ManuallyDrop::new(List::idle()) };
                }
                LIST.with(|list| f(list))
            }
            fn take_memory() -> Memory<Self> {
                Self::with_memory(|spare| spare.pop()).flatten().unwrap_or(Memory(Buffers::new()))
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

trait WithMemory: Recorded {
    /// Calls `f` with the memory of lists that have ended; not while a thread ends.
    fn with_memory<R>(f: impl FnOnce(&mut Vec<Memory<Self>>) -> R) -> Option<R>;
}

recorded!(f64, f32, Dual<f64>, Dual<f32>, Dual<f64, 4>, Dual<f64, 8>, Dual<Dual<f64>>, Var<f64>, Var<f32>);

impl<T: Scalar> Var<T> {
    /// A constant.
    #[inline]
    pub const fn fixed(value: T) -> Self {
        Var { value, place: 0, generation: CONSTANT }
    }

    /// The value.
    #[inline]
    pub fn value(self) -> T {
        self.value
    }

    /// Whether no derivative passes through it.
    pub fn is_constant(self) -> bool {
        self.generation == CONSTANT
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
    let Memory(buffers) = T::take_memory();
    let interrupted = T::with_list(|list| list.begin(buffers));
    code(&Recording { interrupted: Some(interrupted), thread: PhantomData })
}

impl<T: Recorded> Drop for Recording<T> {
    fn drop(&mut self) {
        if let Some(interrupted) = self.interrupted.take() {
            let ended = T::with_list(|list| list.resume(interrupted));
            T::keep_memory(Memory(ended.into_buffers()));
        }
    }
}

impl<T: Recorded> Recording<T> {
    /// A variable: something to differentiate by.
    pub fn variable(&self, value: T) -> Var<T> {
        T::with_list(|list| Var { value, place: list.leaf(), generation: list.generation() })
    }

    /// A variable for each value.
    pub fn variables(&self, values: &[T]) -> Vec<Var<T>> {
        values.iter().map(|&value| self.variable(value)).collect()
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
        T::with_list(|list| {
            list.check()?;
            let place = |var: &Var<T>| match var.generation {
                CONSTANT => Ok(None),
                generation if generation == list.generation() => Ok(Some(var.place)),
                _ => Err(foreign("pull_back")),
            };
            let mut seeds = Vec::with_capacity(outputs.len());
            for (output, cotangent) in outputs {
                seeds.extend(place(output)?.map(|place| (place, *cotangent)));
            }
            let places = inputs.iter().map(place).collect::<Result<Vec<_>>>()?;
            let read = |cotangents: &[T]| {
                places.iter().map(|place| place.map_or(T::zero(), |p| cotangents[p as usize])).collect()
            };
            Ok(list.sweep(&seeds, read))
        })
    }
}

impl<T: Recorded> sealed::Sealed for Var<T> {}

impl<T: Recorded> Var<T> {
    /// A number that was computed from one of another recording: it is taken for none.
    #[cold]
    fn stale(y: T, what: &'static str, place: &'static Location<'static>) -> Self {
        T::with_list(|list| list.fault(what, place));
        Var { value: y, place: 0, generation: STALE }
    }

    #[inline(always)]
    #[track_caller]
    fn unary(self, what: &'static str, y: T, slope: impl FnOnce() -> T) -> Self {
        let at = Location::caller();
        T::with_list(|list| {
            if self.generation == list.generation() {
                Var { value: y, place: list.push1(slope(), self.place), generation: self.generation }
            } else if self.generation == CONSTANT {
                Var::fixed(y)
            } else {
                Var::stale(y, what, at)
            }
        })
    }

    #[inline(always)]
    #[track_caller]
    fn binary(self, other: Self, what: &'static str, y: T, p: impl FnOnce() -> T, q: impl FnOnce() -> T) -> Self {
        let at = Location::caller();
        if self.generation == CONSTANT {
            return other.unary(what, y, q);
        }
        if other.generation == CONSTANT {
            return self.unary(what, y, p);
        }
        T::with_list(|list| {
            let generation = list.generation();
            if self.generation == generation && other.generation == generation {
                Var { value: y, place: list.push([p(), q()], [self.place, other.place]), generation }
            } else {
                Var::stale(y, what, at)
            }
        })
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
        self.unary(what, y, || slope().unwrap_or_else(T::zero))
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
        self.binary(other, what, y, || or_zero(slope()), || or_zero(other_slope()))
    }

    #[inline(always)]
    #[track_caller]
    fn sum(self, other: Self, y: T) -> Self {
        if self.generation == CONSTANT {
            return other.moved(y);
        }
        if other.generation == CONSTANT {
            return self.moved(y);
        }
        self.binary(other, "+", y, T::one, T::one)
    }

    #[inline(always)]
    #[track_caller]
    fn difference(self, other: Self, y: T) -> Self {
        if other.generation == CONSTANT {
            return self.moved(y);
        }
        self.binary(other, "-", y, T::one, || -T::one())
    }

    #[inline(always)]
    #[track_caller]
    fn negated(self, y: T) -> Self {
        self.unary("-", y, || -T::one())
    }
}
