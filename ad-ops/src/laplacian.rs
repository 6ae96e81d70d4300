//! The Laplacian of a scalar field, as a tape.

use ad_core::{Error, Result, Tape};

use crate::divergence::{Ends, Goal, Workload, routes};

/// The name of the output that [`laplacian`] adds.
pub const LAPLACIAN: &str = "laplacian";
/// The name that the gradient has on the way.
const GRADIENT: &str = "gradient_of_the_value";

/// The tape of a scalar field with one more output, [`LAPLACIAN`]: the trace of the second derivative of the output
/// `value`, one number for each example, in the input `state`, a vector. It is the divergence of the gradient, by the
/// cheapest route.
///
/// ```
/// use ad_core::{Elementary, Tape};
/// use ad_ops::{Workload, laplacian};
///
/// let wave = Tape::record(|t| {
///     let (x, k) = (t.example("x", &[3]), t.shared("k", &[3]));
///     [("u", x.dot(&k).sin())]
/// })?;
/// let both = laplacian(&wave, "x", "u", Workload::default())?;
/// let out = both.compile::<f64>()?.call(1, &[&[0.1, 0.2, 0.3], &[1.0, 2.0, 2.0]])?;
/// assert!((out[1][0] + 9.0 * out[0][0]).abs() < 1e-14); // -|k|^2 sin(k x)
/// # Ok::<(), ad_core::Error>(())
/// ```
///
/// # Errors
/// Where there is no such input or output, or it is no vector or no number.
pub fn laplacian(tape: &Tape, state: &str, value: &str, workload: Workload) -> Result<Tape> {
    let (from, to) = (tape.node(tape.input(state)?).shape(), tape.node(tape.output(value)?).shape());
    if from.len() != 1 || !to.is_empty() {
        return Err(Error::new(format!(
            "the Laplacian of a value of shape {to:?} in states of shape {from:?}: a number and a vector are wanted"
        )));
    }
    let place =
        |list: &[(String, _)], name: &str| list.iter().position(|(n, _)| n == name).unwrap_or_default();
    let (x, u) = (place(tape.inputs(), state), place(tape.outputs(), value));
    let gradient = Tape::record(|t| {
        let inputs = t.inputs_like(tape);
        let outputs = t.inline(tape, &inputs.iter().collect::<Vec<_>>());
        let slopes = t.pull_back(&[(&outputs[u], &t.number(1.0))], &[&inputs[x]]).remove(0);
        let names = tape.outputs().iter().map(|(name, _)| name.clone());
        names.zip(outputs).chain([(GRADIENT.to_owned(), slopes)]).collect::<Vec<_>>()
    })?;
    let ends = Ends::find(&gradient, state, GRADIENT)?;
    let whole = routes(&gradient, &ends, (Goal::Trace, LAPLACIAN), workload)?.into_cheapest().into_tape();
    Tape::record(|t| {
        let inputs = t.inputs_like(&whole);
        let outputs = t.inline(&whole, &inputs.iter().collect::<Vec<_>>());
        let named = whole.outputs().iter().zip(outputs).filter(|((name, _), _)| name != GRADIENT);
        named.map(|((name, _), value)| (name.clone(), value)).collect::<Vec<_>>()
    })
}
