//! One Runge-Kutta step as a tape. Its transpose is the exact discrete adjoint of any tableau.
//!
//! Inputs of every step: `step.t`, `step.t_next`, `step.h` of each example, the states, the rates at the start where the method
//! carries them over, then extras and parameters as the system has them; a step to be remembered hands residuals on to its
//! transpose, so that nothing dear is computed twice. `t_next` stands for `t + h`: it is the very
//! number that the next step starts from, so that a rate carried over is the rate computed anew, to the bit.

use ad_core::{Elementary, Recorder, Result, Tape, Tracer};

use super::system::{Feed, System};
use super::tableau::Tableau;

/// The first inputs of every step.
pub(crate) const TIMES: [&str; 3] = ["step.t", "step.t_next", "step.h"];

/// How the error of a step is scaled to one number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tolerance {
    pub(super) rtol: f64,
    pub(super) atol: f64,
}

/// The name of a state's rate where it is carried from step to step. The dot keeps clear of the system's own names.
fn rate(state: &str) -> String {
    format!("step.{state}_dot")
}

const ERROR: &str = "step.error";

/// The name of a state's cotangent, and of a parameter's.
pub(crate) fn bar(name: &str) -> String {
    format!("step.{name}_bar")
}

/// The values that one step is recorded from.
struct Start {
    t: Tracer,
    t_next: Tracer,
    h: Tracer,
    states: Vec<Tracer>,
    /// Extras and parameters, in the order of the system's inputs; `None` for time and states.
    held: Vec<Option<Tracer>>,
}

impl Start {
    /// Declares the inputs of a step; `carried` declares those between the states and what is held.
    fn declare(
        recorder: &Recorder,
        system: &System,
        carried: impl FnOnce(&Recorder) -> Vec<Tracer>,
    ) -> (Start, Vec<Tracer>) {
        let [t, t_next, h] = TIMES.map(|name| recorder.example(name, &[]));
        let states = system
            .states()
            .iter()
            .zip(system.shapes())
            .map(|(name, shape)| recorder.example(name, shape))
            .collect();
        let carried = carried(recorder);
        let mut held = vec![None; system.feeds().len()];
        for kind in [Feed::Extra, Feed::Parameter] {
            for (k, (name, id)) in
                system.tape().inputs().iter().enumerate().filter(|(k, _)| system.feeds()[*k] == kind)
            {
                let shape: Vec<usize> = system.tape().node(*id).shape();
                let input = if kind == Feed::Extra {
                    recorder.example(name, &shape)
                } else {
                    recorder.shared(name, &shape)
                };
                held[k] = Some(input);
            }
        }
        (Start { t, t_next, h, states, held }, carried)
    }

    /// The inputs of one kind that are held, with their names.
    fn held_as<'s>(&'s self, system: &'s System, kind: Feed) -> Vec<(&'s str, &'s Tracer)> {
        let inputs = system.tape().inputs().iter().map(|(name, _)| name.as_str());
        let kinds = system.feeds().into_iter();
        let held = inputs.zip(&self.held).zip(kinds).filter(|(_, feed)| *feed == kind);
        held.filter_map(|((name, held), _)| Some((name, held.as_ref()?))).collect()
    }

    /// All inputs of a step, in the order in which they are declared.
    fn inputs<'s>(&'s self, system: &'s System, carried: &'s [Tracer]) -> Vec<&'s Tracer> {
        let held = [Feed::Extra, Feed::Parameter].map(|kind| self.held_as(system, kind));
        let held = held.into_iter().flatten().map(|(_, held)| held);
        [&self.t, &self.t_next, &self.h].into_iter().chain(&self.states).chain(carried).chain(held).collect()
    }

    /// The rates at a time and states.
    fn rates(&self, recorder: &Recorder, system: &System, time: &Tracer, states: &[Tracer]) -> Vec<Tracer> {
        let feeds = system.feeds();
        let inputs: Vec<&Tracer> = feeds
            .iter()
            .zip(&self.held)
            .map(|(feed, held)| match feed {
                Feed::State(k) => &states[*k],
                Feed::Time | Feed::Extra | Feed::Parameter => held.as_ref().unwrap_or(time),
            })
            .collect();
        recorder.inline(system.tape(), &inputs)
    }

    /// The states moved by `h` times a combination of rates.
    fn moved(&self, weights: &[f64], rates: &[Vec<Tracer>]) -> Vec<Tracer> {
        let change = |k: usize| combination(weights, rates, k).map(|c| &self.states[k] + &self.h * c);
        (0..self.states.len()).map(|k| change(k).unwrap_or_else(|| self.states[k].clone())).collect()
    }

    /// The rates at all stages, the first of which may be known.
    fn stages(
        &self,
        recorder: &Recorder,
        system: &System,
        tableau: &Tableau,
        first: Option<Vec<Tracer>>,
    ) -> Vec<Vec<Tracer>> {
        let mut rates: Vec<Vec<Tracer>> = first.into_iter().collect();
        for stage in rates.len()..tableau.stages() {
            let time = match tableau.c[stage] {
                0.0 => self.t.clone(),
                1.0 => self.t_next.clone(),
                c => &self.t + &self.h * c,
            };
            let states = self.moved(tableau.a[stage], &rates);
            rates.push(self.rates(recorder, system, &time, &states));
        }
        rates
    }
}

