//! Which lines run inside a loop over an index that they share.
//!
//! A block of tangent directions is one more index of every tangent: with `d` directions, values of `d` times the size of
//! the field's. Where all lines that carry the index follow each other, they can run direction by direction, and what
//! only they read is as small as one direction and stays in the nearest cache. A sum over the index goes on from where the
//! iteration before left it, so that the index is the outermost of the sum, for any number of examples and threads.
//!
//! A *class* is one index, followed through the values that carry it beside another one. Lines that carry a class form a
//! loop, or several: what depends on a result of the loop by a way outside of it comes in a later one.

use smallvec::SmallVec;

use crate::tape::{Extent, Label, Node, Op, Operand, Tape, all_distinct};

/// From which sizes on lines run in a loop of their own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rolling {
    /// Rows of a value from which on its lines are worth a loop.
    large: usize,
    /// Rows of one iteration from which on a loop costs nothing beside its work.
    enough: usize,
}

impl Rolling {
    /// Where it is faster.
    pub(crate) const WORTHWHILE: Self = Rolling { large: 128, enough: 16 };
    /// Wherever it is possible, for tests: small programs reach the loops too.
    pub(crate) const EVERYWHERE: Self = Rolling { large: 0, enough: 0 };
    /// Nowhere.
    pub(crate) const NOWHERE: Self = Rolling { large: usize::MAX, enough: 0 };
}

/// A loop: its lines in the order of the tape, and for each the label that is looped over.
#[derive(Clone, Debug)]
pub(super) struct Rolled {
    pub(super) extent: usize,
    pub(super) lines: Vec<(usize, Label)>,
}

/// One line alone, or a loop.
#[derive(Clone, Debug)]
pub(super) enum Unit {
    Line(usize),
    Loop(Rolled),
}

/// Groups the lines `body` of a tape, each behind what it reads, into loops and the rest, each after what it reads.
pub(super) fn roll(tape: &Tape, body: &[usize], rolling: Rolling) -> Vec<Unit> {
    let classes = Classes::find(tape, body);
    let mut member: Vec<Option<(usize, Label)>> = vec![None; tape.nodes().len()];
    for class in classes.worthwhile(tape, body, rolling) {
        let lines: Vec<(usize, Label)> =
            body.iter().filter_map(|&k| classes.label(tape, k, class).map(|l| (k, l))).collect();
        if lines.iter().all(|(k, _)| member[*k].is_none()) {
            for &(line, label) in &lines {
                member[line] = Some((class, label));
            }
        }
    }
    schedule(tape, body, &member)
}

/// The fixed indices of values that have an example and other indices beside, joined along the lines that share them.
struct Classes {
    lines: Vec<Carried>,
}

/// The labels of a line that stand for an index of a large value, with the class of that index.
#[derive(Clone, Debug, Default)]
struct Carried {
    labels: SmallVec<[(Label, usize); 8]>,
    /// How many of them are those of operands.
    operands: usize,
}

impl Classes {
    fn find(tape: &Tape, body: &[usize]) -> Self {
        let mut count = 0;
        let mut first = Vec::with_capacity(tape.nodes().len());
        for node in tape.nodes() {
            first.push(count);
            count += node.out.len();
        }
        let mut parent: Vec<usize> = (0..count).collect();
        let mut lines = vec![Carried::default(); tape.nodes().len()];
        for &line in body {
            // At first a class is the place of an index among those of all values.
            let carried = carried(tape, line, &first);
            for (k, &(label, place)) in carried.labels.iter().enumerate() {
                if let Some(&(_, other)) = carried.labels[..k].iter().find(|(l, _)| *l == label) {
                    let (a, b) = (root(&parent, place), root(&parent, other));
                    parent[a] = b;
                }
            }
            lines[line] = carried;
        }
        for (_, class) in lines.iter_mut().flat_map(|line| &mut line.labels) {
            *class = root(&parent, *class);
        }
        Classes { lines }
    }

    /// The label of a line that belongs to a class, if the line can run in a loop over it.
    fn label(&self, tape: &Tape, line: usize, class: usize) -> Option<Label> {
        let mut labels = self.lines[line].labels.iter().filter(|(_, c)| *c == class).map(|(l, _)| *l);
        let label = labels.next()?;
        (labels.all(|l| l == label) && loopable(&tape.nodes()[line], label)).then_some(label)
    }

    /// The classes with large values, those with the most rows first.
    fn worthwhile(&self, tape: &Tape, body: &[usize], rolling: Rolling) -> Vec<usize> {
        let mut weights: Vec<(usize, usize)> = Vec::new();
        for &line in body {
            let (node, Carried { labels, operands }) = (&tape.nodes()[line], &self.lines[line]);
            for &(label, class) in &labels[*operands..] {
                let (Extent::Fixed(n), size) = (node.extent(label), node.size()) else { continue };
                if size < rolling.large || size / n < rolling.enough {
                    continue;
                }
                match weights.iter_mut().find(|(c, _)| *c == class) {
                    Some((_, weight)) => *weight += size,
                    None => weights.push((class, size)),
                }
            }
        }
        // Every line that carries the class must be able to loop.
        let carries = |line: usize, class| self.lines[line].labels.iter().any(|(_, c)| *c == class);
        weights.retain(|&(class, _)| {
            body.iter().all(|&k| !carries(k, class) || self.label(tape, k, class).is_some())
        });
        weights.sort_by_key(|&(_, weight)| std::cmp::Reverse(weight));
        weights.into_iter().map(|(class, _)| class).collect()
    }
}

fn root(parent: &[usize], mut place: usize) -> usize {
    while parent[place] != place {
        place = parent[place];
    }
    place
}

