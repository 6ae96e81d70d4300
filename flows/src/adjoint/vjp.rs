//! A solve and its transpose, for users with a loss of their own.

use ad_core::{BLOCK, Element, Program, Workspace};
use rayon::prelude::*;

use super::Adjoint;
use super::backward::{Backward, BoundBackward};
use super::history::{History, Plan};
use crate::error::{Error, Result};
use crate::ode::controller::Control;
use crate::ode::tableau::Tableau;
use crate::ode::{Bound, Extras, Follower, Lanes, Memory, Ode, Solution, Statistics, Step, System};

/// A system with a method and a step control, compiled forward and backward: the gradient of any function of the end of
/// a solve, exact for the steps that were taken.
///
/// [`OdeVjp::solve`] integrates and remembers; [`OdeVjp::pull_back`] takes the cotangents of the states at the end to
/// those of the states at the start and of the parameters.
///
/// ```
/// use ad_core::Tape;
/// use flows::adjoint::{Adjoint, OdeVjp};
/// use flows::ode::{System, controller::Control, tableaus::RK4};
///
/// // x' = -k x from 0 to 1: x(1) = x(0) exp(-k), and its derivatives are exp(-k) and -x(0) exp(-k).
/// let decay = Tape::record(|t| [("x_dot", -(t.example("x", &[1]) * t.shared("k", &[])))])?;
/// let system = System::new(decay, &["x"])?;
/// let steps = Control::Constant { steps: 100 };
/// let vjp = OdeVjp::<f64>::new(&system, &RK4, steps, Adjoint::Checkpointed { slots: 10 })?;
///
/// let bound = vjp.bind(&[&[0.7]])?;
/// let solved = vjp.solve(&bound, &[&[2.0, 3.0]], &[], [0.0, 1.0])?; // two examples
/// assert!((solved.solution().states[0][1] - 3.0 * (-0.7_f64).exp()).abs() < 1e-9);
/// let bars = vjp.pull_back(&bound, solved, &[&[1.0, 1.0]])?; // of the sum of both
/// assert!((bars.states[0][0] - (-0.7_f64).exp()).abs() < 1e-9);
/// assert!((bars.parameters[0][0] + 5.0 * (-0.7_f64).exp()).abs() < 1e-9);
/// # Ok::<(), flows::Error>(())
/// ```
#[derive(Debug)]
pub struct OdeVjp<T> {
    ode: Ode<T>,
    /// The same with steps that leave residuals.
    recording: Ode<T>,
    backward: Backward<T>,
    adjoint: Adjoint,
}

/// The parameters of an [`OdeVjp`].
pub struct BoundVjp<T> {
    forward: Bound<T>,
    backward: BoundBackward<T>,
}

/// A solve that can be pulled back through. A copy has the states and not the residuals, which are then computed again.
#[derive(Clone, Debug)]
pub struct Recorded<T> {
    solution: Solution,
    blocks: Vec<Block<T>>,
}

/// What one block remembers.
#[derive(Clone, Debug)]
struct Block<T> {
    history: History<T>,
    extras: Extras<T>,
}

/// What [`OdeVjp::pull_back`] gives.
#[derive(Clone, Debug)]
pub struct StateCotangents<T> {
    /// Of each state at the start, row-major, one row per example.
    pub states: Vec<Vec<f64>>,
    /// Of each parameter, summed over the examples.
    pub parameters: Vec<Vec<T>>,
}

impl<T> Recorded<T> {
    /// The end of the solve.
    pub fn solution(&self) -> &Solution {
        &self.solution
    }
}

impl<T: Element> OdeVjp<T> {
    /// Compiles a system for a method and a step control.
    ///
    /// # Errors
    /// Where tableau and control do not fit together.
    pub fn new(system: &System, tableau: &Tableau, control: Control, adjoint: Adjoint) -> Result<Self> {
        let ode = Ode::new(system, tableau, control)?;
        let (recording, tapes) = Ode::with_residuals(system, tableau, control)?;
        Ok(OdeVjp { ode, recording, backward: Backward::new(system, &tapes)?, adjoint })
    }

    /// The way forward alone.
    pub fn ode(&self) -> &Ode<T> {
        &self.ode
    }

    /// The way forward with residuals, for the memory of its blocks.
    pub(crate) fn recording(&self) -> &Ode<T> {
        &self.recording
    }

    /// Sets the parameters, in the order of the system's inputs.
    ///
    /// # Errors
    /// Where one is missing or has another size.
    pub fn bind(&self, parameters: &[&[T]]) -> Result<BoundVjp<T>> {
        Ok(BoundVjp { forward: self.recording.bind(parameters)?, backward: self.backward.bind(parameters)? })
    }

