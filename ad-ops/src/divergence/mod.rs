//! The divergence of a field, as a tape.

mod error;
mod exact;
mod hutchinson;

use ad_core::{Error, Recorder, Result, Tape, Tracer};

pub(crate) use error::standard_error;
pub use error::{STANDARD_ERROR, divergence_with_error};
pub(crate) use exact::{Goal, cost, routes};
pub use exact::{Route, Routes, Workload};

/// The name of the output that [`divergence`] adds.
pub const DIVERGENCE: &str = "divergence";
/// The name of the input that [`Estimator::Hutchinson`] adds.
pub const PROBE: &str = "probe";

/// How the trace of the Jacobian is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Estimator {
    /// The trace itself by the cheapest route, for the default [`Workload`]. The derivative is a sum of products of
    /// matrices and slopes, which is contracted in the order that costs least; so rounding differs from that of
    /// [`Estimator::Directions`].
    Exact,
    /// [`Estimator::Exact`] for a given workload.
    ExactFor(Workload),
    /// The trace itself, by pushing all `d` directions forward. The first linear layer costs nothing, since its directions
    /// are the rows of its matrix, and of the last one the diagonal alone is computed.
    Directions,
    /// The mean of `v^T J v` over random probes (Hutchinson 1990), which are an input of the tape: `probe` of shape
    /// `[probes, d]` for each example. Unbiased for probes with covariance one.
    Hutchinson {
        /// The number of probes, each one Jacobian-vector product.
        probes: usize,
    },
}

/// The tape of a field with one more output, [`DIVERGENCE`]: the trace of the derivative of the output `field` in the
/// input `state`. Both are vectors of one length. The estimator may add an input, [`PROBE`].
///
/// # Errors
/// Where there is no such input or output, their shapes are not one vector's, a name is taken, or no probes are asked
/// for.
pub fn divergence(tape: &Tape, state: &str, field: &str, estimator: Estimator) -> Result<Tape> {
    let ends = Ends::find(tape, state, field)?;
    match estimator {
        Estimator::Exact => divergence(tape, state, field, Estimator::ExactFor(Workload::default())),
        Estimator::ExactFor(workload) => {
            Ok(routes(tape, &ends, (Goal::Trace, DIVERGENCE), workload)?.into_cheapest().into_tape())
        }
        Estimator::Directions => {
            ends.record(tape, DIVERGENCE, |t, x, y, d| Goal::Trace.by_directions(t, x, y, d))
        }
        Estimator::Hutchinson { probes } => {
            ends.record(tape, DIVERGENCE, |t, x, y, d| hutchinson::trace(t, x, y, probes, d))
        }
    }
}

/// The routes that [`Estimator::ExactFor`] chooses from: what it takes, at what cost, and the runners-up.
///
/// ```
/// use ad_core::{Elementary, Tape};
/// use ad_ops::{Workload, explain};
///
/// let field = Tape::record(|t| {
///     let (x, w, v) = (t.example("x", &[8]), t.shared("w", &[8, 64]), t.shared("v", &[64, 8]));
///     [("x_dot", x.matmul(&w).tanh().matmul(&v))]
/// })?;
/// // tr(v s w) = sum_h s[h] m[h] with m[h] = sum_i w[i,h] v[h,i], which has no example.
/// let routes = explain(&field, "x", "x_dot", Workload { examples: 1000, evaluations: 1 })?;
/// println!("{routes}");
/// let [example, binding] = routes.cheapest().work();
/// assert_eq!((example.multiply_adds, binding.multiply_adds), (64.0 + 64.0, 8.0 * 64.0));
/// # Ok::<(), ad_core::Error>(())
/// ```
///
/// # Errors
/// As [`divergence`].
pub fn explain(tape: &Tape, state: &str, field: &str, workload: Workload) -> Result<Routes> {
    routes(tape, &Ends::find(tape, state, field)?, (Goal::Trace, DIVERGENCE), workload)
}

/// Where the state and the field are on a tape.
pub(crate) struct Ends {
    /// Among the inputs.
    input: usize,
    /// Among the outputs.
    output: usize,
    /// The length of both.
    length: usize,
}

impl Ends {
    pub(crate) fn find(tape: &Tape, state: &str, field: &str) -> Result<Ends> {
        let (x, y) = (tape.input(state)?, tape.output(field)?);
        let place = |list: &[(String, _)], name: &str| list.iter().position(|(n, _)| n == name);
        let (Some(input), Some(output)) = (place(tape.inputs(), state), place(tape.outputs(), field)) else {
            return Err(Error::new("the tape changed its names"));
        };
        match (&tape.node(x).shape()[..], &tape.node(y).shape()[..]) {
            (&[length], &[m]) if length == m => Ok(Ends { input, output, length }),
            (from, to) => Err(Error::new(format!(
                "the divergence of a field of shape {to:?} on states of shape {from:?}: both must be vectors of one \
                 length"
            ))),
        }
    }

    /// A tape with one more output that `more` makes of the state, the field and their length.
    fn record(
        &self,
        tape: &Tape,
        name: &str,
        more: impl FnOnce(&Recorder, &Tracer, &Tracer, usize) -> Tracer,
    ) -> Result<Tape> {
        record(tape, name, |t, inputs, outputs| {
            more(t, &inputs[self.input], &outputs[self.output], self.length)
        })
    }
}

