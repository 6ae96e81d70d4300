//! The growing list of nodes: equal lines are one line, and views melt into the lines that read them.
//!
//! Both happen while a line is added, so no pass has to undo anything, and both keep every bit: a view (a renaming,
//! transposition, diagonal, broadcast, identity matrix, change of sign) moves numbers without rounding.

use std::cell::RefCell;
use std::rc::Rc;

use indexmap::IndexSet;
use smallvec::{SmallVec, smallvec};

use super::{Coefficient, Dims, Extent, Label, Labels, Node, NodeId, Op, Operand, Tape};
use crate::elementary::Unary;
use crate::error::Error;

/// A builder that several tracers write to.
pub(crate) type SharedBuilder = Rc<RefCell<Builder>>;

/// The nodes so far, the names of the inputs, and the first error of a recording.
#[derive(Default)]
pub(crate) struct Builder {
    nodes: IndexSet<Node>,
    pub(crate) inputs: Vec<(String, NodeId)>,
    pub(crate) error: Option<Error>,
}

impl Builder {
    /// A builder that continues `tape`, whose nodes keep their places.
    pub(crate) fn continuing(tape: &Tape) -> Self {
        Builder { nodes: tape.nodes.iter().cloned().collect(), inputs: tape.inputs.clone(), error: None }
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    pub(crate) fn dims(&self, id: NodeId) -> Dims {
        self.node(id).dims()
    }

    /// A new input. The name is checked when the recording ends.
    pub(crate) fn input(&mut self, name: &str, dims: &[Extent]) -> NodeId {
        let out = (0..dims.len() as Label).collect();
        let id = self.insert(Op::Input(self.inputs.len()), smallvec![], out, dims);
        self.inputs.push((name.to_owned(), id));
        id
    }

    /// An input that has no name yet: whoever makes the tape gives it one, or leaves it out.
    pub(crate) fn placeholder(&mut self, dims: &[Extent]) -> NodeId {
        let out = (0..dims.len() as Label).collect();
        let number = usize::MAX - self.len();
        self.insert(Op::Input(number), smallvec![], out, dims)
    }

    /// Any line: dispatches to the method for its operation.
    pub(crate) fn emit(
        &mut self,
        op: &Op,
        operands: SmallVec<[Operand; 2]>,
        out: &Labels,
        extents: &[Extent],
        counted: &[Label],
    ) -> NodeId {
        match op {
            Op::Contract(c) => self.contract_counting(c.0, operands, out.clone(), extents, counted),
            Op::Add(c) => {
                let terms: SmallVec<[(f64, Operand); 4]> = c.iter().map(|c| c.0).zip(operands).collect();
                self.add(&terms, out, extents)
            }
            Op::Unary(f) => self.unary(*f, operands[0].clone(), out, extents),
            Op::Binary(_) | Op::Select => self.elementwise(op.clone(), &operands, out, extents),
            _ => self.insert(op.clone(), operands, out.clone(), extents),
        }
    }

    /// A line of another tape, whose lines so far are at `place`.
    pub(crate) fn copy(&mut self, node: &Node, place: &[NodeId]) -> NodeId {
        let read = |o: &Operand| Operand { node: place[o.node.index()], labels: o.labels.clone() };
        let operands = node.operands.iter().map(read).collect();
        self.emit(&node.op, operands, &node.out, &node.extents, &node.counted())
    }

    /// An array of numbers, row-major.
    pub(crate) fn constant(&mut self, values: &[f64], dims: &[Extent]) -> NodeId {
        let values = values.iter().map(|&v| Coefficient(v)).collect();
        let out = (0..dims.len() as Label).collect();
        self.insert(Op::Constant(values), smallvec![], out, dims)
    }

    /// The number `c`, without dimensions.
    pub(crate) fn number(&mut self, c: f64) -> NodeId {
        self.contract(c, smallvec![], smallvec![], &[])
    }

    /// [`Builder::contract_counting`] with nothing to count.
    pub(crate) fn contract(
        &mut self,
        coefficient: f64,
        operands: SmallVec<[Operand; 2]>,
        out: Labels,
        extents: &[Extent],
    ) -> NodeId {
        self.contract_counting(coefficient, operands, out, extents, &[])
    }

    /// See [`Op::Contract`]. `extents` gives the range of each label, by its number; `counted` are the labels to sum
    /// over that no operand has.
    pub(crate) fn contract_counting(
        &mut self,
        coefficient: f64,
        operands: SmallVec<[Operand; 2]>,
        out: Labels,
        extents: &[Extent],
        counted: &[Label],
    ) -> NodeId {
        let mut line = Contraction::new(coefficient, operands, out, extents, counted);
        while line.absorb_one_view(self) || line.absorb_one_pad(self) {}
        line.push_diagonals_down(self);
        line.count_fixed();
        line.order_operands();
        if let Some(node) = line.is_identity() {
            return node;
        }
        let counted = line.counted();
        let op = Op::Contract(Coefficient(line.coefficient));
        self.insert_counting(op, line.operands, line.out, &line.extents, counted.len())
    }

    /// `sum_i coefficient_i * operand_i` over the indices `out`.
    pub(crate) fn add(&mut self, terms: &[(f64, Operand)], out: &Labels, extents: &[Extent]) -> NodeId {
        let mut merged: SmallVec<[(f64, Operand); 4]> = SmallVec::new();
        for (c, operand) in terms {
            let (c, operand) = self.absorb_scaled_view(*c, operand.clone());
            // x + x = 2 x and 2 x + x = 3 x to the bit; sums of other coefficients would round elsewhere.
            match merged
                .iter_mut()
                .find(|(sum, o)| *o == operand && (*sum == c || *sum == 2.0 * c) && c.abs() == 1.0)
            {
                Some((sum, _)) => *sum += c,
                None => merged.push((c, operand)),
            }
        }
        if let [(c, operand)] = &merged[..] {
            return self.contract(*c, smallvec![operand.clone()], out.clone(), extents);
        }
        let coefficients = merged.iter().map(|(c, _)| Coefficient(*c)).collect();
        let operands = merged.into_iter().map(|(_, o)| o).collect();
        self.insert(Op::Add(coefficients), operands, out.clone(), extents)
    }

    /// An elementary function, computed before a broadcast or transposition rather than after it.
    pub(crate) fn unary(&mut self, f: Unary, x: Operand, out: &Labels, extents: &[Extent]) -> NodeId {
        let (c, inner) = self.absorb_scaled_view(1.0, x.clone());
        if c == 1.0 && inner != x && all_distinct(&inner.labels) {
            let dims = self.dims(inner.node);
            let labels: Labels = (0..dims.len() as Label).collect();
            let base = Operand { node: inner.node, labels: labels.clone() };
            let node = self.insert(Op::Unary(f), smallvec![base], labels, &dims);
            return self.contract(
                1.0,
                smallvec![Operand { node, labels: inner.labels }],
                out.clone(),
                extents,
            );
        }
        self.elementwise(Op::Unary(f), &[x], out, extents)
    }

    /// An operation element by element ([`Op::Unary`], [`Op::Binary`], [`Op::Select`]); operands that are views are
    /// read through.
    pub(crate) fn elementwise(
        &mut self,
        op: Op,
        operands: &[Operand],
        out: &Labels,
        extents: &[Extent],
    ) -> NodeId {
        let operands = operands
            .iter()
            .map(|o| {
                let (c, inner) = self.absorb_scaled_view(1.0, o.clone());
                if c == 1.0 { inner } else { o.clone() }
            })
            .collect();
        self.insert(op, operands, out.clone(), extents)
    }

    /// An operation on the local indices of one operand ([`Op::Slice`] and its kin), or [`Op::Stop`].
    pub(crate) fn structural(
        &mut self,
        op: Op,
        operand: Operand,
        out: &Labels,
        extents: &[Extent],
    ) -> NodeId {
        self.insert(op, smallvec![operand], out.clone(), extents)
    }

    /// Adds a node with its labels renumbered in order of appearance, or finds the equal one that exists.
    fn insert(
        &mut self,
        op: Op,
        operands: SmallVec<[Operand; 2]>,
        out: Labels,
        extents: &[Extent],
    ) -> NodeId {
        self.insert_counting(op, operands, out, extents, 0)
    }

    fn insert_counting(
        &mut self,
        op: Op,
        operands: SmallVec<[Operand; 2]>,
        out: Labels,
        extents: &[Extent],
        counted: usize,
    ) -> NodeId {
        let node = renumbered(op, operands, out, extents, counted);
        NodeId::new(self.nodes.insert_full(node).0)
    }

    /// Reads through a view whose result has no repeated index, and takes a factor along where the product of the
    /// factors is exact because one of them is 1 or -1.
    fn absorb_scaled_view(&self, coefficient: f64, operand: Operand) -> (f64, Operand) {
        let node = self.node(operand.node);
        let Op::Contract(Coefficient(factor)) = node.op else { return (coefficient, operand) };
        let exact = coefficient.abs() == 1.0 || factor.abs() == 1.0;
        let [inner] = &node.operands[..] else { return (coefficient, operand) };
        if !exact || node.sums() || !all_distinct(&node.out) {
            return (coefficient, operand);
        }
        let outer = |l: &Label| {
            let place = node.out.iter().position(|o| o == l).unwrap_or_default();
            operand.labels[place]
        };
        let labels = inner.labels.iter().map(outer).collect();
        self.absorb_scaled_view(coefficient * factor, Operand { node: inner.node, labels })
    }

    /// Drops what the outputs do not need and makes the tape. `inputs` stay, used or not.
    pub(crate) fn finish(&self, inputs: &[(String, NodeId)], outputs: &[(String, NodeId)]) -> Tape {
        let mut live = vec![false; self.len()];
        for &(_, id) in inputs.iter().chain(outputs) {
            live[id.index()] = true;
        }
        for k in (0..self.len()).rev() {
            if live[k] {
                self.nodes[k].operands.iter().for_each(|o| live[o.node.index()] = true);
            }
        }
        let mut place = vec![NodeId(0); self.len()];
        let mut nodes = Vec::new();
        for (k, node) in self.nodes.iter().enumerate().filter(|&(k, _)| live[k]) {
            place[k] = NodeId::new(nodes.len());
            let mut node = node.clone();
            node.operands.iter_mut().for_each(|o| o.node = place[o.node.index()]);
            if let Op::Input(number) = &mut node.op {
                *number = inputs.iter().position(|&(_, id)| id.index() == k).unwrap_or(*number);
            }
            nodes.push(node);
        }
        let renamed =
            |list: &[(String, NodeId)]| list.iter().map(|(n, id)| (n.clone(), place[id.index()])).collect();
        Tape { nodes, inputs: renamed(inputs), outputs: renamed(outputs) }
    }
}

/// A contraction on its way onto the tape.
struct Contraction {
    coefficient: f64,
    operands: SmallVec<[Operand; 2]>,
    out: Labels,
    extents: Dims,
    /// The labels that this line has: one that no operand and no result has any more is counted.
    labels: Labels,
}

impl Contraction {
    fn new(
        coefficient: f64,
        operands: SmallVec<[Operand; 2]>,
        out: Labels,
        extents: &[Extent],
        counted: &[Label],
    ) -> Self {
        let mut labels = Labels::new();
        for &l in out.iter().chain(operands.iter().flat_map(|o| &o.labels)).chain(counted) {
            if !labels.contains(&l) {
                labels.push(l);
            }
        }
        Contraction { coefficient, operands, out, extents: extents.iter().copied().collect(), labels }
    }

