//! What steps leave for their transposes.

use std::collections::VecDeque;

use ad_core::Rows;

/// Residuals of the last rounds of a block, as many as there is room for.
#[derive(Debug)]
pub(super) struct Residuals<T> {
    /// For so many rounds.
    room: usize,
    /// The rounds, ascending, with what each left.
    rounds: VecDeque<(usize, Vec<Rows<T>>)>,
}

impl<T> Clone for Residuals<T> {
    /// Without any: they are computed again.
    fn clone(&self) -> Self {
        Residuals::new(self.room)
    }
}

impl<T> Residuals<T> {
    /// Room for so many rounds.
    pub(super) fn new(room: usize) -> Self {
        Residuals { room, rounds: VecDeque::new() }
    }

    pub(super) fn has_room(&self) -> bool {
        self.room > 0
    }

    /// Keeps what a later round left, and of those before as many as there is room beside it; `fill` gets what the earliest
    /// one left, where there is none.
    pub(super) fn push(&mut self, round: usize, fill: impl FnOnce(Option<Vec<Rows<T>>>) -> Vec<Rows<T>>) {
        let used = if self.rounds.len() < self.room { None } else { self.rounds.pop_front() };
        self.rounds.push_back((round, fill(used.map(|(_, rows)| rows))));
    }

    pub(super) fn has(&self, round: usize) -> bool {
        self.rounds.back().is_some_and(|(last, _)| *last == round)
    }

    /// What the last round left, if it is `round`.
    pub(super) fn pop(&mut self, round: usize) -> Option<Vec<Rows<T>>> {
        if self.has(round) { self.rounds.pop_back().map(|(_, rows)| rows) } else { None }
    }

    /// Gives back what `round` left and those after it.
    pub(super) fn take_from(&mut self, round: usize) -> impl Iterator<Item = Vec<Rows<T>>> {
        let first = self.rounds.partition_point(|(number, _)| *number < round);
        self.rounds.drain(first..).map(|(_, rows)| rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ad_core::{Elementary, Program, Tape};

    /// A program whose only output has a row.
    fn program() -> Program<f64> {
        Tape::record(|t| [("y", t.example("x", &[]).exp())]).and_then(|tape| tape.compile()).unwrap()
    }

    #[test]
    fn the_last_rounds_stay_as_far_as_there_is_room() {
        let program = program();
        for room in [0, 1, 3] {
            let mut residuals = Residuals::new(room);
            assert_eq!(residuals.has_room(), room > 0);
            let mut made = 0;
            for round in 0..10 {
                residuals.push(round, |used| {
                    used.unwrap_or_else(|| {
                        made += 1;
                        vec![program.output_rows(0)]
                    })
                });
            }
            assert_eq!(made, room.max(1));
            assert!(residuals.pop(8).is_none());
            for round in (10 - room.max(1)..10).rev() {
                assert!(residuals.has(round) && residuals.pop(round).is_some());
            }
            assert!(residuals.rounds.is_empty());
        }
    }

    #[test]
    fn what_is_taken_again_is_given_back() {
        let program = program();
        let mut residuals = Residuals::new(usize::MAX);
        (0..5).for_each(|round| residuals.push(round, |_| vec![program.output_rows(0)]));
        assert_eq!(residuals.take_from(3).count(), 2);
        assert!(residuals.has(2) && !residuals.has(3));
        assert!(residuals.clone().rounds.is_empty());
    }
}
