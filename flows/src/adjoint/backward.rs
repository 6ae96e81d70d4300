use ad_core::{Binding, Element, Program, Workspace};

use super::history::History;
use crate::error::Result;
use crate::ode::tableau::Tableau;
use crate::ode::{Lanes, Pool, Step, System, TIMES, step_tapes, write_lanes, write_times};

/// The way back through steps of one method on one system, compiled.
#[derive(Debug)]
pub(super) struct Backward<T> {
    /// The step again, for states that were not kept.
    advance: Program<T>,
    /// The transposed step.
    reverse: Program<T>,
    states: Vec<usize>,
    /// Memory of blocks that are done, to be used again.
    pool: Pool<BackwardMemory<T>>,
}

/// The parameters of a [`Backward`].
pub(crate) struct BoundBackward<T> {
    advance: Binding<T>,
    reverse: Binding<T>,
}

/// Memory for one block, and the sums of the parameters' cotangents.
#[derive(Debug)]
pub(super) struct BackwardMemory<T> {
    advance: Workspace<T>,
    pub(super) reverse: Workspace<T>,
    /// The states that the current step began from.
    points: Vec<Lanes<T>>,
}

impl<T: Element> Backward<T> {
    pub(super) fn new(system: &System, tableau: &Tableau) -> Result<Self> {
        let (advance, reverse) = step_tapes(system, tableau)?;
        let states = system.shapes().iter().map(|s| s.iter().product()).collect();
        Ok(Backward {
            advance: advance.compile()?,
            reverse: reverse.compile()?,
            states,
            pool: Pool::default(),
        })
    }

    pub(super) fn bind(&self, parameters: &[&[T]]) -> Result<BoundBackward<T>> {
        let mut bound = BoundBackward { advance: self.advance.binding(), reverse: self.reverse.binding() };
        self.advance.bind(&mut bound.advance, parameters)?;
        self.reverse.bind(&mut bound.reverse, parameters)?;
        Ok(bound)
    }

    /// Memory for one block, its sums empty; give it back with [`Backward::put_back`].
    pub(super) fn take_memory(&self) -> BackwardMemory<T> {
        let mut memory = self.pool.take(|| BackwardMemory {
            advance: self.advance.workspace(),
            reverse: self.reverse.workspace(),
            points: self.states.iter().map(|&n| Lanes::new(n)).collect(),
        });
        memory.reverse.clear_sums();
        memory
    }

    pub(super) fn put_back(&self, memory: BackwardMemory<T>) {
        self.pool.put_back(memory);
    }

    /// Takes the cotangents `bars` of the states at the end to those at the start, for each example of a block back
    /// through its own steps. The cotangents of the parameters are added up in `memory`.
    pub(super) fn run_block(
        &self,
        bound: &BoundBackward<T>,
        memory: &mut BackwardMemory<T>,
        histories: &mut [History<T>],
        extras: &[Lanes<T>],
        bars: &mut [Lanes<T>],
    ) {
        let mut active: Vec<usize> = (0..histories.len()).filter(|&e| !histories[e].is_empty()).collect();
        let keep = vec![true; histories.len()];
        while !active.is_empty() {
            self.compute_again(bound, memory, histories, extras, &active);
            let mut steps = Vec::with_capacity(active.len());
            for &e in &active {
                steps.extend(histories[e].pop(|state| set_states(&mut memory.points, e, state)));
            }
            memory.reverse.set_examples(active.len());
            write_times(&self.reverse, &mut memory.reverse, &steps);
            let next = write_lanes(&self.reverse, &mut memory.reverse, TIMES, &memory.points, &active);
            let next = write_lanes(&self.reverse, &mut memory.reverse, next, bars, &active);
            write_lanes(&self.reverse, &mut memory.reverse, next, extras, &active);
            self.reverse.run_block(&bound.reverse, &mut memory.reverse);
            let stride = memory.reverse.stride();
            for (k, bar) in bars.iter_mut().enumerate() {
                bar.scatter(&active, &keep, self.reverse.output(&bound.reverse, &memory.reverse, k), stride);
            }
            active.retain(|&e| !histories[e].is_empty());
        }
    }

    /// Gives every active example the state before its last step, by stepping from the last state that was kept.
    fn compute_again(
        &self,
        bound: &BoundBackward<T>,
        memory: &mut BackwardMemory<T>,
        histories: &mut [History<T>],
        extras: &[Lanes<T>],
        active: &[usize],
    ) {
        let mut behind: Vec<usize> = active.to_vec();
        loop {
            behind.retain(|&e| histories[e].next_to_compute().is_some());
            if behind.is_empty() {
                return;
            }
            let steps: Vec<Step> = behind
                .iter()
                .filter_map(|&e| {
                    let (step, state) = histories[e].next_to_compute()?;
                    set_states(&mut memory.points, e, state);
                    Some(step)
                })
                .collect();
            memory.advance.set_examples(behind.len());
            write_times(&self.advance, &mut memory.advance, &steps);
            let next = write_lanes(&self.advance, &mut memory.advance, TIMES, &memory.points, &behind);
            write_lanes(&self.advance, &mut memory.advance, next, extras, &behind);
            self.advance.run_block(&bound.advance, &mut memory.advance);
            let stride = memory.advance.stride();
            for (place, &e) in behind.iter().enumerate() {
                let element = |(k, n): (usize, &usize)| {
                    let rows = self.advance.output(&bound.advance, &memory.advance, k);
                    (0..*n).map(move |r| rows[r * stride + place])
                };
                histories[e].computed(self.states.iter().enumerate().flat_map(element));
            }
        }
    }

    /// After the last block: the cotangents of the parameters, in their order, from the sums of all blocks.
    pub(super) fn finish<'s>(
        &self,
        bound: &BoundBackward<T>,
        sums: impl Iterator<Item = &'s Vec<Vec<T>>>,
    ) -> Vec<Vec<T>> {
        let mut total = self.reverse.totals();
        for block in sums {
            block.iter().enumerate().for_each(|(k, sum)| total.add_sum(k, sum));
        }
        self.reverse.finish(&bound.reverse, &mut total);
        let parameters = self.states.len()..self.reverse.outputs().len();
        parameters.map(|k| self.reverse.output(&bound.reverse, &total, k).to_vec()).collect()
    }
}

/// Sets the states of one example from one row of all of them.
fn set_states<T: Element>(states: &mut [Lanes<T>], e: usize, mut row: &[T]) {
    for state in states {
        let (own, rest) = row.split_at(state.rows());
        state.set_example(e, own);
        row = rest;
    }
}