    /// Whether anything is added up.
    fn sums(&self) -> bool {
        self.labels.iter().any(|l| !self.out.contains(l))
    }

    /// The labels to sum over that no operand has.
    fn counted(&self) -> Labels {
        let used = |l: &Label| self.out.contains(l) || self.operands.iter().any(|o| o.labels.contains(l));
        self.labels.iter().copied().filter(|l| !used(l)).collect()
    }

    /// Replaces one operand that is a view by what it views. Two indices that the view ties together (a diagonal, an
    /// identity matrix) become one on this line.
    fn absorb_one_view(&mut self, builder: &Builder) -> bool {
        for k in 0..self.operands.len() {
            let view = builder.node(self.operands[k].node);
            let Op::Contract(Coefficient(factor)) = view.op else { continue };
            // A change of sign moves freely; any other factor only where no rounding comes between.
            let alone = self.operands.len() == 1 || view.operands.is_empty();
            let exact = factor.abs() == 1.0 || (self.coefficient.abs() == 1.0 && alone && !self.sums());
            let moves_only = view.operands.len() <= 1 && !view.sums();
            if !exact || !moves_only {
                continue;
            }
            self.coefficient *= factor;
            let mut outer = self.operands.remove(k).labels;
            let mut here: SmallVec<[Option<Label>; 8]> = smallvec![None; view.extents.len()];
            for (place, &inner) in view.out.iter().enumerate() {
                match here[inner as usize] {
                    None => here[inner as usize] = Some(outer[place]),
                    Some(keep) if keep != outer[place] => {
                        let drop = outer[place];
                        self.tie(keep, drop);
                        outer
                            .iter_mut()
                            .chain(here.iter_mut().flatten())
                            .filter(|l| **l == drop)
                            .for_each(|l| *l = keep);
                    }
                    Some(_) => {}
                }
            }
            for operand in &view.operands {
                let labels = operand.labels.iter().filter_map(|&l| here[l as usize]).collect();
                self.operands.insert(k, Operand { node: operand.node, labels });
            }
            return true;
        }
        false
    }

