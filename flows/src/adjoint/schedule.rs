//! The binomial checkpoint schedule: which states to keep so that few steps are computed again. Numbers only.
//!
//! The adjoint of a solve of `n` steps visits the steps backward, and to reverse step `k` it needs the state
//! at `k`. With room for `c` states, the others are computed again from the nearest one kept. A. Griewank and
//! A. Walther, *Algorithm 799: revolve*, ACM TOMS 26 (2000), 19-45, give the fewest steps for which this can
//! be done: let `r` be the smallest number with `n <= C(c + r, c)`; then
//!
//! ```text
//! P(n, c) = r n - C(c + r, c + 1)
//! ```
//!
//! steps are advanced, beside the `n` that are reversed, and no step is advanced more than `r` times. `P`
//! counts the first sweep to the last step, so that with room for everything `P(n, n) = n - 1`.

use std::num::NonZeroUsize;

/// One thing to do. The state "in hand" is the one the solver works on; kept states form a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Keep a copy of the state in hand, which is the state at this step, on top of the stack.
    Store(usize),
    /// Take a copy of the topmost kept state, which is the state at this step, in hand.
    Restore(usize),
    /// Compute the steps `from..to`, so that the state at `to` is in hand; it was the one at `from`.
    Advance {
        /// The first step to compute.
        from: usize,
        /// The first step not to compute.
        to: usize,
    },
    /// Reverse this step, whose state is in hand. The state is not needed again.
    Reverse(usize),
    /// Drop the topmost kept state, which is the state at this step.
    Free(usize),
}

/// The actions that reverse all steps `n - 1, ..., 0`, starting with the state at 0 in hand.
///
/// ```
/// use std::num::NonZeroUsize;
/// use flows::adjoint::schedule::{Action::*, Schedule};
///
/// let two = NonZeroUsize::new(2).ok_or("zero")?;
/// let actions: Vec<_> = Schedule::new(3, two).collect();
/// assert_eq!(actions, [
///     Store(0), Advance { from: 0, to: 1 }, Store(1), Advance { from: 1, to: 2 }, Reverse(2),
///     Restore(1), Reverse(1), Free(1), Restore(0), Reverse(0), Free(0),
/// ]);
/// # Ok::<(), &str>(())
/// ```
#[derive(Debug, Clone)]
pub struct Schedule {
    slots: NonZeroUsize,
    /// The steps whose states are kept, ascending.
    kept: Vec<usize>,
    /// The step whose state is in hand.
    in_hand: Option<usize>,
    /// The steps from here on are reversed.
    reversed: usize,
}

impl Schedule {
    /// The schedule for this many steps with room for `slots` states.
    pub fn new(steps: usize, slots: NonZeroUsize) -> Self {
        Self { slots, kept: Vec::new(), in_hand: Some(0), reversed: steps }
    }

    /// Where to go from the kept state at `base`, which is in hand: to the next state to keep while there
    /// is room for one, otherwise to the step to reverse.
    fn target(&self, base: usize) -> usize {
        let left = self.reversed - base;
        match NonZeroUsize::new(self.slots.get() - self.kept.len()) {
            Some(free) => base + split(left, free.saturating_add(1)),
            None => self.reversed - 1,
        }
    }
}

impl Iterator for Schedule {
    type Item = Action;

    fn next(&mut self) -> Option<Action> {
        let Some(&base) = self.kept.last() else {
            let first = self.in_hand.filter(|_| self.reversed > 0)?;
            self.kept.push(first);
            return Some(Action::Store(first));
        };
        if base == self.reversed {
            self.kept.pop();
            return Some(Action::Free(base));
        }
        Some(match self.in_hand {
            Some(step) if step + 1 == self.reversed => {
                self.in_hand = None;
                self.reversed = step;
                Action::Reverse(step)
            }
            Some(step) if step == base => {
                let to = self.target(base);
                self.in_hand = Some(to);
                Action::Advance { from: base, to }
            }
            Some(step) => {
                self.kept.push(step);
                Action::Store(step)
            }
            None => {
                self.in_hand = Some(base);
                Action::Restore(base)
            }
        })
    }
}

