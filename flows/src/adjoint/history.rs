//! What a block of examples remembers of its solve.

use std::sync::Arc;

use ad_core::{Element, Rows};

use super::Adjoint;
use super::residuals::Residuals;
use crate::ode::{Lanes, Step};

/// What the blocks of one solve remember, decided before it begins.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The most states of one example.
    slots: usize,
    /// Every so many rounds the states are kept, at first.
    every: usize,
    /// The times of all steps, where they are known beforehand.
    grid: Option<Arc<[f64]>>,
    /// Of how many rounds a block keeps the residuals.
    room: usize,
}

impl Plan {
    /// For `blocks` at a time, whose steps leave so many `bytes`; `grid` holds the times between steps where they are known
    /// beforehand.
    pub(super) fn new(adjoint: Adjoint, grid: Option<Vec<f64>>, blocks: usize, bytes: usize) -> Self {
        let (slots, most) = match adjoint {
            Adjoint::StoreAll => (usize::MAX, 16 << 20),
            Adjoint::Checkpointed { slots } => (slots.max(2), 4 << 20),
        };
        let steps = grid.as_ref().map_or(0, |times| times.len() - 1);
        let every = steps.div_ceil(slots).max(1);
        Plan { slots, every, grid: grid.map(Arc::from), room: most / blocks.max(1) / bytes.max(1) }
    }
}

/// Steps that examples of a block took side by side, and that were accepted.
#[derive(Clone, Debug)]
pub(super) struct Round {
    pub(super) active: Arc<[usize]>,
    /// From where to where; none where the grid says it.
    steps: Box<[Step]>,
}

/// The rounds of one block, some of the states and residuals that they began with or left.
#[derive(Clone, Debug)]
pub(crate) struct History<T> {
    rounds: Vec<Round>,
    grid: Option<Arc<[f64]>>,
    /// The states of all examples before the rounds `0, every, 2 every, ..`, one behind the other.
    kept: Vec<T>,
    every: usize,
    slots: usize,
    examples: usize,
    /// Numbers in the states of all examples.
    width: usize,
    /// On the way back: the states from the last ones kept on, up to those before the last round.
    again: Vec<T>,
    residuals: Residuals<T>,
    /// Of those that tried last, how many there were, and the places of those that were accepted.
    tried: usize,
    accepted: Vec<usize>,
}

impl<T: Element> History<T> {
    /// For `examples` with states of `width` numbers each.
    pub(super) fn new(plan: &Plan, examples: usize, width: usize) -> Self {
        let &Plan { slots, every, ref grid, room } = plan;
        let width = width * examples;
        let states = grid.as_ref().map_or(0, |grid| (grid.len() - 1).div_ceil(every));
        History {
            rounds: Vec::new(),
            grid: grid.clone(),
            kept: Vec::with_capacity(states * width),
            every,
            slots,
            examples,
            width,
            again: Vec::new(),
            residuals: Residuals::new(room),
            tried: 0,
            accepted: Vec::new(),
        }
    }

    pub(super) fn examples(&self) -> usize {
        self.examples
    }

    /// Notes the accepted steps of those of `active` that `keep`. With all slots full every second state is dropped.
    pub(super) fn push(&mut self, active: &[usize], keep: &[bool], steps: &[Step], states: &[Lanes<T>]) {
        self.tried = active.len();
        self.accepted.clear();
        self.accepted.extend((0..active.len()).filter(|&place| keep[place]));
        if self.accepted.is_empty() {
            return;
        }
        if self.rounds.len().is_multiple_of(self.every) {
            if self.kept.len() == self.slots.saturating_mul(self.width) {
                self.drop_every_second();
            }
            if self.rounds.len().is_multiple_of(self.every) {
                for state in states {
                    state.save(self.examples, &mut self.kept);
                }
            }
        }
        let kept = || self.accepted.iter().map(|&place| active[place]);
        let round = match self.rounds.last() {
            Some(last) if last.active.iter().copied().eq(kept()) => last.active.clone(),
            _ => kept().collect(),
        };
        let own = self.accepted.iter().filter(|_| self.grid.is_none());
        let steps = own.map(|&place| steps[place]).collect();
        self.rounds.push(Round { active: round, steps });
    }

    fn drop_every_second(&mut self) {
        let (width, states) = (self.width, self.kept.len() / self.width.max(1));
        for state in (0..states).step_by(2) {
            self.kept.copy_within(state * width..(state + 1) * width, state / 2 * width);
        }
        self.kept.truncate(states.div_ceil(2) * width);
        self.every *= 2;
    }

    /// Keeps what the last steps left for those that were accepted, in rows of `stride`, if there is room; `fill` gets
    /// memory if there is some to be used again.
    pub(super) fn push_residuals(
        &mut self,
        stride: usize,
        fill: impl FnOnce(Option<Vec<Rows<T>>>) -> Vec<Rows<T>>,
    ) {
        let keeps = !self.accepted.is_empty() && self.residuals.has_room();
        let Some(last) = self.last().filter(|_| keeps) else { return };
        let (accepted, all) = (&self.accepted, self.accepted.len() == self.tried);
        self.residuals.push(last, |used| {
            let mut residuals = fill(used);
            residuals.iter_mut().filter(|_| !all).for_each(|rows| rows.keep(accepted, stride));
            residuals
        });
    }

    /// The number of the last round.
    pub(super) fn last(&self) -> Option<usize> {
        self.rounds.len().checked_sub(1)
    }