/// The labels of a line that stand for an index of a large value, with the place of that index, given the place of the
/// first index of each value.
fn carried(tape: &Tape, line: usize, first: &[usize]) -> Carried {
    let node = &tape.nodes()[line];
    let mut carried = Carried::default();
    let operands = node.operands.iter().map(|o| (o.node.index(), &o.labels));
    for (value, labels) in operands.chain([(line, &node.out)]) {
        if value == line {
            carried.operands = carried.labels.len();
        }
        let of = &tape.nodes()[value];
        if !of.has_example() {
            continue;
        }
        let size = of.size();
        for (place, (&own, &label)) in of.out.iter().zip(labels).enumerate() {
            if matches!(of.extent(own), Extent::Fixed(n) if n > 1 && size > n) {
                carried.labels.push((label, first[value] + place));
            }
        }
    }
    carried
}

/// Whether a line may run value by value of one of its indices.
fn loopable(node: &Node, label: Label) -> bool {
    let local = match node.op {
        Op::Slice(_) | Op::Pad(_) | Op::Gather(_) | Op::Scatter(_) | Op::Reshape => {
            let (from, to) = node.local_labels();
            from.contains(&label) || to.contains(&label)
        }
        Op::Input(_) | Op::Constant(_) => true,
        Op::Contract(_) | Op::Rule(..) => false,
        Op::Add(_) | Op::Unary(_) | Op::Binary(_) | Op::Select | Op::Stop => !node.out.contains(&label),
    };
    // An empty array has no place where an iteration could begin.
    all_distinct(&node.out) && !local && !node.extents.contains(&Extent::Fixed(0))
}

/// Puts lines and loops in an order in which each follows what it reads: lines in the order of `body`, a loop as soon
/// as it can run.
fn schedule(tape: &Tape, body: &[usize], member: &[Option<(usize, Label)>]) -> Vec<Unit> {
    let (mut units, unit_of) = gather(tape, body, member);
    let reads: Vec<Vec<usize>> = units
        .iter()
        .enumerate()
        .map(|(number, unit)| {
            let values =
                lines(unit).into_iter().flat_map(|k| tape.nodes()[k].operands.iter().map(|o| o.node.index()));
            values.filter(|&value| unit_of[value] != Some(number)).collect()
        })
        .collect();
    let mut position = vec![0; tape.nodes().len()];
    body.iter().enumerate().for_each(|(k, &line)| position[line] = k);
    let place = |&number: &usize| match &units[number] {
        Unit::Line(line) => 2 * position[*line],
        Unit::Loop(_) => 2 * reads[number].iter().map(|&v| position[v]).max().unwrap_or(0) + 1,
    };
    let mut waiting: Vec<usize> = (0..units.len()).collect();
    waiting.sort_by_key(place);
    let mut done = vec![false; units.len()];
    let mut sorted = Vec::with_capacity(units.len());
    while !waiting.is_empty() {
        let ready = |&number: &usize| reads[number].iter().all(|&v| unit_of[v].is_none_or(|u| done[u]));
        let next = waiting.iter().position(ready);
        debug_assert!(next.is_some(), "each way out of a loop leads to a higher level, so there is no cycle");
        let next = next.unwrap_or(0);
        let number = waiting.remove(next);
        done[number] = true;
        sorted.push(std::mem::replace(&mut units[number], Unit::Line(0)));
    }
    sorted
}

fn lines(unit: &Unit) -> Vec<usize> {
    match unit {
        Unit::Line(line) => vec![*line],
        Unit::Loop(rolled) => rolled.lines.iter().map(|(line, _)| *line).collect(),
    }
}

/// The units, and the unit of each line.
fn gather(tape: &Tape, body: &[usize], member: &[Option<(usize, Label)>]) -> (Vec<Unit>, Vec<Option<usize>>) {
    let mut units: Vec<Unit> = Vec::new();
    let mut unit_of: Vec<Option<usize>> = vec![None; tape.nodes().len()];
    // Lines of one class and one level are one loop: what depends on a loop by a way outside of it is a level higher.
    let mut level = vec![0; tape.nodes().len()];
    let mut loops: Vec<((usize, usize), usize)> = Vec::new();
    for &line in body {
        let node = &tape.nodes()[line];
        let from = |operand: &Operand| {
            let value = operand.node.index();
            // A sum over the index, and what is read at other places than the iteration's own, is known when the loop is
            // done.
            let waits = |(c, label): (usize, Label)| {
                let mut own =
                    tape.nodes()[value].out.iter().zip(&operand.labels).filter(|(l, _)| **l == label);
                member[line].is_none_or(|(class, at)| {
                    c != class
                        || !tape.nodes()[value].out.contains(&label)
                        || own.any(|(_, read)| *read != at)
                })
            };
            level[value] + usize::from(member[value].is_some_and(waits))
        };
        level[line] = node.operands.iter().map(from).max().unwrap_or(0);
        let Some((class, label)) = member[line] else {
            unit_of[line] = Some(units.len());
            units.push(Unit::Line(line));
            continue;
        };
        let key = (class, level[line]);
        let unit = loops.iter().find(|(k, _)| *k == key).map_or(units.len(), |&(_, unit)| unit);
        if unit == units.len() {
            let Extent::Fixed(extent) = node.extent(label) else { continue };
            loops.push((key, unit));
            units.push(Unit::Loop(Rolled { extent, lines: Vec::new() }));
        }
        if let Unit::Loop(rolled) = &mut units[unit] {
            rolled.lines.push((line, label));
        }
        unit_of[line] = Some(unit);
    }
    (units, unit_of)
}
