//! The exact divergence by the cheapest route.
//!
//! The derivative of a field, written out on its linear tape, is a network of factors: matrices, slopes, and sums of such
//! products. Its trace closes the network into a loop, and every order of contraction gives the same number. What
//! directions pushed through the field compute is one order; here the order is planned.
//!
//! | | |
//! |---|---|
//! | [`flatten`](flatten::flatten) | the linear tape as a network, with what paths share kept together |
//! | [`split`] | which sums are multiplied out |
//! | [`order`] | the order of contraction |
//! | [`emit`] | the plan as lines |

mod cost;
mod emit;
mod flatten;
mod network;
mod order;
mod split;

use ad_core::{NodeId, Recorder, Result, Tape, Tracer};

use super::{Ends, record, tangents, with_trace};
use emit::Emitter;
use order::Planner;
use split::Plans;

pub use cost::Workload;

/// The trace by `d` directions, pushed through together.
pub(super) fn directions(t: &Recorder, x: &Tracer, y: &Tracer, d: usize) -> Tracer {
    tangents(t, x, y, &t.identity(d)).trace()
}

/// The tape of a field with its divergence by the cheapest route that is found.
pub(super) fn cheapest(tape: &Tape, ends: &Ends, workload: Workload) -> Result<Tape> {
    let direct = with_trace(tape, ends, directions)?;
    let Some(planned) = planned(tape, ends, workload)? else { return Ok(direct) };
    let cost = |tape: &Tape| cost::tape(tape, workload);
    Ok(if cost(&planned) < cost(&direct) { planned } else { direct })
}

/// The tape by the planned route, if the derivative has the form of a network.
fn planned(tape: &Tape, ends: &Ends, workload: Workload) -> Result<Option<Tape>> {
    let linear = Linear::new(tape, ends)?;
    let network = flatten::flatten(&linear.tape, linear.seed, linear.end).map(|n| n.closed());
    let Some(plans) = network.and_then(|n| Planner::new(workload).split(&n)) else { return Ok(None) };
    if plans.cost.is_finite() { linear.with_plans(tape, &plans).map(Some) } else { Ok(None) }
}

/// The lines of a field, and those of its derivative along one direction.
struct Linear {
    tape: Tape,
    seed: NodeId,
    end: NodeId,
}

impl Linear {
    fn new(tape: &Tape, ends: &Ends) -> Result<Linear> {
        let mut name = "direction".to_owned();
        while tape.inputs().iter().any(|(taken, _)| *taken == name) {
            name.push('_');
        }
        let linear = Tape::record(|t| {
            let inputs = t.inputs_like(tape);
            let direction = t.shared(&name, &[ends.length]);
            let outputs = t.inline(tape, &inputs.iter().collect::<Vec<_>>());
            let (x, y) = (&inputs[ends.input], &outputs[ends.output]);
            let tangent = t.push_forward(&[(x, &direction)], &[y]).remove(0);
            [("tangent", tangent)]
        })?;
        Ok(Linear { seed: linear.input(&name)?, end: linear.output("tangent")?, tape: linear })
    }

    /// The tape of the field with the trace that plans compute.
    fn with_plans(&self, tape: &Tape, plans: &Plans) -> Result<Tape> {
        record(tape, |t, inputs, _| {
            let direction = t.full(&self.tape.node(self.seed).shape(), 0.0);
            let given: Vec<&Tracer> = inputs.iter().chain([&direction]).collect();
            let lines = t.inline_lines(&self.tape, &given);
            Emitter { recorder: t, lines: &lines }.sum(&plans.plans, &[], None)
        })
    }
}