    /// Replaces an operand that is padded along a summed index by what was padded, and the other operand by its slice:
    /// a sum runs over no zeros that are known to be there.
    fn absorb_one_pad(&mut self, builder: &mut Builder) -> bool {
        for k in 0..self.operands.len() {
            let pad = builder.node(self.operands[k].node).clone();
            let Op::Pad(start) = pad.op else { continue };
            let (from, to) = pad.local_labels();
            let outer = &self.operands[k].labels;
            let place = pad.out.iter().position(|l| to.contains(l)).unwrap_or_default();
            let label = outer[place];
            let beside = |o: &Operand| o.labels.iter().map(|l| usize::from(*l == label)).sum::<usize>();
            let others = self.operands.iter().enumerate().filter(|(other, _)| *other != k);
            let read_once = beside(&self.operands[k]) == 1 && others.map(|(_, o)| beside(o)).all(|n| n <= 1);
            let (&[_], false, true) = (&from[..], self.out.contains(&label), read_once) else { continue };
            let length = pad.extent(from[0]);
            let here = |l: &Label| pad.out.iter().position(|m| m == l).map_or(label, |place| outer[place]);
            let labels = pad.operands[0].labels.iter().map(here).collect();
            self.operands[k] = Operand { node: pad.operands[0].node, labels };
            self.extents[label as usize] = length;
            for (other, operand) in self.operands.iter_mut().enumerate() {
                if other != k && operand.labels.contains(&label) {
                    operand.node = slice(builder, operand, label, start, length);
                }
            }
            return true;
        }
        false
    }

