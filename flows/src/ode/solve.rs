//! Solves block by block: the examples of a block step together, each with its own time, step and end.

use ad_core::{BLOCK, Binding, Element, Program, Tape, Workspace};
use rayon::prelude::*;

use super::controller::{Adaptive, Control, Controller, Failure, Status, StepState, Verdict};
use super::extras::{Draws, Extras};
use super::lanes::Lanes;
use super::pool::Pool;
use super::step::{self, StepTapes, TIMES, Tolerance};
use super::system::{Feed, System};
use super::tableau::Tableau;
use crate::error::{Error, Result};

/// An accepted step of one example.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) t: f64,
    pub(crate) t_next: f64,
    /// Which of the example's steps, from 0.
    pub(crate) number: u32,
}

impl Step {
    /// Its length: the same bits as the controller's, whose times are these or their opposites.
    pub(crate) fn h(self) -> f64 {
        self.t_next - self.t
    }
}

/// How an example's integration ended.
pub type Outcome = std::result::Result<(), Failure>;

/// What a solve cost, summed over its examples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Examples solved.
    pub examples: u64,
    /// Steps accepted.
    pub accepted: u64,
    /// Steps rejected.
    pub rejected: u64,
    /// Evaluations of the system.
    pub evaluations: u64,
}

impl Statistics {
    /// Adds the costs of other examples.
    pub fn add(&mut self, other: Statistics) {
        self.examples += other.examples;
        self.accepted += other.accepted;
        self.rejected += other.rejected;
        self.evaluations += other.evaluations;
    }

    /// A count for each example.
    pub fn mean(&self, count: u64) -> f64 {
        count as f64 / self.examples.max(1) as f64
    }
}

/// A system with a method and a step control, compiled.
#[derive(Debug)]
pub struct Ode<T> {
    /// The rates alone, for the first stage of the first step.
    rates: Program<T>,
    feeds: Vec<Feed>,
    forward: Program<T>,
    controller: Controller,
    carries: bool,
    /// Evaluations of the system in a step.
    evaluations: usize,
    /// Elements of each state and of each extra.
    states: Vec<usize>,
    extras: Vec<usize>,
    /// Which of the extras is drawn anew for each step.
    renewed: Option<usize>,
    /// Memory of blocks that are done, to be used again.
    pool: Pool<Memory<T>>,
}

/// The parameters of an [`Ode`].
#[derive(Clone, Debug)]
pub struct Bound<T> {
    rates: Binding<T>,
    forward: Binding<T>,
}

/// Everything one block needs during a solve.
#[derive(Debug)]
pub(crate) struct Memory<T> {
    pub(crate) states: Vec<Lanes<T>>,
    pub(crate) extras: Extras<T>,
    carried: Vec<Lanes<T>>,
    steppers: Vec<StepState>,
    outcomes: Vec<Outcome>,
    rates: Workspace<T>,
    forward: Workspace<T>,
}

/// Writes the first inputs of a step, each example its own.
pub(crate) fn write_times<T: Element>(program: &Program<T>, workspace: &mut Workspace<T>, steps: &[Step]) {
    let times: [fn(&Step) -> f64; TIMES.len()] = [|s| s.t, |s| s.t_next, |s| s.h()];
    for (k, time) in times.into_iter().enumerate() {
        let row = program.input_mut(workspace, k);
        row.iter_mut().zip(steps).for_each(|(x, step)| *x = T::from_f64(time(step)));
        let first = row.first().copied().unwrap_or_default();
        row[steps.len()..].fill(first);
    }
}

/// Writes inputs `first..` of a step from lanes.
pub(crate) fn write_lanes<T: Element>(
    program: &Program<T>,
    workspace: &mut Workspace<T>,
    first: usize,
    values: &[Lanes<T>],
    active: &[usize],
) -> usize {
    let stride = workspace.stride();
    for (k, value) in values.iter().enumerate() {
        value.gather(active, program.input_mut(workspace, first + k), stride);
    }
    first + values.len()
}

/// Who goes along with a solve, and remembers.
pub(crate) trait Follower<T> {
    /// Of the examples `active` those that `keep` have made their `steps`, from `states`.
    fn stepped(&mut self, active: &[usize], keep: &[bool], steps: &[Step], states: &[Lanes<T>]);

