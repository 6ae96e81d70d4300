//! When each line runs, and where its value lies.

use std::collections::HashMap;

use super::compiler::{Compiler, constant, sums_examples};
use super::instruction::Place;
use crate::kernels::{Aligned, Element};
use crate::tape::Op;

/// Lines by when they run, and the values that examples share.
pub(super) struct Groups<T> {
    /// What follows from shared inputs, to be computed, or from nothing.
    pub(super) shared: Vec<Aligned<T>>,
    /// The number of elements of each sum over examples, and of each value that follows from one.
    pub(super) late: Vec<usize>,
    /// Once and for all.
    pub(super) fixed: Vec<usize>,
    /// Once for each binding.
    pub(super) prefix: Vec<usize>,
    /// For each block.
    pub(super) body: Vec<usize>,
    /// After all blocks; with the place in the body that each has on the tape.
    pub(super) suffix: Vec<(usize, usize)>,
}

impl Compiler<'_> {
    /// Gives each value its place.
    pub(super) fn group<T: Element>(&mut self) -> Groups<T> {
        let (mut shared, mut late) = (Vec::new(), Vec::new());
        let (mut fixed, mut prefix, mut body, mut suffix) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut is_fixed = vec![false; self.tape.nodes().len()];
        let mut begun = HashMap::new();
        for (line, node) in self.tape.nodes().iter().enumerate() {
            let size = node.size();
            let operands = self.operands(line);
            if let Some(&sum) = begun.get(&line) {
                // Its operands have been added up where it is.
                self.places.push(sum);
                self.views.push(None);
                continue;
            }
            let sum = self.added.get(&line).copied();
            let known = sum.and_then(|sum| begun.get(&sum)).copied();
            let place = known.unwrap_or_else(|| self.place(line, &operands, size, shared.len(), late.len()));
            begun.extend(sum.map(|sum| (sum, place)));
            let in_body = matches!(place, Place::Block(_)) || sums_examples(node);
            self.one_block |= in_body && operands.iter().any(|p| matches!(p, Place::Late(_)));
            let view = self.view(line, place);
            self.places.push(if view.is_some() { operands[0] } else { place });
            let is_view = view.is_some();
            self.views.push(view);
            let computed =
                self.is_read(line) && !is_view && !matches!(node.op, Op::Input(_) | Op::Constant(_));
            is_fixed[line] =
                matches!(place, Place::Shared(_)) && node.operands.iter().all(|o| is_fixed[o.node.index()]);
            match place {
                _ if is_view => {}
                Place::Shared(_) => shared.push(constant(node, size)),
                Place::Late(_) if known.is_none() => late.push(size),
                Place::Late(_) | Place::Block(_) | Place::Given(_) => {}
            }
            match place {
                _ if !computed || self.is_padding(line, place) => {}
                Place::Shared(_) if is_fixed[line] => fixed.push(line),
                Place::Shared(_) => prefix.push(line),
                Place::Late(_) if !in_body => suffix.push((body.len(), line)),
                _ => body.push(line),
            }
        }
        Groups { shared, late, fixed, prefix, body, suffix }
    }
}