    /// Makes two indices one: `keep`.
    fn tie(&mut self, keep: Label, drop: Label) {
        let all = self.operands.iter_mut().flat_map(|o| &mut o.labels).chain(&mut self.out);
        all.filter(|l| **l == drop).for_each(|l| *l = keep);
        self.labels.retain(|l| *l != drop);
    }

    /// Asks an operand that is read along a diagonal to compute that diagonal only.
    fn push_diagonals_down(&mut self, builder: &mut Builder) {
        for operand in &mut self.operands {
            if !all_distinct(&operand.labels) {
                *operand = diagonal(builder, operand);
            }
        }
    }

    /// A fixed index that is only counted is a factor: the sum of n equal numbers is n times the number.
    fn count_fixed(&mut self) {
        for label in self.counted() {
            if let Extent::Fixed(n) = self.extents[label as usize] {
                self.coefficient *= n as f64;
                self.labels.retain(|l| *l != label);
            }
        }
    }

    /// Products commute: one order for both ways of writing them, so that equal lines are found equal.
    fn order_operands(&mut self) {
        let out = self.out.clone();
        let key = |o: &Operand| {
            let places: SmallVec<[usize; 8]> =
                o.labels.iter().map(|l| out.iter().position(|m| m == l).unwrap_or(usize::MAX)).collect();
            (o.node, places)
        };
        self.operands.sort_by_key(key);
    }

