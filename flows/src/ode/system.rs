//! What is integrated: a tape from time and states to rates.

use ad_core::{Error, Result, Tape};

use super::tableau::Tableau;
use crate::field::TIME;

/// A tape that gives the rate of each of some named states.
///
/// Its outputs are the rates, in the order of the states. Its inputs may be the time `t` and the states, by their
/// names; any other input is held during a solve: one with examples is an *extra* (a probe, a context), one that
/// examples share is a parameter. A state that is no input is integrated without being seen, as a log-density is.
#[derive(Clone, Debug)]
pub struct System {
    tape: Tape,
    states: Vec<String>,
    shapes: Vec<Vec<usize>>,
    renewed: Option<usize>,
}

/// What an input of a system is fed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Feed {
    Time,
    State(usize),
    Extra,
    Parameter,
}

impl System {
    /// A system of the states called `states`; output `k` of the tape is the rate of state `k`.
    ///
    /// # Errors
    /// Where their numbers differ, the tape sums over examples, a rate is shared by all of them, or an input has another
    /// shape than its state.
    pub fn new(tape: Tape, states: &[&str]) -> Result<System> {
        if states.len() != tape.outputs().len() {
            let message = format!(
                "{} states and {} rates: there must be one rate for each",
                states.len(),
                tape.outputs().len()
            );
            return Err(Error::new(message));
        }
        let sums = |n: &ad_core::Node| n.example_label().is_some() && !n.has_example();
        if tape.nodes().iter().any(sums) {
            let message = "the system sums over examples: each example is integrated by itself, with a time and steps of \
                           its own, so no rate may depend on the others";
            return Err(Error::new(message));
        }
        let shape = |id| tape.node(id).shape();
        let shapes: Vec<Vec<usize>> = tape.outputs().iter().map(|&(_, id)| shape(id)).collect();
        for ((name, id), want) in tape.outputs().iter().zip(&shapes) {
            if !tape.node(*id).has_example() {
                return Err(Error::new(format!(
                    "the rate `{name}` is shared by all examples; see Tracer::to_examples"
                )));
            }
            let state = states[tape.outputs().iter().position(|(n, _)| n == name).unwrap_or_default()];
            if let Ok(input) = tape.input(state) {
                let got: Vec<usize> = shape(input);
                if got != *want {
                    return Err(Error::new(format!(
                        "state `{state}` has shape {got:?} and its rate {want:?}"
                    )));
                }
            }
        }
        Ok(System { states: states.iter().map(|&s| s.to_owned()).collect(), shapes, tape, renewed: None })
    }

    /// The same with one of its extras drawn anew for each step, in place of being held.
    pub(crate) fn renewing(self, extra: &str) -> System {
        let renewed = self.extras().position(|name| name == extra);
        System { renewed, ..self }
    }

    /// Which of the extras is drawn anew for each step.
    pub(super) fn renewed(&self) -> Option<usize> {
        self.renewed
    }

    /// Whether a step hands the rates of its last stage on to the next one, as the method would have it. They are those
    /// of its own draw: where the next has another it computes them.
    pub(super) fn carries(&self, tableau: &Tableau) -> bool {
        tableau.is_fsal() && self.renewed.is_none()
    }

    /// Whether a state counts in the error of a step. Where something is drawn anew, one that is integrated without being
    /// seen does not: if the length of a step followed from its own draw, draws would weigh unequally, and their mean
    /// would be biased.
    pub(super) fn judges(&self, state: usize) -> bool {
        self.renewed.is_none() || self.tape.input(&self.states[state]).is_ok()
    }

    /// The tape of the rates.
    pub fn tape(&self) -> &Tape {
        &self.tape
    }

    /// The names of the states, in order.
    pub fn states(&self) -> &[String] {
        &self.states
    }

    /// The shapes of the states, in order.
    pub fn shapes(&self) -> &[Vec<usize>] {
        &self.shapes
    }

    /// The names of the extras, in order.
    pub(crate) fn extras(&self) -> impl Iterator<Item = &str> {
        let inputs = self.tape.inputs().iter().zip(self.feeds());
        inputs.filter(|(_, feed)| *feed == Feed::Extra).map(|((name, _), _)| name.as_str())
    }

    /// What each input of the tape is.
    pub(super) fn feeds(&self) -> Vec<Feed> {
        let feed = |(name, id): &(String, ad_core::NodeId)| match self.states.iter().position(|s| s == name) {
            Some(k) => Feed::State(k),
            None if name == TIME => Feed::Time,
            None if self.tape.node(*id).has_example() => Feed::Extra,
            None => Feed::Parameter,
        };
        self.tape.inputs().iter().map(feed).collect()
    }
}
