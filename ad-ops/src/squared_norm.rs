//! The squared Frobenius norm of a Jacobian, as a tape.

use ad_core::{Result, Tape};

use crate::divergence::{Ends, Goal, Workload, routes};

/// The name of the output that [`squared_norm`] adds.
pub const SQUARED_NORM: &str = "squared_norm";

/// The tape of a field with one more output, [`SQUARED_NORM`]: the squared Frobenius norm of its Jacobian,
/// `sum_ij (d field_i / d state_j)^2`, by the cheapest route. (As a penalty it keeps the paths of a flow straight: Finlay
/// et al. 2020, *How to train your neural ODE*.)
///
/// With one hidden layer it is `s^T (W1^T W1 * W2 W2^T) s`, where the matrix is made once for each binding:
///
/// ```
/// use ad_core::{Elementary, Tape};
/// use ad_ops::{Workload, squared_norm};
///
/// let field = Tape::record(|t| {
///     let (x, w, v) = (t.example("x", &[50]), t.shared("w", &[50, 16]), t.shared("v", &[16, 50]));
///     [("x_dot", x.matmul(&w).tanh().matmul(&v))]
/// })?;
/// let cost = squared_norm(&field, "x", "x_dot", Workload::default())?.cost().example.multiply_adds;
/// assert_eq!(cost - field.cost().example.multiply_adds, 16.0 + 16.0 * 16.0 + 16.0); // the slopes, M s, and s (M s)
/// # Ok::<(), ad_core::Error>(())
/// ```
///
/// # Errors
/// As [`divergence`](crate::divergence()).
pub fn squared_norm(tape: &Tape, state: &str, field: &str, workload: Workload) -> Result<Tape> {
    let ends = Ends::find(tape, state, field)?;
    Ok(routes(tape, &ends, (Goal::SquaredNorm, SQUARED_NORM), workload)?.into_cheapest().into_tape())
}