    /// Nothing reads the results of the last steps in `workspace` any more.
    fn moved(&mut self, forward: &Program<T>, workspace: &mut Workspace<T>);
}

impl<T> Follower<T> for () {
    fn stepped(&mut self, _: &[usize], _: &[bool], _: &[Step], _: &[Lanes<T>]) {}
    fn moved(&mut self, _: &Program<T>, _: &mut Workspace<T>) {}
}

fn tolerance(control: Control) -> Option<Tolerance> {
    match control {
        Control::Adaptive(Adaptive { rtol, atol, .. }) => Some(Tolerance { rtol, atol }),
        Control::Constant { .. } => None,
    }
}

impl<T: Element> Ode<T> {
    /// Compiles a system for a method and a step control.
    ///
    /// # Errors
    /// Where tableau and control do not fit together.
    pub fn new(system: &System, tableau: &Tableau, control: Control) -> Result<Self> {
        let controller = Controller::new(control, tableau)?;
        Self::stepping(system, tableau, controller, &step::forward(system, tableau, tolerance(control))?)
    }

    /// A solve whose steps leave residuals, with the other tapes of such a step.
    pub(crate) fn with_residuals(
        system: &System,
        tableau: &Tableau,
        control: Control,
    ) -> Result<(Self, StepTapes)> {
        let controller = Controller::new(control, tableau)?;
        let tapes = step::tapes(system, tableau, tolerance(control))?;
        Ok((Self::stepping(system, tableau, controller, &tapes.forward)?, tapes))
    }

    fn stepping(system: &System, tableau: &Tableau, controller: Controller, forward: &Tape) -> Result<Self> {
        let forward = forward.compile::<T>()?;
        let rates: Program<T> = system.tape().compile()?;
        let feeds = system.feeds();
        let extras = feeds
            .iter()
            .zip(rates.inputs())
            .filter(|(f, _)| **f == Feed::Extra)
            .map(|(_, p)| p.size())
            .collect();
        let states = system.shapes().iter().map(|s| s.iter().product()).collect();
        Ok(Ode {
            rates,
            feeds,
            forward,
            controller,
            carries: system.carries(tableau),
            evaluations: step::evaluations(system, tableau, tolerance(controller.control())),
            states,
            extras,
            renewed: system.renewed(),
            pool: Pool::default(),
        })
    }

    /// The number of elements of each state.
    pub fn states(&self) -> &[usize] {
        &self.states
    }

    /// The output of a step, behind states and rates to carry, that is its error.
    fn error_output(&self) -> usize {
        self.states.len() * if self.carries { 2 } else { 1 }
    }

    /// The first of a step's residuals among its outputs.
    pub(crate) fn first_residual(&self) -> usize {
        self.error_output() + 1
    }

    /// The number of elements of each extra.
    pub fn extras(&self) -> &[usize] {
        &self.extras
    }

    /// Sets the parameters, in the order of the system's inputs.
    ///
    /// # Errors
    /// Where one is missing or has another size.
    pub fn bind(&self, parameters: &[&[T]]) -> Result<Bound<T>> {
        let mut bound = Bound { rates: self.rates.binding(), forward: self.forward.binding() };
        self.rates.bind(&mut bound.rates, parameters)?;
        self.forward.bind(&mut bound.forward, parameters)?;
        Ok(bound)
    }

    /// Where constant steps over a span begin and end; `None` where steps follow the error.
    pub(crate) fn grid(&self, [t0, t1]: [f64; 2]) -> Result<Option<Vec<f64>>> {
        Ok(self.controller.grid(t0, t1)?)
    }

    /// Memory for one block; give it back with [`Ode::put_back`].
    pub(crate) fn take_memory(&self) -> Memory<T> {
        self.pool.take(|| Memory {
            states: self.states.iter().map(|&n| Lanes::new(n)).collect(),
            extras: Extras::new(&self.extras, self.renewed),
            carried: self.states.iter().filter(|_| self.carries).map(|&n| Lanes::new(n)).collect(),
            steppers: Vec::new(),
            outcomes: Vec::new(),
            rates: self.rates.workspace(),
            forward: self.forward.workspace(),
        })
    }

    pub(crate) fn put_back(&self, memory: Memory<T>) {
        self.pool.put_back(memory);
    }

