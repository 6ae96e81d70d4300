//! From the linear lines of a tape to one network.
//!
//! What all paths from the seed to a line pass through is a *dominator* of the line. The chain of dominators cuts the
//! map into links, one after another; where paths part and meet again, a link is a sum. So a skip connection is a sum of
//! two terms within a product, and nothing that paths share is written twice.

use std::collections::HashMap;
use std::rc::Rc;

use ad_core::{Extent, Node, NodeId, Op, Operand, Tape};

use super::network::{Axis, Factor, Label, Network, Source};

#[cfg(test)]
mod tests;

/// The map from the line `seed` to the line `end`, through lines that are linear in it: the axes of the result are open
/// first, then those of the seed. `None` where a line does something that has no form as a network, such as a
/// selection, where no path leads to it, or where there are too many that share nothing.
pub(super) fn flatten(tape: &Tape, seed: NodeId, end: NodeId) -> Option<Network> {
    let dominator = dominators(tape, seed);
    Flatten { tape, seed, dominator, links: HashMap::new(), terms: 0 }.path(end.index(), seed.index())
}

/// The most terms of all sums together.
const MAX_TERMS: usize = 4096;

/// For each line that depends on the seed, the nearest line before it that all its paths pass through.
fn dominators(tape: &Tape, seed: NodeId) -> Vec<Option<usize>> {
    let mut dominator: Vec<Option<usize>> = vec![None; tape.nodes().len()];
    let seed = seed.index();
    for (place, node) in tape.nodes().iter().enumerate() {
        let moving =
            node.operands.iter().map(|o| o.node.index()).filter(|&o| o == seed || dominator[o].is_some());
        let meet = |mut a: usize, mut b: usize| {
            while a != b {
                (a, b) = (a.min(b), dominator[a.max(b)].unwrap_or(seed));
            }
            a
        };
        dominator[place] = moving.reduce(meet);
    }
    dominator
}

struct Flatten<'a> {
    tape: &'a Tape,
    seed: NodeId,
    dominator: Vec<Option<usize>>,
    links: HashMap<usize, Option<Network>>,
    terms: usize,
}

impl Flatten<'_> {
    fn is_linear(&self, operand: &Operand) -> bool {
        operand.node == self.seed || self.dominator[operand.node.index()].is_some()
    }

    /// The map from line `from` to line `to`, one of whose dominators it is.
    fn path(&mut self, to: usize, from: usize) -> Option<Network> {
        let mut whole = Network::identity(self.tape.nodes()[to].shape());
        let mut at = to;
        while at != from {
            let middle = self.tape.nodes()[at].shape().len();
            whole = whole.after(&self.link(at)?, middle);
            at = self.dominator[at]?;
        }
        Some(whole)
    }

    /// The map from the dominator of a line to the line.
    fn link(&mut self, place: usize) -> Option<Network> {
        if let Some(known) = self.links.get(&place) {
            return known.clone();
        }
        let node = &self.tape.nodes()[place];
        let link = match &node.op {
            Op::Add(_) => self.sum(place),
            Op::Contract(c) => self.contraction(node, c.0),
            Op::Slice(_) | Op::Pad(_) | Op::Gather(_) | Op::Scatter(_) => selection(node),
            Op::Reshape => reshape(node),
            Op::Select
            | Op::Stop
            | Op::Rule(..)
            | Op::Input(_)
            | Op::Constant(_)
            | Op::Unary(_)
            | Op::Binary(_) => None,
        };
        self.links.insert(place, link.clone());
        link
    }

    /// One operand is linear, the other, if there is one, a factor.
    fn contraction(&self, node: &Node, coefficient: f64) -> Option<Network> {
        let (linear, others): (Vec<&Operand>, Vec<&Operand>) =
            node.operands.iter().partition(|o| self.is_linear(o));
        let example = node.example_label();
        // A sum over the examples ties them together.
        if linear.len() != 1 || example.is_some() && !node.has_example() {
            return None;
        }
        let mut network = line(node);
        network.coefficient = coefficient;
        network.open = axes(node, &node.out).chain(axes(node, &linear[0].labels)).collect();
        network.factors.extend(others.iter().map(|o| Factor {
            source: Source::Line(o.node),
            example: self.tape.node(o.node).has_example(),
            axes: axes(node, &o.labels).collect(),
        }));
        Some(network)
    }

    /// The paths of a sum, each from where all of them part.
    fn sum(&mut self, place: usize) -> Option<Network> {
        let node = &self.tape.nodes()[place];
        let Op::Add(coefficients) = &node.op else { return None };
        let from = self.dominator[place]?;
        let mut terms = Vec::new();
        for (c, operand) in coefficients.iter().zip(&node.operands) {
            if !self.is_linear(operand) {
                continue;
            }
            let mut term = line(node);
            term.coefficient = c.0;
            term.open = axes(node, &node.out).chain(axes(node, &operand.labels)).collect();
            let middle = self.tape.node(operand.node).shape().len();
            term = term.after(&self.path(operand.node.index(), from)?, middle);
            if !term.is_zero() {
                terms.push(term);
            }
        }
        self.terms += terms.len();
        if self.terms > MAX_TERMS {
            return None;
        }
        let extents = [node.shape(), self.tape.nodes()[from].shape()].concat();
        Some(sum_of(terms, &extents))
    }
}

