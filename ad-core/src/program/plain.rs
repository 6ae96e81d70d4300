//! Lines without examples: once for each binding, or after the last block.

use smallvec::SmallVec;

use super::fuse::{Line, fuse};
use super::instruction::{Instruction, Place};
use super::nest::View;
use super::{Compiler, parts};

impl Compiler<'_> {
    /// How a line without examples is read where its operand lies, if it can be.
    pub(super) fn view(&self, line: usize, place: Place) -> Option<View> {
        let plain = matches!(place, Place::Shared(_) | Place::Late(_)) && !self.is_output(line);
        if plain { parts::view(&self.tape.nodes()[line], &self.storage(line)) } else { None }
    }

    /// Whether a line without examples pads a value for nothing but to put it beside others.
    pub(super) fn is_padding(&mut self, line: usize, place: Place) -> bool {
        let (true, &[reader]) = (matches!(place, Place::Shared(_) | Place::Late(_)), &self.readers[line][..])
        else {
            return false;
        };
        if !self.joined.contains_key(&reader)
            && let Some(pads) = parts::side_by_side(self.tape, reader)
            && pads.iter().all(|&pad| self.only_reader(pad) == Some(reader))
        {
            self.joined.insert(reader, pads);
        }
        self.joined.get(&reader).is_some_and(|pads| pads.contains(&line))
    }

    /// Instructions for lines without examples; `place` makes room for a copy.
    pub(super) fn plain(&self, lines: &[usize], place: &mut dyn FnMut(usize) -> Place) -> Vec<Instruction> {
        let mut instructions = Vec::new();
        let mut run: Vec<Line<'_>> = Vec::new();
        let read_elsewhere = |value: usize, inside: &[usize]| self.read_elsewhere(value, inside);
        for &number in lines {
            if let Some(pads) = self.joined.get(&number) {
                instructions.extend(fuse(std::mem::take(&mut run), read_elsewhere));
                instructions.push(self.side_by_side(number, pads));
                continue;
            }
            let mut line = self.line(number, self.storage(number));
            for k in line.crossed() {
                let &[rows, columns] = &self.tape.node(line.node.operands[k].node).shape()[..] else {
                    continue;
                };
                if run.iter().any(|earlier| earlier.number == line.sources[k]) {
                    instructions.extend(fuse(std::mem::take(&mut run), read_elsewhere));
                }
                let copy = place(rows * columns);
                let lies = [line.storage.offset(k), line.storage.steps(&line.node, k + 1)[0].1];
                instructions.push(Instruction::transposed([rows, columns], copy, line.operands[k], lies));
                line.uncross(k, copy);
            }
            run.push(line);
        }
        instructions.extend(fuse(run, read_elsewhere));
        instructions
    }

    pub(super) fn side_by_side(&self, line: usize, pads: &[usize]) -> Instruction {
        let parts: SmallVec<[_; 4]> = pads
            .iter()
            .map(|&pad| (&self.tape.nodes()[pad], self.storage(pad), self.operands(pad)[0]))
            .collect();
        Instruction::side_by_side(self.places[line], &parts)
    }
}