    /// Integrates the first `examples` examples of the block from `t0` to `t1`; the states in `memory` are replaced.
    pub(crate) fn solve_block(
        &self,
        bound: &Bound<T>,
        memory: &mut Memory<T>,
        examples: usize,
        [t0, t1]: [f64; 2],
        follower: &mut impl Follower<T>,
    ) -> Result<Statistics> {
        let begin = self.controller.begin(t0, t1)?;
        memory.steppers.clear();
        memory.steppers.resize(examples, begin);
        memory.outcomes.clear();
        memory.outcomes.resize(examples, Ok(()));
        let mut active: Vec<usize> = (0..examples).collect();
        let mut keep = vec![false; examples];
        let running = |memory: &mut Memory<T>, e: &usize| match self.controller.status(&memory.steppers[*e]) {
            Status::Running => true,
            Status::Done => false,
            Status::Failed(failure) => {
                memory.outcomes[*e] = Err(failure);
                false
            }
        };
        active.retain(|e| running(memory, e));
        if self.carries && !active.is_empty() {
            self.first_rates(bound, memory, &active, t0);
        }
        let mut steps: Vec<Step> = Vec::with_capacity(examples);
        while !active.is_empty() {
            let planned = active.iter().map(|&e| &memory.steppers[e]);
            steps.clear();
            steps.extend(planned.map(|s| Step { t: s.t(), t_next: s.t_next(), number: s.accepted() as u32 }));
            self.try_steps(bound, memory, &active, &steps)?;
            let error = self.forward.output(&bound.forward, &memory.forward, self.error_output());
            for (place, &e) in active.iter().enumerate() {
                let verdict = self.controller.next(&mut memory.steppers[e], error[place].to_double());
                keep[place] = verdict == Verdict::Accept;
            }
            follower.stepped(&active, &keep[..active.len()], &steps, &memory.states);
            let stride = memory.forward.stride();
            for (k, value) in memory.states.iter_mut().chain(&mut memory.carried).enumerate() {
                value.scatter(
                    &active,
                    &keep,
                    self.forward.output(&bound.forward, &memory.forward, k),
                    stride,
                );
            }
            follower.moved(&self.forward, &mut memory.forward);
            active.retain(|e| running(memory, e));
        }
        Ok(self.statistics(memory))
    }

    /// The rates at the start, to carry into the first step.
    fn first_rates(&self, bound: &Bound<T>, memory: &mut Memory<T>, active: &[usize], t0: f64) {
        memory.rates.set_examples(active.len());
        let mut extras = memory.extras.held().iter();
        let stride = memory.rates.stride();
        for (k, feed) in self.feeds.iter().enumerate() {
            let row = self.rates.input_mut(&mut memory.rates, k);
            match feed {
                Feed::Time => row.fill(T::from_f64(t0)),
                Feed::State(s) => memory.states[*s].gather(active, row, stride),
                Feed::Extra => extras.next().into_iter().for_each(|x| x.gather(active, row, stride)),
                Feed::Parameter => {}
            }
        }
        self.rates.run_block(&bound.rates, &mut memory.rates);
        let keep = [true; BLOCK];
        for (k, carried) in memory.carried.iter_mut().enumerate() {
            carried.scatter(active, &keep, self.rates.output(&bound.rates, &memory.rates, k), stride);
        }
    }

    /// Computes one step of each of the examples `active`; nothing is moved yet.
    fn try_steps(
        &self,
        bound: &Bound<T>,
        memory: &mut Memory<T>,
        active: &[usize],
        steps: &[Step],
    ) -> Result<()> {
        memory.forward.set_examples(active.len());
        write_times(&self.forward, &mut memory.forward, steps);
        let next = write_lanes(&self.forward, &mut memory.forward, TIMES.len(), &memory.states, active);
        let next = write_lanes(&self.forward, &mut memory.forward, next, &memory.carried, active);
        let extras = memory.extras.at(active, steps)?;
        write_lanes(&self.forward, &mut memory.forward, next, extras, active);
        self.forward.run_block(&bound.forward, &mut memory.forward);
        Ok(())
    }

    fn statistics(&self, memory: &Memory<T>) -> Statistics {
        let mut total = Statistics { examples: memory.steppers.len() as u64, ..Statistics::default() };
        for stepper in &memory.steppers {
            total.accepted += stepper.accepted() as u64;
            total.rejected += stepper.rejected() as u64;
        }
        let first = if self.carries { total.examples } else { 0 };
        total.evaluations = (total.accepted + total.rejected) * self.evaluations as u64 + first;
        total
    }