/// `sum_i weights_i * (rate of state k at stage i)`, without the stages of weight 0.
fn combination(weights: &[f64], rates: &[Vec<Tracer>], k: usize) -> Option<Tracer> {
    let terms: Vec<(f64, &Tracer)> =
        weights.iter().zip(rates).filter(|(w, _)| **w != 0.0).map(|(&w, r)| (w, &r[k])).collect();
    Tracer::linear_combination(&terms)
}

/// The states after a step; with `Some(tolerance)` or constant steps also `error`, its scaled error, and with a first
/// stage that is the last of the step before, the rates to carry over. Outputs: states, rates to carry, `error`.
pub(super) fn forward(system: &System, tableau: &Tableau, tolerance: Option<Tolerance>) -> Result<Tape> {
    Tape::record(|recorder| {
        let (start, carried) =
            Start::declare(recorder, system, |recorder| declare_carried(recorder, system, tableau));
        Taken::new(recorder, system, tableau, &start, carried).outputs(system, tableau, &start, tolerance)
    })
}

/// The rates that a step starts with, where it does not compute them.
fn declare_carried(recorder: &Recorder, system: &System, tableau: &Tableau) -> Vec<Tracer> {
    let states = system.states().iter().zip(system.shapes()).filter(|_| system.carries(tableau));
    states.map(|(name, shape)| recorder.example(&rate(name), shape)).collect()
}

/// Evaluations of the system in a step. The last stage that is the first of the next step is computed in one of them if it is
/// carried over, and in none if nobody asks for the error.
pub(super) fn evaluations(system: &System, tableau: &Tableau, tolerance: Option<Tolerance>) -> usize {
    let spared = tableau.is_fsal() && (system.carries(tableau) || tolerance.is_none());
    tableau.stages() - usize::from(spared)
}

/// A step that has been taken.
struct Taken {
    rates: Vec<Vec<Tracer>>,
    next: Vec<Tracer>,
}

impl Taken {
    fn new(
        recorder: &Recorder,
        system: &System,
        tableau: &Tableau,
        start: &Start,
        carried: Vec<Tracer>,
    ) -> Taken {
        let rates = start.stages(recorder, system, tableau, system.carries(tableau).then_some(carried));
        let next = start.moved(tableau.b, &rates);
        Taken { rates, next }
    }

    fn outputs(
        &self,
        system: &System,
        tableau: &Tableau,
        start: &Start,
        tolerance: Option<Tolerance>,
    ) -> Vec<(String, Tracer)> {
        let error = match (tolerance, tableau.b_error) {
            (Some(tolerance), Some(weights)) => {
                scaled_error(system, start, &self.next, tolerance, weights, &self.rates)
            }
            // Without an estimate: 0, or NaN where a state is not finite.
            _ => self.next.iter().map(nan_unless_finite).fold(start.t.lift(0.0), |sum, zero| sum + zero),
        };
        let mut outputs: Vec<(String, Tracer)> =
            system.states().iter().cloned().zip(self.next.iter().cloned()).collect();
        if system.carries(tableau) {
            let last = self.rates.last().cloned().unwrap_or_default();
            outputs.extend(system.states().iter().map(|s| rate(s)).zip(last));
        }
        outputs.push((ERROR.into(), error));
        outputs
    }
}

/// 0, or NaN where a state is not finite.
fn nan_unless_finite(y: &Tracer) -> Tracer {
    (y * 0.0).sum()
}

