//! A value while it is recorded: shapes for the user, indices on the tape.

mod axes;
mod operators;

use std::panic::Location;
use std::rc::Rc;

use super::check_shape;
use super::term::extents;
use super::{Dims, Extent, Label, Labels, NodeId, Op, Recorder, SharedBuilder, Term, shape_of};
use crate::error::{Error, Result};

/// The label of the example index on lines that tracers write.
const EXAMPLE: Label = 0;

/// A value of *one example* while a tape is recorded. It has a shape, and neither a number nor an order: branching on
/// data does not compile; use [`Elementary::select`](crate::Elementary::select).
///
/// Shapes broadcast from the right, as everywhere; an axis of length 1 fits any.
/// Values of one example and shared ones mix freely. What does not fit is remembered with the line of code, and
/// [`Tape::record`](super::Tape::record) returns the first such error.
#[derive(Clone)]
pub struct Tracer {
    builder: SharedBuilder,
    node: NodeId,
    /// The recording has failed before this value: say nothing more.
    void: bool,
}

impl Tracer {
    pub(crate) fn new(builder: &SharedBuilder, node: NodeId) -> Self {
        Tracer { builder: builder.clone(), node, void: false }
    }

    /// A tracer of no recording, that carries an error out of a closure.
    pub(crate) fn failed(error: Error) -> Self {
        let builder = SharedBuilder::default();
        Tracer::note(&builder, error)
    }

    pub(crate) fn note(builder: &SharedBuilder, error: Error) -> Self {
        builder.borrow_mut().error.get_or_insert(error);
        let node = builder.borrow_mut().number(0.0);
        Tracer { builder: builder.clone(), node, void: true }
    }

    /// # Errors
    /// The error that this tracer carries out of a closure, or that it belongs to another recording.
    pub(crate) fn check_same_recording(&self, recorder: &Recorder) -> Result<()> {
        if Rc::ptr_eq(&self.builder, &recorder.builder) {
            return Ok(());
        }
        let carried = self.builder.borrow().error.clone();
        Err(carried.unwrap_or_else(|| Error::new("a tracer of another recording was used")))
    }

    pub(crate) fn node(&self) -> NodeId {
        self.node
    }

    pub(crate) fn dims(&self) -> Dims {
        self.builder.borrow().dims(self.node)
    }

    /// The shape of one example.
    pub fn shape(&self) -> Vec<usize> {
        shape_of(&self.dims())
    }

    /// Whether each example has its own value.
    pub fn has_example(&self) -> bool {
        self.dims().first() == Some(&Extent::Example)
    }

    /// Ends the recording with an error that says what a caller's own check found.
    #[track_caller]
    #[must_use]
    pub fn fail(&self, message: impl Into<String>) -> Tracer {
        self.refuse(Location::caller(), message.into())
    }

    fn refuse(&self, place: &'static Location<'static>, message: String) -> Tracer {
        if self.void {
            return self.clone();
        }
        Tracer::note(&self.builder, Error::new(message).at(place))
    }

    /// The value with a label for each axis of its shape.
    fn term(&self, axes: impl IntoIterator<Item = Label>) -> Term {
        let first = self.has_example().then_some(EXAMPLE);
        Term::new(&self.builder, self.node, first.into_iter().chain(axes).collect())
    }

    /// Axes labelled from the right: 1 is the last.
    fn aligned_right(&self) -> Term {
        let rank = self.shape().len() as Label;
        self.term((1..=rank).rev())
    }

    fn wrap(&self, term: &Term) -> Tracer {
        // A term may have its indices in any order: axes count from the right again.
        let out = sorted(&term.operand.labels);
        Tracer::new(&self.builder, term.onto(&out, &[]))
    }

    fn check_together(&self, other: &Tracer, what: &str, place: &'static Location<'static>) -> Result<()> {
        if Rc::ptr_eq(&self.builder, &other.builder) {
            return Ok(());
        }
        Err(Error::new(format!("{what}: the operands belong to different recordings")).at(place))
    }

