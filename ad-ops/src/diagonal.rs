//! The diagonal of a Jacobian, as a tape.

use ad_core::{Result, Tape};

use crate::divergence::{Ends, Goal, Workload, routes};

/// The name of the output that [`diagonal`] adds.
pub const DIAGONAL: &str = "diagonal";

/// The tape of a field with one more output, [`DIAGONAL`]: the diagonal `d field_i / d state_i` of its Jacobian, a vector
/// as long as the state, by the cheapest route.
///
/// ```
/// use ad_core::{Elementary, Tape};
/// use ad_ops::{Workload, diagonal};
///
/// let field = Tape::record(|t| {
///     let x = t.example("x", &[2]);
///     [("x_dot", x.dot(&x) * &x)]
/// })?;
/// let both = diagonal(&field, "x", "x_dot", Workload::default())?;
/// let out = both.compile::<f64>()?.call(1, &[&[1.0, 2.0]])?;
/// assert_eq!(out[1], [5.0 + 2.0, 5.0 + 8.0]); // |x|^2 + 2 x_i^2
/// # Ok::<(), ad_core::Error>(())
/// ```
///
/// # Errors
/// As [`divergence`](crate::divergence()).
pub fn diagonal(tape: &Tape, state: &str, field: &str, workload: Workload) -> Result<Tape> {
    let ends = Ends::find(tape, state, field)?;
    Ok(routes(tape, &ends, (Goal::Diagonal, DIAGONAL), workload)?.into_cheapest().into_tape())
}
