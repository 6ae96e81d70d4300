//! The Jacobian of a tape as a linear map.

use ad_core::{Error, Port, Program, Result, Tape};

use super::map::{LinearMap, Transposable};
use crate::jacobian::with_field;

/// Products with the Jacobian of an output of a tape in one of its inputs, and with its transpose.
///
/// ```
/// use ad_core::{Elementary, Tape};
/// use ad_ops::trace::{Jacobian, LinearMap};
///
/// let field = Tape::record(|t| [("x_dot", t.example("x", &[2]).sin())])?;
/// let jacobian = Jacobian::new(&field, "x", "x_dot")?;
/// let mut image = [0.0; 2];
/// jacobian.at(&[&[0.5, 0.2]])?.apply(&[1.0, 2.0], &mut image)?;
/// assert_eq!(image, [0.5_f64.cos(), 2.0 * 0.2_f64.cos()]);
/// # Ok::<(), ad_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Jacobian {
    push: Program<f64>,
    pull: Program<f64>,
    dim: usize,
}

const DIRECTION: &str = "direction";
const IMAGE: &str = "image";

impl Jacobian {
    /// Compiles both kinds of products.
    ///
    /// # Errors
    /// Where there is no such input or output, or they are not vectors of one length.
    pub fn new(tape: &Tape, state: &str, field: &str) -> Result<Jacobian> {
        let mut dim = 0;
        let mut program = |forward: bool| {
            let tape = with_field(tape, state, field, |f| {
                dim = f.dim;
                let v = f.recorder.example(DIRECTION, &[f.dim]);
                let image = if forward { f.push(&v) } else { f.pull(&v) };
                vec![(IMAGE.to_owned(), image.to_examples())]
            })?;
            tape.compile::<f64>()
        };
        Ok(Jacobian { push: program(true)?, pull: program(false)?, dim })
    }

    /// The Jacobian at one example, whose inputs are in the order of the tape.
    ///
    /// # Errors
    /// Where an input is missing or does not have the size of its shape.
    pub fn at(&self, inputs: &[&[f64]]) -> Result<JacobianAt<'_>> {
        let ports = &self.push.inputs()[..self.push.inputs().len() - 1];
        if ports.len() != inputs.len() {
            let message = format!("{} inputs are wanted, {} were given", ports.len(), inputs.len());
            return Err(Error::new(message));
        }
        for (Port { name, shape, .. }, input) in ports.iter().zip(inputs) {
            if shape.iter().product::<usize>() != input.len() {
                let message = format!("input `{name}` of shape {shape:?} was given {} elements", input.len());
                return Err(Error::new(message));
            }
        }
        Ok(JacobianAt { jacobian: self, inputs: inputs.iter().map(|x| x.to_vec()).collect() })
    }
}

/// A [`Jacobian`] at one example.
#[derive(Clone, Debug)]
pub struct JacobianAt<'a> {
    jacobian: &'a Jacobian,
    inputs: Vec<Vec<f64>>,
}

impl JacobianAt<'_> {
    /// Directions run side by side as examples do.
    fn run(&self, program: &Program<f64>, rows: &[f64], images: &mut [f64]) -> Result<()> {
        let count = rows.len() / self.jacobian.dim;
        let repeated: Vec<Vec<f64>> = self
            .inputs
            .iter()
            .zip(program.inputs())
            .map(|(x, port)| if port.has_example() { x.repeat(count) } else { x.clone() })
            .collect();
        let inputs: Vec<&[f64]> = repeated.iter().map(|x| &x[..]).chain([rows]).collect();
        let out = program.call(count, &inputs)?;
        out.first().into_iter().for_each(|out| images.copy_from_slice(out));
        Ok(())
    }
}

impl LinearMap for JacobianAt<'_> {
    fn dim(&self) -> usize {
        self.jacobian.dim
    }

    fn apply(&self, rows: &[f64], images: &mut [f64]) -> Result<()> {
        self.run(&self.jacobian.push, rows, images)
    }
}

impl Transposable for JacobianAt<'_> {
    fn apply_transpose(&self, rows: &[f64], images: &mut [f64]) -> Result<()> {
        self.run(&self.jacobian.pull, rows, images)
    }
}
