//! Elementwise lines that follow each other run as one chain: their values pass from one to the next in strips of a few
//! kilobytes, and only what others read is written.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::instruction::{Instruction, Kernel, Output, Place};
use super::nest::{Lane, Storage};
use crate::kernels::{Argument, Chain, ChainAxis, Function, LONGEST, Link};
use crate::tape::{Extent, Label, Labels, Node, Op, all_distinct};

/// A line on its way to an instruction.
#[derive(Clone, Debug)]
pub(super) struct Line<'a> {
    pub(super) number: usize,
    pub(super) node: Cow<'a, Node>,
    pub(super) storage: Storage,
    pub(super) out: Place,
    pub(super) operands: SmallVec<[Place; 4]>,
    /// The lines that compute the operands, or what they are parts of.
    pub(super) sources: SmallVec<[usize; 4]>,
}

impl Line<'_> {
    fn reads(&self, number: usize) -> bool {
        self.sources.contains(&number)
    }

    /// Whether a chain walks a label: neither examples nor the index of an outer loop, nor what has one value only.
    fn walks(&self, label: Label) -> bool {
        !matches!(self.node.extent(label), Extent::Example | Extent::Fixed(1))
            && self.storage.rolled != Some(label)
    }

    /// Those of `labels` that a chain walks.
    fn walked_of(&self, labels: &[Label]) -> Labels {
        labels.iter().copied().filter(|&l| self.walks(l)).collect()
    }

    /// The labels of the result that a chain walks.
    fn walked(&self) -> Labels {
        self.walked_of(&self.node.out)
    }

    /// What the line computes, if each element of the result comes from one element of each operand.
    fn elementwise(&self) -> Option<Function> {
        let node = &self.node;
        let own = |l: Label| {
            let single = matches!(node.extent(l), Extent::Fixed(1));
            node.out.contains(&l) || self.storage.rolled == Some(l) || single
        };
        let each = |function: &Function| match function {
            Function::Product(_) => (0..node.extents.len() as Label).all(own) && node.operands.len() <= 2,
            _ => true,
        };
        let fits = all_distinct(&node.out) && !node.extents.contains(&Extent::Fixed(0));
        function(node).filter(|function| fits && each(function))
    }

    /// How far each of the labels `walked` moves in an array, in rows.
    fn steps(&self, array: usize, walked: &[Label]) -> SmallVec<[usize; 4]> {
        let mut steps = SmallVec::from_elem(0, walked.len());
        for (label, step) in self.storage.steps(&self.node, array) {
            if let Some(place) = walked.iter().position(|&l| l == label) {
                steps[place] += step;
            }
        }
        steps
    }

    /// The operands that are matrices read in the other order than the last index of the result, which has no examples:
    /// with each a transposed copy, rows run through all of them.
    pub(super) fn crossed(&self) -> SmallVec<[usize; 2]> {
        let walked = self.walked();
        let by_rows = self.elementwise().is_some() || matches!(self.node.op, Op::Pad(_));
        let (Some(&last), true) = (walked.last(), by_rows && !self.node.has_example()) else {
            return SmallVec::new();
        };
        let crossed = |k: &usize| {
            let steps = self.storage.steps(&self.node, k + 1);
            matches!(steps[..], [(row, step), (column, 1)] if row == last && column != last && step > 1)
                && self.storage.rolled.is_none()
        };
        (0..self.node.operands.len()).filter(crossed).collect()
    }

    /// Reads operand `k`, a matrix, from its transposed copy.
    pub(super) fn uncross(&mut self, k: usize, copy: Place) {
        self.node.to_mut().operands[k].labels.reverse();
        self.operands[k] = copy;
        if let Some(view) = self.storage.views.get_mut(k) {
            *view = None;
        }
    }

    /// The label that runs within a row: the last of the result, if it is contiguous wherever it occurs. With examples
    /// they are the row.
    fn lane(&self) -> Option<Label> {
        let last = self.walked().last().copied().filter(|_| !self.node.has_example())?;
        let contiguous = |array: usize| self.steps(array, &[last])[0] <= 1;
        (0..=self.node.operands.len()).all(contiguous).then_some(last)
    }

    /// What lines of one chain agree on: the sizes that they walk, and what makes a row.
    fn domain(&self) -> (SmallVec<[usize; 4]>, bool, bool) {
        let sizes = self.walked().iter().map(|&l| self.storage.size(&self.node, l, usize::MAX)).collect();
        (sizes, self.node.has_example(), self.lane().is_some())
    }

    /// Whether operand `k` is read element for element as the result is written.
    fn evenly(&self, k: usize) -> bool {
        self.walked_of(&self.node.operands[k].labels) == self.walked()
    }

    /// Whether the line can be a link of one chain with the line that computes its operand `k`.
    pub(super) fn continues(&self, before: &Line<'_>, k: usize) -> bool {
        let both = self.elementwise().is_some() && before.elementwise().is_some();
        both && self.domain() == before.domain() && self.evenly(k)
    }

    /// How operand `k` is read from memory.
    fn read(&self, k: usize) -> Read {
        let has = |label: Label| self.node.operands[k].labels.contains(&label);
        let rows = if self.node.has_example() {
            matches!(self.operands[k], Place::Block(_))
        } else {
            self.lane().is_some_and(has)
        };
        Read {
            place: self.operands[k],
            offset: self.storage.offset(k),
            stride: self.storage.stride(&self.node, k + 1),
            steps: self.steps(k + 1, &self.walked()),
            rows,
        }
    }

    fn sums_loop(&self) -> bool {
        self.storage.rolled.is_some_and(|l| !self.node.out.contains(&l))
    }
}

