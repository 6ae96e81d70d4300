//! Code with branches, recorded with guards: a replay that would branch otherwise is an error.

use alloc::{boxed::Box, format, vec::Vec};
use core::cell::RefCell;
use core::fmt;
use core::panic::Location;

use super::plain::Ground;
use super::{Carrier, Rule, Scalar, absolute, sealed};
use crate::elementary::{Function, Function2, function, integer_power_slope};
use crate::error::{Error, Result};

/// A number whose operations, and the answers on which code may branch, are noted for a [`Replay`].
///
/// It can be compared and converted; each such answer becomes a guard. Only [`Guarded::value`] looks at the number
/// without one.
#[derive(Clone, Copy)]
pub struct Guarded<'t, T: Ground = f64> {
    value: T,
    place: u32,
    /// Constants have none.
    trace: Option<&'t Trace<T>>,
}

/// What was computed with [`Guarded`] numbers, and the answers that were given.
struct Trace<T> {
    steps: RefCell<Vec<Step<T>>>,
    guards: RefCell<Vec<Guard<T>>>,
}

#[derive(Clone, Copy)]
enum Argument<T> {
    Fixed(T),
    At(u32),
}

/// One number: how its value and its slopes follow from earlier ones.
#[derive(Clone, Copy)]
enum Step<T> {
    Input,
    One {
        value: fn(T) -> T,
        slope: fn(T, T) -> Option<T>,
        x: u32,
    },
    Power {
        n: i32,
        x: u32,
    },
    Two {
        value: fn(T, T) -> T,
        slope: fn(usize, T, T, T) -> Option<T>,
        of: [Argument<T>; 2],
    },
    /// A product and a sum, rounded once.
    TimesPlus {
        of: [Argument<T>; 3],
    },
}

/// An answer that was given, and how to ask again.
struct Guard<T> {
    what: &'static str,
    place: &'static Location<'static>,
    of: [Argument<T>; 2],
    holds: Box<dyn Fn(T, T) -> bool + Send + Sync>,
}

/// Recorded code that can run again on other numbers, while it takes the branches that were recorded.
///
/// ```
/// use ad_core::Replay;
/// let replay = Replay::record(&[2.0, 1.0], |x| if x[0] > x[1] { x[0] * x[1] } else { x[1] })?;
/// assert_eq!(replay.gradient(&[5.0, 3.0])?, (15.0, vec![3.0, 5.0]));
/// let error = replay.gradient(&[1.0, 3.0]).unwrap_err();
/// assert!(error.to_string().contains("`>`"));
/// # Ok::<(), ad_core::Error>(())
/// ```
pub struct Replay<T: Ground = f64> {
    steps: Vec<Step<T>>,
    guards: Vec<Guard<T>>,
    inputs: usize,
    output: Argument<T>,
}

impl<T: Ground> fmt::Debug for Replay<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (steps, guards) = (self.steps.len(), self.guards.len());
        write!(f, "Replay of {steps} numbers from {} inputs, with {guards} guards", self.inputs)
    }
}