    /// As [`Ode::solve`], and remembers what the way back needs.
    ///
    /// # Errors
    /// As [`Ode::solve`].
    pub fn solve(
        &self,
        bound: &BoundVjp<T>,
        states: &[&[f64]],
        extras: &[&[f64]],
        span: [f64; 2],
    ) -> Result<Recorded<T>> {
        let examples = self.ode.check_sizes(states, extras)?;
        let plan = self.plan(span, examples.div_ceil(BLOCK))?;
        let blocks = (0..examples.div_ceil(BLOCK)).into_par_iter().map(|number| {
            let mut memory = self.recording.take_memory();
            let count = self.recording.load_block(&mut memory, states, extras, None, number);
            let (history, statistics) = self.solve_block(bound, &plan, &mut memory, count, span)?;
            let block = Block { history, extras: memory.extras.clone() };
            let part = memory.solution(count, statistics);
            self.recording.put_back(memory);
            Ok((part, block))
        });
        let (parts, blocks): (Vec<_>, Vec<_>) = blocks.collect::<Result<Vec<_>>>()?.into_iter().unzip();
        Ok(Recorded { solution: Solution::join(self.ode.states().len(), parts), blocks })
    }

    /// Takes the cotangents `bars` of the states at the end (row-major, one row per example) back through the very
    /// steps that were taken. Times and step lengths are constants.
    ///
    /// # Errors
    /// Where an example could not be integrated, or sizes do not fit.
    pub fn pull_back(
        &self,
        bound: &BoundVjp<T>,
        solved: Recorded<T>,
        bars: &[&[f64]],
    ) -> Result<StateCotangents<T>> {
        Error::check(&solved.solution.outcomes)?;
        let sizes = |arrays: &mut dyn Iterator<Item = usize>| arrays.collect::<Vec<usize>>();
        let (want, got) = (
            sizes(&mut solved.solution.states.iter().map(Vec::len)),
            sizes(&mut bars.iter().map(|b| b.len())),
        );
        if want != got {
            return Err(Error::Sizes { want: self.ode.states().to_vec(), got });
        }
        let blocks = solved.blocks.into_par_iter().enumerate().map(|(number, mut block)| {
            let count = block.history.examples();
            let load = |(&rows, bars): (&usize, &&[f64])| {
                let mut lanes = Lanes::new(rows);
                let first = number * BLOCK * rows;
                lanes.load(&bars[first..first + count * rows], T::from_f64);
                lanes
            };
            let mut lanes: Vec<Lanes<T>> = self.ode.states().iter().zip(bars).map(load).collect();
            let sums = self.pull_back_block(bound, &mut block.history, &mut block.extras, &mut lanes)?;
            Ok((sums, lanes.iter().map(|bar| bar.rows_of(count)).collect::<Vec<_>>()))
        });
        let (sums, parts): (Vec<_>, Vec<_>) = blocks.collect::<Result<Vec<_>>>()?.into_iter().unzip();
        let mut states = vec![Vec::new(); self.ode.states().len()];
        for part in parts {
            states.iter_mut().zip(part).for_each(|(all, part)| all.extend(part));
        }
        Ok(StateCotangents { states, parameters: self.finish(bound, sums.iter()) })
    }

    /// What the blocks of a solve over `span` will remember, so many at a time.
    pub(crate) fn plan(&self, span: [f64; 2], blocks: usize) -> Result<Plan> {
        Ok(Plan::new(self.adjoint, self.ode.grid(span)?, blocks, self.backward.residual_bytes()))
    }

    /// Integrates the first `count` examples of the block in `memory`.
    pub(crate) fn solve_block(
        &self,
        bound: &BoundVjp<T>,
        plan: &Plan,
        memory: &mut Memory<T>,
        count: usize,
        span: [f64; 2],
    ) -> Result<(History<T>, Statistics)> {
        let width = self.ode.states().iter().sum();
        let mut follower = Remembering { vjp: self, history: History::new(plan, count, width) };
        let statistics = self.recording.solve_block(&bound.forward, memory, count, span, &mut follower)?;
        Ok((follower.history, statistics))
    }

    /// Takes `bars` back through the steps of a block; returns the sums that [`OdeVjp::finish`] takes.
    pub(crate) fn pull_back_block(
        &self,
        bound: &BoundVjp<T>,
        history: &mut History<T>,
        extras: &mut Extras<T>,
        bars: &mut [Lanes<T>],
    ) -> Result<Vec<Vec<T>>> {
        let mut memory = self.backward.take_memory();
        self.backward.run_block(&bound.backward, &mut memory, history, extras, bars)?;
        let sums = memory.reverse.sums().map(<[T]>::to_vec).collect();
        self.backward.put_back(memory);
        Ok(sums)
    }

    /// The cotangents of the parameters from the sums of all blocks.
    pub(crate) fn finish<'s>(
        &self,
        bound: &BoundVjp<T>,
        sums: impl Iterator<Item = &'s Vec<Vec<T>>>,
    ) -> Vec<Vec<T>> {
        self.backward.finish(&bound.backward, sums)
    }
}

/// Remembers a solve.
struct Remembering<'v, T> {
    vjp: &'v OdeVjp<T>,
    history: History<T>,
}

impl<T: Element> Follower<T> for Remembering<'_, T> {
    fn stepped(&mut self, active: &[usize], keep: &[bool], steps: &[Step], states: &[Lanes<T>]) {
        self.history.push(active, keep, steps, states);
    }

    fn moved(&mut self, forward: &Program<T>, workspace: &mut Workspace<T>) {
        let OdeVjp { recording, backward, .. } = self.vjp;
        let (first, stride) = (recording.first_residual(), workspace.stride());
        self.history.push_residuals(stride, |used| backward.take_residuals(forward, workspace, first, used));
    }
}
