//! Random programs whose derivatives can be checked: values stay bounded, and away from poles and kinks.

use std::fmt;

use super::Choices;
use super::steps::Generator;
use crate::error::Result;
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
        let (header, steps) = bytes.split_at(bytes.len().min(STEP));
        let mut header = Choices::from_bytes(header);
        let examples = 1 + header.below(3);
        let mut inputs = Vec::new();
        let tape = Tape::record(|t| {
            let mut generator = Generator::new(t, examples, &mut header);
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
