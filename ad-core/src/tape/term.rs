//! Index notation in Rust: a term is a value with letters, and operators align letters.
//!
//! The rules of differentiation are written on terms, since `slope * x_dot` must not care which indices either has.

use std::ops::{Add, Div, Mul, Neg, Sub};

use smallvec::SmallVec;

use super::{Dims, Extent, Label, Labels, NodeId, Op, Operand, SharedBuilder};
use crate::elementary::{Binary, Elementary, Unary};

/// A value read along indices, on a builder.
#[derive(Clone)]
pub(crate) struct Term {
    pub(crate) builder: SharedBuilder,
    pub(crate) operand: Operand,
}

impl Term {
    pub(crate) fn new(builder: &SharedBuilder, node: NodeId, labels: Labels) -> Self {
        Term { builder: builder.clone(), operand: Operand { node, labels } }
    }

    fn labels(&self) -> &Labels {
        &self.operand.labels
    }

    /// The value with exactly the indices `out`, in that order: summed over those it has beyond, spread along those it
    /// lacks, whose extents are in `spread`.
    pub(crate) fn onto(&self, out: &Labels, spread: &[(Label, Extent)]) -> NodeId {
        let mut extents = extents(&[self]);
        set_extents(&mut extents, spread);
        let operands = SmallVec::from_iter([self.operand.clone()]);
        self.builder.borrow_mut().contract(1.0, operands, out.clone(), &extents)
    }

    fn scaled(&self, c: f64) -> Self {
        let out = distinct(self.labels().iter());
        let operands = SmallVec::from_iter([self.operand.clone()]);
        let table = extents(&[self]);
        let node = self.builder.borrow_mut().contract(c, operands, out.clone(), &table);
        Term::new(&self.builder, node, out)
    }

    fn combine(&self, c: f64, other: &Self) -> Self {
        let out = union(&[self, other]);
        let terms = [(1.0, self.operand.clone()), (c, other.operand.clone())];
        let table = extents(&[self, other]);
        let node = self.builder.borrow_mut().add(&terms, &out, &table);
        Term::new(&self.builder, node, out)
    }

    fn elementwise(&self, op: Op, others: &[&Self]) -> Self {
        let all: SmallVec<[&Term; 3]> = std::iter::once(self).chain(others.iter().copied()).collect();
        let out = union(&all);
        let operands: SmallVec<[Operand; 3]> = all.iter().map(|t| t.operand.clone()).collect();
        let table = extents(&all);
        let node = self.builder.borrow_mut().elementwise(op, &operands, &out, &table);
        Term::new(&self.builder, node, out)
    }
}

/// The extents of all labels of some terms, by number.
pub(crate) fn extents(terms: &[&Term]) -> Dims {
    let mut table = Dims::new();
    for term in terms {
        let dims = term.builder.borrow().dims(term.operand.node);
        let pairs: SmallVec<[(Label, Extent); 4]> = term.labels().iter().copied().zip(dims).collect();
        set_extents(&mut table, &pairs);
    }
    table
}

pub(crate) fn set_extents(table: &mut Dims, pairs: &[(Label, Extent)]) {
    for &(label, extent) in pairs {
        if table.len() <= label as usize {
            table.resize(label as usize + 1, Extent::Fixed(1));
        }
        table[label as usize] = extent;
    }
}

fn distinct<'a>(labels: impl Iterator<Item = &'a Label>) -> Labels {
    let mut out = Labels::new();
    labels.for_each(|&l| {
        if !out.contains(&l) {
            out.push(l);
        }
    });
    out
}

/// All labels of some terms; the example, where there is one, first.
fn union(terms: &[&Term]) -> Labels {
    let mut out = distinct(terms.iter().flat_map(|t| t.labels()));
    let table = extents(terms);
    if let Some(place) = out.iter().position(|&l| table[l as usize] == Extent::Example) {
        out[..=place].rotate_right(1);
    }
    out
}

impl Add for Term {
    type Output = Term;
    fn add(self, other: Term) -> Term {
        self.combine(1.0, &other)
    }
}

impl Sub for Term {
    type Output = Term;
    fn sub(self, other: Term) -> Term {
        self.combine(-1.0, &other)
    }
}

impl Neg for Term {
    type Output = Term;
    fn neg(self) -> Term {
        self.scaled(-1.0)
    }
}

impl Mul for Term {
    type Output = Term;
    fn mul(self, other: Term) -> Term {
        let out = union(&[&self, &other]);
        let table = extents(&[&self, &other]);
        let operands = SmallVec::from_iter([self.operand, other.operand]);
        let node = self.builder.borrow_mut().contract(1.0, operands, out.clone(), &table);
        Term::new(&self.builder, node, out)
    }
}

impl Div for Term {
    type Output = Term;
    fn div(self, other: Term) -> Term {
        self.binary(Binary::Div, &other)
    }
}

impl Elementary for Term {
    fn lift(&self, c: f64) -> Self {
        let node = self.builder.borrow_mut().number(c);
        Term::new(&self.builder, node, Labels::new())
    }
    fn unary(&self, f: Unary) -> Self {
        let out = union(&[self]);
        let table = extents(&[self]);
        let node = self.builder.borrow_mut().unary(f, self.operand.clone(), &out, &table);
        Term::new(&self.builder, node, out)
    }
    fn binary(&self, f: Binary, other: &Self) -> Self {
        self.elementwise(Op::Binary(f), &[other])
    }
    fn select(&self, a: &Self, b: &Self) -> Self {
        self.elementwise(Op::Select, &[a, b])
    }
}
