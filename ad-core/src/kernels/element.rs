//! The two element types of a program.

use std::fmt::Debug;

use super::real::Real;

/// An element of an array: `f32` or `f64`.
pub trait Element: Real + Default + Debug + Send + Sync + 'static {
    /// The nearest element to `x`.
    fn from_f64(x: f64) -> Self;
    /// The same number in double precision.
    fn to_double(self) -> f64;
}

macro_rules! element {
    ($($float:ty),*) => {$(
        impl Element for $float {
            fn from_f64(x: f64) -> Self { x as $float }
            fn to_double(self) -> f64 { f64::from(self) }
        }
    )*};
}
element!(f32, f64);
