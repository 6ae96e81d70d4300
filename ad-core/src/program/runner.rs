//! Whole batches: rows in, rows out, blocks spread over threads, all memory kept from call to call.

use std::borrow::Borrow;
use std::sync::Mutex;

use smallvec::SmallVec;

use super::examples::Lender;
use super::runtime::{Binding, Workspace, check_size};
use super::shared::{Given, Shared};
use super::{Program, Sum};
use crate::error::{Error, Result};
use crate::kernels::{BLOCK, Element};

/// A program with the memory that it needs for batches. The first call of a size makes the memory; from then on a call
/// allocates nothing on one thread. (One that lends its shared inputs, [`Runner::call`], does where more than sixteen inputs
/// have examples, or more than sixteen do not.)
///
/// ```
/// use ad_core::{Elementary, Tape};
///
/// let tape = Tape::record(|t| [("y", (t.example("x", &[2]) * t.shared("w", &[2])).sum().tanh())])?;
/// let program = tape.compile::<f64>()?;
/// let mut runner = program.runner();
/// runner.bind(&[&[0.5, -1.0]])?; // parameters, and what follows from them alone: once
/// for rows in [[1.0, 2.0, 3.0, 4.0], [0.0, 1.0, 0.0, -1.0]] {
///     runner.run(2, &[&rows])?; // two examples of two numbers
///     assert!((runner.output(0)[0] - (0.5 * rows[0] - rows[1]).tanh()).abs() < 1e-15);
/// }
/// # Ok::<(), ad_core::Error>(())
/// ```
///
/// `P` is the program or a reference to it.
#[derive(Debug)]
pub struct Runner<T, P> {
    program: P,
    binding: Binding<T>,
    /// One for each thread.
    workspaces: Vec<Mutex<Workspace<T>>>,
    totals: Workspace<T>,
    /// The sums over the examples of each block, where several threads run.
    sums: Vec<T>,
    outputs: Vec<Vec<T>>,
    /// How many examples the workspaces have room for.
    capacity: usize,
    /// The shared inputs of the last call were not kept.
    lent: bool,
}

impl<T: Element> Program<T> {
    /// Memory to run batches with. The shared inputs are zero until [`Runner::bind`].
    pub fn runner(&self) -> Runner<T, &Self> {
        Runner::new(self)
    }

    /// As [`Program::runner`], with the program within.
    pub fn into_runner(self) -> Runner<T, Self> {
        Runner::new(self)
    }

    /// Runs the program on `examples` examples. Inputs are in the order of the tape, row-major with one row per
    /// example; the outputs come back so. [`Program::runner`] keeps its memory for further calls.
    ///
    /// # Errors
    /// Where an input is missing or does not have the size of its shape.
    pub fn call(&self, examples: usize, inputs: &[&[T]]) -> Result<Vec<Vec<T>>> {
        let mut runner = self.runner();
        runner.call(examples, inputs)?;
        Ok(runner.outputs)
    }
}

fn check_count(want: usize, got: usize) -> Result<()> {
    if want == got {
        return Ok(());
    }
    Err(Error::new(format!("{want} inputs are wanted, {got} were given")))
}

/// Neighbouring blocks, and where their results go.
struct Part<'a, T> {
    first: usize,
    blocks: usize,
    outputs: SmallVec<[&'a mut [T]; 4]>,
    sums: &'a mut [T],
}

impl<T: Element, P: Borrow<Program<T>>> Runner<T, P> {
    fn new(program: P) -> Self {
        let own = program.borrow();
        Runner {
            binding: own.binding(),
            workspaces: Vec::new(),
            totals: own.totals(),
            sums: Vec::new(),
            outputs: vec![Vec::new(); own.outputs().len()],
            capacity: 0,
            lent: false,
            program,
        }
    }

    /// The program.
    pub fn program(&self) -> &Program<T> {
        self.program.borrow()
    }

    /// Sets the shared inputs, in the order of the tape, and computes what follows from them alone.
    ///
    /// # Errors
    /// Where an input is missing or does not have the size of its shape.
    pub fn bind(&mut self, shared: &[&[T]]) -> Result<()> {
        self.program.borrow().bind(&mut self.binding, shared)?;
        self.lent = false;
        Ok(())
    }