/// The root mean square of `error / (atol + rtol max(|y|, |y_next|))` over all states (diffrax's default norm) that the system
/// judges.
fn scaled_error(
    system: &System,
    start: &Start,
    next: &[Tracer],
    tolerance: Tolerance,
    weights: &[f64],
    rates: &[Vec<Tracer>],
) -> Tracer {
    let mut sum = start.t.lift(0.0);
    let mut count = 0;
    for (k, (y, y_next)) in start.states.iter().zip(next).enumerate() {
        if !system.judges(k) {
            sum = sum + nan_unless_finite(y_next);
            continue;
        }
        let Some(estimate) = combination(weights, rates, k) else { continue };
        let scale = y.abs().max(&y_next.abs()) * tolerance.rtol + tolerance.atol;
        sum = sum + (&start.h * estimate / scale).square().sum();
        count += y.shape().iter().product::<usize>();
    }
    (sum * (1.0 / f64::from(u32::try_from(count.max(1)).unwrap_or(u32::MAX)))).sqrt()
}

/// A step and its transpose, in two parts.
pub(crate) struct StepTapes {
    /// As [`forward`], with residuals as further outputs.
    pub(crate) forward: Tape,
    /// The same with the first stage computed, not carried. Outputs: states, residuals.
    pub(crate) advance: Tape,
    /// From residuals and cotangents of the states after the step to those of the states before it and of the
    /// parameters. Time and step length are constants.
    pub(crate) reverse: Tape,
}

pub(crate) fn tapes(system: &System, tableau: &Tableau, tolerance: Option<Tolerance>) -> Result<StepTapes> {
    let whole = there_and_back(system, tableau, tolerance)?;
    let names = |name: &dyn Fn(&str) -> String| system.states().iter().map(|s| name(s)).collect::<Vec<_>>();
    let (bars, rates) = (names(&bar), names(&rate));
    let mut early: Vec<&str> = system.states().iter().map(String::as_str).collect();
    early.extend(rates.iter().filter(|_| system.carries(tableau)).map(String::as_str).chain([ERROR]));
    let late: Vec<&str> = bars.iter().map(String::as_str).collect();
    let held = system.tape().inputs().iter().zip(system.feeds());
    let held = held.filter(|(_, feed)| matches!(feed, Feed::Extra | Feed::Parameter));
    let both: Vec<&str> = TIMES.into_iter().chain(held.map(|((name, _), _)| name.as_str())).collect();
    let (forward, reverse) = whole.split(&early, &late, &both)?;
    let advance = Tape::record(|recorder| {
        let (start, _) = Start::declare(recorder, system, |_| Vec::new());
        let carried = if system.carries(tableau) {
            start.rates(recorder, system, &start.t, &start.states)
        } else {
            Vec::new()
        };
        let outputs = recorder.inline(&forward, &start.inputs(system, &carried));
        let kept = |name: &str| name != ERROR && !rates.iter().any(|rate| rate == name);
        let names = forward.outputs().iter().map(|(name, _)| name.clone());
        names.zip(outputs).filter(|(name, _)| kept(name)).collect::<Vec<_>>()
    })?;
    Ok(StepTapes { forward, advance, reverse })
}

/// A step, as [`forward`] has it, and its transpose. A rate that is carried over depends on the states as if it were computed
/// there: the way back goes through it too, and has to compute that one stage again.
fn there_and_back(system: &System, tableau: &Tableau, tolerance: Option<Tolerance>) -> Result<Tape> {
    Tape::record(|recorder| {
        let mut carried = Vec::new();
        let (start, bars) = Start::declare(recorder, system, |recorder| {
            carried = declare_carried(recorder, system, tableau);
            let states = system.states().iter().zip(system.shapes());
            states.map(|(name, shape)| recorder.example(&bar(name), shape)).collect()
        });
        let taken = Taken::new(recorder, system, tableau, &start, carried.clone());
        let mut outputs = taken.outputs(system, tableau, &start, tolerance);
        let parameters = start.held_as(system, Feed::Parameter);
        let wrt: Vec<&Tracer> = start.states.iter().chain(parameters.iter().map(|(_, p)| *p)).collect();
        let all: Vec<&Tracer> = wrt.iter().copied().chain(&carried).collect();
        let ends: Vec<(&Tracer, &Tracer)> = taken.next.iter().zip(&bars).collect();
        let mut cotangents = recorder.pull_back(&ends, &all);
        if system.carries(tableau) {
            let rate_bars = cotangents.split_off(wrt.len());
            let first = start.rates(recorder, system, &start.t, &start.states);
            let more = recorder.pull_back(&first.iter().zip(&rate_bars).collect::<Vec<_>>(), &wrt);
            cotangents = cotangents.iter().zip(&more).map(|(a, b)| a + b).collect();
        }
        let names =
            system.states().iter().map(String::as_str).chain(parameters.iter().map(|(name, _)| *name));
        outputs.extend(names.map(bar).zip(cotangents));
        outputs
    })
}
