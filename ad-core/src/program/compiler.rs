//! From a tape to a program: places for values, lines in groups, instructions.

use std::borrow::Cow;
use std::collections::HashMap;

use smallvec::SmallVec;

use super::buffers::Buffers;
use super::fuse::{Line, fuse};
use super::groups::Groups;
use super::instruction::Place;
use super::nest::{Storage, View};
use super::roll::{self, Unit};
use super::{Port, Program, Rolling, Step, Sum};
use crate::error::{Error, Result};
use crate::kernels::{Aligned, Element};
use crate::tape::{Extent, Label, Labels, Node, Op, Operand, Tape};

/// A tape on its way to a program.
pub(super) struct Compiler<'a> {
    pub(super) tape: &'a Tape,
    /// Which lines are outputs,
    is_output: Vec<bool>,
    /// and the lines that read each line.
    pub(super) readers: Vec<Vec<usize>>,
    pub(super) places: Vec<Place>,
    /// Of lines that only pick elements of a shared value.
    pub(super) views: Vec<Option<View>>,
    /// What lines without examples put side by side; the paddings themselves are not computed.
    pub(super) joined: HashMap<usize, SmallVec<[usize; 4]>>,
    /// Sums over examples that only one line reads, to add them up: all of them are added to its value as they come.
    pub(super) added: HashMap<usize, usize>,
    block_rows: Vec<usize>,
    pub(super) one_block: bool,
}

impl<'a> Compiler<'a> {
    pub(super) fn new(tape: &'a Tape) -> Result<Self> {
        tape.nodes().iter().enumerate().try_for_each(|(line, node)| check_extents(line, node))?;
        let mut is_output = vec![false; tape.nodes().len()];
        tape.outputs().iter().for_each(|(_, id)| is_output[id.index()] = true);
        let mut compiler = Compiler {
            tape,
            readers: readers(tape, &is_output),
            is_output,
            places: Vec::new(),
            views: Vec::new(),
            added: HashMap::new(),
            joined: HashMap::new(),
            block_rows: Vec::new(),
            one_block: false,
        };
        compiler.added = compiler.added_up();
        Ok(compiler)
    }

    pub(super) fn compile<T: Element>(mut self, rolling: Rolling) -> Program<T> {
        let Groups { mut shared, mut late, fixed, prefix, body, mut suffix } = self.group();
        let units = self.units(body, &mut suffix, rolling);
        let suffix: Vec<usize> = suffix.into_iter().map(|(_, line)| line).collect();
        let [fixed, prefix] = [fixed, prefix].map(|lines| {
            self.plain(&lines, &mut |n| {
                shared.push(Aligned::new(n));
                Place::Shared(shared.len() - 1)
            })
        });
        let suffix = self.plain(&suffix, &mut |n| {
            late.push(n);
            Place::Late(late.len() - 1)
        });
        let mut body = self.steps(&units);
        let sums = sums(&body, late.len());
        let (inputs, outputs, buffers) = self.ports(&mut body);
        let one_block = self.one_block;
        let mut program =
            Program { inputs, outputs, shared, late, sums, buffers, prefix, body, suffix, one_block };
        program.compute_fixed(&fixed);
        program.forget_unused();
        program
    }

    /// What a block runs: the lines `body` alone and in loops, with those after sums, and where they were, if all examples
    /// are one block.
    fn units(&self, mut body: Vec<usize>, suffix: &mut Vec<(usize, usize)>, rolling: Rolling) -> Vec<Unit> {
        if !self.one_block {
            return roll::roll(self.tape, &self.ordered(&body), rolling);
        }
        // All in the order of the tape.
        for (place, line) in suffix.drain(..).rev() {
            body.insert(place, line);
        }
        body.into_iter().map(Unit::Line).collect()
    }

    /// The sums over examples that only one line reads, which adds up many of them, with that line.
    fn added_up(&self) -> HashMap<usize, usize> {
        let mut added = HashMap::new();
        for (line, node) in self.tape.nodes().iter().enumerate() {
            let Op::Add(coefficients) = &node.op else { continue };
            let is_part = |operand: &Operand| {
                let value = operand.node.index();
                sums_examples(self.tape.node(operand.node))
                    && operand.labels == node.out
                    && self.only_reader(value) == Some(line)
            };
            if coefficients.len() >= MANY
                && coefficients.iter().all(|c| c.0 == 1.0)
                && node.operands.iter().all(is_part)
            {
                added.extend(node.operands.iter().map(|o| (o.node.index(), line)));
            }
        }
        added
    }

    pub(super) fn operands(&self, line: usize) -> SmallVec<[Place; 4]> {
        self.tape.nodes()[line].operands.iter().map(|o| self.places[o.node.index()]).collect()
    }

