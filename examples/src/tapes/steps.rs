//! A recurrence, one step of which is a tape.

use ad_core::{Program, Result, Runner, Tape};

/// `state <- step(x, state)`, again and again. The tape is one step; its transpose goes back through the states before the
/// steps.
pub(super) struct Steps {
    forward: Runner<f64, Program<f64>>,
    back: Runner<f64, Program<f64>>,
}

/// The states before the first step and after each, and the cotangents of `x` and of the first state.
pub(super) struct ThereAndBack {
    pub(super) states: Vec<f64>,
    pub(super) x_bar: Vec<f64>,
    pub(super) state_bar: Vec<f64>,
}

impl Steps {
    /// Of a tape from `x` and `state` to the state after a step.
    pub(super) fn new(step: &Tape) -> Result<Self> {
        let back = step.vjp(&["x", "state"])?.compile()?.into_runner();
        Ok(Steps { forward: step.compile()?.into_runner(), back })
    }

    /// So many steps from a state, and back from a cotangent of the last state.
    pub(super) fn gradient(
        &mut self,
        x: &[f64],
        start: &[f64],
        steps: usize,
        last_bar: &[f64],
    ) -> Result<ThereAndBack> {
        let n = start.len();
        let mut states = start.to_vec();
        for k in 0..steps {
            self.forward.call(0, &[x, &states[k * n..]])?;
            states.extend(self.forward.output(0));
        }
        let (mut x_bar, mut state_bar) = (vec![0.0; x.len()], last_bar.to_vec());
        for state in states[..steps * n].chunks(n).rev() {
            self.back.call(0, &[x, state, &state_bar])?;
            x_bar.iter_mut().zip(self.back.output(1)).for_each(|(total, bar)| *total += bar);
            state_bar.copy_from_slice(self.back.output(2));
        }
        Ok(ThereAndBack { states, x_bar, state_bar })
    }
}