    /// Binds and runs in one, for shared inputs that change from call to call: they are read where they are, not copied,
    /// and not kept for [`Runner::run`]. `inputs` are all of the tape, in order.
    ///
    /// # Errors
    /// Where an input is missing or does not have the size of its shape.
    pub fn call(&mut self, examples: usize, inputs: &[&[T]]) -> Result<()> {
        let program: &Program<T> = self.program.borrow();
        check_count(program.inputs().len(), inputs.len())?;
        let (mut shared, mut own) = (SmallVec::<[&[T]; 16]>::new(), SmallVec::<[&[T]; 16]>::new());
        for (port, input) in program.inputs().iter().zip(inputs) {
            check_size(port, if port.has_example() { examples } else { 1 }, input.len())?;
            if port.has_example() { own.push(input) } else { shared.push(input) }
        }
        self.lent = true;
        program.bind_lent(&mut self.binding, &shared);
        self.run_with(examples, Some(&shared), &own);
        Ok(())
    }

    /// Runs `examples` examples. `inputs` are those of the tape that each example has its own of, in order, row-major
    /// with one row per example.
    ///
    /// # Errors
    /// Where an input is missing or does not have the size of its shape; after a [`Runner::call`], which keeps no shared
    /// inputs to run with.
    pub fn run(&mut self, examples: usize, inputs: &[&[T]]) -> Result<()> {
        if self.lent {
            return Err(Error::new("the last call did not keep its shared inputs; bind them before a run"));
        }
        let program: &Program<T> = self.program.borrow();
        let ports = || program.inputs().iter().filter(|p| p.has_example());
        check_count(ports().count(), inputs.len())?;
        for (port, input) in ports().zip(inputs) {
            check_size(port, examples, input.len())?;
        }
        self.run_with(examples, None, inputs);
        Ok(())
    }

    /// Runs with the shared inputs `lent`, or with those of the binding; all inputs have their sizes.
    fn run_with(&mut self, examples: usize, lent: Option<&[&[T]]>, inputs: &[&[T]]) {
        let program: &Program<T> = self.program.borrow();
        let size = if program.one_block { examples.max(1) } else { BLOCK };
        // Without examples there is still what follows from sums over none.
        let blocks = if program.one_block { 1 } else { examples.div_ceil(size) };
        let threads = if blocks > 1 { rayon::current_num_threads() } else { 1 };
        self.prepare(examples, size, threads);
        let program: &Program<T> = self.program.borrow();
        let sums = &program.sums[..];
        let shared = match lent {
            Some(given) => Shared { given: Given::Lent(given), values: &self.binding.values },
            None => self.binding.shared(),
        };
        let batch = Batch { program, shared, inputs, examples, size };
        if threads == 1 {
            let mut workspace = lock(&self.workspaces[0]);
            workspace.clear(sums, &[Sum::Once]);
            self.totals.clear(sums, &[Sum::Often]);
            for block in 0..blocks {
                let outputs = self.outputs.iter_mut().map(|out| &mut out[..]);
                workspace.clear(sums, &[Sum::Often]);
                batch.run(block, &mut workspace, outputs, block);
                self.totals.add_sums(&workspace, sums, Sum::Often);
            }
            // To add to these block by block is to add their blocks in order, and nothing is lost without the zero to which
            // they would be added: what begins at zero is never -0.
            self.totals.exchange_sums(&mut workspace, sums, Sum::Once);
        } else {
            self.totals.clear(sums, &[Sum::Once, Sum::Often]);
            let width = program.sums_length();
            self.sums.resize(blocks * width, T::zero());
            let outputs = self.outputs.iter_mut().map(|out| &mut out[..]).collect();
            batch.spread(&self.workspaces, Part { first: 0, blocks, outputs, sums: &mut self.sums });
            for block in 0..blocks {
                self.totals.add_flat(sums, &self.sums[block * width..][..width]);
            }
        }
        program.finish_with(shared, &mut self.totals);
        for (k, _) in program.outputs().iter().enumerate().filter(|(_, port)| !port.has_example()) {
            self.outputs[k].copy_from_slice(program.output_with(shared, &self.totals, k));
        }
    }

