//! What one example remembers of its solve.

use std::sync::Arc;

use super::Adjoint;
use crate::ode::{Lanes, Step};
use ad_core::Element;

/// What the examples of one solve remember, decided before it begins.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The most states of one example.
    slots: usize,
    /// Every so many steps a state is kept, at first.
    every: usize,
    /// The times of all steps, where they are known beforehand.
    grid: Option<Arc<[f64]>>,
    width: usize,
}

impl Plan {
    /// For states of `width` numbers; `grid` holds the times between steps where they are known beforehand.
    pub(super) fn new(adjoint: Adjoint, grid: Option<Vec<f64>>, width: usize) -> Self {
        let slots = match adjoint {
            Adjoint::StoreAll => usize::MAX,
            Adjoint::Checkpointed { slots } => slots.max(2),
        };
        let steps = grid.as_ref().map_or(0, |times| times.len() - 1);
        Plan { slots, every: steps.div_ceil(slots).max(1), grid: grid.map(Arc::from), width }
    }
}

/// The accepted steps of one example, and the states that some of them began from.
#[derive(Clone, Debug)]
pub(crate) struct History<T> {
    times: Times,
    /// The number of steps.
    steps: usize,
    /// The states before the steps `0, every, 2 every, ..`, one row of `width` after another.
    kept: Vec<T>,
    every: usize,
    slots: usize,
    width: usize,
    /// On the way back: the states from the last one kept on, up to the one before the last step.
    again: Vec<T>,
}

/// Where steps begin and end: step `k` goes from time `k` to time `k + 1`.
#[derive(Clone, Debug)]
enum Times {
    /// The same for all examples.
    Grid(Arc<[f64]>),
    /// As they came.
    Noted(Vec<f64>),
}

impl<T: Element> History<T> {
    pub(super) fn new(plan: &Plan) -> Self {
        let &Plan { slots, every, ref grid, width } = plan;
        let (times, states) = match grid {
            Some(grid) => (Times::Grid(grid.clone()), (grid.len() - 1).div_ceil(every)),
            None => (Times::Noted(Vec::new()), 0),
        };
        let kept = Vec::with_capacity(states * width);
        History { times, steps: 0, kept, every, slots, width, again: Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.steps == 0
    }

    /// Notes an accepted step from the states of example `e`. With all slots full every second state is dropped.
    pub(super) fn push(&mut self, step: Step, states: &[Lanes<T>], e: usize) {
        if self.steps.is_multiple_of(self.every) {
            if self.kept.len() == self.slots.saturating_mul(self.width) {
                self.drop_every_second();
            }
            if self.steps.is_multiple_of(self.every) {
                self.kept.extend(states.iter().flat_map(|s| s.example(e)));
            }
        }
        if let Times::Noted(times) = &mut self.times {
            if times.is_empty() {
                times.push(step.t);
            }
            times.push(step.t_next);
        }
        self.steps += 1;
    }

    fn drop_every_second(&mut self) {
        let (width, rows) = (self.width, self.kept.len() / self.width.max(1));
        for row in (0..rows).step_by(2) {
            self.kept.copy_within(row * width..(row + 1) * width, row / 2 * width);
        }
        self.kept.truncate(rows.div_ceil(2) * width);
        self.every *= 2;
    }

    fn step(&self, k: usize) -> Step {
        let times = match &self.times {
            Times::Grid(times) => &times[..],
            Times::Noted(times) => times,
        };
        Step { t: times[k], t_next: times[k + 1] }
    }

    /// The last step, which is forgotten; `read` gets the state that it began from.
    pub(super) fn pop(&mut self, read: impl FnOnce(&[T])) -> Option<Step> {
        let last = self.steps.checked_sub(1)?;
        let step = self.step(last);
        self.steps = last;
        if let Times::Noted(times) = &mut self.times {
            times.truncate(last + 1);
        }
        read(&self.again[self.again.len() - self.width..]);
        self.again.truncate(self.again.len() - self.width);
        if self.again.is_empty() {
            self.kept.truncate(self.steps / self.every * self.width);
        }
        Some(step)
    }

    /// The next step to take again, and the state that it begins from; `None` if the state before the last step is
    /// known.
    pub(super) fn next_to_compute(&mut self) -> Option<(Step, &[T])> {
        let last = self.steps.checked_sub(1)?;
        let first = last / self.every * self.every;
        if self.again.is_empty() {
            let row = last / self.every * self.width;
            self.again.extend_from_slice(&self.kept[row..row + self.width]);
        }
        let known = first + self.again.len() / self.width - 1;
        (known < last).then(|| (self.step(known), &self.again[self.again.len() - self.width..]))
    }

    /// The state after the step that [`History::next_to_compute`] gave.
    pub(super) fn computed(&mut self, state: impl Iterator<Item = T>) {
        self.again.extend(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A "solve" whose state counts its steps: every state must come back, whatever is kept, and whether or not the
    /// number of steps was known.
    #[test]
    fn states_come_back_in_reverse() {
        for adjoint in
            [Adjoint::StoreAll, Adjoint::Checkpointed { slots: 2 }, Adjoint::Checkpointed { slots: 5 }]
        {
            for n in [0, 1, 2, 3, 7, 8, 9, 64, 100] {
                for known in [true, false] {
                    let grid = known.then(|| (0..=n).map(f64::from).collect());
                    check(&Plan::new(adjoint, grid, 1), n);
                }
            }
        }
    }

    fn check(plan: &Plan, n: u32) {
        let mut history = History::<f64>::new(plan);
        for k in 0..n {
            let mut lanes = Lanes::new(1);
            lanes.set_example(3, &[f64::from(k)]);
            let t = f64::from(k);
            history.push(Step { t, t_next: t + 1.0 }, &[lanes], 3);
            assert!(history.kept.len() <= plan.slots);
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

    /// A known number of steps is spread over the slots at once: two steps a state, not four.
    #[test]
    fn known_steps_use_the_slots() {
        let plan = |known: bool| {
            let grid = known.then(|| (0..=10).map(f64::from).collect());
            Plan::new(Adjoint::Checkpointed { slots: 5 }, grid, 1)
        };
        assert_eq!((plan(true).every, plan(false).every), (2, 1));
    }
}
