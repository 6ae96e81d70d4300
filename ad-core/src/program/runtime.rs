//! What a program needs while it runs, made once and used again: a replay allocates nothing.

use smallvec::SmallVec;

use super::examples::{Examples, Lender};
use super::execute::{PADDING, Scratch};
use super::instruction::{Instruction, Place};
use super::shared::{Given, Shared};
use super::steps::{BlockValues, run_in_block, run_shared};
use super::{Port, Program, Step, Sum};
use crate::error::{Error, Result};
use crate::kernels::{Aligned, BLOCK, Element};

/// The shared inputs of a program, and all that follows from them alone.
#[derive(Clone, Debug)]
pub struct Binding<T> {
    given: Vec<Vec<T>>,
    pub(super) values: Vec<Aligned<T>>,
    scratch: Scratch<T>,
}

impl<T> Binding<T> {
    /// What programs read, with the inputs that it keeps.
    pub(super) fn shared(&self) -> Shared<'_, T> {
        Shared { given: Given::Kept(&self.given), values: &self.values }
    }
}

/// The memory of one block of examples, and the sums over the examples of all blocks since [`Workspace::clear_sums`].
///
/// Values of the examples lie one row per element, examples side by side: element `r` of example `e` is at
/// `r * stride + e`. [`Workspace::set_examples`] says how many there are, before inputs are written: rows are as short as
/// that allows, so they always follow each other.
#[derive(Debug)]
pub struct Workspace<T> {
    block: Vec<Aligned<T>>,
    late: Vec<Aligned<T>>,
    scratch: Scratch<T>,
    examples: usize,
    stride: usize,
    capacity: usize,
}

impl<T: Element> Program<T> {
    /// Memory for the shared values; [`Program::bind`] fills it.
    pub fn binding(&self) -> Binding<T> {
        let given = self.shared_ports().map(|port| vec![T::zero(); port.size()]).collect();
        Binding { given, values: self.shared.clone(), scratch: Scratch::default() }
    }

    /// The shared inputs, in the order of the tape.
    fn shared_ports(&self) -> impl Iterator<Item = &Port> {
        self.inputs.iter().filter(|port| !port.has_example())
    }

    /// Sets the shared inputs, in the order of the tape, and computes what follows from them alone.
    ///
    /// # Errors
    /// Where an input is missing or does not have the size of its shape.
    pub fn bind(&self, binding: &mut Binding<T>, inputs: &[&[T]]) -> Result<()> {
        if self.shared_ports().count() != inputs.len() {
            let names: Vec<&str> = self.shared_ports().map(|p| p.name.as_str()).collect();
            let message = format!(
                "{} shared inputs are wanted ({}), {} were given",
                names.len(),
                names.join(", "),
                inputs.len()
            );
            return Err(Error::new(message));
        }
        self.shared_ports().zip(inputs).try_for_each(|(port, input)| check_size(port, 1, input.len()))?;
        for (kept, input) in binding.given.iter_mut().zip(inputs) {
            kept.copy_from_slice(input);
        }
        let Binding { given, values, scratch } = binding;
        run_shared(&self.prefix, Given::Kept(given), values, scratch);
        Ok(())
    }

    /// As [`Program::bind`], but the inputs, which have their sizes, are not kept: what reads the binding reads them where
    /// they are.
    pub(super) fn bind_lent(&self, binding: &mut Binding<T>, inputs: &[&[T]]) {
        run_shared(&self.prefix, Given::Lent(inputs), &mut binding.values, &mut binding.scratch);
    }

    /// Computes what follows from nothing.
    pub(super) fn compute_fixed(&mut self, instructions: &[Instruction]) {
        run_shared(instructions, Given::Lent(&[]), &mut self.shared, &mut Scratch::default());
    }

    /// Memory for one block, of up to [`BLOCK`] examples.
    pub fn workspace(&self) -> Workspace<T> {
        self.workspace_for(BLOCK)
    }

    /// Memory for sums over examples only, to add those of blocks to and to [`Program::finish`].
    pub fn totals(&self) -> Workspace<T> {
        let late = self.late.iter().map(|&n| Aligned::new(n)).collect();
        Workspace {
            block: Vec::new(),
            late,
            scratch: Scratch::default(),
            examples: 0,
            stride: 0,
            capacity: 0,
        }
    }