    /// The examples of a round, with their steps.
    pub(super) fn round(&self, number: usize) -> (Arc<[usize]>, Vec<Step>) {
        let Round { active, steps } = &self.rounds[number];
        let steps = match &self.grid {
            Some(times) => {
                let (t, t_next) = (times[number], times[number + 1]);
                vec![Step { t, t_next, number: number as u32 }; active.len()]
            }
            None => steps.to_vec(),
        };
        (active.clone(), steps)
    }

    /// What the last round left, to be taken; the round is forgotten.
    pub(super) fn pop(&mut self) -> Option<Vec<Rows<T>>> {
        let last = self.last()?;
        self.rounds.truncate(last);
        self.again.truncate(self.again.len().saturating_sub(self.width));
        self.kept.truncate(last.div_ceil(self.every) * self.width);
        self.residuals.pop(last)
    }

    /// Sets the last states that are known, and says which round they are before: the last one or an earlier one.
    pub(super) fn restore(&mut self, states: &mut [Lanes<T>]) -> usize {
        let last = self.rounds.len().saturating_sub(1);
        let first = last / self.every;
        if self.again.is_empty() {
            self.again.extend_from_slice(&self.kept[first * self.width..(first + 1) * self.width]);
        }
        let mut saved = &self.again[self.again.len() - self.width..];
        for state in states {
            saved = state.restore(self.examples, saved);
        }
        first * self.every + self.again.len() / self.width.max(1) - 1
    }

    /// Notes the states after a round that was taken again.
    pub(super) fn computed(&mut self, states: &[Lanes<T>]) {
        for state in states {
            state.save(self.examples, &mut self.again);
        }
    }

    /// What rounds have left.
    pub(super) fn residuals(&mut self) -> &mut Residuals<T> {
        &mut self.residuals
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLES: usize = 3;

    /// Which of three examples try, and which of those are accepted, in attempt `k`.
    fn attempt(k: usize) -> (Vec<usize>, Vec<bool>) {
        let active: Vec<usize> = (0..EXAMPLES).filter(|e| k % 7 != 3 || *e != 1).collect();
        let keep = active.iter().map(|e| !(k + e).is_multiple_of(5) && k % 11 != 4).collect();
        (active, keep)
    }

    /// A "solve" whose states count the steps of each example: they must come back whatever is kept, and whether or not the number
    /// of steps was known.
    #[test]
    fn states_come_back_in_reverse() {
        for adjoint in
            [Adjoint::StoreAll, Adjoint::Checkpointed { slots: 2 }, Adjoint::Checkpointed { slots: 5 }]
        {
            for n in [0, 1, 2, 3, 7, 8, 9, 64, 100] {
                let grid: Vec<f64> = (0..=n).map(f64::from).collect();
                check(&Plan::new(adjoint, Some(grid), 1, 0), n as usize, |_| {
                    ([0, 1, 2].into(), vec![true; 3])
                });
                check(&Plan::new(adjoint, None, 1, 0), n as usize, attempt);
            }
        }
    }

    fn check(plan: &Plan, n: usize, attempt: impl Fn(usize) -> (Vec<usize>, Vec<bool>)) {
        let mut history = History::<f64>::new(plan, EXAMPLES, 1);
        let mut states = [Lanes::new(1)];
        let mut rounds = Vec::new();
        for k in 0..n {
            let (active, keep) = attempt(k);
            let step = Step { t: k as f64, t_next: k as f64 + 1.0, number: k as u32 };
            history.push(&active, &keep, &vec![step; active.len()], &states);
            let kept: Vec<usize> =
                active.into_iter().zip(keep).filter(|(_, keep)| *keep).map(|(e, _)| e).collect();
            let before = counts(&states);
            advance(&mut states, &kept);
            if !kept.is_empty() {
                rounds.push((kept, before, step));
            }
            assert!(history.kept.len() <= plan.slots.saturating_mul(EXAMPLES));
        }
        for (number, (kept, before, step)) in rounds.iter().enumerate().rev() {
            let last = history.last().unwrap();
            assert_eq!(last, number);
            let mut at = history.restore(&mut states);
            while at < last {
                advance(&mut states, &history.round(at).0);
                history.computed(&states);
                at += 1;
            }
            assert_eq!(&counts(&states), before);
            let (active, steps) = history.round(last);
            assert_eq!((&active[..], steps[0].t), (&kept[..], step.t));
            assert!(history.pop().is_none(), "residuals that nobody pushed");
        }
        assert!(history.last().is_none() && history.pop().is_none());
    }

    fn counts(states: &[Lanes<f64>; 1]) -> Vec<f64> {
        states[0].rows_of(EXAMPLES)
    }

    fn advance(states: &mut [Lanes<f64>; 1], kept: &[usize]) {
        let next: Vec<f64> = counts(states)
            .iter()
            .enumerate()
            .map(|(e, x)| x + f64::from(u8::from(kept.contains(&e))))
            .collect();
        states[0].load(&next, |x| x);
    }

    /// A known number of steps is spread over the slots at once: two steps a state, not four.
    #[test]
    fn known_steps_use_the_slots() {
        let plan = |known: bool| {
            let grid = known.then(|| (0..=10).map(f64::from).collect());
            Plan::new(Adjoint::Checkpointed { slots: 5 }, grid, 1, 0)
        };
        assert_eq!((plan(true).every, plan(false).every), (2, 1));
    }
}