impl<T: Ground> Replay<T> {
    /// Runs `code` at `x` and keeps what it computed and how it branched.
    ///
    /// # Errors
    /// Where the code computed 2^32 numbers, or returns one of another recording.
    pub fn record(x: &[T], code: impl for<'t> FnOnce(&[Guarded<'t, T>]) -> Guarded<'t, T>) -> Result<Self> {
        let trace = Trace { steps: RefCell::default(), guards: RefCell::default() };
        let inputs: Vec<Guarded<'_, T>> = x.iter().map(|&x| trace.push(x, Step::Input)).collect();
        let output = code(&inputs);
        let output = output.argument();
        let (steps, guards) = (trace.steps.into_inner(), trace.guards.into_inner());
        if u32::try_from(steps.len()).is_err() {
            return Err(Error::new("a replay holds 2^32 numbers and no more"));
        }
        Ok(Replay { steps, guards, inputs: x.len(), output })
    }

    /// The value at other inputs.
    ///
    /// # Errors
    /// Where an answer on which the code may have branched would be another one, with the operation and its line; and
    /// where the number of inputs is another one.
    pub fn call(&self, x: &[T]) -> Result<T> {
        Ok(read(&self.values(x)?, self.output))
    }

    /// The value and the gradient at other inputs.
    ///
    /// # Errors
    /// As [`Replay::call`].
    pub fn gradient(&self, x: &[T]) -> Result<(T, Vec<T>)> {
        let values = self.values(x)?;
        let mut cotangents = alloc::vec![T::zero(); values.len()];
        if let Argument::At(place) = self.output {
            cotangents[place as usize] = T::one();
        }
        for (k, step) in self.steps.iter().enumerate().rev() {
            let (y, y_bar) = (values[k], cotangents[k]);
            let mut pass = |of: Argument<T>, slope: Option<T>| {
                if let (Argument::At(place), Some(slope)) = (of, slope) {
                    cotangents[place as usize] += absolute(slope, y_bar);
                }
            };
            match *step {
                Step::Input => {}
                Step::One { slope, x, .. } => pass(Argument::At(x), slope(values[x as usize], y)),
                Step::Power { n, x } => {
                    pass(Argument::At(x), Some(integer_power_slope(values[x as usize], n)));
                }
                Step::Two { slope, of, .. } => {
                    let [a, b] = of.map(|of| read(&values, of));
                    pass(of[0], slope(0, a, b, y));
                    pass(of[1], slope(1, a, b, y));
                }
                Step::TimesPlus { of } => {
                    let [x, a, _] = of.map(|of| read(&values, of));
                    pass(of[0], Some(a));
                    pass(of[1], Some(x));
                    pass(of[2], Some(T::one()));
                }
            }
        }
        cotangents.truncate(self.inputs);
        Ok((read(&values, self.output), cotangents))
    }

    fn values(&self, x: &[T]) -> Result<Vec<T>> {
        if x.len() != self.inputs {
            return Err(Error::new(format!("a replay of {} inputs was given {}", self.inputs, x.len())));
        }
        let mut values = x.to_vec();
        for step in &self.steps[self.inputs..] {
            let value = match *step {
                Step::Input => continue,
                Step::One { value, x, .. } => value(values[x as usize]),
                Step::Power { n, x } => values[x as usize].powi(n),
                Step::Two { value, of, .. } => value(read(&values, of[0]), read(&values, of[1])),
                Step::TimesPlus { of } => {
                    let [x, a, b] = of.map(|of| read(&values, of));
                    x.mul_add(a, b)
                }
            };
            values.push(value);
        }
        for guard in &self.guards {
            let [a, b] = guard.of.map(|of| read(&values, of));
            if !(guard.holds)(a, b) {
                let message = format!(
                    "`{}` has another answer than when this was recorded (of {a} and {b}): record it again",
                    guard.what
                );
                return Err(Error::new(message).at(guard.place));
            }
        }
        Ok(values)
    }
}

fn read<T: Ground>(values: &[T], of: Argument<T>) -> T {
    match of {
        Argument::Fixed(value) => value,
        Argument::At(place) => values[place as usize],
    }
}

impl<T: Ground> Trace<T> {
    fn push(&self, value: T, step: Step<T>) -> Guarded<'_, T> {
        let mut steps = self.steps.borrow_mut();
        let place = steps.len() as u32;
        steps.push(step);
        Guarded { value, place, trace: Some(self) }
    }
}

impl<T: Ground> fmt::Debug for Guarded<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded")
            .field("value", &self.value)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

impl<T: Ground> Guarded<'_, T> {
    /// A constant.
    pub const fn fixed(value: T) -> Self {
        Guarded { value, place: 0, trace: None }
    }

    /// The number, without a guard: what follows from it is not noticed by a replay.
    pub fn value(self) -> T {
        self.value
    }

    fn argument(self) -> Argument<T> {
        if self.trace.is_some() { Argument::At(self.place) } else { Argument::Fixed(self.value) }
    }

    fn two(self, other: Self, y: T, value: fn(T, T) -> T, slope: fn(usize, T, T, T) -> Option<T>) -> Self {
        let of = [self.argument(), other.argument()];
        match self.trace.or(other.trace) {
            Some(trace) => trace.push(y, Step::Two { value, slope, of }),
            None => Guarded::fixed(y),
        }
    }
}

impl<T: Ground> sealed::Sealed for Guarded<'_, T> {}