    /// Both values with axes of length 1 taken out where the other is longer.
    fn aligned(&self, other: &Tracer, what: &str, place: &'static Location<'static>) -> Result<(Term, Term)> {
        self.check_together(other, what, place)?;
        let (a, b) = (self.shape(), other.shape());
        let (mut x, mut y) = (self.aligned_right(), other.aligned_right());
        for (k, (&m, &n)) in a.iter().rev().zip(b.iter().rev()).enumerate() {
            let label = k as Label + 1;
            match (m, n) {
                _ if m == n => {}
                (1, _) => x = without(&x, label),
                (_, 1) => y = without(&y, label),
                _ => {
                    let message =
                        format!("{what}: shapes {a:?} and {b:?} do not fit: axis lengths {m} and {n} differ");
                    return Err(Error::new(message).at(place));
                }
            }
        }
        Ok((x, y))
    }

    #[track_caller]
    fn pairwise(&self, other: &Tracer, what: &str, f: impl FnOnce(Term, Term) -> Term) -> Tracer {
        if self.void || other.void {
            return if self.void { self.clone() } else { other.clone() };
        }
        let (a, b) = (self.shape(), other.shape());
        match (self.aligned(other, what, Location::caller()), broadcast_shape(&a, &b)) {
            // An axis of length 1 that the longer value alone has was not taken out; any other comes back here.
            (Ok((a, b)), Some(shape)) => self.wrap(&f(a, b)).broadcast_to(&shape),
            (Err(error), _) => Tracer::note(&self.builder, error),
            (Ok(_), None) => {
                self.refuse(Location::caller(), format!("{what}: shapes {a:?} and {b:?} do not fit"))
            }
        }
    }

    /// The general product: `einsum("ik,kj->ij", a, b)` multiplies, then sums over the letters that the result lacks.
    /// A letter twice in an operand reads a diagonal, twice in the result fills one.
    #[track_caller]
    #[must_use]
    pub fn einsum(&self, formula: &str, other: &Tracer) -> Tracer {
        let place = Location::caller();
        if self.void || other.void {
            return if self.void { self.clone() } else { other.clone() };
        }
        if let Err(error) = self.check_together(other, "einsum", place) {
            return Tracer::note(&self.builder, error);
        }
        match einsum_labels(formula, &[&self.shape(), &other.shape()]) {
            Ok(labels) => {
                let example = self.has_example() || other.has_example();
                let (a, b) = (self.term(labels[0].clone()), other.term(labels[1].clone()));
                self.contraction(&[&a, &b], &labels[2], example)
            }
            Err(message) => self.refuse(place, message),
        }
    }

    /// Multiplies terms and sums over what `out` (axes only) lacks.
    fn contraction(&self, terms: &[&Term], out: &[Label], example: bool) -> Tracer {
        let out: Labels = example.then_some(EXAMPLE).into_iter().chain(out.iter().copied()).collect();
        let operands = terms.iter().map(|t| t.operand.clone()).collect();
        let table = extents(terms);
        Tracer::new(&self.builder, self.builder.borrow_mut().contract(1.0, operands, out, &table))
    }

    /// The matrix product, of vectors or matrices: `[k] x [k, n]`, `[m, k] x [k]`, `[m, k] x [k, n]`, `[k] x [k]`.
    #[track_caller]
    #[must_use]
    pub fn matmul(&self, other: &Tracer) -> Tracer {
        let formula = match (self.shape().len(), other.shape().len()) {
            (1, 1) => "k,k->",
            (1, 2) => "k,kn->n",
            (2, 1) => "mk,k->m",
            (2, 2) => "mk,kn->mn",
            _ => {
                let (a, b) = (self.shape(), other.shape());
                return self.refuse(
                    Location::caller(),
                    format!("matmul: shapes {a:?} and {b:?}: vectors and matrices only"),
                );
            }
        };
        self.einsum(formula, other)
    }

    /// The inner product of two vectors.
    #[track_caller]
    #[must_use]
    pub fn dot(&self, other: &Tracer) -> Tracer {
        self.einsum("k,k->", other)
    }

    /// The outer product of two vectors.
    #[track_caller]
    #[must_use]
    pub fn outer(&self, other: &Tracer) -> Tracer {
        self.einsum("i,j->ij", other)
    }

    /// The sum of all elements of one example.
    #[must_use]
    pub fn sum(&self) -> Tracer {
        self.contraction(&[&self.aligned_right()], &[], self.has_example())
    }

    /// The sum along one axis.
    #[track_caller]
    #[must_use]
    pub fn sum_axis(&self, axis: usize) -> Tracer {
        let rank = self.shape().len();
        if axis >= rank {
            return self
                .refuse(Location::caller(), format!("sum_axis: axis {axis} of shape {:?}", self.shape()));
        }
        let out: Labels = (1..=rank as Label).rev().filter(|&l| l != (rank - axis) as Label).collect();
        self.contraction(&[&self.aligned_right()], &out, self.has_example())
    }

