//! The suite: one named case per operation and rule, each run through every check and every engine.

mod cases;
mod custom;
mod golden;
mod nested;
mod rules;

use ad_core::check::{self, Choices, Tester};
use ad_core::{Array, Extent, Recorder, Tape, Tracer};

/// A recorded case.
fn record(code: impl FnOnce(&Recorder) -> Tracer) -> Tape {
    Tape::record(|t| [("y", code(t))]).unwrap_or_else(|error| panic!("{error}"))
}

/// Inputs for a tape: both signs, away from 0, sizes between `low` and `high`.
fn inputs(tape: &Tape, examples: usize, low: f64, high: f64) -> Vec<Array> {
    let mut choices = Choices::from_seed(7);
    let mut number =
        || choices.between(low, high) * if low > 0.0 || choices.below(2) == 0 { 1.0 } else { -1.0 };
    let length = |d: &Extent| if let Extent::Fixed(n) = d { *n } else { examples };
    let array = |id| {
        let shape: Vec<usize> = tape.node(id).dims().iter().map(length).collect();
        let data = (0..shape.iter().product()).map(|_| number()).collect();
        Array::new(&shape, data).unwrap()
    };
    tape.inputs().iter().map(|(_, id)| *id).map(array).collect()
}

/// All laws at a point, and the compiled program against the evaluator, for several numbers of examples.
fn check_everything(tape: &Tape, low: f64, high: f64) {
    for examples in [1, 3] {
        let inputs = inputs(tape, examples, low, high);
        let tester = Tester { directions: 2, jacobian: 128, ..Tester::default() };
        tester.check(tape, examples, &inputs).unwrap_or_else(|error| panic!("{error}\n{tape}"));
        check::program(tape, examples, &inputs, 1e-12).unwrap_or_else(|error| panic!("{error}\n{tape}"));
    }
}
