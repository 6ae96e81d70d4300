//! A checkpoint schedule, carried out on states that are the integers 0, 1, ...

use std::num::NonZeroUsize;

use flows::adjoint::schedule::{Action, Schedule, fewest_slots, recomputed_steps};

/// The most steps that are carried out one by one.
const STEPS: usize = 2000;

/// The first two bytes say how many steps there are, the next two how many slots.
pub fn law(bytes: &[u8]) -> Result<(), String> {
    let number = |k: usize| bytes.iter().skip(2 * k).take(2).fold(0_usize, |n, &b| 256 * n + usize::from(b));
    let (steps, slots) =
        (number(0) % STEPS, NonZeroUsize::new(1 + number(1) % STEPS).unwrap_or(NonZeroUsize::MIN));
    let blame = |what: &str| format!("{steps} steps, {slots} slots: {what}");
    let advanced = carry_out(steps, slots).map_err(|what| blame(&what))?;
    let stated = recomputed_steps(steps, slots);
    if advanced != stated {
        return Err(blame(&format!("{advanced} steps are advanced, {stated} are stated")));
    }
    // What is stated stays finite for any numbers.
    let huge = bytes.iter().fold(0_usize, |n, &b| n.wrapping_mul(257).wrapping_add(b.into()));
    let ratio = 1.0 + f64::from(bytes.first().copied().unwrap_or(0)) / 16.0;
    if let Some(fewest) = fewest_slots(huge % 1_000_000, ratio) {
        let computed = recomputed_steps(huge % 1_000_000, fewest) as f64;
        if computed + ((huge % 1_000_000) as f64) > ratio * (huge % 1_000_000) as f64 {
            return Err(format!(
                "{fewest} slots do not keep the ratio {ratio} for {} steps",
                huge % 1_000_000
            ));
        }
    }
    Ok(())
}

/// How many steps a schedule advances, if each of its actions can be done.
fn carry_out(steps: usize, slots: NonZeroUsize) -> Result<u128, String> {
    let (mut in_hand, mut kept) = (Some(0), Vec::new());
    let (mut to_reverse, mut advanced) = (steps, 0_u128);
    for action in Schedule::new(steps, slots) {
        let done = match action {
            Action::Store(step) => {
                kept.push(step);
                in_hand == Some(step) && kept.len() <= slots.get()
            }
            Action::Restore(step) => {
                in_hand = Some(step);
                kept.last() == Some(&step)
            }
            Action::Advance { from, to } => {
                let can = in_hand == Some(from) && from < to && to < steps;
                advanced += to.saturating_sub(from) as u128;
                in_hand = Some(to);
                can
            }
            Action::Reverse(step) => {
                let can = in_hand.take() == Some(step) && step + 1 == to_reverse;
                to_reverse = step;
                can
            }
            Action::Free(step) => kept.pop() == Some(step),
        };
        if !done {
            return Err(format!("{action:?} cannot be done"));
        }
    }
    if to_reverse == 0 && kept.is_empty() { Ok(advanced) } else { Err("something is left".to_owned()) }
}