    /// Memory for a block of up to `examples` examples.
    pub(super) fn workspace_for(&self, examples: usize) -> Workspace<T> {
        let capacity = row_stride(examples);
        Workspace {
            block: self.buffers.rows.iter().map(|rows| Aligned::new(rows * capacity)).collect(),
            late: self.late.iter().map(|&n| Aligned::new(n)).collect(),
            scratch: Scratch::default(),
            examples,
            stride: capacity,
            capacity,
        }
    }

    /// Runs the lines that have examples, on the inputs that lie in the workspace. Sums over examples are added to those
    /// of the blocks before.
    pub fn run_block(&self, binding: &Binding<T>, workspace: &mut Workspace<T>) {
        self.run_block_with(binding.shared(), Lender::NOBODY, workspace);
    }

    /// The same with some inputs where the caller has them.
    pub(super) fn run_block_with(
        &self,
        shared: Shared<'_, T>,
        lender: Lender<'_, T>,
        workspace: &mut Workspace<T>,
    ) {
        for part in &self.body {
            match part {
                Step::One(instruction) => workspace.run(instruction, 0, shared, lender),
                Step::Loop { extent, body } => {
                    for iteration in 0..*extent {
                        for instruction in body {
                            workspace.run(instruction, iteration, shared, lender);
                        }
                    }
                }
            }
        }
    }

    /// Computes what follows from the sums over examples. Call it once, after the last block.
    pub fn finish(&self, binding: &Binding<T>, workspace: &mut Workspace<T>) {
        self.finish_with(binding.shared(), workspace);
    }

    pub(super) fn finish_with(&self, shared: Shared<'_, T>, workspace: &mut Workspace<T>) {
        for instruction in &self.suffix {
            workspace.run(instruction, 0, shared, Lender::NOBODY);
        }
    }

    /// Input `k` of the tape in a block, to be written: one row of [`Workspace::stride`] examples per element. Nothing
    /// if the input is shared.
    ///
    /// # Panics
    /// Where there is no input `k`.
    pub fn input_mut<'w>(&self, workspace: &'w mut Workspace<T>, k: usize) -> &'w mut [T] {
        match self.inputs[k].place {
            Place::Block(b) => &mut workspace.block[b],
            Place::Given(_) | Place::Shared(_) | Place::Late(_) => &mut [],
        }
    }

    /// Output `k` of the tape: rows of examples, or the elements of a value that has none.
    ///
    /// # Panics
    /// Where there is no output `k`.
    pub fn output<'w>(&self, binding: &'w Binding<T>, workspace: &'w Workspace<T>, k: usize) -> &'w [T] {
        self.output_with(binding.shared(), workspace, k)
    }

    /// Memory for output `k` of a block outside of a workspace, to be exchanged with.
    ///
    /// # Panics
    /// Where there is no output `k`, or examples do not have their own.
    pub fn output_rows(&self, k: usize) -> Rows<T> {
        Rows(Aligned::new(self.outputs[k].size() * row_stride(BLOCK)))
    }

    /// Takes the outputs `first..` of a block, as many as there are `rows`, out of the workspace, without a copy but where two are one
    /// value. What the rows held is there instead, so look at other outputs first: they may be the same values.
    ///
    /// # Panics
    /// Where there are fewer outputs, or rows are not of their size.
    pub fn take_outputs(&self, workspace: &mut Workspace<T>, first: usize, rows: &mut [Rows<T>]) {
        let outputs = &self.outputs[first..];
        for k in 0..rows.len() {
            let (before, own) = rows.split_at_mut(k);
            match outputs[..k].iter().position(|output| output.place == outputs[k].place) {
                Some(same) => own[0].0.copy_from_slice(&before[same].0),
                None => exchange(outputs[k].place, workspace, &mut own[0]),
            }
        }
    }

    /// Gives input `k` of a block to the workspace, without a copy, for as many examples as they were computed for; what
    /// was there is in `rows` instead.
    ///
    /// # Panics
    /// Where there is no input `k`, or `rows` is not its size.
    pub fn exchange_input(&self, workspace: &mut Workspace<T>, k: usize, rows: &mut Rows<T>) {
        exchange(self.inputs[k].place, workspace, rows);
    }

    pub(super) fn output_with<'w>(
        &self,
        shared: Shared<'w, T>,
        workspace: &'w Workspace<T>,
        k: usize,
    ) -> &'w [T] {
        match self.outputs[k].place {
            Place::Block(b) => &workspace.block[b],
            Place::Given(g) => shared.given.get(g),
            Place::Shared(s) => &shared.values[s],
            Place::Late(l) => &workspace.late[l],
        }
    }
}

