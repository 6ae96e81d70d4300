//! Ten problems for numbers that carry derivatives: written once, over any number.
//!
//! They are those by which `bench_scalar` compares crates: inputs come from a fixed generator, the number of operations is
//! counted by the code itself (a test counts again), and `check` is the gradient times fixed weights, a number on which
//! independent tools agree.

mod bundle;
mod determinant;
mod mixture;
mod oscillators;
mod recurrent;
mod sums;

use std::ops::{Add, Div, Mul, Neg, Sub};

use ad_core::{Dual, Var};

pub use bundle::{Bundle, project};
pub use determinant::{Determinant, determinant, minor_term};
pub use mixture::{Gaussians, Mixture};
pub use oscillators::{Oscillators, integrate, step};
pub use recurrent::{Recurrent, pass_layer, recurrent_loss};
pub use sums::{Chain, LeastSquares, LogSumExp, Rosenbrock, log_sum_exp};

/// What the problems compute with. Each method and operator is one operation.
pub trait Number:
    Copy
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + Add<f64, Output = Self>
    + Mul<f64, Output = Self>
{
    /// A number without derivative; not counted.
    fn constant(c: f64) -> Self;
    /// The plain number, to branch on; not counted.
    fn plain(self) -> f64;
    /// `c - x`.
    fn less_than(c: f64, x: Self) -> Self;
    /// `c / x`.
    fn over(c: f64, x: Self) -> Self;
    /// `e^x`.
    #[must_use]
    fn exp(self) -> Self;
    /// The natural logarithm.
    #[must_use]
    fn ln(self) -> Self;
    /// The sine.
    #[must_use]
    fn sin(self) -> Self;
    /// The cosine.
    #[must_use]
    fn cos(self) -> Self;
    /// The square root.
    #[must_use]
    fn sqrt(self) -> Self;
    /// The hyperbolic tangent.
    #[must_use]
    fn tanh(self) -> Self;
}

macro_rules! number {
    ([$($generics:tt)*] $number:ty, |$x:ident| $plain:expr) => {
        impl<$($generics)*> Number for $number {
            #[inline]
            fn constant(c: f64) -> Self {
                c.into()
            }
            #[inline]
            fn plain(self) -> f64 {
                let $x = self;
                $plain
            }
            #[inline]
            fn less_than(c: f64, x: Self) -> Self {
                c - x
            }
            #[inline]
            fn over(c: f64, x: Self) -> Self {
                c / x
            }
            number!(exp ln sin cos sqrt tanh);
        }
    };
    ($($name:ident)*) => {$(
        #[inline]
        fn $name(self) -> Self {
            <Self>::$name(self)
        }
    )*};
}
number!([] f64, |x| x);
number!([] Var, |x| x.value());
number!([const N: usize] Dual<f64, N>, |x| x.value);

/// A function of many numbers.
pub trait Problem {
    /// Its name in tables.
    const NAME: &'static str;
    /// How many operations one value takes.
    const OPERATIONS: usize;
    /// The gradient times [`weights`].
    const CHECK: f64;

    /// Where it is differentiated.
    fn inputs(&self) -> &[f64];
    /// The value.
    fn value<T: Number>(&self, x: &[T]) -> T;

    /// The gradient by a tape.
    ///
    /// # Errors
    /// Where it cannot be recorded.
    fn taped(&self) -> ad_core::Result<Taped<'_>>;

    /// The value and the gradient as one writes them by hand, where there is such code.
    fn by_hand(&self) -> Option<(f64, Vec<f64>)> {
        None
    }
}

/// A value and a gradient, computed at each call.
pub type Taped<'a> = Box<dyn FnMut() -> ad_core::Result<(f64, Vec<f64>)> + 'a>;

/// Something that is done with each problem.
pub trait Visitor {
    /// What may go wrong.
    type Error;
    /// Does it.
    ///
    /// # Errors
    /// Its own.
    fn visit<P: Problem>(&mut self, problem: &P) -> Result<(), Self::Error>;
}

/// Shows a visitor all problems.
///
/// # Errors
/// The visitor's first.
pub fn visit_all<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
    visitor.visit(&Chain::new())?;
    visitor.visit(&Rosenbrock::<1000>::new())?;
    visitor.visit(&Rosenbrock::<100_000>::new())?;
    visitor.visit(&LogSumExp::new())?;
    visitor.visit(&LeastSquares::new())?;
    visitor.visit(&Oscillators::new())?;
    visitor.visit(&Determinant::new())?;
    visitor.visit(&Mixture::new())?;
    visitor.visit(&Recurrent::new())?;
    visitor.visit(&Bundle::new())
}

/// The weights of [`Problem::CHECK`].
pub fn weights(n: usize) -> Vec<f64> {
    Draws::new().many(n, |u| 0.5 + u)
}

/// Uniform draws from [0, 1): a linear congruential generator of 64 bits with a fixed seed.
struct Draws(u64);

impl Draws {
    fn new() -> Self {
        Draws(0x2545_F491_4F6C_DD1D)
    }

    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / 9_007_199_254_740_992.0
    }

    fn many(&mut self, n: usize, f: impl Fn(f64) -> f64) -> Vec<f64> {
        (0..n).map(|_| f(self.next())).collect()
    }
}
