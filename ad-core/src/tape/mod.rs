//! The tape: a straight-line list of operations on arrays, in index notation.
//!
//! Each line of a tape reads like a formula of a textbook. Letters are indices, and they mean something on their line
//! only; `e` is the example index, whose size is known when the tape runs:
//!
//! ```text
//! v3[e,i] = tanh v2[e,i]
//! v4[e,i] = sum_j v3[e,j] * v1[j,i]
//! ```
//!
//! Any operand may repeat a letter (`v2[e,i,i]`: a diagonal), leave letters of the result out (broadcast) or carry
//! letters that the result leaves out (a sum, in a contraction). So renaming, transposition, diagonals, broadcasts,
//! sums, identity matrices, counts and all products are *one* operation, [`Op::Contract`], and its transposes are
//! contractions again.

mod builder;
mod cost;
mod parse;
mod recorder;
mod rule;
mod single;
mod term;
mod text;
mod tracer;
mod verify;

use std::fmt;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::elementary::{Binary, Unary};
use crate::error::{Error, Result};

pub(crate) use builder::{Builder, SharedBuilder, all_distinct};
pub use cost::{Cost, Work};
pub use recorder::{IntoOutputs, Recorder};
pub use rule::{ArrayRule, RuleTape};
pub(crate) use term::Term;
pub use tracer::Tracer;
pub(crate) use verify::check_shape;

/// A node of a tape: its place in the list. Prints as `v7`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(u32);

impl NodeId {
    pub(crate) fn new(index: usize) -> Self {
        NodeId(u32::try_from(index).expect("a tape has fewer than 2^32 nodes"))
    }

    /// The place in the list.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

/// How far an index runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Extent {
    /// Over the examples: known when the tape runs.
    Example,
    /// From 0 to `n - 1`.
    Fixed(usize),
}

/// An index on one line of a tape: a small number, meaningful on that line only.
pub type Label = u8;
/// The indices of an operand or a result, in order.
pub type Labels = SmallVec<[Label; 8]>;
/// The dimensions of a value, in order; `Extent::Example` can only come first.
pub type Dims = SmallVec<[Extent; 4]>;

/// A number on a tape, compared and hashed by its bits.
#[derive(Clone, Copy, Debug)]
pub struct Coefficient(pub f64);

impl PartialEq for Coefficient {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}
impl Eq for Coefficient {}
impl std::hash::Hash for Coefficient {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

/// What a node computes from its operands.
///
/// An index is *local* to an operand or the result if only that one has it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// The input with this place in [`Tape::inputs`].
    Input(usize),
    /// An array of numbers, row-major.
    Constant(Arc<[Coefficient]>),
    /// `coefficient * sum (product of up to two operands)`, summed over the indices that the result lacks. An index
    /// that only the result has broadcasts; an index twice in the result fills the diagonal, with zeros beside it; a
    /// summed index that no operand has counts.
    Contract(Coefficient),
    /// `sum_i coefficient_i * operand_i`; an operand broadcasts along indices it lacks.
    Add(SmallVec<[Coefficient; 4]>),
    /// An elementary function, element by element.
    Unary(Unary),
    /// An elementary function of two operands, element by element.
    Binary(Binary),
    /// `operand_1` where `operand_0` is not zero, else `operand_2`, element by element.
    Select,
    /// The local index `i` of the operand and `j` of the result: `y[j] = x[j + start]`.
    Slice(usize),
    /// `y[j] = x[j - start]` where that exists, else 0.
    Pad(usize),
    /// `y[j] = x[indices[j]]`.
    Gather(Arc<[usize]>),
    /// `y[j] = sum of x[i] over all i with indices[i] = j`.
    Scatter(Arc<[usize]>),
    /// The local indices of the operand, counted row-major as one, are the local indices of the result counted so.
    Reshape,
    /// The operand itself; no derivative passes.
    Stop,
    /// The operand with this place itself; its derivative is that of a rule. The operands are all values of the rule, then its
    /// arguments, and no letter of one is a letter of another, but that of the examples.
    Rule(Arc<RuleTape>, usize),
}

/// An operand of a node: which value, read along which indices.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Operand {
    /// The value.
    pub node: NodeId,
    /// One index per dimension of the value.
    pub labels: Labels,
}

/// One line of a tape.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// What is computed.
    pub op: Op,
    /// From which values.
    pub operands: SmallVec<[Operand; 2]>,
    /// The indices of the result, in order.
    pub out: Labels,
    /// How far each index runs, by its number.
    pub extents: Dims,
}