    /// `sum_i c_i x_i` of values of one shape, in one pass.
    #[track_caller]
    #[must_use]
    pub fn linear_combination(terms: &[(f64, &Tracer)]) -> Option<Tracer> {
        let (_, first) = terms.first()?;
        if let Some((_, void)) = terms.iter().find(|(_, t)| t.void) {
            return Some((*void).clone());
        }
        if let Some((_, other)) = terms.iter().find(|(_, t)| !Rc::ptr_eq(&t.builder, &first.builder)) {
            return Some(
                other.refuse(Location::caller(), "linear_combination: values of different recordings".into()),
            );
        }
        if let Some((_, other)) = terms.iter().find(|(_, t)| t.shape() != first.shape()) {
            let message =
                format!("linear_combination: shapes {:?} and {:?} differ", first.shape(), other.shape());
            return Some(first.refuse(Location::caller(), message));
        }
        let all: Vec<Term> = terms.iter().map(|(_, t)| t.aligned_right()).collect();
        let operands: Vec<_> = terms.iter().zip(&all).map(|((c, _), t)| (*c, t.operand.clone())).collect();
        let example = terms.iter().any(|(_, t)| t.has_example()).then_some(EXAMPLE);
        let out = example.into_iter().chain((1..=first.shape().len() as Label).rev()).collect();
        let table = extents(&all.iter().collect::<Vec<_>>());
        Some(Tracer::new(&first.builder, first.builder.borrow_mut().add(&operands, &out, &table)))
    }

    /// The sum over all examples. The result is shared.
    #[must_use]
    pub fn sum_examples(&self) -> Tracer {
        let out: Labels = (1..=self.shape().len() as Label).rev().collect();
        if self.has_example() {
            self.contraction(&[&self.aligned_right()], &out, false)
        } else {
            self.clone() * self.count()
        }
    }

    /// The mean over all examples. The result is shared.
    #[must_use]
    pub fn mean_examples(&self) -> Tracer {
        if self.has_example() { self.sum_examples() / self.count() } else { self.clone() }
    }

    fn count(&self) -> Tracer {
        Recorder { builder: self.builder.clone() }.count()
    }

    /// The value repeated to `shape`: its own axes are the last ones, and an axis of length 1 becomes any length.
    #[track_caller]
    #[must_use]
    pub fn broadcast_to(&self, shape: &[usize]) -> Tracer {
        let own = self.shape();
        let fits = own.len() <= shape.len()
            && own.iter().rev().zip(shape.iter().rev()).all(|(&m, &n)| m == n || m == 1);
        if !fits {
            return self.refuse(
                Location::caller(),
                format!("broadcast_to: shape {own:?} does not broadcast to {shape:?}"),
            );
        }
        if let Err(error) = check_shape(shape) {
            return Tracer::note(&self.builder, error.at(Location::caller()));
        }
        let mut term = self.aligned_right();
        let mut spread = Vec::new();
        for (k, &n) in shape.iter().rev().enumerate() {
            let label = k as Label + 1;
            if own.len() <= k || own[own.len() - 1 - k] != n {
                term = if own.len() <= k { term } else { without(&term, label) };
                spread.push((label, Extent::Fixed(n)));
            }
        }
        let example = self.has_example().then_some(EXAMPLE);
        let out: Labels = example.into_iter().chain((1..=shape.len() as Label).rev()).collect();
        Tracer::new(&self.builder, term.onto(&out, &spread))
    }

    /// The same value for each example, where the value is shared; else the value itself.
    #[must_use]
    pub fn to_examples(&self) -> Tracer {
        let out = sorted(&(0..=self.shape().len() as Label).collect());
        Tracer { node: self.aligned_right().onto(&out, &[(EXAMPLE, Extent::Example)]), ..self.clone() }
    }

    /// The axes in another order: axis `k` of the result is axis `order[k]` of this value.
    #[track_caller]
    #[must_use]
    pub fn permute(&self, order: &[usize]) -> Tracer {
        let rank = self.shape().len();
        let mut seen = order.to_vec();
        seen.sort_unstable();
        if seen != (0..rank).collect::<Vec<_>>() {
            let message = format!("permute: {order:?} is no order of the axes of shape {:?}", self.shape());
            return self.refuse(Location::caller(), message);
        }
        let out: Labels = order.iter().map(|&k| (rank - k) as Label).collect();
        self.contraction(&[&self.aligned_right()], &out, self.has_example())
    }