    /// Integrates a batch from `span[0]` to `span[1]`, blocks of it on all threads. States and extras are row-major,
    /// one row per example, in the order of the system; the states at the end come back so, with the outcome of each
    /// example and the costs.
    ///
    /// # Errors
    /// Where sizes do not fit or the span is not finite. An example that cannot be integrated is an [`Outcome`].
    pub fn solve(
        &self,
        bound: &Bound<T>,
        states: &[&[f64]],
        extras: &[&[f64]],
        span: [f64; 2],
    ) -> Result<Solution> {
        self.solve_drawing(bound, states, extras, None, span)
    }

    /// As [`Ode::solve`], with what is drawn anew for each step, where the system has it.
    pub(crate) fn solve_drawing(
        &self,
        bound: &Bound<T>,
        states: &[&[f64]],
        extras: &[&[f64]],
        draws: Option<Draws>,
        span: [f64; 2],
    ) -> Result<Solution> {
        let examples = self.check_sizes(states, extras)?;
        let blocks = (0..examples.div_ceil(BLOCK)).into_par_iter().map(|block| {
            let mut memory = self.take_memory();
            let count = self.load_block(&mut memory, states, extras, draws, block);
            let statistics = self.solve_block(bound, &mut memory, count, span, &mut ())?;
            let part = memory.solution(count, statistics);
            self.put_back(memory);
            Ok(part)
        });
        Ok(Solution::join(self.states.len(), blocks.collect::<Result<Vec<Solution>>>()?))
    }

    /// Loads the states and extras of block `number` of a batch; returns how many examples it has.
    pub(crate) fn load_block(
        &self,
        memory: &mut Memory<T>,
        states: &[&[f64]],
        extras: &[&[f64]],
        draws: Option<Draws>,
        number: usize,
    ) -> usize {
        let examples = states[0].len() / self.states[0].max(1);
        let range = number * BLOCK..examples.min((number + 1) * BLOCK);
        for (lanes, rows) in memory.states.iter_mut().zip(states) {
            lanes.load_rows(rows, range.clone());
        }
        memory.extras.load(extras, range.clone(), draws);
        range.len()
    }

    /// The number of examples that all arrays agree on.
    pub(crate) fn check_sizes(&self, states: &[&[f64]], extras: &[&[f64]]) -> Result<usize> {
        let sizes = || self.states.iter().chain(&self.extras);
        let given = || states.iter().chain(extras);
        let wrong =
            Error::Sizes { want: sizes().copied().collect(), got: given().map(|x| x.len()).collect() };
        if states.len() != self.states.len() || extras.len() != self.extras.len() || states.is_empty() {
            return Err(wrong);
        }
        let examples = states[0].len() / self.states[0].max(1);
        if sizes().zip(given()).all(|(&n, x)| x.len() == n * examples) { Ok(examples) } else { Err(wrong) }
    }
}

impl<T: Element> Memory<T> {
    pub(crate) fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// The end of the first `count` examples.
    pub(crate) fn solution(&self, count: usize, statistics: Statistics) -> Solution {
        let states = self.states.iter().map(|state| state.rows_of(count)).collect();
        Solution { states, outcomes: self.outcomes.clone(), statistics }
    }
}

/// The end of a solve.
#[derive(Clone, Debug)]
pub struct Solution {
    /// Each state, row-major, one row per example.
    pub states: Vec<Vec<f64>>,
    /// How each example ended.
    pub outcomes: Vec<Outcome>,
    /// What it cost.
    pub statistics: Statistics,
}

impl Solution {
    /// The solutions of consecutive blocks, of so many states, as one.
    pub(crate) fn join(states: usize, blocks: Vec<Solution>) -> Solution {
        let mut whole = Solution {
            states: vec![Vec::new(); states],
            outcomes: Vec::new(),
            statistics: Statistics::default(),
        };
        for block in blocks {
            whole.states.iter_mut().zip(block.states).for_each(|(all, part)| all.extend(part));
            whole.outcomes.extend(block.outcomes);
            whole.statistics.add(block.statistics);
        }
        whole
    }
}
