//! Random programs whose derivatives can be checked: values stay bounded, and away from poles and kinks.

use std::fmt;

use super::Choices;
use super::engines::Engines;
use super::steps::{Generator, Sizes};
use crate::error::{Error, Result};
use crate::eval::Array;
use crate::tape::Tape;

/// The bytes that decide one step of a program. Taking so many out of the middle of a case takes one step out.
pub const STEP: usize = 10;

/// A program and a point to run it at.
#[derive(Clone, PartialEq)]
pub struct Case {
    /// The program; its outputs are its last values.
    pub tape: Tape,
    /// How many examples there are.
    pub examples: usize,
    /// The inputs, in order.
    pub inputs: Vec<Array>,
}

impl Case {
    /// A program made of all operations, its steps decided by [`STEP`] bytes each. No bytes make the smallest program.
    ///
    /// # Errors
    /// None; a refusal would be a bug of the recorder.
    pub fn from_bytes(bytes: &[u8]) -> Result<Case> {
        let examples = 1 + usize::from(bytes.first().copied().unwrap_or(0)) % 3;
        Case::with_examples(bytes, examples)
    }

    /// The same for another number of examples than the bytes would have.
    ///
    /// # Errors
    /// As [`Case::from_bytes`].
    pub fn with_examples(bytes: &[u8], examples: usize) -> Result<Case> {
        Case::with_sizes(bytes, examples, Sizes::SMALL)
    }

    /// The same with values of other sizes too.
    ///
    /// # Errors
    /// As [`Case::from_bytes`].
    ///
    /// # Panics
    /// Where `sizes` has no lengths of axes.
    pub fn with_sizes(bytes: &[u8], examples: usize, sizes: Sizes<'_>) -> Result<Case> {
        let (header, steps) = bytes.split_at(bytes.len().min(STEP));
        let mut header = Choices::from_bytes(header.get(1..).unwrap_or(&[]));
        let mut inputs = Vec::new();
        let tape = Tape::record(|t| {
            let mut generator = Generator::new(t, examples, sizes, &mut header);
            for step in steps.chunks(STEP) {
                generator.step(&mut Choices::from_bytes(step));
            }
            let (outputs, all) = generator.finish();
            inputs = all;
            outputs
        })?;
        Ok(Case { tape, examples, inputs })
    }

    /// The same from a seed: up to `steps` steps.
    ///
    /// # Errors
    /// As [`Case::from_bytes`].
    pub fn from_seed(seed: u64, steps: usize) -> Result<Case> {
        let mut choices = Choices::from_seed(seed);
        let count = 1 + choices.below(steps);
        let bytes: Vec<u8> = (0..STEP * (1 + count)).map(|_| choices.below(256) as u8).collect();
        Case::from_bytes(&bytes)
    }

    /// The gradient of all outputs by all inputs, at the same point; the cotangents are the values themselves.
    ///
    /// # Errors
    /// None; a refusal would be a bug of the transforms.
    pub fn gradient(&self) -> Result<Case> {
        let names: Vec<&str> = self.tape.inputs().iter().map(|(name, _)| name.as_str()).collect();
        let mut inputs = self.inputs.clone();
        inputs.extend(self.tape.eval(self.examples, &self.inputs)?);
        Ok(Case { tape: self.tape.vjp(&names)?, examples: self.examples, inputs })
    }

    /// The case with some elements of the inputs replaced by one that is no finite number.
    #[must_use]
    pub fn poisoned(&self, by: f64, choices: &mut Choices<'_>) -> Case {
        let mut case = self.clone();
        for array in case.inputs.iter_mut().filter(|array| !array.data.is_empty()) {
            let place = choices.below(array.data.len());
            array.data[place] = by;
        }
        case
    }

    /// Checks the program and its gradient, also where a NaN goes through, on all engines ([`program`](super::program)).
    ///
    /// # Errors
    /// The first number that differs, and in which of the four.
    pub fn engines(&self, tolerance: f64) -> Result<()> {
        for (place, case) in [("", self), ("in the gradient, ", &self.gradient()?)] {
            let engines = Engines::compile(&case.tape)?;
            let blame = |what: &'static str| move |error: Error| Error::new(format!("{place}{what}{error}"));
            engines.check(&case.tape, case.examples, &case.inputs, tolerance).map_err(blame(""))?;
            let case = case.poisoned(f64::NAN, &mut Choices::from_seed(0));
            // Around a rule stands what a recording would have left out, such as a padding's zero times NaN: with NaN
            // the tape is the one that is compiled.
            let compiled = case.tape.without_rules();
            engines.check(&compiled, case.examples, &case.inputs, tolerance).map_err(blame("with NaN, "))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "with {} examples:\n{}", self.examples, self.tape)?;
        for ((name, _), array) in self.tape.inputs().iter().zip(&self.inputs) {
            writeln!(f, "{name} = {:?} of shape {:?}", array.data, array.shape)?;
        }
        Ok(())
    }
}
