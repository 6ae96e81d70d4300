//! Tape to tape: forward differentiation, transposition, and what follows from them.
//!
//! Two kinds of operation are told apart: what bends has a slope in the table of elementary functions, what is straight
//! is transposed. Everything else (reverse mode, reverse over forward, higher orders) is made of these two.

mod cut;
mod forward;
mod gate;
mod linear;
mod split;
mod transpose;

use smallvec::SmallVec;

use crate::error::{Error, Result};
use crate::tape::{
    Dims, Extent, Label, Labels, NodeId, Operand, Recorder, SharedBuilder, Tape, Term, Tracer, check_shape,
};

pub use linear::Linear;
pub(crate) use transpose::check_linear;

/// A tangent or cotangent of a value: a node with the value's dimensions, and perhaps a direction after the example.
#[derive(Clone, Copy)]
pub(crate) struct Tangent {
    node: NodeId,
    /// Whether it has the example index. A tangent may lack one that its value has: it is then constant along it.
    example: bool,
    /// How many directions it holds, if it has that index.
    directions: Option<usize>,
}

impl Tangent {
    /// The labels of a tangent of a value that is read along `labels`; `direction` is free on this line.
    fn labels(&self, labels: &[Label], value_has_example: bool, direction: Label) -> Labels {
        let (example, rest) = labels.split_at(usize::from(value_has_example));
        let example = example.iter().copied().filter(|_| self.example);
        example.chain(self.directions.map(|_| direction)).chain(rest.iter().copied()).collect()
    }
}

/// The extents of a line with one more index, the direction, whose label is returned.
fn with_direction(extents: &[Extent], directions: Option<usize>) -> (Dims, Label) {
    let mut table: Dims = extents.iter().copied().collect();
    table.push(Extent::Fixed(directions.unwrap_or(1)));
    (table, extents.len() as Label)
}

/// The sum of several tangents of one value of dimensions `dims`.
fn sum(builder: &SharedBuilder, dims: &[Extent], parts: &[Tangent]) -> Option<Tangent> {
    let (&first, rest) = parts.split_first()?;
    if rest.is_empty() {
        return Some(first);
    }
    let example = parts.iter().any(|t| t.example);
    let directions = parts.iter().find_map(|t| t.directions);
    let has_example = dims.first() == Some(&Extent::Example);
    let axes: Labels = (0..dims.len() as Label).collect();
    let (table, direction) = with_direction(dims, directions);
    let terms: SmallVec<[(f64, Operand); 4]> = parts
        .iter()
        .map(|t| (1.0, Operand { node: t.node, labels: t.labels(&axes, has_example, direction) }))
        .collect();
    let whole = Tangent { node: first.node, example, directions };
    let out = whole.labels(&axes, has_example, direction);
    let node = builder.borrow_mut().add(&terms, &out, &table);
    Some(Tangent { node, ..whole })
}

/// A tangent with all dimensions of its value `dims`, the example too: zero if there is none.
fn complete(
    builder: &SharedBuilder,
    dims: &[Extent],
    tangent: Option<Tangent>,
    directions: Option<usize>,
) -> Tangent {
    let has_example = dims.first() == Some(&Extent::Example);
    let axes: Labels = (0..dims.len() as Label).collect();
    let (table, direction) = with_direction(dims, directions);
    let whole = Tangent { node: NodeId::new(0), example: has_example, directions };
    let out = whole.labels(&axes, has_example, direction);
    let node = match tangent {
        Some(t) => {
            let operand = Operand { node: t.node, labels: t.labels(&axes, has_example, direction) };
            builder.borrow_mut().contract(1.0, SmallVec::from_iter([operand]), out, &table)
        }
        None => builder.borrow_mut().contract(0.0, SmallVec::new(), out, &table),
    };
    Tangent { node, ..whole }
}

/// Appends the lines of `tape` to a builder, its inputs replaced; returns where each of them is.
pub(crate) fn inline(builder: &SharedBuilder, tape: &Tape, inputs: &[NodeId]) -> Vec<NodeId> {
    let mut place: Vec<NodeId> = Vec::with_capacity(tape.nodes().len());
    for node in tape.nodes() {
        let id = if let crate::tape::Op::Input(number) = node.op {
            // An input with examples may be given a shared value: the same for each.
            let (dims, given) = (node.dims(), inputs[number]);
            let axes: Labels = (0..dims.len() as Label).collect();
            let skip = dims.len() - builder.borrow().dims(given).len();
            let labels = axes[skip..].iter().copied().collect();
            let term = Term::new(builder, given, labels);
            term.onto(&axes, &axes.iter().copied().zip(dims).collect::<Vec<_>>())
        } else {
            builder.borrow_mut().copy(node, &place)
        };
        place.push(id);
    }
    place
}

