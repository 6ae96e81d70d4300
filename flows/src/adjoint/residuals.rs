//! What steps leave for their transposes.

use std::collections::VecDeque;

use ad_core::Rows;

/// Residuals of the last rounds of a block, as many as there is room for.
#[derive(Debug)]
pub(super) struct Residuals<T> {
    bytes: usize,
    /// The rounds, ascending, with what each left.
    rounds: VecDeque<(usize, Vec<Rows<T>>)>,
}

impl<T> Clone for Residuals<T> {
    /// Without any: they are computed again.
    fn clone(&self) -> Self {
        Residuals::new(self.bytes)
    }
}

impl<T> Residuals<T> {
    /// Room for so many bytes, and for one round at least.
    pub(super) fn new(bytes: usize) -> Self {
        Residuals { bytes, rounds: VecDeque::new() }
    }

    /// Keeps what a later round left; `fill` gets what the earliest one left, where there is no more room.
    pub(super) fn push(&mut self, round: usize, fill: impl FnOnce(Option<Vec<Rows<T>>>) -> Vec<Rows<T>>) {
        let size = |rows: &Vec<Rows<T>>| rows.iter().map(Rows::bytes).sum::<usize>();
        let each = self.rounds.front().map_or(0, |(_, rows)| size(rows));
        let full = !self.rounds.is_empty() && (self.rounds.len() + 1) * each > self.bytes;
        let used = if full { self.rounds.pop_front() } else { None };
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
