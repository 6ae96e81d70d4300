//! The two element types of a program.

use std::fmt::Debug;

use super::chain::ChainRun;
use super::lanes::{Dot, LaneSums, Multiple, Tiles};
use super::lanewise::Lanewise;
use super::matmul::Product;
use super::real::Real;
use super::simd::dispatch;
use super::transpose::Transposition;

/// An element of an array: `f32` or `f64`.
pub trait Element: Real + Default + Debug + Send + Sync + 'static {
    /// The nearest element to `x`.
    fn from_f64(x: f64) -> Self;
    /// The same number in double precision.
    fn to_double(self) -> f64;
    /// Runs a kernel. It stands here so that kernels are compiled once, in this crate, and not in each that uses them.
    #[doc(hidden)]
    fn run(task: Task<'_, '_, Self>);
}

macro_rules! element {
    ($($float:ty),*) => {$(
        impl Element for $float {
            fn from_f64(x: f64) -> Self { x as $float }
            fn to_double(self) -> f64 { f64::from(self) }
            fn run(task: Task<'_, '_, Self>) { task.dispatch() }
        }
    )*};
}
element!(f32, f64);

/// A kernel with its arguments.
pub struct Task<'a, 'y, T>(pub(super) Kind<'a, 'y, T>);

/// The kernels.
pub(super) enum Kind<'a, 'y, T> {
    Matmul(Product<'a, T>),
    Lanewise(Lanewise<'a, T>),
    Dot(Tiles<'a, T, Dot<'a, T>>),
    Multiple(Tiles<'a, T, Multiple<'a, T>>),
    LaneSums(LaneSums<'a, T>),
    Transposition(Transposition<'a, T>),
    Chain(ChainRun<'a, 'y, T>),
}

impl<T: Element> Task<'_, '_, T> {
    fn dispatch(self) {
        match self.0 {
            Kind::Matmul(kernel) => dispatch(kernel),
            Kind::Lanewise(kernel) => dispatch(kernel),
            Kind::Dot(kernel) => dispatch(kernel),
            Kind::Multiple(kernel) => dispatch(kernel),
            Kind::LaneSums(kernel) => dispatch(kernel),
            Kind::Transposition(kernel) => dispatch(kernel),
            Kind::Chain(kernel) => dispatch(kernel),
        }
    }
}
