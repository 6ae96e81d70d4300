//! What one example remembers of its solve.

use super::Adjoint;
use crate::ode::{Lanes, Step};
use ad_core::Element;

/// The accepted steps of one example, and the states that some of them began from.
#[derive(Debug)]
pub(crate) struct History<T> {
    steps: Vec<Step>,
    /// The states before the steps `0, every, 2 every, ..`, one row of `width` after another.
    kept: Vec<T>,
    every: usize,
    slots: usize,
    width: usize,
    /// On the way back: the states from the last one kept on, up to the one before the last step.
    again: Vec<T>,
}

impl<T: Element> History<T> {
    pub(crate) fn new(adjoint: Adjoint, width: usize) -> Self {
        let slots = match adjoint {
            Adjoint::StoreAll => usize::MAX,
            Adjoint::Checkpointed { slots } => slots.max(2),
        };
        History { steps: Vec::new(), kept: Vec::new(), every: 1, slots, width, again: Vec::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Notes an accepted step from the states of example `e`. With all slots full every second state is dropped.
    pub(crate) fn push(&mut self, step: Step, states: &[Lanes<T>], e: usize) {
        if self.steps.len().is_multiple_of(self.every) {
            if self.kept.len() == self.slots.saturating_mul(self.width) {
                let width = self.width;
                let even = self.kept.chunks_exact(width).step_by(2).flatten().copied().collect();
                self.kept = even;
                self.every *= 2;
            }
            if self.steps.len().is_multiple_of(self.every) {
                self.kept.extend(states.iter().flat_map(|s| s.example(e)));
            }
        }
        self.steps.push(step);
    }

    /// The last step, which is forgotten; `read` gets the state that it began from.
    pub(crate) fn pop(&mut self, read: impl FnOnce(&[T])) -> Option<Step> {
        let step = self.steps.pop()?;
        read(&self.again[self.again.len() - self.width..]);
        self.again.truncate(self.again.len() - self.width);
        if self.again.is_empty() {
            self.kept.truncate(self.steps.len() / self.every * self.width);
        }
        Some(step)
    }

    /// The next step to take again, and the state that it begins from; `None` if the state before the last step is
    /// known.
    pub(crate) fn next_to_compute(&mut self) -> Option<(Step, &[T])> {
        let last = self.steps.len().checked_sub(1)?;
        let first = last / self.every * self.every;
        if self.again.is_empty() {
            let row = last / self.every * self.width;
            self.again.extend_from_slice(&self.kept[row..row + self.width]);
        }
        let known = first + self.again.len() / self.width - 1;
        (known < last).then(|| (self.steps[known], &self.again[self.again.len() - self.width..]))
    }

    /// The state after the step that [`History::next_to_compute`] gave.
    pub(crate) fn computed(&mut self, state: impl Iterator<Item = T>) {
        self.again.extend(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A "solve" whose state counts its steps: every state must come back, whatever is kept.
    #[test]
    fn states_come_back_in_reverse() {
        for adjoint in
            [Adjoint::StoreAll, Adjoint::Checkpointed { slots: 2 }, Adjoint::Checkpointed { slots: 5 }]
        {
            for n in [0, 1, 2, 3, 7, 8, 9, 64, 100] {
                let mut history = History::<f64>::new(adjoint, 1);
                for k in 0..n {
                    let mut lanes = Lanes::new(1);
                    lanes.set_example(3, &[f64::from(k)]);
                    let t = f64::from(k);
                    history.push(Step { t, t_next: t + 1.0, h: 1.0 }, &[lanes], 3);
                    if let Adjoint::Checkpointed { slots } = adjoint {
                        assert!(history.kept.len() <= slots);
                    }
                }
                for k in (0..n).rev() {
                    while let Some(next) = history.next_to_compute().map(|(step, state)| {
                        assert_eq!(step.t, state[0]);
                        step.t_next
                    }) {
                        history.computed(std::iter::once(next));
                    }
                    let step = history.pop(|state| assert_eq!(state, [f64::from(k)]));
                    assert_eq!(step.map(|s| s.t), Some(f64::from(k)));
                }
                assert!(history.is_empty() && history.pop(|_| {}).is_none());
            }
        }
    }
}