    /// Output `k` of the tape after a run: row-major, one row per example if it has examples.
    ///
    /// # Panics
    /// Where there is no output `k`.
    pub fn output(&self, k: usize) -> &[T] {
        &self.outputs[k]
    }

    /// The outputs of the tape after a run, in order.
    pub fn outputs(&self) -> &[Vec<T>] {
        &self.outputs
    }

    /// Makes memory, where there is not enough yet.
    fn prepare(&mut self, examples: usize, size: usize, threads: usize) {
        let program: &Program<T> = self.program.borrow();
        if self.capacity < size {
            self.workspaces.clear();
            self.capacity = size;
        }
        while self.workspaces.len() < threads {
            self.workspaces.push(Mutex::new(program.workspace_for(size)));
        }
        for (out, port) in self.outputs.iter_mut().zip(program.outputs()) {
            out.resize(if port.has_example() { examples * port.size() } else { port.size() }, T::zero());
        }
    }
}

fn lock<T>(workspace: &Mutex<Workspace<T>>) -> std::sync::MutexGuard<'_, Workspace<T>> {
    // Each block begins anew. Memory that a panic has taken out of its place makes the next one panic; no number is wrong.
    workspace.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// What all blocks of a run read.
struct Batch<'a, T> {
    program: &'a Program<T>,
    shared: Shared<'a, T>,
    inputs: &'a [&'a [T]],
    examples: usize,
    size: usize,
}

impl<T: Element> Batch<'_, T> {
    /// Halves the blocks until each is alone.
    fn spread(&self, workspaces: &[Mutex<Workspace<T>>], mut part: Part<'_, T>) {
        if part.blocks == 1 {
            let mut workspace =
                lock(&workspaces[rayon::current_thread_index().unwrap_or(0) % workspaces.len()]);
            workspace.clear(&self.program.sums, &[Sum::Once, Sum::Often]);
            self.run(part.first, &mut workspace, part.outputs.iter_mut().map(|out| &mut **out), 0);
            workspace.write_sums(&self.program.sums, part.sums);
            return;
        }
        let half = part.blocks / 2;
        let (sums, more_sums) = part.sums.split_at_mut(part.sums.len() / part.blocks * half);
        let (mut left, mut right) = (SmallVec::new(), SmallVec::new());
        for (out, port) in part.outputs.into_iter().zip(self.program.outputs()) {
            let rows = if port.has_example() { half * self.size * port.size() } else { 0 };
            let (a, b) = out.split_at_mut(rows);
            left.push(a);
            right.push(b);
        }
        let (first, blocks) = (part.first, part.blocks);
        let left = Part { first, blocks: half, outputs: left, sums };
        let right = Part { first: first + half, blocks: blocks - half, outputs: right, sums: more_sums };
        rayon::join(|| self.spread(workspaces, left), || self.spread(workspaces, right));
    }

    /// One block: rows of the batch in, rows out, from block `offset` of `outputs` on.
    fn run<'o>(
        &self,
        block: usize,
        workspace: &mut Workspace<T>,
        outputs: impl Iterator<Item = &'o mut [T]>,
        offset: usize,
    ) {
        let first = block * self.size;
        let count = self.size.min(self.examples - first);
        workspace.set_examples(count);
        let lender = Lender { ports: self.program.inputs(), inputs: self.inputs, first };
        for (k, port, input) in lender.own().filter(|(_, port, _)| !port.by_rows) {
            self.program.write_rows(workspace, k, lender.rows(port, input, count).data);
        }
        self.program.run_block_with(self.shared, lender, workspace);
        for ((k, port), rows) in self.program.outputs().iter().enumerate().zip(outputs) {
            if port.has_example() {
                let n = port.size();
                let rows = &mut rows[offset * self.size * n..][..count * n];
                self.program.read_rows_with(self.shared, workspace, k, rows);
            }
        }
    }
}