impl Node {
    /// The dimensions of the result.
    pub fn dims(&self) -> Dims {
        self.out.iter().map(|&l| self.extents[l as usize]).collect()
    }

    /// The dimensions of the result without the example: the shape of one example.
    pub fn shape(&self) -> Vec<usize> {
        shape_of(&self.dims())
    }

    /// The number of elements of the result, for one example.
    pub(crate) fn size(&self) -> usize {
        let fixed = |&l: &Label| if let Extent::Fixed(n) = self.extent(l) { n } else { 1 };
        self.out.iter().map(fixed).product()
    }

    /// How far an index runs.
    pub fn extent(&self, label: Label) -> Extent {
        self.extents[label as usize]
    }

    /// The example index of this line, if it has one.
    pub fn example_label(&self) -> Option<Label> {
        self.extents.iter().position(|&x| x == Extent::Example).map(|l| l as Label)
    }

    /// Whether the result has the example index.
    pub fn has_example(&self) -> bool {
        self.example_label().is_some_and(|l| self.out.contains(&l))
    }

    /// The indices that only the operand has, and those that only the result has: where [`Op::Slice`] and its kin act.
    pub fn local_labels(&self) -> (Labels, Labels) {
        let operand = &self.operands[0].labels;
        let only = |a: &Labels, b: &Labels| a.iter().copied().filter(|l| !b.contains(l)).collect();
        (only(operand, &self.out), only(&self.out, operand))
    }

    /// Whether a contraction sums: whether its result lacks an index.
    pub(crate) fn sums(&self) -> bool {
        (0..self.extents.len() as Label).any(|l| !self.out.contains(&l))
    }

    /// The indices that are summed over though no operand has them.
    pub fn counted(&self) -> Labels {
        let used = |l: &Label| self.out.contains(l) || self.operands.iter().any(|o| o.labels.contains(l));
        (0..self.extents.len() as Label).filter(|l| !used(l)).collect()
    }

    /// Whether the operation is linear in each of its operands (a mask of [`Op::Select`] aside).
    pub fn is_linear(&self) -> bool {
        !matches!(
            self.op,
            Op::Input(_) | Op::Constant(_) | Op::Unary(_) | Op::Binary(_) | Op::Stop | Op::Rule(..)
        )
    }
}

/// The dimensions without the example: what a user calls the shape.
pub(crate) fn shape_of(dims: &[Extent]) -> Vec<usize> {
    dims.iter()
        .filter_map(|d| match d {
            Extent::Fixed(n) => Some(*n),
            Extent::Example => None,
        })
        .collect()
}

/// An immutable, straight-line program on arrays: recorded once, transformed into others, compiled and run.
///
/// ```
/// use ad_core::{Elementary, Tape};
/// let tape = Tape::record(|t| {
///     let x = t.example("x", &[3]);
///     let w = t.shared("w", &[3, 2]);
///     [("y", x.matmul(&w).tanh())]
/// })?;
/// println!("{tape}");
/// # Ok::<(), ad_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tape {
    nodes: Vec<Node>,
    inputs: Vec<(String, NodeId)>,
    outputs: Vec<(String, NodeId)>,
}

impl Tape {
    /// The lines, each after the lines it reads.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The same inputs and outputs with other lines, one for one.
    pub(crate) fn with_nodes(&self, nodes: Vec<Node>) -> Tape {
        Tape { nodes, inputs: self.inputs.clone(), outputs: self.outputs.clone() }
    }

    /// One line.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// Names and nodes of the inputs, in order.
    pub fn inputs(&self) -> &[(String, NodeId)] {
        &self.inputs
    }

    /// Names and nodes of the outputs, in order.
    pub fn outputs(&self) -> &[(String, NodeId)] {
        &self.outputs
    }

    /// The input called `name`.
    ///
    /// # Errors
    /// Where no input has that name; the message lists those that there are.
    pub fn input(&self, name: &str) -> Result<NodeId> {
        find(&self.inputs, name, "input")
    }

    /// The output called `name`.
    ///
    /// # Errors
    /// Where no output has that name; the message lists those that there are.
    pub fn output(&self, name: &str) -> Result<NodeId> {
        find(&self.outputs, name, "output")
    }
}

fn find(list: &[(String, NodeId)], name: &str, what: &str) -> Result<NodeId> {
    list.iter().find(|(n, _)| n == name).map(|&(_, id)| id).ok_or_else(|| {
        let names: Vec<_> = list.iter().map(|(n, _)| n.as_str()).collect();
        Error::new(format!("the tape has no {what} `{name}`; its {what}s are {}", names.join(", ")))
    })
}