    /// How the operands of a line lie in what they are parts of, outside of loops.
    pub(super) fn storage(&self, line: usize) -> Storage {
        let views =
            self.tape.nodes()[line].operands.iter().map(|o| self.views[o.node.index()].clone()).collect();
        Storage { views, ..Storage::default() }
    }

    pub(super) fn is_output(&self, line: usize) -> bool {
        self.is_output[line]
    }

    /// Whether anything reads a line.
    pub(super) fn is_read(&self, line: usize) -> bool {
        self.is_output(line) || !self.readers[line].is_empty()
    }

    /// The line that reads a value, once, if nothing else does.
    pub(super) fn only_reader(&self, value: usize) -> Option<usize> {
        let &[reader] = &self.readers[value][..] else { return None };
        (!self.is_output(value)).then_some(reader)
    }

    /// Whether a line outside of the list `inside` reads a value.
    pub(super) fn read_elsewhere(&self, value: usize, inside: &[usize]) -> bool {
        self.is_output(value) || self.readers[value].iter().any(|reader| !inside.contains(reader))
    }

    pub(super) fn line(&self, number: usize, storage: Storage) -> Line<'a> {
        let node = Cow::Borrowed(&self.tape.nodes()[number]);
        let mut sources: SmallVec<[usize; 4]> = node.operands.iter().map(|o| o.node.index()).collect();
        for source in &mut sources {
            while self.views[*source].is_some() {
                *source = self.tape.nodes()[*source].operands[0].node.index();
            }
        }
        Line { number, node, storage, out: self.places[number], operands: self.operands(number), sources }
    }

    /// What a block runs: chains and single lines, and loops of them.
    fn steps(&mut self, units: &[Unit]) -> Vec<Step> {
        let read_elsewhere = |value: usize, inside: &[usize]| self.read_elsewhere(value, inside);
        let (mut steps, mut run) = (Vec::new(), Vec::new());
        let mut shrunk = Vec::new();
        let flush = |run: &mut Vec<Line<'a>>, steps: &mut Vec<Step>| {
            steps.extend(fuse(std::mem::take(run), read_elsewhere).into_iter().map(Step::One));
        };
        for unit in units {
            match unit {
                Unit::Line(line) if self.joined.contains_key(line) => {
                    flush(&mut run, &mut steps);
                    steps.push(Step::One(self.side_by_side(*line, &self.joined[line])));
                }
                Unit::Line(line) => run.push(self.line(*line, self.storage(*line))),
                Unit::Loop(rolled) => {
                    flush(&mut run, &mut steps);
                    let numbers: Vec<usize> = rolled.lines.iter().map(|&(line, _)| line).collect();
                    // Values that only the loop reads shrink to one iteration.
                    let is_temporary = |line: usize| {
                        let label = rolled.lines.iter().find(|(l, _)| *l == line).map(|(_, label)| label);
                        label.is_some_and(|l| self.tape.nodes()[line].out.contains(l))
                            && !read_elsewhere(line, &numbers)
                    };
                    let line = |&(line, label): &(usize, _)| {
                        let operands = self.tape.nodes()[line].operands.iter().map(|o| o.node.index());
                        let temporary = std::iter::once(line).chain(operands).map(is_temporary).collect();
                        self.line(line, Storage { rolled: Some(label), temporary, ..self.storage(line) })
                    };
                    let lines = rolled.lines.iter().map(line).collect();
                    shrunk.extend(numbers.iter().filter(|&&n| is_temporary(n)).map(|&n| (n, rolled.extent)));
                    steps.push(Step::Loop { extent: rolled.extent, body: fuse(lines, read_elsewhere) });
                }
            }
        }
        flush(&mut run, &mut steps);
        for (line, extent) in shrunk {
            if let Place::Block(value) = self.places[line] {
                self.block_rows[value] /= extent;
            }
        }
        steps
    }

    /// The inputs and outputs, and the buffers of the values of a block.
    fn ports(&self, body: &mut [Step]) -> (Vec<Port>, Vec<Port>, Buffers) {
        let port = |(name, id): &(String, crate::tape::NodeId)| Port {
            name: name.clone(),
            shape: self.tape.node(*id).shape(),
            place: self.places[id.index()],
            by_rows: false,
        };
        let mut inputs: Vec<Port> = self.tape.inputs().iter().map(port).collect();
        let mut outputs: Vec<Port> = self.tape.outputs().iter().map(port).collect();
        let blocks = inputs
            .iter()
            .chain(&outputs)
            .filter_map(|p| if let Place::Block(v) = p.place { Some(v) } else { None });
        let pinned: Vec<usize> = blocks.collect();
        let (buffers, home) = Buffers::assign(body, &self.block_rows, &pinned);
        for port in inputs.iter_mut().chain(&mut outputs) {
            if let Place::Block(value) = port.place {
                port.place = Place::Block(home[value]);
            }
        }
        for port in &mut inputs {
            let is_output = outputs.iter().any(|output| output.place == port.place);
            let cost = cost_by_rows(body, port.place).filter(|_| !is_output);
            port.by_rows = port.has_example() && cost.is_some_and(|cost| cost < port.size());
        }
        (inputs, outputs, buffers)
    }

    pub(super) fn place(
        &mut self,
        line: usize,
        operands: &[Place],
        size: usize,
        shared: usize,
        late: usize,
    ) -> Place {
        let node = &self.tape.nodes()[line];
        if node.has_example() {
            self.block_rows.push(size);
            Place::Block(self.block_rows.len() - 1)
        } else if let Op::Input(_) = node.op {
            let own = |(_, id): &&(String, crate::tape::NodeId)| !self.tape.node(*id).has_example();
            let given = self.tape.inputs().iter().filter(own).position(|(_, id)| id.index() == line);
            Place::Given(given.unwrap_or_default())
        } else if sums_examples(node) || operands.iter().any(|p| matches!(p, Place::Late(_))) {
            Place::Late(late)
        } else {
            Place::Shared(shared)
        }
    }
}

