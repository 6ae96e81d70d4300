//! Numbers that carry derivatives, over the one table of elementary functions.
//!
//! [`Dual`] is forward mode, [`Var`] reverse mode. What kind of number it is stands in one trait, [`Carrier`]: how a
//! result gets its derivative from those of its operands. All else (operators, the family of num-traits, printing) is
//! written once over it.

mod carrier;
mod custom;
mod drivers;
mod dual;
mod elementary;
#[cfg(feature = "faer")]
mod faer;
mod list;
#[cfg(feature = "nalgebra")]
mod nalgebra;
#[cfg(feature = "ndarray")]
mod ndarray;
mod num;
mod operators;
mod pattern;
mod plain;
mod replay;
#[cfg(feature = "serde")]
mod serde;
mod sparse;
mod taylor;
#[cfg(feature = "std")]
mod var;
mod var_in;

use core::fmt::{Debug, Display, LowerExp};
use core::iter::{Product, Sum};

use num_traits::{Float, FloatConst, FromPrimitive, NumAssign};

use alloc::vec::Vec;

use crate::elementary::{Function, Function2};
use crate::error::Result;

pub(crate) use carrier::{Carrier, absolute};
pub use custom::{Checkpointed, Equation, Implicit, Rule, Segment, call, check_rule};
pub use drivers::{derivative, jacobian_forward, jvp};
#[cfg(feature = "std")]
pub use drivers::{gradient, hessian, hvp, jacobian, vjp};
pub use dual::Dual;
pub use list::List;
pub use pattern::Dependent;
pub use plain::Ground;
pub use replay::{Guarded, Replay};
#[cfg(feature = "std")]
pub use sparse::sparse_hessian;
pub use sparse::{Entries, Pattern, hessian_pattern, jacobian_pattern, sparse_jacobian};
pub use taylor::{Taylor, taylor};
#[cfg(feature = "std")]
pub use var::{Recorded, Recording, Var, record};
pub use var_in::VarIn;

/// Real numbers that code may compute with and branch on: `f32`, `f64`, and [`Dual`] and [`Var`] over them, to any
/// depth.
///
/// Code for a `T: Scalar` writes the methods of [`num_traits::Float`]. Code that is also to be recorded on a tape is
/// written for [`Elementary`](crate::Elementary) instead.
pub trait Scalar:
    Float
    + FloatConst
    + NumAssign
    + FromPrimitive
    + Sum
    + Product
    + Debug
    + Display
    + LowerExp
    + Default
    + sealed::Sealed
{
    /// The plain number at the bottom: `f32` or `f64`.
    type Base: Scalar<Base = Self::Base>;

    /// A constant: no derivative passes through it.
    fn constant(value: Self::Base) -> Self;
    /// The plain number, without any derivative.
    fn base(self) -> Self::Base;
    /// A constant from an `f64`, rounded to the plain number below.
    fn lift(value: f64) -> Self;

    /// The function `F` of this number.
    #[doc(hidden)]
    #[must_use]
    #[track_caller]
    fn apply<F: Function>(self) -> Self;
    /// The function `F` of two numbers.
    #[doc(hidden)]
    #[must_use]
    #[track_caller]
    fn apply2<F: Function2>(self, other: Self) -> Self;
    /// Several functions by the user's rule.
    #[doc(hidden)]
    #[track_caller]
    fn apply_rule<R: Rule>(rule: &R, x: &[Self]) -> Result<Vec<Self>>;
    /// The slope of `F` at `x`, where `y = F(x)`.
    #[doc(hidden)]
    fn slope<F: Function>(x: Self, y: Self) -> Option<Self>;
    /// A partial slope of `F`.
    #[doc(hidden)]
    fn slope2<F: Function2>(argument: usize, a: Self, b: Self, y: Self) -> Option<Self>;
}

/// Calls a macro with all kinds of numbers that carry derivatives.
macro_rules! each_kind {
    ($callback:ident) => {
        $callback! { [T: $crate::scalar::Scalar, const N: usize] $crate::scalar::Dual<T, N>; }
        $callback! { [T: $crate::scalar::Scalar, const N: usize] $crate::scalar::Taylor<T, N>; }
        $callback! { ['l, T: $crate::scalar::Scalar] $crate::scalar::VarIn<'l, T>; }
        $callback! { ['p, T: $crate::scalar::Ground] $crate::scalar::Dependent<'p, T>; }
        $callback! { ['t, T: $crate::scalar::Ground] $crate::scalar::Guarded<'t, T>; }
        #[cfg(feature = "std")]
        $callback! { [T: $crate::scalar::Recorded] $crate::scalar::Var<T>; }
    };
}
use each_kind;

mod sealed {
    /// Rules read the table of elementary functions, which only this crate's numbers can.
    pub trait Sealed {}
}