impl<T: Ground> Carrier for Guarded<'_, T> {
    type Inner = T;

    fn fixed(value: T) -> Self {
        Guarded::fixed(value)
    }

    fn inner(self) -> T {
        self.value
    }

    fn times_plus(self, a: Self, b: Self) -> Self {
        let y = self.value.mul_add(a.value, b.value);
        let of = [self, a, b].map(Self::argument);
        match self.trace.or(a.trace).or(b.trace) {
            Some(trace) => trace.push(y, Step::TimesPlus { of }),
            None => Guarded::fixed(y),
        }
    }

    /// The same number but for rounding.
    fn moved(self, y: T) -> Self {
        Guarded { value: y, ..self }
    }

    /// Slopes alone cannot be replayed: nothing comes here.
    fn chain(self, _: &'static str, y: T, _: impl FnOnce() -> Option<T>) -> Self {
        Guarded::fixed(y)
    }

    fn chain2(
        self,
        _: Self,
        _: &'static str,
        y: T,
        _: impl FnOnce() -> Option<T>,
        _: impl FnOnce() -> Option<T>,
    ) -> Self {
        Guarded::fixed(y)
    }

    fn sum(self, other: Self, y: T) -> Self {
        self.two(other, y, |a, b| a + b, |_, _, _, _| Some(T::one()))
    }

    fn difference(self, other: Self, y: T) -> Self {
        self.two(other, y, |a, b| a - b, |k, _, _, _| Some(if k == 0 { T::one() } else { -T::one() }))
    }

    fn negated(self, y: T) -> Self {
        let step = |x| Step::One { value: |x: T| -x, slope: |_, _| Some(-T::one()), x };
        self.trace.map_or(Guarded::fixed(y), |trace| trace.push(y, step(self.place)))
    }

    fn unary<F: Function>(self) -> Self {
        let y = F::value(self.value);
        let step = |x| Step::One { value: F::value::<T>, slope: <T as Scalar>::slope::<F>, x };
        self.trace.map_or(Guarded::fixed(y), |trace| trace.push(y, step(self.place)))
    }

    fn binary<F: Function2>(self, other: Self) -> Self {
        let y = F::value(self.value, other.value);
        self.two(other, y, F::value::<T>, <T as Scalar>::slope2::<F>)
    }

    fn product(self, other: Self) -> Self {
        self.two(other, self.value * other.value, |a, b| a * b, |k, a, b, _| Some(if k == 0 { b } else { a }))
    }

    fn power(self, n: i32) -> Self {
        let y = self.value.powi(n);
        let step = |x| Step::Power { n, x };
        self.trace.map_or(Guarded::fixed(y), |trace| trace.push(y, step(self.place)))
    }

    fn ruled<R: Rule>(_: &R, _: &[Self]) -> Result<Vec<Self>> {
        Err(Error::new("a function with a rule of its own cannot be recorded for a replay"))
    }

    #[track_caller]
    fn ask<A: PartialEq + Copy + 'static>(self, what: &'static str, question: fn(T) -> A) -> A {
        let answer = question(self.value);
        if let Some(trace) = self.trace {
            let (x, of) = (self.value, [self.argument(); 2]);
            let holds = Box::new(move |other, _| question(other) == question(x));
            trace.guards.borrow_mut().push(Guard { what, place: Location::caller(), of, holds });
        }
        answer
    }

    #[track_caller]
    fn ask2<A: PartialEq + Copy + 'static>(
        self,
        other: Self,
        what: &'static str,
        question: fn(T, T) -> A,
    ) -> A {
        let (a, b) = (self.value, other.value);
        let answer = question(a, b);
        if let Some(trace) = self.trace.or(other.trace) {
            let of = [self.argument(), other.argument()];
            // The answer is found again from the numbers, so that no more has to be known of its type.
            let holds = Box::new(move |x, y| question(x, y) == question(a, b));
            trace.guards.borrow_mut().push(Guard { what, place: Location::caller(), of, holds });
        }
        answer
    }

    fn add_plain(self, c: T) -> Self {
        self + Guarded::fixed(c)
    }

    fn plain_add(self, c: T) -> Self {
        Guarded::fixed(c) + self
    }

    fn sub_plain(self, c: T) -> Self {
        self - Guarded::fixed(c)
    }

    fn plain_sub(self, c: T) -> Self {
        Guarded::fixed(c) - self
    }

    fn mul_plain(self, c: T) -> Self {
        self.product(Guarded::fixed(c))
    }

    fn plain_mul(self, c: T) -> Self {
        Guarded::fixed(c).product(self)
    }

    fn div_plain(self, c: T) -> Self {
        self.binary::<function::Div>(Guarded::fixed(c))
    }

    fn plain_div(self, c: T) -> Self {
        Guarded::fixed(c).binary::<function::Div>(self)
    }

    fn rem_plain(self, c: T) -> Self {
        self.binary::<function::Rem>(Guarded::fixed(c))
    }

    fn plain_rem(self, c: T) -> Self {
        Guarded::fixed(c).binary::<function::Rem>(self)
    }
}
