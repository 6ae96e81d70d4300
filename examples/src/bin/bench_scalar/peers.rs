//! Other crates: num-dual in forward mode, and reverse in reverse mode. Each is wrapped as its users would.

use std::hint::black_box;
use std::ops::{Add, Div, Mul, Neg, Sub};

use examples::problems::{Number, Problem};
use num_dual::{Dual64, DualNum};
use reverse::{Tape, Var};

use crate::contestants::{Contestant, Outcome, dot};

/// num-dual with one tangent.
pub(crate) struct NumDual;

impl Contestant for NumDual {
    const NAME: &'static str = "num-dual";

    fn run<P: Problem>(&mut self, problem: &P, weights: &[f64]) -> Result<Outcome, ad_core::Error> {
        let seed = |(&x, &w): (&f64, &f64)| Wrapped(Dual64::new(x, w));
        let x: Vec<_> = black_box(problem.inputs()).iter().zip(weights).map(seed).collect();
        Ok(Outcome { check: problem.value(&x).0.eps, bytes: None })
    }
}

/// A number of another crate, of which the wrapper is ours.
#[derive(Clone, Copy)]
struct Wrapped(Dual64);

macro_rules! operators {
    ($($Op:ident $op:ident $other:ty, |$x:ident| $operand:expr;)*) => {$(
        impl $Op<$other> for Wrapped {
            type Output = Self;
            #[inline]
            fn $op(self, $x: $other) -> Self {
                Wrapped(self.0.$op($operand))
            }
        }
    )*};
}
operators! {
    Add add Self, |x| x.0;
    Sub sub Self, |x| x.0;
    Mul mul Self, |x| x.0;
    Div div Self, |x| x.0;
    Add add f64, |c| c;
    Mul mul f64, |c| c;
}

impl Neg for Wrapped {
    type Output = Self;
    #[inline]
    fn neg(self) -> Self {
        Wrapped(-self.0)
    }
}

macro_rules! functions {
    ($($name:ident)*) => {$(
        #[inline]
        fn $name(self) -> Self {
            Wrapped(DualNum::$name(&self.0))
        }
    )*};
}

impl Number for Wrapped {
    #[inline]
    fn constant(c: f64) -> Self {
        Wrapped(Dual64::from_re(c))
    }
    #[inline]
    fn plain(self) -> f64 {
        self.0.re
    }
    #[inline]
    fn less_than(c: f64, x: Self) -> Self {
        Wrapped(-x.0 + c)
    }
    #[inline]
    fn over(c: f64, x: Self) -> Self {
        Wrapped(x.0.recip() * c)
    }
    functions!(exp ln sin cos sqrt tanh);
}

/// The crate `reverse`.
#[derive(Default)]
pub(crate) struct Reverse(Tape);

impl Contestant for Reverse {
    const NAME: &'static str = "reverse";

    fn run<P: Problem>(&mut self, problem: &P, weights: &[f64]) -> Result<Outcome, ad_core::Error> {
        self.0.clear();
        let x = self.0.add_vars(black_box(problem.inputs()));
        let y = problem.value(&x.iter().map(|&x| Taped::Variable(x)).collect::<Vec<_>>());
        let gradient = match y {
            Taped::Variable(y) => y.grad(),
            Taped::Constant(_) => vec![0.0; x.len()],
        };
        Ok(Outcome { check: dot(&gradient[..x.len()], weights), bytes: None })
    }
}

/// It has no constants without a tape, so they are told apart here.
#[derive(Clone, Copy)]
enum Taped<'a> {
    Constant(f64),
    Variable(Var<'a>),
}

macro_rules! taped {
    ($($Op:ident $op:ident)*) => {$(
        impl $Op for Taped<'_> {
            type Output = Self;
            #[inline]
            fn $op(self, other: Self) -> Self {
                match (self, other) {
                    (Taped::Variable(a), Taped::Variable(b)) => Taped::Variable(a.$op(b)),
                    (Taped::Variable(a), Taped::Constant(c)) => Taped::Variable(a.$op(c)),
                    (Taped::Constant(c), Taped::Variable(b)) => Taped::Variable(c.$op(b)),
                    (Taped::Constant(a), Taped::Constant(b)) => Taped::Constant(a.$op(b)),
                }
            }
        }
    )*};
}
taped!(Add add Sub sub Mul mul Div div);

impl Add<f64> for Taped<'_> {
    type Output = Self;
    #[inline]
    fn add(self, c: f64) -> Self {
        self + Taped::Constant(c)
    }
}

impl Mul<f64> for Taped<'_> {
    type Output = Self;
    #[inline]
    fn mul(self, c: f64) -> Self {
        self * Taped::Constant(c)
    }
}

macro_rules! both {
    ($($name:ident)*) => {$(
        #[inline]
        fn $name(self) -> Self {
            match self {
                Taped::Variable(x) => Taped::Variable(x.$name()),
                Taped::Constant(x) => Taped::Constant(x.$name()),
            }
        }
    )*};
}

impl Neg for Taped<'_> {
    type Output = Self;
    both!(neg);
}

impl Number for Taped<'_> {
    #[inline]
    fn constant(c: f64) -> Self {
        Taped::Constant(c)
    }
    #[inline]
    fn plain(self) -> f64 {
        match self {
            Taped::Variable(x) => x.val(),
            Taped::Constant(x) => x,
        }
    }
    #[inline]
    fn less_than(c: f64, x: Self) -> Self {
        Taped::Constant(c) - x
    }
    #[inline]
    fn over(c: f64, x: Self) -> Self {
        Taped::Constant(c) / x
    }
    both!(exp ln sin cos sqrt tanh);
}