/// Refuses a line whose numbers cannot be counted.
fn check_extents(line: usize, node: &Node) -> Result<()> {
    let extent = |l: Label| if let Extent::Fixed(n) = node.extent(l) { n } else { 1 };
    let size = |labels: &[Label]| labels.iter().map(|&l| extent(l)).try_fold(1_usize, usize::checked_mul);
    let mut arrays = std::iter::once(&node.out).chain(node.operands.iter().map(|o| &o.labels));
    if arrays.any(|labels| size(labels).is_none_or(|s| s > u32::MAX as usize)) {
        let message = format!("line v{line} has an array of more than 2^32 elements: {:?}", node.extents);
        return Err(Error::new(message));
    }
    // Only in a contraction do all indices run side by side.
    let all: Labels = (0..node.extents.len() as Label).collect();
    if matches!(node.op, Op::Contract(_)) && size(&all).is_none() {
        let message =
            format!("line v{line} runs over more index values than can be counted: {:?}", node.extents);
        return Err(Error::new(message));
    }
    Ok(())
}

/// The lines that read each line, in order.
fn readers(tape: &Tape, is_output: &[bool]) -> Vec<Vec<usize>> {
    let mut readers = vec![Vec::new(); tape.nodes().len()];
    for (line, node) in tape.nodes().iter().enumerate().rev() {
        // What nothing reads any more is not computed, so it reads nothing.
        if is_output[line] || !readers[line].is_empty() {
            node.operands.iter().for_each(|o| readers[o.node.index()].push(line));
        }
    }
    for readers in &mut readers {
        readers.reverse();
    }
    readers
}

/// The fewest sums over examples that are worth to be added up as they come: a block then has to begin at zero.
const MANY: usize = 3;

pub(super) fn sums_examples(node: &Node) -> bool {
    node.example_label().is_some() && !node.has_example()
}

pub(super) fn constant<T: Element>(node: &Node, size: usize) -> Aligned<T> {
    match &node.op {
        Op::Constant(values) => Aligned::of(values.iter().map(|c| T::from_f64(c.0))),
        _ => Aligned::new(size),
    }
}

/// What it takes that all lines which read an input read it as the caller has it, if they can: see
/// [`Instruction::cost_by_rows`]. To bring it into a block takes as much as it has numbers.
fn cost_by_rows(body: &[Step], input: Place) -> Option<usize> {
    let mut cost = 0;
    for step in body {
        for instruction in step.instructions() {
            for k in (0..instruction.operands.len()).filter(|&k| instruction.operands[k] == input) {
                cost += instruction.cost_by_rows(k)? * step.extent();
            }
        }
    }
    Some(cost)
}

/// How each of `count` values comes to be that are not known before the last block.
fn sums(body: &[Step], count: usize) -> Vec<Sum> {
    let mut sums = vec![Sum::Not; count];
    for step in body {
        for instruction in step.instructions() {
            for place in instruction.outs.iter().map(|out| out.place) {
                let Place::Late(k) = place else { continue };
                let once = matches!(step, Step::One(_)) && instruction.adds_once() && sums[k] == Sum::Not;
                sums[k] = if once { Sum::Once } else { Sum::Often };
            }
        }
    }
    sums
}
