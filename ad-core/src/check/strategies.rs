//! Strategies of proptest: shapes, arrays, random programs.
//!
//! ```
//! use ad_core::check::{self, strategies};
//! proptest::proptest!(proptest::test_runner::Config::with_cases(8), |(case in strategies::programs(6))| {
//!     check::derivatives(&case.tape, case.examples, &case.inputs).unwrap();
//! });
//! ```

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Case, STEP};
use crate::eval::Array;

/// Shapes of at most `rank` axes, each of length 1 to `length`.
pub fn shapes(rank: usize, length: usize) -> impl Strategy<Value = Vec<usize>> {
    vec(1..=length.max(1), 0..=rank)
}

/// Arrays of a shape with elements in a range.
pub fn arrays(shape: Vec<usize>, range: std::ops::Range<f64>) -> impl Strategy<Value = Array> {
    vec(range, shape.iter().product::<usize>()).prop_map(move |data| Array { shape: shape.clone(), data })
}

/// Random programs of at most `steps` steps, with a point at which their derivatives can be checked. They shrink by
/// dropping steps and by simpler choices.
///
/// # Panics
/// If the recorder refuses a program, which would be a bug.
pub fn programs(steps: usize) -> impl Strategy<Value = Case> {
    let bytes = vec(any::<[u8; STEP]>(), 0..=steps + 1);
    bytes.prop_map(|steps| Case::from_bytes(steps.as_flattened()).unwrap_or_else(|error| panic!("{error}")))
}