/// The fewest steps that reversing `steps` steps with room for `slots` states can advance: `P(steps, slots)`.
pub fn recomputed_steps(steps: usize, slots: NonZeroUsize) -> u128 {
    let Reach { slots, sweeps, most, .. } = Reach::of(steps, slots);
    // C(c + r, c + 1) = C(c + r, c) r / (c + 1)
    sweeps * steps as u128 - most * sweeps / (slots + 1)
}

/// The fewest slots with which every step is computed at most `ratio` times on average, the reversal itself
/// counted: `(P + n) / n <= ratio`. `None` if there are none, as below `2 - 1/n` (one slot a step).
pub fn fewest_slots(steps: usize, ratio: f64) -> Option<NonZeroUsize> {
    let computed = |slots| (recomputed_steps(steps, slots) + steps as u128) as f64;
    let suffices = |slots| computed(slots) <= ratio * steps as f64;
    let (mut fewest, mut most) = (NonZeroUsize::MIN, NonZeroUsize::new(steps).unwrap_or(NonZeroUsize::MIN));
    if !suffices(most) {
        return None;
    }
    while fewest < most {
        let middle = fewest.midpoint(most);
        if suffices(middle) {
            most = middle;
        } else {
            fewest = middle.saturating_add(1);
        }
    }
    Some(fewest)
}

/// How far `slots` states reach: `most = C(slots + sweeps, slots)` steps if none is advanced more than
/// `sweeps` times.
struct Reach {
    slots: u128,
    /// The smallest number for which `most` is at least the number of steps: `r` above.
    sweeps: u128,
    most: u128,
    /// `C(slots + sweeps - 1, slots)`: as far as one sweep fewer reaches; zero for no sweeps.
    one_fewer: u128,
}

impl Reach {
    fn of(steps: usize, slots: NonZeroUsize) -> Self {
        // More slots than steps are of no use, and fewer keep the binomials small.
        let slots = slots.get().min(steps.max(1)) as u128;
        let mut reach = Self { slots, sweeps: 0, most: 1, one_fewer: 0 };
        while reach.most < steps as u128 {
            reach.sweeps += 1;
            reach.one_fewer = reach.most;
            reach.most = reach.most * (slots + reach.sweeps) / reach.sweeps;
        }
        reach
    }
}

