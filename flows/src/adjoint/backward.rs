use ad_core::{BLOCK, Binding, Element, Program, Rows, Tape, Workspace};

use super::history::History;
use crate::error::{Error, Result};
use crate::ode::{Extras, Lanes, Pool, StepTapes, System, TIMES, bar, write_lanes, write_times};

/// The way back through steps of one method on one system, compiled.
#[derive(Debug)]
pub(super) struct Backward<T> {
    /// The step again, for states or residuals that were not kept.
    advance: Program<T>,
    /// The transposed step.
    reverse: Program<T>,
    states: Vec<usize>,
    /// The inputs of the transposed step that are residuals, cotangents and extras.
    ports: Ports,
    /// Memory of blocks that are done, to be used again.
    pool: Pool<BackwardMemory<T>>,
    residuals: Pool<Vec<Rows<T>>>,
}

#[derive(Debug)]
struct Ports {
    residuals: Vec<usize>,
    bars: Vec<usize>,
    extras: Vec<usize>,
}

impl Ports {
    fn new(reverse: &Tape, system: &System, residuals: usize) -> Result<Self> {
        let place = |id| reverse.inputs().iter().position(|(_, input)| *input == id).unwrap_or_default();
        let named = |name: &str| Ok::<usize, Error>(place(reverse.input(name)?));
        Ok(Ports {
            residuals: (0..residuals).map(|k| named(&format!("residual.{k}"))).collect::<Result<_>>()?,
            bars: system.states().iter().map(|state| named(&bar(state))).collect::<Result<_>>()?,
            extras: system.extras().map(named).collect::<Result<_>>()?,
        })
    }
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
    /// The states of a round that is taken again.
    points: Vec<Lanes<T>>,
}

impl<T: Element> Backward<T> {
    pub(super) fn new(system: &System, tapes: &StepTapes) -> Result<Self> {
        let states: Vec<usize> = system.shapes().iter().map(|s| s.iter().product()).collect();
        let ports = Ports::new(&tapes.reverse, system, tapes.advance.outputs().len() - states.len())?;
        let (advance, reverse) = (tapes.advance.compile()?, tapes.reverse.compile()?);
        Ok(Backward { advance, reverse, states, ports, pool: Pool::default(), residuals: Pool::default() })
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

    /// What one step of a block leaves.
    pub(super) fn residual_bytes(&self) -> usize {
        let outputs = self.states.len()..self.advance.outputs().len();
        outputs.map(|k| self.advance.outputs()[k].size() * BLOCK * size_of::<T>()).sum()
    }

    /// Takes the residuals of a step, outputs `first..` of `program`, out of a workspace, in exchange for others.
    pub(super) fn take_residuals(
        &self,
        program: &Program<T>,
        workspace: &mut Workspace<T>,
        first: usize,
        used: Option<Vec<Rows<T>>>,
    ) -> Vec<Rows<T>> {
        let outputs = first..first + self.ports.residuals.len();
        let make = || outputs.clone().map(|k| program.output_rows(k)).collect();
        let mut residuals = used.unwrap_or_else(|| self.residuals.take(make));
        program.take_outputs(workspace, first, &mut residuals);
        residuals
    }

    /// Takes the cotangents `bars` of the states at the end to those at the start, for each example of a block back
    /// through its own steps. The cotangents of the parameters are added up in `memory`.
    pub(super) fn run_block(
        &self,
        bound: &BoundBackward<T>,
        memory: &mut BackwardMemory<T>,
        history: &mut History<T>,
        extras: &mut Extras<T>,
        bars: &mut [Lanes<T>],
    ) -> Result<()> {
        while let Some(last) = history.last() {
            if !history.residuals().has(last) {
                self.compute_again(bound, memory, history, extras)?;
            }
            let (active, steps) = history.round(last);
            let mut residuals = history.pop().unwrap_or_default();
            debug_assert_eq!(residuals.len(), self.ports.residuals.len(), "residuals of round {last}");
            let reverse = &mut memory.reverse;
            reverse.set_examples(active.len());
            write_times(&self.reverse, reverse, &steps);
            let extras = self.ports.extras.iter().zip(extras.at(&active, &steps)?);
            let ports = self.ports.bars.iter().zip(&*bars).chain(extras);
            for (&port, lanes) in ports {
                write_lanes(&self.reverse, reverse, port, std::slice::from_ref(lanes), &active);
            }
            let exchange = |reverse: &mut Workspace<T>, residuals: &mut [Rows<T>]| {
                for (&port, rows) in self.ports.residuals.iter().zip(residuals) {
                    self.reverse.exchange_input(reverse, port, rows);
                }
            };
            exchange(reverse, &mut residuals);
            self.reverse.run_block(&bound.reverse, reverse);
            exchange(reverse, &mut residuals);
            self.residuals.put_back(residuals);
            let stride = reverse.stride();
            for (k, bar) in bars.iter_mut().enumerate() {
                bar.scatter(&active, &[true; BLOCK], self.reverse.output(&bound.reverse, reverse, k), stride);
            }
        }
        Ok(())
    }

    /// Takes rounds again, from the last states that were kept up to the last round, whose residuals are then there.
    fn compute_again(
        &self,
        bound: &BoundBackward<T>,
        memory: &mut BackwardMemory<T>,
        history: &mut History<T>,
        extras: &mut Extras<T>,
    ) -> Result<()> {
        let BackwardMemory { advance, points, .. } = memory;
        let mut number = history.restore(points);
        history.residuals().take_from(number).for_each(|rows| self.residuals.put_back(rows));
        while let Some(last) = history.last() {
            let (active, steps) = history.round(number);
            advance.set_examples(active.len());
            write_times(&self.advance, advance, &steps);
            let next = write_lanes(&self.advance, advance, TIMES.len(), points, &active);
            write_lanes(&self.advance, advance, next, extras.at(&active, &steps)?, &active);
            self.advance.run_block(&bound.advance, advance);
            let stride = advance.stride();
            for (k, point) in points.iter_mut().enumerate() {
                point.scatter(
                    &active,
                    &[true; BLOCK],
                    self.advance.output(&bound.advance, advance, k),
                    stride,
                );
            }
            let take = |used| self.take_residuals(&self.advance, advance, self.states.len(), used);
            history.residuals().push(number, take);
            if number == last {
                break;
            }
            history.computed(points);
            number += 1;
        }
        Ok(())
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
