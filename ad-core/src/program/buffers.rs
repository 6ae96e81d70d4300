//! Which value lives in which buffer: one whose value has been read for the last time is used again.

use super::Step;
use super::instruction::{Instruction, Place};

/// The block buffers of a program: the rows that each must hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Buffers {
    pub(super) rows: Vec<usize>,
}

impl Buffers {
    /// Replaces the value numbers in block places by buffer numbers. `rows` gives the rows of each value; the values
    /// `pinned` (inputs and outputs) keep a buffer of their own.
    pub(super) fn assign(steps: &mut [Step], rows: &[usize], pinned: &[usize]) -> (Buffers, Vec<usize>) {
        let lives = Lives::of(steps, rows.len(), pinned);
        let mut buffers = Buffers::default();
        let mut home = vec![usize::MAX; rows.len()];
        for &value in pinned {
            if home[value] == usize::MAX {
                home[value] = buffers.rows.len();
                buffers.rows.push(rows[value]);
            }
        }
        let mut free: Vec<usize> = Vec::new();
        let mut time = 0;
        for (number, step) in steps.iter_mut().enumerate() {
            let alone = matches!(step, Step::One(_));
            // What a loop leaves behind is written piece by piece: it has its place before the first iteration.
            for value in step.instructions().iter().flat_map(written) {
                if !alone && home[value] == usize::MAX && lives.last_step[value] > number {
                    home[value] = buffers.take(&mut free, rows[value]);
                }
            }
            for instruction in step.instructions_mut() {
                let dies = |value: usize| {
                    lives.last_time[value] == time && (alone || lives.first_step[value] == number)
                };
                for value in written(instruction) {
                    if home[value] == usize::MAX {
                        home[value] = buffers.take(&mut free, rows[value]);
                    }
                }
                let mut dying: Vec<usize> = Vec::new();
                let outs = instruction.outs.iter_mut().map(|out| &mut out.place);
                for place in instruction.operands.iter_mut().chain(outs) {
                    if let Place::Block(value) = *place {
                        *place = Place::Block(home[value]);
                        if dies(value) && !dying.contains(&home[value]) {
                            dying.push(home[value]);
                        }
                    }
                }
                free.extend(dying);
                time += 1;
            }
            if !alone {
                // What came from outside is read in every iteration.
                let from_outside = |v: &usize| lives.last_step[*v] == number && lives.first_step[*v] < number;
                free.extend((0..rows.len()).filter(from_outside).map(|value| home[value]));
            }
        }
        (buffers, home)
    }

    /// The free buffer that fits best, the largest one grown if none fits, or a new one.
    fn take(&mut self, free: &mut Vec<usize>, rows: usize) -> usize {
        let fits = free
            .iter()
            .enumerate()
            .filter(|(_, b)| self.rows[**b] >= rows)
            .min_by_key(|(_, b)| self.rows[**b]);
        let place =
            fits.or_else(|| free.iter().enumerate().max_by_key(|(_, b)| self.rows[**b])).map(|(k, _)| k);
        let Some(k) = place else {
            self.rows.push(rows);
            return self.rows.len() - 1;
        };
        let buffer = free.swap_remove(k);
        self.rows[buffer] = self.rows[buffer].max(rows);
        buffer
    }
}

/// When values are made and read: steps, and instructions counted through all steps. What is pinned lives for ever.
struct Lives {
    first_step: Vec<usize>,
    last_step: Vec<usize>,
    last_time: Vec<usize>,
}

impl Lives {
    fn of(steps: &[Step], values: usize, pinned: &[usize]) -> Self {
        let mut lives =
            Lives { first_step: vec![0; values], last_step: vec![0; values], last_time: vec![0; values] };
        let mut time = 0;
        for (number, step) in steps.iter().enumerate() {
            for instruction in step.instructions() {
                for value in written(instruction) {
                    lives.first_step[value] = number;
                }
                let read = instruction.operands.iter().copied().filter_map(block);
                for value in read.chain(written(instruction)) {
                    (lives.last_step[value], lives.last_time[value]) = (number, time);
                }
                time += 1;
            }
        }
        for &value in pinned {
            (lives.last_step[value], lives.last_time[value]) = (usize::MAX, usize::MAX);
        }
        lives
    }
}

fn written(instruction: &Instruction) -> impl Iterator<Item = usize> {
    instruction.outs.iter().filter_map(|out| block(out.place))
}

fn block(place: Place) -> Option<usize> {
    if let Place::Block(value) = place { Some(value) } else { None }
}
