//! The problems take as many operations as they say, and their gradients are those that other tools find.

use std::cell::Cell;
use std::convert::Infallible;
use std::ops::{Add, Div, Mul, Neg, Sub};

use ad_core::gradient;
use examples::problems::{Number, Problem, Visitor, visit_all, weights};

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

/// A plain number that counts what is done with it.
#[derive(Clone, Copy)]
struct Counted(f64);

fn counted(value: f64) -> Counted {
    COUNT.set(COUNT.get() + 1);
    Counted(value)
}

macro_rules! operator {
    ($($Op:ident $op:ident)*) => {$(
        impl $Op for Counted {
            type Output = Counted;
            fn $op(self, other: Counted) -> Counted {
                counted(self.0.$op(other.0))
            }
        }
    )*};
}
operator!(Add add Sub sub Mul mul Div div);

impl Neg for Counted {
    type Output = Counted;
    fn neg(self) -> Counted {
        counted(-self.0)
    }
}

impl Add<f64> for Counted {
    type Output = Counted;
    fn add(self, c: f64) -> Counted {
        counted(self.0 + c)
    }
}

impl Mul<f64> for Counted {
    type Output = Counted;
    fn mul(self, c: f64) -> Counted {
        counted(self.0 * c)
    }
}

macro_rules! function {
    ($($name:ident)*) => {$(
        fn $name(self) -> Self {
            counted(self.0.$name())
        }
    )*};
}

impl Number for Counted {
    fn constant(c: f64) -> Self {
        Counted(c)
    }
    fn plain(self) -> f64 {
        self.0
    }
    fn less_than(c: f64, x: Self) -> Self {
        counted(c - x.0)
    }
    fn over(c: f64, x: Self) -> Self {
        counted(c / x.0)
    }
    function!(exp ln sin cos sqrt tanh);
}

struct Counts;

impl Visitor for Counts {
    type Error = Infallible;

    fn visit<P: Problem>(&mut self, problem: &P) -> Result<(), Infallible> {
        COUNT.set(0);
        let x: Vec<Counted> = problem.inputs().iter().map(|&x| Counted(x)).collect();
        let counting = problem.value(&x).0;
        assert_eq!(COUNT.get(), P::OPERATIONS, "{}", P::NAME);
        assert_eq!(counting, problem.value(problem.inputs()), "{}", P::NAME);
        Ok(())
    }
}

#[test]
fn operations_are_counted_right() {
    let Ok(()) = visit_all(&mut Counts);
}

struct Checks;

impl Visitor for Checks {
    type Error = ad_core::Error;

    fn visit<P: Problem>(&mut self, problem: &P) -> Result<(), ad_core::Error> {
        let (value, slopes) = gradient(|x| problem.value(x), problem.inputs())?;
        assert_eq!(value, problem.value(problem.inputs()), "{}", P::NAME);
        let check: f64 = slopes.iter().zip(weights(slopes.len())).map(|(g, w)| g * w).sum();
        assert!((check - P::CHECK).abs() <= 1e-9 * P::CHECK.abs(), "{}: {check}", P::NAME);
        Ok(())
    }
}

#[test]
fn gradients_are_those_of_other_tools() -> ad_core::Result<()> {
    visit_all(&mut Checks)
}