    /// The axes in reverse order; for a matrix, its transpose.
    #[must_use]
    pub fn transpose(&self) -> Tracer {
        let order: Vec<usize> = (0..self.shape().len()).rev().collect();
        self.permute(&order)
    }

    /// The diagonal of a square matrix. What is beside it is not computed.
    #[track_caller]
    #[must_use]
    pub fn diagonal(&self) -> Tracer {
        match self.shape()[..] {
            [m, n] if m == n => self.contraction(&[&self.term([1, 1])], &[1], self.has_example()),
            _ => self.refuse(
                Location::caller(),
                format!("diagonal: shape {:?} is no square matrix", self.shape()),
            ),
        }
    }

    /// The sum of the diagonal of a square matrix.
    #[track_caller]
    #[must_use]
    pub fn trace(&self) -> Tracer {
        match self.shape()[..] {
            [m, n] if m == n => self.contraction(&[&self.term([1, 1])], &[], self.has_example()),
            _ => self
                .refuse(Location::caller(), format!("trace: shape {:?} is no square matrix", self.shape())),
        }
    }

    /// The value itself, as a constant to every derivative.
    #[must_use]
    pub fn stop_gradient(&self) -> Tracer {
        let term = self.aligned_right();
        let (out, table) = (term.operand.labels.clone(), extents(&[&term]));
        Tracer::new(&self.builder, self.builder.borrow_mut().structural(Op::Stop, term.operand, &out, &table))
    }
}

/// The term without an index of length one.
fn without(term: &Term, label: Label) -> Term {
    let out: Labels = term.operand.labels.iter().copied().filter(|&l| l != label).collect();
    Term::new(&term.builder, term.onto(&out, &[]), out)
}

/// The example first, then axes from the left, where labels count from the right.
fn sorted(labels: &Labels) -> Labels {
    let mut out = labels.clone();
    out.sort_unstable_by_key(|&l| if l == EXAMPLE { (0, 0) } else { (1, Label::MAX - l) });
    out
}

/// The labels of each part of an einsum formula, checked against the shapes.
fn einsum_labels(formula: &str, shapes: &[&[usize]]) -> std::result::Result<Vec<Labels>, String> {
    let refuse = |why: &str| Err(format!("einsum `{formula}` on shapes {shapes:?}: {why}"));
    let Some((left, right)) = formula.split_once("->") else { return refuse("there is no `->`") };
    let parts: Vec<&str> = left.split(',').chain([right]).map(str::trim).collect();
    if parts.len() != shapes.len() + 1 {
        return refuse("there must be one list of letters per operand");
    }
    let mut lengths = std::collections::BTreeMap::new();
    for (part, shape) in parts.iter().zip(shapes) {
        if part.chars().count() != shape.len() {
            return refuse("there must be one letter per axis");
        }
        for (letter, &n) in part.chars().zip(*shape) {
            if !letter.is_ascii_alphabetic() {
                return refuse("indices are letters");
            }
            if *lengths.entry(letter).or_insert(n) != n {
                return refuse(&format!("`{letter}` has two lengths"));
            }
        }
    }
    if let Some(letter) = right.trim().chars().find(|l| !lengths.contains_key(l)) {
        return refuse(&format!("no operand has `{letter}`"));
    }
    let out: Vec<usize> = right.trim().chars().map(|letter| lengths[&letter]).collect();
    if let Err(error) = check_shape(&out) {
        return refuse(&error.to_string());
    }
    let label = |letter: char| lengths.keys().position(|&l| l == letter).unwrap_or_default() as Label + 1;
    Ok(parts.iter().map(|part| part.chars().map(label).collect()).collect())
}

/// The shape that two shapes broadcast to, from the right.
fn broadcast_shape(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let (long, short) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    let gap = long.len() - short.len();
    let mut shape = long.to_vec();
    for (n, &m) in shape[gap..].iter_mut().zip(short) {
        *n = match (*n, m) {
            (n, m) if n == m || m == 1 => n,
            (1, m) => m,
            _ => return None,
        };
    }
    Some(shape)
}