/// The rows of one value of a block, outside of a workspace: see [`Program::take_outputs`].
#[derive(Debug)]
pub struct Rows<T>(Aligned<T>);

impl<T: Element> Rows<T> {
    /// Keeps the examples at the places `kept`, ascending, and moves them together: rows of `stride` become rows for a block of
    /// so many examples.
    pub fn keep(&mut self, kept: &[usize], stride: usize) {
        // Neighbours move together: from where, to where, and how many.
        let mut runs: SmallVec<[[usize; 3]; 8]> = SmallVec::new();
        for (to, &from) in kept.iter().enumerate() {
            match runs.last_mut() {
                Some([first, _, count]) if *first + *count == from => *count += 1,
                _ => runs.push([from, to, 1]),
            }
        }
        for r in 0..self.0.len() / row_stride(BLOCK) {
            for &[from, to, count] in &runs {
                let start = r * stride + from;
                self.0.copy_within(start..start + count, r * row_stride(kept.len()) + to);
            }
        }
    }
}

/// Elements from one row to the next in a block of so many examples.
fn row_stride(examples: usize) -> usize {
    examples.max(1).next_multiple_of(PADDING)
}

fn exchange<T>(place: Place, workspace: &mut Workspace<T>, rows: &mut Rows<T>) {
    let Place::Block(b) = place else { panic!("a value that examples share has no rows") };
    assert_eq!(workspace.block[b].len(), rows.0.len(), "rows of another size");
    std::mem::swap(&mut workspace.block[b], &mut rows.0);
}

impl<T: Element> Workspace<T> {
    fn run(
        &mut self,
        instruction: &Instruction,
        iteration: usize,
        shared: Shared<'_, T>,
        lender: Lender<'_, T>,
    ) {
        let Workspace { block, late, scratch, examples, stride, .. } = self;
        let examples = Examples { count: *examples, stride: *stride, lender };
        run_in_block(instruction, iteration, shared, BlockValues { block, late }, examples, scratch);
    }

    /// Says how many examples the block has. What lay in it is lost.
    ///
    /// # Panics
    /// Where there are more examples than the workspace has places.
    pub fn set_examples(&mut self, examples: usize) {
        let stride = row_stride(examples);
        assert!(stride <= self.capacity, "{examples} examples in a block of {}", self.capacity);
        (self.examples, self.stride) = (examples, stride);
    }

    /// Elements from one row of examples to the next.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Begins new sums over examples.
    pub fn clear_sums(&mut self) {
        self.late.iter_mut().for_each(|sum| sum.fill(T::zero()));
    }

    /// The sums over examples so far (and places for what follows from them).
    pub fn sums(&self) -> impl ExactSizeIterator<Item = &[T]> {
        self.late.iter().map(|sum| &sum[..])
    }

    /// Begins new sums: those that come to be in one of the ways `of`.
    pub(super) fn clear(&mut self, sums: &[Sum], of: &[Sum]) {
        for (sum, how) in self.late.iter_mut().zip(sums) {
            if of.contains(how) {
                sum.fill(T::zero());
            }
        }
    }

    /// Adds the sums of blocks that come to be in the way `of`.
    pub(super) fn add_sums(&mut self, block: &Workspace<T>, sums: &[Sum], of: Sum) {
        for (k, sum) in block.late.iter().enumerate().filter(|(k, _)| sums[*k] == of) {
            self.add_sum(k, sum);
        }
    }

