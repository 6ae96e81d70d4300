//! Whole batches: rows in, rows out, blocks spread over threads.

use rayon::prelude::*;

use super::instruction::Place;
use super::runtime::{Binding, Workspace, check_size};
use super::{Port, Program};
use crate::error::{Error, Result};
use crate::kernels::{self, BLOCK, Element, Rows, RowsMut};

impl<T: Element> Program<T> {
    /// Runs the program on `examples` examples. Inputs are in the order of the tape, row-major with one row per
    /// example; the outputs come back so.
    ///
    /// # Errors
    /// Where an input is missing or does not have the size of its shape.
    pub fn call(&self, examples: usize, inputs: &[&[T]]) -> Result<Vec<Vec<T>>> {
        if inputs.len() != self.inputs.len() {
            return Err(Error::new(format!(
                "{} inputs are wanted, {} were given",
                self.inputs.len(),
                inputs.len()
            )));
        }
        for (port, input) in self.inputs.iter().zip(inputs) {
            check_size(port, if port.has_example() { examples } else { 1 }, input.len())?;
        }
        let pairs = || self.inputs.iter().zip(inputs);
        let shared: Vec<&[T]> = pairs().filter(|(p, _)| !p.has_example()).map(|(_, x)| *x).collect();
        let mut binding = self.binding();
        self.bind(&mut binding, &shared)?;
        let size = if self.one_block { examples.max(1) } else { BLOCK };
        let block = |workspace: &mut Workspace<T>, number: usize| {
            let first = number * size;
            self.run_rows(&binding, workspace, inputs, first, size.min(examples - first))
        };
        // Without examples there is still what follows from sums over none.
        let count = if self.one_block { 1 } else { examples.div_ceil(size) };
        let results: Vec<Block<T>> = if count > 1 {
            let run = |workspace: &mut Workspace<T>, number| block(workspace, number);
            (0..count).into_par_iter().map_init(|| self.workspace_for(size), run).collect()
        } else {
            let mut workspace = self.workspace_for(size);
            (0..count).map(|number| block(&mut workspace, number)).collect()
        };
        let mut total = self.totals();
        for block in &results {
            block.sums.iter().enumerate().for_each(|(k, sum)| total.add_sum(k, sum));
        }
        self.finish(&binding, &mut total);
        Ok(self.gather(&binding, &total, &results))
    }

    /// One block: rows of the batch in, rows and sums out.
    fn run_rows(
        &self,
        binding: &Binding<T>,
        workspace: &mut Workspace<T>,
        inputs: &[&[T]],
        first: usize,
        count: usize,
    ) -> Block<T> {
        workspace.clear_sums();
        workspace.set_examples(count);
        let stride = workspace.stride();
        for (k, (port, input)) in
            self.inputs.iter().zip(inputs).enumerate().filter(|(_, (p, _))| p.has_example())
        {
            let n = port.size();
            let src = Rows { data: &input[first * n..(first + count) * n], stride: n };
            let dst = RowsMut { data: self.input_mut(workspace, k), stride };
            kernels::transpose([count, n], src, dst);
        }
        self.run_block(binding, workspace);
        let read = |(k, port): (usize, &Port)| {
            let n = port.size();
            let mut rows = vec![T::zero(); if port.has_example() { count * n } else { 0 }];
            if port.has_example() {
                let src = Rows { data: self.output(binding, workspace, k), stride };
                kernels::transpose([n, count], src, RowsMut { data: &mut rows, stride: n });
            }
            rows
        };
        Block {
            outputs: self.outputs.iter().enumerate().map(read).collect(),
            sums: workspace.sums().to_vec(),
        }
    }

    fn gather(&self, binding: &Binding<T>, total: &Workspace<T>, blocks: &[Block<T>]) -> Vec<Vec<T>> {
        let one = |(k, port): (usize, &Port)| match port.place {
            Place::Block(_) => blocks.iter().flat_map(|b| &b.outputs[k]).copied().collect(),
            _ => self.output(binding, total, k).to_vec(),
        };
        self.outputs.iter().enumerate().map(one).collect()
    }
}

/// What one block gives: its rows of each output, and its sums over examples.
struct Block<T> {
    outputs: Vec<Vec<T>>,
    sums: Vec<Vec<T>>,
}