/// How many of `steps > 1` steps to advance before the next state is kept, with `slots > 1` slots, the one at
/// the start among them. The part before the new state keeps all slots and may be swept once less, the part
/// behind it has one slot fewer and all sweeps. Any `m` is optimal for which both parts fall in the range of
/// step counts that just these sweeps serve; this is the largest.
fn split(steps: usize, slots: NonZeroUsize) -> usize {
    let Reach { slots, sweeps, one_fewer, .. } = Reach::of(steps, slots);
    // C(c + r - 2, c - 1) = C(c + r - 1, c) c / (c + r - 1)
    let behind = one_fewer * slots / (slots + sweeps - 1);
    one_fewer.min(steps as u128 - behind) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn slots(c: usize) -> NonZeroUsize {
        NonZeroUsize::new(c).unwrap()
    }

    /// What a schedule cost.
    #[derive(Debug, PartialEq)]
    struct Cost {
        advanced: u128,
        most_kept: usize,
    }

    /// Carries a schedule out on states that are the integers 0, 1, ..., and checks every action against
    /// them.
    fn execute(steps: usize, c: usize) -> Cost {
        let (mut in_hand, mut kept) = (Some(0), Vec::new());
        let mut to_reverse = (0..steps).rev();
        let mut cost = Cost { advanced: 0, most_kept: 0 };
        for action in Schedule::new(steps, slots(c)) {
            match action {
                Action::Store(step) => {
                    assert_eq!(in_hand, Some(step));
                    kept.push(step);
                    cost.most_kept = cost.most_kept.max(kept.len());
                }
                Action::Restore(step) => {
                    assert_eq!(kept.last(), Some(&step));
                    in_hand = Some(step);
                }
                Action::Advance { from, to } => {
                    assert!(in_hand == Some(from) && from < to && to < steps);
                    cost.advanced += (to - from) as u128;
                    in_hand = Some(to);
                }
                Action::Reverse(step) => {
                    assert_eq!(in_hand.take(), Some(step));
                    assert_eq!(to_reverse.next(), Some(step));
                }
                Action::Free(step) => assert_eq!(kept.pop(), Some(step)),
            }
        }
        assert_eq!((to_reverse.next(), kept), (None, vec![]), "all is reversed and freed");
        cost
    }

    /// The optimum by its definition, without binomials: `table[c][n]` advanced steps, the best over all
    /// first splits.
    fn optimum(steps: usize, c: usize) -> Vec<Vec<u128>> {
        let one_slot = (0..=steps).map(|n| (n * n.saturating_sub(1) / 2) as u128).collect();
        let mut table: Vec<Vec<u128>> = vec![vec![], one_slot];
        for _ in 2..=c {
            let fewer = &table[table.len() - 1];
            let mut row: Vec<u128> = vec![0, 0];
            for n in 2..=steps {
                row.push((1..n).map(|m| m as u128 + row[m] + fewer[n - m]).min().unwrap());
            }
            table.push(row);
        }
        table
    }

    #[test]
    fn no_schedule_advances_fewer_steps() {
        for (c, row) in optimum(80, 12).into_iter().enumerate().skip(1) {
            for (n, best) in row.into_iter().enumerate() {
                let cost = execute(n, c);
                assert_eq!(cost.advanced, best, "{n} steps, {c} slots");
                assert_eq!(recomputed_steps(n, slots(c)), best, "{n} steps, {c} slots");
                assert!(cost.most_kept <= c, "{n} steps, {c} slots: {cost:?}");
            }
        }
    }

    /// `(P + n) / n` with 5 and 10 slots.
    #[test]
    fn known_ratios_are_met() {
        for (n, ratios) in
            [(50, [3.44, 2.76]), (100, [4.16, 3.22]), (1000, [7.28, 4.64]), (4096, [10.04, 5.93])]
        {
            for (c, ratio) in [5, 10].into_iter().zip(ratios) {
                let advanced = execute(n, c).advanced;
                assert_eq!(advanced, recomputed_steps(n, slots(c)));
                let found = (advanced + n as u128) as f64 / n as f64;
                assert!((found - ratio).abs() <= 0.005, "{n} steps, {c} slots: {found}");
            }
        }
    }

    #[test]
    fn slots_for_three_computations_a_step() {
        let found = [50, 100, 200, 500, 1000, 4096].map(|n| fewest_slots(n, 3.0).map(NonZeroUsize::get));
        assert_eq!(found, [8, 12, 18, 30, 43, 89].map(Some));
    }

    #[test]
    fn a_ratio_below_two_is_out_of_reach() {
        assert_eq!(fewest_slots(100, 1.98), None);
        assert_eq!(fewest_slots(100, f64::NAN), None);
        assert_eq!(fewest_slots(100, 1.99), Some(slots(99)));
        assert_eq!(fewest_slots(1, 1.0), Some(slots(1)));
        assert_eq!(fewest_slots(0, 1.0), Some(slots(1)));
    }

    #[test]
    fn room_beyond_need_changes_nothing() {
        assert_eq!(execute(1000, usize::MAX), Cost { advanced: 999, most_kept: 999 });
        assert_eq!(recomputed_steps(1000, NonZeroUsize::MAX), 999);
        assert_eq!(Schedule::new(0, slots(3)).next(), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn long_schedules_meet_the_formula(n in 1_usize..5000, c in 3_usize..200) {
            let cost = execute(n, c);
            prop_assert_eq!(cost.advanced, recomputed_steps(n, slots(c)));
            prop_assert!(cost.most_kept <= c);
        }

        #[test]
        fn the_chosen_slots_are_the_fewest(n in 2_usize..100_000, ratio in 2.0..20.0_f64) {
            let computed = |c| (recomputed_steps(n, slots(c)) + n as u128) as f64 / n as f64;
            let chosen = fewest_slots(n, ratio).unwrap().get();
            prop_assert!(computed(chosen) <= ratio);
            prop_assert!(chosen == 1 || computed(chosen - 1) > ratio);
        }
    }
}