/// A sum of networks with open axes of these extents, as a factor of one network. Axes that are one in every term are one
/// axis of the sum: a sum of diagonals is a diagonal.
fn sum_of(mut terms: Vec<Network>, extents: &[usize]) -> Network {
    let mut network = Network::new(Vec::new());
    let mut first: Vec<usize> = Vec::new();
    for (k, &extent) in extents.iter().enumerate() {
        let same = |&j: &usize| terms.iter().all(|t| t.open[j] == t.open[k] && t.open[k].places.is_none());
        let label = match (0..k).find(same) {
            Some(j) if !terms.is_empty() => network.open[j].label,
            _ => {
                first.push(k);
                network.index(extent)
            }
        };
        network.open.push(Axis::new(label));
    }
    match &mut terms[..] {
        [] => network.coefficient = 0.0,
        [only] => return only.clone(),
        _ => {
            for term in &mut terms {
                term.open = first.iter().map(|&k| term.open[k].clone()).collect();
            }
            network.factors.push(Factor {
                example: terms.iter().any(Network::has_example),
                axes: first.iter().map(|&k| network.open[k].clone()).collect(),
                source: Source::Sum(Rc::new(terms)),
            });
        }
    }
    network
}

/// The indices of a line, as those of a network; the example counts once.
fn line(node: &Node) -> Network {
    Network::new(node.extents.iter().map(|x| if let Extent::Fixed(n) = x { *n } else { 1 }).collect())
}

/// The axes that are read along `labels`, without the example.
fn axes<'a>(node: &'a Node, labels: &'a [ad_core::Label]) -> impl Iterator<Item = Axis> + 'a {
    let fixed = labels.iter().filter(|&&l| node.extent(l) != Extent::Example);
    fixed.map(|&l| Axis::new(Label::from(l)))
}

/// A line that moves numbers along one axis: its two local indices are one, read at different places.
fn selection(node: &Node) -> Option<Network> {
    let (from, to) = node.local_labels();
    let (&[from], &[to]) = (&from[..], &to[..]) else { return None };
    let mut network = line(node);
    let (from, to) = (Label::from(from), Label::from(to));
    let operand = &node.operands[0].labels;
    network.open = axes(node, &node.out).chain(axes(node, operand)).collect();
    // The index that stays, the one that is read through it, and where.
    let shifted = |start: usize, n: usize| (start..start + n).collect::<Rc<[usize]>>();
    let (keep, read, places) = match &node.op {
        Op::Slice(start) => (to, from, shifted(*start, network.extents[to])),
        Op::Pad(start) => (from, to, shifted(*start, network.extents[from])),
        Op::Gather(indices) => (to, from, indices.iter().copied().collect()),
        Op::Scatter(indices) => (from, to, indices.iter().copied().collect()),
        _ => return None,
    };
    for axis in network.open.iter_mut().filter(|axis| axis.label == read) {
        *axis = Axis { label: keep, places: Some(places.clone()) };
    }
    network.extents[read] = 1;
    Some(network)
}

/// A line that only adds or takes away axes of length 1; any other new shape has no form as a network.
fn reshape(node: &Node) -> Option<Network> {
    let mut network = line(node);
    let (from, to) = node.local_labels();
    let long = |labels: &[ad_core::Label]| {
        let labels = labels.iter().map(|&l| Label::from(l));
        labels.filter(|&l| network.extents[l] != 1).collect::<Vec<Label>>()
    };
    let (from, to) = (long(&from), long(&to));
    let lengths = |labels: &[Label]| labels.iter().map(|&l| network.extents[l]).collect::<Vec<_>>();
    if lengths(&from) != lengths(&to) {
        return None;
    }
    network.open = axes(node, &node.out).chain(axes(node, &node.operands[0].labels)).collect();
    for axis in &mut network.open {
        if let Some(k) = to.iter().position(|&l| l == axis.label) {
            axis.label = from[k];
        }
    }
    for label in to {
        network.extents[label] = 1;
    }
    Some(network)
}
