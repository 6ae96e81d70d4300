//! A tape, once more, with outputs that are made of the Jacobian of one of its outputs in one of its inputs.

use ad_core::{Error, Recorder, Result, Tape, Tracer};

/// State and field in a recording that has the tape inlined.
pub(crate) struct Field<'a> {
    pub(crate) recorder: &'a Recorder,
    pub(crate) state: Tracer,
    pub(crate) value: Tracer,
    /// The length of both.
    pub(crate) dim: usize,
    /// All outputs of the tape, by name.
    pub(crate) outputs: Vec<(String, Tracer)>,
}

impl Field<'_> {
    /// The rows of `directions` times the transposed Jacobian: `J v` for each row `v`.
    pub(crate) fn push(&self, directions: &Tracer) -> Tracer {
        self.recorder.push_forward(&[(&self.state, directions)], &[&self.value]).remove(0)
    }

    /// The rows of `cotangents` times the Jacobian: `J^T v` for each row `v`.
    pub(crate) fn pull(&self, cotangents: &Tracer) -> Tracer {
        self.recorder.pull_back(&[(&self.value, cotangents)], &[&self.state]).remove(0)
    }
}

/// The tape recorded again, with the outputs that `code` makes.
///
/// # Errors
/// Where there is no such input or output, they are not two vectors of one length, or `code` fails.
pub(crate) fn with_field(
    tape: &Tape,
    state: &str,
    field: &str,
    code: impl FnOnce(Field) -> Vec<(String, Tracer)>,
) -> Result<Tape> {
    let shapes = [tape.node(tape.input(state)?).shape(), tape.node(tape.output(field)?).shape()];
    let (&[dim], &[to]) = (&shapes[0][..], &shapes[1][..]) else { return Err(no_field(&shapes)) };
    if dim != to {
        return Err(no_field(&shapes));
    }
    let place =
        |list: &[(String, _)], name: &str| list.iter().position(|(n, _)| n == name).unwrap_or_default();
    Tape::record(|t| {
        let inputs = t.inputs_like(tape);
        let outputs = t.inline(tape, &inputs.iter().collect::<Vec<_>>());
        let names = tape.outputs().iter().map(|(name, _)| name.clone());
        code(Field {
            recorder: t,
            state: inputs[place(tape.inputs(), state)].clone(),
            value: outputs[place(tape.outputs(), field)].clone(),
            dim,
            outputs: names.zip(outputs).collect(),
        })
    })
}

fn no_field([from, to]: &[Vec<usize>; 2]) -> Error {
    Error::new(format!("a field takes a vector to one of the same length; this takes {from:?} to {to:?}"))
}