    /// Takes the sums that come to be in the way `of` without a copy, and leaves its own.
    pub(super) fn exchange_sums(&mut self, block: &mut Workspace<T>, sums: &[Sum], of: Sum) {
        let values = self.late.iter_mut().zip(&mut block.late).zip(sums);
        values.filter(|(_, how)| **how == of).for_each(|((own, sum), _)| std::mem::swap(own, sum));
    }

    /// Writes all sums, one behind the other.
    pub(super) fn write_sums(&self, sums: &[Sum], mut to: &mut [T]) {
        for (sum, _) in self.late.iter().zip(sums).filter(|(_, how)| **how != Sum::Not) {
            let (here, rest) = to.split_at_mut(sum.len());
            here.copy_from_slice(sum);
            to = rest;
        }
    }

    /// Adds sums that lie one behind the other.
    pub(super) fn add_flat(&mut self, sums: &[Sum], mut from: &[T]) {
        for k in (0..self.late.len()).filter(|&k| sums[k] != Sum::Not) {
            let (here, rest) = from.split_at(self.late[k].len());
            self.add_sum(k, here);
            from = rest;
        }
    }

    /// Adds to sum `k`.
    pub fn add_sum(&mut self, k: usize, more: &[T]) {
        self.late[k].iter_mut().zip(more).for_each(|(sum, &x)| *sum = *sum + x);
    }
}

pub(super) fn check_size(port: &Port, examples: usize, got: usize) -> Result<()> {
    let want = examples * port.size();
    if want == got {
        return Ok(());
    }
    let Port { name, shape, .. } = port;
    let each = if port.has_example() { format!(" for {examples} examples") } else { String::new() };
    Err(Error::new(format!(
        "input `{name}` of shape {shape:?} takes {want} elements{each}, it was given {got}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a block of 37 examples some are kept; those of one row stay in one row, at the stride of the new block.
    #[test]
    fn kept_examples_move_together() {
        let sets: [Vec<usize>; 5] = [
            vec![],
            vec![36],
            (0..37).collect(),
            (5..30).filter(|e| e % 7 != 0).collect(),
            vec![0, 1, 35, 36],
        ];
        for kept in sets {
            let from = row_stride(37);
            let mut rows = Rows(Aligned::<f64>::new(3 * row_stride(BLOCK)));
            for r in 0..3 {
                (0..37).for_each(|e| rows.0[r * from + e] = (100 * r + e) as f64);
            }
            rows.keep(&kept, from);
            for r in 0..3 {
                let got = &rows.0[r * row_stride(kept.len())..][..kept.len()];
                assert_eq!(got, kept.iter().map(|e| (100 * r + e) as f64).collect::<Vec<_>>());
            }
        }
    }

    /// Two outputs that are one value are taken twice.
    #[test]
    fn outputs_are_taken_without_a_copy_and_in_full() {
        let tape = crate::Tape::record(|t| {
            let x = t.example("x", &[2]);
            [("y", &x * 2.0), ("z", x.clone()), ("again", x.clone()), ("input", x)]
        });
        let program = tape.and_then(|tape| tape.compile::<f64>()).unwrap();
        let (binding, mut workspace) = (program.binding(), program.workspace());
        workspace.set_examples(BLOCK);
        let mut rows: Vec<Rows<f64>> = (0..4).map(|k| program.output_rows(k)).collect();
        for number in [3.0, 5.0] {
            program.input_mut(&mut workspace, 0).fill(number);
            program.run_block(&binding, &mut workspace);
            let place = program.output(&binding, &workspace, 0).as_ptr();
            program.take_outputs(&mut workspace, 0, &mut rows);
            assert_eq!(rows[0].0.as_ptr(), place);
            assert!(rows[0].0.iter().all(|&x| x == 2.0 * number));
            assert!(rows[1..].iter().flat_map(|rows| &rows.0[..]).all(|&x| x == number));
        }
    }

    #[test]
    #[should_panic(expected = "rows of another size")]
    fn rows_of_another_size_are_not_exchanged() {
        let tape = |n| crate::Tape::record(|t| [("y", t.example("x", &[n]) * 2.0)]).unwrap();
        let [one, two] = [1, 2].map(|n| tape(n).compile::<f64>().unwrap());
        one.take_outputs(&mut one.workspace(), 0, &mut [two.output_rows(0)]);
    }
}