    fn is_identity(&self) -> Option<NodeId> {
        let [operand] = &self.operands[..] else { return None };
        let same = operand.labels == self.out && all_distinct(&self.out) && self.counted().is_empty();
        (self.coefficient == 1.0 && same).then_some(operand.node)
    }
}

/// The value of an operand from `start` on along one of its indices.
fn slice(builder: &mut Builder, operand: &Operand, label: Label, start: usize, length: Extent) -> NodeId {
    let mut extents = builder.dims(operand.node);
    let labels: Labels = (0..extents.len() as Label).collect();
    let place = operand.labels.iter().position(|l| *l == label).unwrap_or_default();
    let mut out = labels.clone();
    out[place] = extents.len() as Label;
    extents.push(length);
    builder.structural(Op::Slice(start), Operand { node: operand.node, labels }, &out, &extents)
}

/// The operand without repeated labels: its node computes the diagonal only, where it can.
fn diagonal(builder: &mut Builder, operand: &Operand) -> Operand {
    let node = builder.node(operand.node).clone();
    if !matches!(node.op, Op::Contract(_) | Op::Add(_) | Op::Unary(_) | Op::Binary(_) | Op::Select) {
        return operand.clone();
    }
    let mut rename: SmallVec<[Label; 8]> = (0..node.extents.len() as Label).collect();
    let (mut labels, mut out) = (Labels::new(), Labels::new());
    for (place, &label) in operand.labels.iter().enumerate() {
        let inner = node.out[place];
        match labels.iter().position(|&l| l == label) {
            None => {
                labels.push(label);
                out.push(rename[inner as usize]);
            }
            Some(first) => {
                let (keep, drop) = (out[first], rename[inner as usize]);
                rename.iter_mut().filter(|l| **l == drop).for_each(|l| *l = keep);
                out.iter_mut().filter(|l| **l == drop).for_each(|l| *l = keep);
            }
        }
    }
    let operands: SmallVec<[Operand; 2]> = node
        .operands
        .iter()
        .map(|o| Operand { node: o.node, labels: o.labels.iter().map(|&l| rename[l as usize]).collect() })
        .collect();
    let id = builder.emit(&node.op, operands, &out, &node.extents, &node.counted());
    Operand { node: id, labels }
}

pub(crate) fn all_distinct(labels: &[Label]) -> bool {
    labels.iter().enumerate().all(|(k, l)| !labels[..k].contains(l))
}

/// The node with its labels numbered in order of appearance: result first, then operands, then `counted` examples.
fn renumbered(
    op: Op,
    mut operands: SmallVec<[Operand; 2]>,
    mut out: Labels,
    extents: &[Extent],
    counted: usize,
) -> Node {
    let mut number: SmallVec<[Option<Label>; 8]> = smallvec![None; extents.len()];
    let mut kept = Dims::new();
    let mut renumber = |l: &mut Label| {
        let new = *number[*l as usize].get_or_insert_with(|| {
            kept.push(extents[*l as usize]);
            (kept.len() - 1) as Label
        });
        *l = new;
    };
    out.iter_mut().for_each(&mut renumber);
    operands.iter_mut().flat_map(|o| &mut o.labels).for_each(&mut renumber);
    kept.extend(std::iter::repeat_n(Extent::Example, counted));
    Node { op, operands, out, extents: kept }
}
