//! One Runge-Kutta step as a tape. Its transpose is the exact discrete adjoint of any tableau.
//!
//! Inputs of every step: `step.t`, `step.t_next`, `step.h` of each example, the states, the rates at the start where the method
//! carries them over, then extras and parameters as the system has them. `t_next` stands for `t + h`: it is the very
//! number that the next step starts from, so that a rate carried over is the rate computed anew, to the bit.

use ad_core::{Elementary, Recorder, Result, Tape, Tracer};

use super::system::{Feed, System};
use super::tableau::Tableau;

/// How the error of a step is scaled to one number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tolerance {
    pub(super) rtol: f64,
    pub(super) atol: f64,
}

/// The name of a state's rate where it is carried from step to step. The dot keeps clear of the system's own names.
fn rate(state: &str) -> String {
    format!("step.{state}_dot")
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
        let number = |name| recorder.example(name, &[]);
        let (t, t_next, h) = (number("step.t"), number("step.t_next"), number("step.h"));
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
        let (start, carried) = Start::declare(recorder, system, |recorder| {
            let states = system.states().iter().zip(system.shapes()).filter(|_| tableau.is_fsal());
            states.map(|(name, shape)| recorder.example(&rate(name), shape)).collect()
        });
        let first = tableau.is_fsal().then_some(carried);
        let rates = start.stages(recorder, system, tableau, first);
        let next = start.moved(tableau.b, &rates);
        let error = match (tolerance, tableau.b_error) {
            (Some(tolerance), Some(weights)) => scaled_error(&start, &next, tolerance, weights, &rates),
            // Without an estimate: 0, or NaN where a state is not finite.
            _ => next.iter().map(|y| (y * 0.0).sum()).fold(recorder.number(0.0), |sum, zero| sum + zero),
        };
        let mut outputs: Vec<(String, Tracer)> = system.states().iter().cloned().zip(next).collect();
        if tableau.is_fsal() {
            let last = rates.last().cloned().unwrap_or_default();
            outputs.extend(system.states().iter().map(|s| rate(s)).zip(last));
        }
        outputs.push(("step.error".into(), error));
        outputs
    })
}

/// The root mean square of `error / (atol + rtol max(|y|, |y_next|))` over all states (diffrax's default norm).
fn scaled_error(
    start: &Start,
    next: &[Tracer],
    tolerance: Tolerance,
    weights: &[f64],
    rates: &[Vec<Tracer>],
) -> Tracer {
    let mut sum = start.t.lift(0.0);
    let mut count = 0;
    for (k, (y, y_next)) in start.states.iter().zip(next).enumerate() {
        let Some(estimate) = combination(weights, rates, k) else { continue };
        let scale = y.abs().max(&y_next.abs()) * tolerance.rtol + tolerance.atol;
        sum = sum + (&start.h * estimate / scale).square().sum();
        count += y.shape().iter().product::<usize>();
    }
    (sum * (1.0 / f64::from(u32::try_from(count.max(1)).unwrap_or(u32::MAX)))).sqrt()
}

/// The states after a step, with all stages computed.
pub(super) fn advance(system: &System, tableau: &Tableau) -> Result<Tape> {
    Tape::record(|recorder| {
        let (start, _) = Start::declare(recorder, system, |_| Vec::new());
        let rates = start.stages(recorder, system, tableau, None);
        system.states().iter().cloned().zip(start.moved(tableau.b, &rates)).collect::<Vec<_>>()
    })
}

/// The transpose of a step: from cotangents of the states after it, `{state}_bar`, to those of the states before it
/// and of the parameters. Time and step length are constants.
pub(super) fn reverse(system: &System, tableau: &Tableau) -> Result<Tape> {
    Tape::record(|recorder| {
        let (start, bars) = Start::declare(recorder, system, |recorder| {
            let states = system.states().iter().zip(system.shapes());
            states.map(|(name, shape)| recorder.example(&format!("step.{name}_bar"), shape)).collect()
        });
        let rates = start.stages(recorder, system, tableau, None);
        let next = start.moved(tableau.b, &rates);
        let feeds = system.feeds();
        let parameters = || {
            feeds
                .iter()
                .zip(&start.held)
                .zip(system.tape().inputs())
                .filter(|((f, _), _)| **f == Feed::Parameter)
        };
        let held: Vec<&Tracer> = parameters().filter_map(|((_, tracer), _)| tracer.as_ref()).collect();
        let wrt: Vec<&Tracer> = start.states.iter().chain(held).collect();
        let outputs: Vec<(&Tracer, &Tracer)> = next.iter().zip(&bars).collect();
        let cotangents = recorder.pull_back(&outputs, &wrt);
        let names = system.states().iter().chain(parameters().map(|(_, (name, _))| name));
        names.map(|name| format!("step.{name}_bar")).zip(cotangents).collect::<Vec<_>>()
    })
}
