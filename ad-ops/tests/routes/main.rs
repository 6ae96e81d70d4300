//! What is computed of Jacobians, by all routes, on random networks and on fields that are none.

mod exact;
mod family;
mod fields;

use ad_core::{Array, Tape};
use ad_ops::Workload;
use proptest::prelude::*;

pub(crate) fn run(tape: &Tape, examples: usize, inputs: &[Array]) -> Vec<Vec<f64>> {
    let data: Vec<&[f64]> = inputs.iter().map(|a| &a.data[..]).collect();
    tape.compile::<f64>().unwrap().call(examples, &data).unwrap()
}

/// The Jacobians of a field, `[e, direction, component]`.
pub(crate) fn jacobian(field: &Tape, examples: usize, inputs: &[Array]) -> Vec<f64> {
    let tape = Tape::record(|t| {
        let given = t.inputs_like(field);
        let y = t.inline(field, &given.iter().collect::<Vec<_>>()).remove(0);
        let d = y.shape()[0];
        let directions = t.identity(d);
        [("jacobian", t.push_forward(&[(&given[1], &directions)], &[&y]).remove(0))]
    });
    run(&tape.unwrap(), examples, inputs).remove(0)
}

pub(crate) fn workload() -> impl Strategy<Value = Workload> {
    let numbers = prop_oneof![Just((1, 1)), Just((256, 1)), Just((4096, 100))];
    numbers.prop_map(|(examples, evaluations)| Workload { examples, evaluations })
}