/// Instructions for lines in order; `read_elsewhere` tells whether a line outside of a list of numbers reads a value.
pub(super) fn fuse(
    lines: Vec<Line<'_>>,
    read_elsewhere: impl Fn(usize, &[usize]) -> bool,
) -> Vec<Instruction> {
    let mut instructions = Vec::new();
    let mut chain: Vec<(Line<'_>, Function)> = Vec::new();
    let flush = |chain: &mut Vec<(Line<'_>, Function)>, instructions: &mut Vec<Instruction>| {
        if !chain.is_empty() {
            let numbers: Vec<usize> = chain.iter().map(|(line, _)| line.number).collect();
            let keep: Vec<bool> = numbers.iter().map(|&n| read_elsewhere(n, &numbers)).collect();
            instructions.push(linked(std::mem::take(chain), &keep));
        }
    };
    for line in lines {
        let Some(function) = line.elementwise() else {
            if chain.iter().any(|(l, _)| line.reads(l.number)) {
                flush(&mut chain, &mut instructions);
            }
            instructions.push(Instruction::new(&line.node, &line.storage, line.out, line.operands));
            continue;
        };
        let joins = |chain: &[(Line<'_>, Function)]| {
            let from = |o: usize| chain.iter().find(|(l, _)| l.number == line.sources[o]);
            let whole = |o: usize| line.storage.view(o).is_none() && line.evenly(o);
            let fits = |o: usize| from(o).is_none_or(|(l, _)| whole(o) && !l.sums_loop());
            chain.len() < LONGEST
                && chain.first().is_some_and(|(first, _)| first.domain() == line.domain())
                && (0..line.node.operands.len()).all(fits)
        };
        if !joins(&chain) {
            flush(&mut chain, &mut instructions);
        }
        chain.push((line, function));
    }
    flush(&mut chain, &mut instructions);
    instructions
}

/// An array that a chain reads, and how.
#[derive(PartialEq)]
struct Read {
    place: Place,
    offset: usize,
    stride: usize,
    steps: SmallVec<[usize; 4]>,
    rows: bool,
}

/// One instruction for a chain of lines, each with what it computes; those with `keep` are written.
fn linked(lines: Vec<(Line<'_>, Function)>, keep: &[bool]) -> Instruction {
    let (mut reads, mut outs, mut writes) = (Vec::<Read>::new(), SmallVec::new(), Vec::new());
    let mut links = Vec::new();
    let (sizes, has_example, has_lane) = lines[0].0.domain();
    let numbers: Vec<usize> = lines.iter().map(|(line, _)| line.number).collect();
    for (n, (line, function)) in lines.into_iter().enumerate() {
        let mut argument = |k: usize| {
            if let Some(inside) = numbers[..n].iter().position(|&number| number == line.sources[k]) {
                return Argument::Temporary(inside);
            }
            let read = line.read(k);
            Argument::Read(reads.iter().position(|r| *r == read).unwrap_or_else(|| {
                reads.push(read);
                reads.len() - 1
            }))
        };
        let arguments = (0..line.node.operands.len()).map(&mut argument).collect();
        let write = keep[n].then(|| {
            outs.push(Output { place: line.out, stride: line.storage.stride(&line.node, 0) });
            writes.push(line.steps(0, &line.walked()));
            outs.len() - 1
        });
        links.push(Link { function, arguments, write, temporary: None, accumulates: line.sums_loop() });
    }
    // The index within rows is no loop.
    let walked = if has_lane { &sizes[..sizes.len() - 1] } else { &sizes[..] };
    let axis = |p: usize| ChainAxis {
        size: walked[p],
        reads: reads.iter().map(|r| r.steps[p]).collect(),
        writes: writes.iter().map(|w| w[p]).collect(),
    };
    let axes = joined((0..walked.len()).map(axis), reads.len(), writes.len());
    let lane = match (has_example, has_lane) {
        (true, _) => Lane::Examples,
        (false, true) => Lane::Fixed(sizes[sizes.len() - 1]),
        (false, false) => Lane::Fixed(1),
    };
    let rows = reads.iter().map(|r| r.rows).collect();
    Instruction {
        outs,
        operands: reads.iter().map(|r| r.place).collect(),
        offsets: reads.iter().map(|r| r.offset).collect(),
        strides: reads.iter().map(|r| r.stride).collect(),
        lane,
        accumulates: false,
        kernel: Kernel::Chain(Chain::new(axes, rows, links)),
    }
}

/// What a line computes element by element, if its indices allow it.
fn function(node: &Node) -> Option<Function> {
    Some(match &node.op {
        Op::Unary(f) => Function::Unary(*f),
        Op::Binary(f) => Function::Binary(*f),
        Op::Select => Function::Select,
        Op::Add(c) => Function::Sum(c.iter().map(|c| c.0).collect()),
        Op::Contract(c) => Function::Product(c.0),
        Op::Stop => Function::Product(1.0),
        _ => return None,
    })
}

/// Loops, outermost first, with those joined that walk all arrays evenly; at least one.
fn joined(axes: impl Iterator<Item = ChainAxis>, reads: usize, writes: usize) -> SmallVec<[ChainAxis; 3]> {
    let mut out: SmallVec<[ChainAxis; 3]> = SmallVec::new();
    for axis in axes.filter(|axis| axis.size != 1) {
        let even =
            |outer: &[usize], inner: &[usize]| outer.iter().zip(inner).all(|(o, i)| *o == axis.size * i);
        match out.last_mut() {
            Some(outer) if even(&outer.reads, &axis.reads) && even(&outer.writes, &axis.writes) => {
                *outer = ChainAxis { size: outer.size * axis.size, ..axis };
            }
            _ => out.push(axis),
        }
    }
    if out.is_empty() {
        let zeros = |n| SmallVec::from_elem(0, n);
        out.push(ChainAxis { size: 1, reads: SmallVec::from_elem(0, reads), writes: zeros(writes) });
    }
    out
}
