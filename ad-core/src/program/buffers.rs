//! Which value lives in which buffer: one whose value has been read for the last time is used again.

use super::instruction::{Instruction, Kernel, Place};
use crate::elementary::Unary;

/// The block buffers of a program: the rows that each must hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Buffers {
    pub(super) rows: Vec<usize>,
}

impl Buffers {
    /// Replaces the value numbers in block places by buffer numbers. `rows` gives the rows of each value; the values
    /// `pinned` (inputs and outputs) keep a buffer of their own.
    pub(super) fn assign(
        instructions: &mut [Instruction],
        rows: &[usize],
        pinned: &[usize],
    ) -> (Buffers, Vec<usize>) {
        let mut last_use = vec![0; rows.len()];
        for (time, instruction) in instructions.iter().enumerate() {
            for place in instruction.operands.iter().chain([&instruction.out]) {
                if let Place::Block(value) = *place {
                    last_use[value] = time;
                }
            }
        }
        let mut buffers = Buffers::default();
        let mut home = vec![usize::MAX; rows.len()];
        for &value in pinned {
            if home[value] == usize::MAX {
                home[value] = buffers.rows.len();
                buffers.rows.push(rows[value]);
            }
        }
        let mut free: Vec<usize> = Vec::new();
        for (time, instruction) in instructions.iter_mut().enumerate() {
            let dies = |value: usize| last_use[value] == time && !pinned.contains(&value);
            if let Place::Block(value) = instruction.out
                && home[value] == usize::MAX
            {
                home[value] = match in_place(instruction).filter(|&(_, x)| dies(x) && rows[x] == rows[value])
                {
                    Some((f, operand)) => {
                        instruction.kernel = Kernel::UnaryInPlace(f);
                        instruction.operands.clear();
                        home[operand]
                    }
                    None => buffers.take(&mut free, rows[value]),
                };
            }
            let mut dying: Vec<usize> = Vec::new();
            for place in instruction.operands.iter_mut().chain([&mut instruction.out]) {
                if let Place::Block(value) = *place {
                    *place = Place::Block(home[value]);
                    if dies(value) && !dying.contains(&home[value]) {
                        dying.push(home[value]);
                    }
                }
            }
            free.extend(dying);
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

/// The function whose result may take over its operand's buffer, element by element, and that operand.
fn in_place(instruction: &Instruction) -> Option<(Unary, usize)> {
    let Kernel::Unary(f, point) = &instruction.kernel else { return None };
    let even = point.rows[0] && point.over.iter().all(|axis| axis.steps[0] == axis.steps[1]);
    let &Place::Block(operand) = instruction.operands.first().filter(|_| even)? else { return None };
    Some((*f, operand))
}
