//! Lines without examples: once for each binding, or after the last block.

use std::collections::HashMap;

use super::compiler::Compiler;
use super::fuse::{Line, fuse};
use super::instruction::{Instruction, Place};
use super::nest::View;
use super::parts;

/// Transposed copies of matrices: from where, offset and step of what rows, how many of what length; and where they are.
type Copies = HashMap<(Place, [usize; 2], [usize; 2]), Place>;

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
        let mut copies = Copies::new();
        let read_elsewhere = |value: usize, inside: &[usize]| self.read_elsewhere(value, inside);
        for &number in lines {
            if let Some(pads) = self.joined.get(&number) {
                instructions.extend(fuse(std::mem::take(&mut run), read_elsewhere));
                let mut parts = self.parts(pads);
                for part in &mut parts {
                    self.uncross(part, &mut copies, place, &mut instructions);
                }
                instructions.push(Instruction::side_by_side(self.places[number], &parts));
                continue;
            }
            let mut line = self.line(number, self.storage(number));
            let is_late = |k: &usize| run.iter().any(|earlier| earlier.number == line.sources[*k]);
            if line.crossed().iter().any(is_late) {
                instructions.extend(fuse(std::mem::take(&mut run), read_elsewhere));
            }
            self.uncross(&mut line, &mut copies, place, &mut instructions);
            run.push(line);
        }
        instructions.extend(fuse(run, read_elsewhere));
        instructions
    }

    /// Lets a line read transposed copies of the matrices that it would read across their rows.
    fn uncross(
        &self,
        line: &mut Line<'_>,
        copies: &mut Copies,
        place: &mut dyn FnMut(usize) -> Place,
        instructions: &mut Vec<Instruction>,
    ) {
        for k in line.crossed() {
            let &[rows, columns] = &self.tape.node(line.node.operands[k].node).shape()[..] else { continue };
            let (shape, from) = ([rows, columns], line.operands[k]);
            let lies = [line.storage.offset(k), line.storage.steps(&line.node, k + 1)[0].1];
            let copy = copies.entry((from, lies, shape)).or_insert_with(|| {
                let copy = place(rows * columns);
                instructions.push(Instruction::transposed(shape, copy, from, lies));
                copy
            });
            line.uncross(k, *copy);
        }
    }

    /// The paddings of what is put side by side.
    fn parts(&self, pads: &[usize]) -> Vec<Line<'_>> {
        pads.iter().map(|&pad| self.line(pad, self.storage(pad))).collect()
    }

    pub(super) fn side_by_side(&self, line: usize, pads: &[usize]) -> Instruction {
        Instruction::side_by_side(self.places[line], &self.parts(pads))
    }
}
