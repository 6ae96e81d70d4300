//! Instructions among the values that they read and write: results are taken out of their places while the others are read.

use smallvec::SmallVec;

use super::examples::Examples;
use super::execute::{Memory, Scratch, collect, run};
use super::instruction::{Instruction, Output, Place};
use super::shared::{Given, Shared};
use crate::kernels::{Aligned, Element, LONGEST};

/// Runs lines that read shared values only, and write them to `values`.
pub(super) fn run_shared<T: Element>(
    instructions: &[Instruction],
    given: Given<'_, T>,
    values: &mut [Aligned<T>],
    scratch: &mut Scratch<T>,
) {
    for instruction in instructions {
        write(&instruction.outs, values, |values, ys| {
            let shared = Shared { given, values };
            let memory = Memory { shared, block: &[], late: &[], examples: Examples::NONE };
            run_to(ys, instruction, 0, &memory, scratch);
        });
    }
}

/// Runs one iteration of a line of a block.
pub(super) fn run_in_block<T: Element>(
    instruction: &Instruction,
    iteration: usize,
    shared: Shared<'_, T>,
    mut values: BlockValues<'_, T>,
    examples: Examples<'_, T>,
    scratch: &mut Scratch<T>,
) {
    write(&instruction.outs, &mut values, |BlockValues { block, late }, ys| {
        let memory = Memory { shared, block, late, examples };
        run_to(ys, instruction, iteration, &memory, scratch);
    });
}

/// Values among which instructions write.
trait Written<T> {
    /// The value at a place, if it is one of these.
    fn at(&mut self, place: Place) -> Option<&mut Aligned<T>>;
}

impl<T> Written<T> for [Aligned<T>] {
    fn at(&mut self, place: Place) -> Option<&mut Aligned<T>> {
        if let Place::Shared(k) = place { Some(&mut self[k]) } else { None }
    }
}

/// The values of a block, and the sums over examples.
pub(super) struct BlockValues<'w, T> {
    pub(super) block: &'w mut [Aligned<T>],
    pub(super) late: &'w mut [Aligned<T>],
}

impl<T> Written<T> for BlockValues<'_, T> {
    fn at(&mut self, place: Place) -> Option<&mut Aligned<T>> {
        match place {
            Place::Block(k) => Some(&mut self.block[k]),
            Place::Late(k) => Some(&mut self.late[k]),
            Place::Given(_) | Place::Shared(_) => None,
        }
    }
}

/// Calls `run` with the results taken out of the values, of which it reads the others.
fn write<T, V: Written<T> + ?Sized>(
    outs: &[Output],
    values: &mut V,
    run: impl FnOnce(&V, &mut [Aligned<T>]),
) {
    let mut take = |out: &Output| values.at(out.place).map(std::mem::take).unwrap_or_default();
    // Nearly all have one result: a list of them costs as much as a small instruction.
    if let [out] = outs {
        let mut ys = [take(out)];
        run(values, &mut ys);
        put_back(outs, values, &mut ys);
    } else {
        collect!(let ys: SmallVec<[Aligned<T>; LONGEST]> = outs.iter().map(take));
        run(values, &mut ys);
        put_back(outs, values, &mut ys);
    }
}

fn put_back<T, V: Written<T> + ?Sized>(outs: &[Output], values: &mut V, ys: &mut [Aligned<T>]) {
    for (out, y) in outs.iter().zip(ys) {
        if let Some(value) = values.at(out.place) {
            *value = std::mem::take(y);
        }
    }
}

/// Runs one iteration of an instruction, whose results are `ys`: without a list of them too, if there is one.
fn run_to<T: Element>(
    ys: &mut [Aligned<T>],
    instruction: &Instruction,
    iteration: usize,
    memory: &Memory<'_, T>,
    scratch: &mut Scratch<T>,
) {
    let first = |out: &Output| {
        let scale = if matches!(out.place, Place::Block(_)) { memory.examples.stride } else { 1 };
        iteration * out.stride * scale
    };
    if let ([y], [out]) = (&mut *ys, &instruction.outs[..]) {
        return run(instruction, iteration, memory, &mut [&mut y[first(out)..]], scratch);
    }
    let own = ys.iter_mut().zip(&instruction.outs).map(|(y, out)| &mut y[first(out)..]);
    collect!(let ys: SmallVec<[&mut [T]; LONGEST]> = own);
    run(instruction, iteration, memory, &mut ys, scratch);
}