/// A tape with one more output that `more` makes of its inputs and outputs.
fn record(
    tape: &Tape,
    name: &str,
    more: impl FnOnce(&Recorder, &[Tracer], &[Tracer]) -> Tracer,
) -> Result<Tape> {
    Tape::record(|t| {
        let inputs = t.inputs_like(tape);
        let outputs = t.inline(tape, &inputs.iter().collect::<Vec<_>>());
        let more = more(t, &inputs, &outputs).to_examples();
        let names = tape.outputs().iter().map(|(name, _)| name.clone());
        names.zip(outputs).chain([(name.to_owned(), more)]).collect::<Vec<_>>()
    })
}

/// The derivatives of `y` along `directions` of `x`: shape `[directions, d]`.
fn tangents(t: &Recorder, x: &Tracer, y: &Tracer, directions: &Tracer) -> Tracer {
    t.push_forward(&[(x, directions)], &[y]).remove(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ad_core::{Array, Elementary};

    /// A field with a skip, a gate and time, of `d` numbers.
    fn field(d: usize) -> Tape {
        Tape::record(|t| {
            let (time, x) = (t.example("t", &[]), t.example("x", &[d]));
            let (w, v) = (t.shared("w", &[d, 5]), t.shared("v", &[5, d]));
            let h = (x.matmul(&w) + time.sin()).tanh();
            [("x_dot", h.matmul(&v) * time.sigmoid() + x.clone() * 0.3 + (x.dot(&x) * &x))]
        })
        .unwrap()
    }

    fn numbers(shape: &[usize], seed: u32) -> Array {
        let mut stream = crate::random::Purpose::Constant.stream(5, seed, 0);
        let n = shape.iter().product();
        Array::new(shape, (0..n).map(|_| stream.standard_normal()).collect()).unwrap()
    }

    fn inputs(d: usize, n: usize) -> Vec<Array> {
        vec![numbers(&[n], 0), numbers(&[n, d], 1), numbers(&[d, 5], 2), numbers(&[5, d], 3)]
    }

    #[test]
    fn exact_is_the_trace_of_differences() {
        let (d, n) = (4, 3);
        let (tape, h) = (field(d), 1e-5);
        let given = inputs(d, n);
        let got = divergence(&tape, "x", "x_dot", Estimator::Exact).unwrap().eval(n, &given).unwrap();
        for e in 0..n {
            let rate = |i: usize, step: f64| {
                let mut moved = given.clone();
                moved[1].data[e * d + i] += step;
                tape.eval(n, &moved).unwrap()[0].data[e * d + i]
            };
            let trace: f64 = (0..d).map(|i| (rate(i, h) - rate(i, -h)) / (2.0 * h)).sum();
            assert!(
                (got[1].data[e] - trace).abs() < 1e-8 * (1.0 + trace.abs()),
                "{} of {trace}",
                got[1].data[e]
            );
        }
    }

    /// The mean over all sign vectors is the trace, value and parameter gradient: no sampling, no tolerance but rounding.
    #[test]
    fn all_signs_together_are_exact() {
        let (d, n) = (4, 2);
        let all = 1 << d;
        let tape = field(d);
        let exact = divergence(&tape, "x", "x_dot", Estimator::Exact).unwrap();
        let hutchinson = divergence(&tape, "x", "x_dot", Estimator::Hutchinson { probes: all }).unwrap();
        let signs = (0..all).flat_map(|k| (0..d).map(move |i| if k >> i & 1 == 1 { 1.0 } else { -1.0 }));
        let probes = Array::new(&[n, all, d], signs.clone().chain(signs).collect()).unwrap();
        let bars = [numbers(&[n, d], 8), numbers(&[n], 9)];
        let gradient = |tape: &Tape, more: &[Array]| {
            let given = [&inputs(d, n)[..], more, &bars].concat();
            tape.vjp(&["x", "w", "v"]).unwrap().eval(n, &given).unwrap()
        };
        for (a, b) in gradient(&exact, &[]).iter().zip(gradient(&hutchinson, &[probes])) {
            for (a, b) in a.data.iter().zip(b.data) {
                assert!((a - b).abs() < 1e-11 * (1.0 + a.abs()), "{a} against {b}");
            }
        }
    }

    #[test]
    fn what_is_no_field_is_refused() {
        let tape = Tape::record(|t| [("y", t.example("x", &[3]).slice(0, 0..2))]).unwrap();
        let refusal = |state, field, e| divergence(&tape, state, field, e).unwrap_err().to_string();
        assert!(refusal("x", "y", Estimator::Exact).contains("[2] on states of shape [3]"));
        assert!(refusal("z", "y", Estimator::Exact).contains("its inputs are x"));
        assert!(refusal("x", "z", Estimator::Exact).contains("its outputs are y"));
        let none = divergence(&field(2), "x", "x_dot", Estimator::Hutchinson { probes: 0 });
        assert!(none.unwrap_err().to_string().contains("at least one probe"));
    }
}