impl Recorder {
    /// Forward mode inside a recording: the tangents of `outputs` when each `value` of `seeds` moves along its
    /// tangent, all else held.
    ///
    /// A tangent has the shape of its value, or that shape with one axis before it: so many directions at once, the
    /// same number for all seeds; the results have that axis first too. With [`Recorder::identity`] as the tangent of
    /// a vector the result is the transpose of the Jacobian, and no product with the identity is ever computed.
    #[track_caller]
    pub fn push_forward(&self, seeds: &[(&Tracer, &Tracer)], outputs: &[&Tracer]) -> Vec<Tracer> {
        let place = std::panic::Location::caller();
        let tracers = seeds.iter().flat_map(|(a, b)| [*a, *b]).chain(outputs.iter().copied());
        if let Err(error) = tracers.into_iter().try_for_each(|t| t.check_same_recording(self)) {
            return vec![self.fail(error.at(place)); outputs.len()];
        }
        match read_seeds(seeds, outputs).and_then(|(read, k)| once_each(&read).map(|()| (read, k))) {
            Ok((seeds, directions)) => {
                let tangents = forward::push_forward(&self.builder, &seeds);
                let whole = |t: &&Tracer| {
                    let tangent = tangents.get(&t.node()).copied();
                    self.tracer(complete(&self.builder, &t.dims(), tangent, directions).node)
                };
                outputs.iter().map(whole).collect()
            }
            Err(error) => vec![self.fail(error.at(place)); outputs.len()],
        }
    }

    /// Reverse mode inside a recording: the cotangents of `inputs` that belong to the cotangents given for some
    /// outputs, `(value, cotangent)`. A cotangent has the shape of its value, or that shape with an axis of several
    /// cotangents before it, as in [`Recorder::push_forward`].
    ///
    /// The cotangent of a shared value is the sum over all examples.
    #[track_caller]
    pub fn pull_back(&self, outputs: &[(&Tracer, &Tracer)], inputs: &[&Tracer]) -> Vec<Tracer> {
        let place = std::panic::Location::caller();
        let tracers = outputs.iter().flat_map(|(a, b)| [*a, *b]).chain(inputs.iter().copied());
        if let Err(error) = tracers.into_iter().try_for_each(|t| t.check_same_recording(self)) {
            return vec![self.fail(error.at(place)); inputs.len()];
        }
        match read_seeds(outputs, inputs) {
            Ok((outputs, directions)) => {
                let outputs: Vec<_> = outputs
                    .into_iter()
                    .map(|(value, t)| {
                        let dims = self.builder.borrow().dims(value);
                        (value, complete(&self.builder, &dims, Some(t), directions))
                    })
                    .collect();
                let inputs: Vec<NodeId> = inputs.iter().map(|t| t.node()).collect();
                let cotangents = transpose::pull_back(&self.builder, &outputs, &inputs, directions);
                cotangents.into_iter().map(|id| self.tracer(id)).collect()
            }
            Err(error) => vec![self.fail(error.at(place)); inputs.len()],
        }
    }
}

/// A value moves along one tangent.
fn once_each(seeds: &Seeds) -> Result<()> {
    let twice = seeds.iter().enumerate().any(|(k, (value, _))| seeds[..k].iter().any(|(v, _)| v == value));
    if twice { Err(Error::new("a value was given two tangents; add them")) } else { Ok(()) }
}

/// Values and their tangents.
type Seeds = Vec<(NodeId, Tangent)>;

/// Checks values against their tangents and tells whether there is an axis of directions, which the `results`
/// will have too.
fn read_seeds(seeds: &[(&Tracer, &Tracer)], results: &[&Tracer]) -> Result<(Seeds, Option<usize>)> {
    let mut directions = None;
    let mut read = Seeds::new();
    for (value, tangent) in seeds {
        let (shape, given) = (value.shape(), tangent.shape());
        let own = match given.split_first() {
            _ if given == shape => None,
            Some((&n, rest)) if rest == shape => Some(n),
            _ => {
                return Err(Error::new(format!(
                    "a tangent of shape {given:?} for a value of shape {shape:?}"
                )));
            }
        };
        if tangent.has_example() && !value.has_example() {
            return Err(Error::new("examples have their own tangents of a value that they share"));
        }
        if !read.is_empty() && own != directions {
            return Err(Error::new("the seeds do not have the same number of directions"));
        }
        directions = own;
        let tangent = Tangent { node: tangent.node(), example: tangent.has_example(), directions };
        read.push((value.node(), tangent));
    }
    for result in results {
        check_shape(&directions.into_iter().chain(result.shape()).collect::<Vec<_>>())?;
    }
    Ok((read, directions))
}
