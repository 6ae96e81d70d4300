//! What is timed: something that is called again and again, and leaves its results.

use ad_core::{Element, Program, Runner, Tape};
use ad_ops::hutch_pp::{BASIS, SKETCH};
use serde_json::json;
use smallvec::SmallVec;

use crate::Result;
use crate::arguments::{Arguments, Letter};
use crate::by_hand::FastTanh;
use crate::clock::time;
use crate::inputs::Inputs;

/// An element of the engine and of the loops by hand.
pub(crate) trait Float: Element + FastTanh + faer::traits::RealField {}

impl<T: Element + FastTanh + faer::traits::RealField> Float for T {}

/// One way to compute something.
pub(crate) trait Case<T> {
    /// Computes it from parameters that may have changed since the last call.
    fn call(&mut self) -> Result<()>;
    /// The results of the last call.
    fn outputs(&self) -> Vec<&[T]>;
}

/// The name of a case, and how it is made ready.
pub(crate) type Make<'a, T> = (&'a str, &'a dyn Fn() -> Result<Box<dyn Case<T>>>);

/// Times those of `cases` that are asked for, and prints a row for each; `value` is made of the results.
pub(crate) fn measure<T: Float>(
    arguments: &Arguments,
    [d, batch]: [usize; 2],
    cases: &[Make<T>],
    value: fn(&[&[T]]) -> f64,
) -> Result<()> {
    for (name, make) in cases.iter().filter(|(name, _)| arguments.wants(name)) {
        let mut case = make()?;
        let timing = time(arguments.budget(), || case.call())?;
        let mut own = json!({ "d": d, "batch": batch, "value": value(&case.outputs()) });
        if arguments.letter != Letter::A {
            own["us_per_sample"] = json!(timing.median / batch as f64 * 1e6);
        }
        arguments.print(name, own, Some(&timing));
    }
    Ok(())
}

/// The mean of the first output.
pub(crate) fn mean<T: Float>(outputs: &[&[T]]) -> f64 {
    outputs[0].iter().map(|x| x.to_double()).sum::<f64>() / outputs[0].len() as f64
}

/// A program called on whole batches.
pub(crate) struct Batch<T> {
    runner: Runner<T, Program<T>>,
    inputs: Vec<Vec<T>>,
    examples: usize,
}

impl<T: Float> Batch<T> {
    pub(crate) fn new(tape: &Tape, inputs: &Inputs, examples: usize) -> Result<Self> {
        let program = tape.compile()?;
        let rows = rows(&program, inputs, examples);
        Ok(Batch::with_rows(program, rows, examples))
    }

    /// With what each input is fed.
    pub(crate) fn with_rows(program: Program<T>, inputs: Vec<Vec<T>>, examples: usize) -> Self {
        Batch { runner: program.into_runner(), inputs, examples }
    }
}

impl<T: Float> Case<T> for Batch<T> {
    fn call(&mut self) -> Result<()> {
        let inputs: SmallVec<[&[T]; 8]> = self.inputs.iter().map(|x| &x[..]).collect();
        Ok(self.runner.call(self.examples, &inputs)?)
    }

    fn outputs(&self) -> Vec<&[T]> {
        self.runner.outputs().iter().map(|x| &x[..]).collect()
    }
}

/// What a program is fed: each of its inputs by its name.
pub(crate) fn rows<T: Float>(program: &Program<T>, inputs: &Inputs, examples: usize) -> Vec<Vec<T>> {
    let plus = program.inputs().iter().any(|port| [SKETCH, BASIS].contains(&&port.name[..]));
    let read = |port: &ad_core::Port| {
        let rows = match &port.name[..] {
            flows::STATE => &inputs.points[..examples * port.size()],
            ad_ops::PROBE if plus => &inputs.rest[..examples * port.size()],
            ad_ops::PROBE => &inputs.probes[..examples * port.size()],
            SKETCH => &inputs.sketch[..examples * port.size()],
            BASIS => &inputs.basis[..examples * port.size()],
            name => inputs.weights.get(name).map_or(&[][..], |a| &a.data),
        };
        cast(rows)
    };
    program.inputs().iter().map(read).collect()
}

/// Numbers in the precision that is measured.
pub(crate) fn cast<T: Element>(numbers: &[f64]) -> Vec<T> {
    numbers.iter().map(|&x| T::from_f64(x)).collect()
}
