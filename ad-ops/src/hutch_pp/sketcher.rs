//! Bases of a whole batch: the sketching tape on blocks, and orthonormal rows of what it gives.

use ad_core::{BLOCK, Binding, Element, Error, Port, Program, Result, Tape, Workspace, lanes_to_rows};
use rayon::prelude::*;

use super::{IMAGE, SHIFT, Sketch, orthonormalise, sketch};

/// Makes the bases of a batch. Has no state; may be shared between threads.
#[derive(Clone, Debug)]
pub struct Sketcher<T> {
    program: Program<T>,
    rows: usize,
    dim: usize,
    image: usize,
    shift: Option<usize>,
}

/// The bases of some examples.
#[derive(Clone, Debug, PartialEq)]
pub struct Sketched<T> {
    /// The input [`BASIS`](super::BASIS): `[rows, d]` for each example, row-major, one example after another.
    pub basis: Vec<T>,
    /// The input [`SHIFT`](super::SHIFT) for each example, where the sketch takes one off; else empty.
    pub shift: Vec<T>,
}

impl<T: Element> Sketcher<T> {
    /// Compiles the [`sketch`] of a field.
    ///
    /// # Errors
    /// As [`sketch`].
    pub fn new(tape: &Tape, state: &str, field: &str, rows: usize, kind: Sketch) -> Result<Self> {
        let program = sketch(tape, state, field, rows, kind)?.compile::<T>()?;
        let output = |name: &str| program.outputs().iter().position(|p| p.name == name);
        let image = output(IMAGE).unwrap_or_default();
        let dim = program.outputs()[image].size() / rows;
        Ok(Sketcher { shift: output(SHIFT), image, rows, dim, program })
    }

    /// The sketching tape, compiled: its inputs are those of the field, then [`SKETCH`](super::SKETCH).
    pub fn program(&self) -> &Program<T> {
        &self.program
    }

    /// The bases of `examples` examples. Inputs are in the order of [`Sketcher::program`], row-major, one row an example.
    ///
    /// # Errors
    /// Where an input is missing or does not have the size of its shape.
    pub fn bases(&self, examples: usize, inputs: &[&[T]]) -> Result<Sketched<T>> {
        let ports = self.program.inputs();
        if ports.len() != inputs.len() {
            let message = format!("{} inputs are wanted, {} were given", ports.len(), inputs.len());
            return Err(Error::new(message));
        }
        for (port, input) in ports.iter().zip(inputs).filter(|(p, _)| p.has_example()) {
            if port.size() * examples != input.len() {
                let Port { name, shape, .. } = port;
                let (want, got) = (port.size() * examples, input.len());
                let message =
                    format!("input `{name}` of shape {shape:?} takes {want} elements, it was given {got}");
                return Err(Error::new(message));
            }
        }
        let pairs = || ports.iter().zip(inputs);
        let mut binding = self.program.binding();
        let shared: Vec<&[T]> = pairs().filter(|(p, _)| !p.has_example()).map(|(_, x)| *x).collect();
        self.program.bind(&mut binding, &shared)?;
        let size = self.rows * self.dim;
        let mut basis = vec![T::zero(); examples * size];
        let mut shift = vec![T::zero(); if self.shift.is_some() { examples } else { 0 }];
        let block = |(workspace, lanes): &mut (Workspace<T>, Vec<T>), number: usize, rows: &mut [T]| {
            let (first, count) = (number * BLOCK, rows.len() / size);
            workspace.set_examples(count);
            for (k, (port, input)) in pairs().enumerate().filter(|(_, (p, _))| p.has_example()) {
                let n = port.size();
                self.program.write_rows(workspace, k, &input[first * n..(first + count) * n]);
            }
            self.basis_of_block(&binding, workspace, lanes)?;
            lanes_to_rows(lanes, workspace.stride(), rows, size);
            let shift = self.shift.map(|k| self.program.output(&binding, workspace, k)[..count].to_vec());
            Ok(shift.unwrap_or_default())
        };
        let memory = || (self.program.workspace(), Vec::new());
        let blocks = basis.par_chunks_mut((BLOCK * size).max(1)).enumerate();
        let shifts: Vec<Vec<T>> =
            blocks.map_init(memory, |m, (number, rows)| block(m, number, rows)).collect::<Result<_>>()?;
        shift.iter_mut().zip(shifts.concat()).for_each(|(to, from)| *to = from);
        Ok(Sketched { basis, shift })
    }

    /// The basis of each example of the block whose inputs lie in `workspace`, with the stride of the workspace: what
    /// [`BASIS`](super::BASIS) is in another program's workspace of as many examples.
    ///
    /// # Errors
    /// Never for a workspace of this program.
    pub fn basis_of_block(
        &self,
        binding: &Binding<T>,
        workspace: &mut Workspace<T>,
        basis: &mut Vec<T>,
    ) -> Result<()> {
        self.program.run_block(binding, workspace);
        let stride = workspace.stride();
        let size = self.rows * self.dim * stride;
        basis.clear();
        basis.extend_from_slice(&self.program.output(binding, workspace, self.image)[..size]);
        orthonormalise(basis, self.rows, self.dim, stride)
    }
}
