//! A rule as data: what a mark carries, and what is written where a mark is met.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::error::{Error, Result};
use crate::tape::recorder::is_name;
use crate::tape::{Dims, Extent, Label, Node, NodeId, Op, Operand, SharedBuilder, Tape, all_distinct};
use crate::transform::{check_linear, inline};

/// A rule as a tape, for arguments of certain shapes: from `x0`, .., `y0`, .. and `x0_dot`, .. to the values `y0`, .. at
/// `x0`, .., and to `y0_dot`, ..; with the vjp, where jvp and vjp are given, from `y0_bar`, .. to `x0_bar`, .. too.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RuleTape {
    name: String,
    tape: Tape,
    arguments: usize,
    values: usize,
}

impl RuleTape {
    /// # Errors
    /// Where the name is none, inputs and outputs are not those of a rule, or a product is not linear.
    pub(crate) fn new(name: &str, tape: Tape) -> Result<RuleTape> {
        let count =
            |list: &[(String, NodeId)], end: &str| list.iter().filter(|(n, _)| n.ends_with(end)).count();
        let (n, m) = (count(tape.inputs(), "_dot"), count(tape.outputs(), "_dot"));
        let with_vjp = count(tape.inputs(), "_bar") + count(tape.outputs(), "_bar") > 0;
        let [bars_in, bars_out] = if with_vjp { [m, n] } else { [0, 0] };
        let inputs = [("x", n, ""), ("y", m, ""), ("x", n, "_dot"), ("y", bars_in, "_bar")]
            .map(|(a, k, b)| numbered(a, k, b));
        let outputs =
            [("y", m, ""), ("y", m, "_dot"), ("x", bars_out, "_bar")].map(|(a, k, b)| numbered(a, k, b));
        let named = |list: &[(String, NodeId)], names: &[String]| list.iter().map(|(name, _)| name).eq(names);
        // What belongs to a value or an argument has its dimensions.
        let fits = |(name, id): &(String, NodeId)| {
            let stem = name.split('_').next().unwrap_or_default();
            tape.input(stem).is_ok_and(|like| tape.node(like).dims() == tape.node(*id).dims())
        };
        if m == 0
            || !is_name(name)
            || !named(tape.inputs(), &inputs.concat())
            || !named(tape.outputs(), &outputs.concat())
            || !tape.inputs().iter().chain(tape.outputs()).all(fits)
        {
            return Err(Error::new(format!(
                "`{name}` is no name, or its tape has no inputs and outputs of a rule"
            )));
        }
        let ([_, _, x_dots, y_bars], [_, y_dots, x_bars]) = (&inputs, &outputs);
        check_linear(&tape, x_dots, y_dots)?;
        check_linear(&tape, y_bars, x_bars)?;
        Ok(RuleTape { name: name.to_owned(), tape, arguments: n, values: m })
    }

    /// What the rule is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Values and products as one tape.
    pub fn tape(&self) -> &Tape {
        &self.tape
    }

    /// How many values there are: the first operands of a line [`Op::Rule`]; its arguments follow.
    pub fn values(&self) -> usize {
        self.values
    }

    /// How many axes values and arguments have together.
    pub(super) fn axes(&self) -> usize {
        let inputs = &self.tape.inputs()[..self.arguments + self.values];
        inputs.iter().map(|(_, id)| self.tape.node(*id).out.len()).sum()
    }

    /// Whether the rule came with both products.
    pub(crate) fn has_vjp(&self) -> bool {
        self.tape.output("x0_bar").is_ok()
    }

    pub(crate) fn of_one_example(&self) -> RuleTape {
        RuleTape { tape: self.tape.of_one_example(), ..self.clone() }
    }

    /// The lines of the rule at given `x`, `y` and `x_dot`, as far as they are given, all else zero.
    fn lines(&self, builder: &SharedBuilder, given: &[NodeId]) -> Vec<NodeId> {
        let zero = builder.borrow_mut().number(0.0);
        let rest = std::iter::repeat(zero);
        let inputs: Vec<NodeId> = given.iter().copied().chain(rest).take(self.tape.inputs().len()).collect();
        let lines = inline(builder, &self.tape, &inputs);
        self.tape.outputs().iter().map(|(_, id)| lines[id.index()]).collect()
    }

    /// The values at `x`, marked.
    pub(crate) fn call(self: &Arc<Self>, builder: &SharedBuilder, x: &[NodeId]) -> Vec<NodeId> {
        let values = self.lines(builder, x);
        self.marks(builder, &[&values[..self.values], x].concat())
    }

    /// The tangents of the values at `operands` of a marked line, when the arguments move along `x_dot`.
    pub(crate) fn product(
        self: &Arc<Self>,
        builder: &SharedBuilder,
        operands: &[NodeId],
        x_dot: &[NodeId],
    ) -> Vec<NodeId> {
        let (y, x) = (self.marks(builder, operands), &operands[self.values..]);
        self.lines(builder, &[x, &y, x_dot].concat())[self.values..][..self.values].to_vec()
    }

    /// The lines that mark values, which come first among the operands.
    fn marks(self: &Arc<Self>, builder: &SharedBuilder, operands: &[NodeId]) -> Vec<NodeId> {
        let mut extents = Dims::from_slice(&[Extent::Example]);
        let mut label = |dim: Extent| match dim {
            Extent::Example => 0,
            Extent::Fixed(_) => {
                extents.push(dim);
                (extents.len() - 1) as Label
            }
        };
        let read = |&node: &NodeId| {
            let dims = builder.borrow().dims(node);
            Operand { node, labels: dims.into_iter().map(&mut label).collect() }
        };
        let operands: SmallVec<[Operand; 2]> = operands.iter().map(read).collect();
        let mark = |k: usize| {
            let (op, out) = (Op::Rule(self.clone(), k), operands[k].labels.clone());
            builder.borrow_mut().emit(&op, operands.clone(), &out, &extents, &[])
        };
        (0..self.values).map(mark).collect()
    }

    /// Whether a line has the form of a mark of value `k`: all its letters are different, but for the examples.
    pub(in crate::tape) fn verify_mark(&self, k: usize, node: &Node) -> std::result::Result<(), String> {
        let dims = |id: &NodeId| self.tape.node(*id).dims();
        let wanted = self.tape.inputs()[self.arguments..][..self.values]
            .iter()
            .chain(&self.tape.inputs()[..self.arguments])
            .map(|(_, id)| dims(id));
        let given = node.operands.iter().map(|o| o.labels.iter().map(|&l| node.extent(l)).collect::<Dims>());
        let fixed: Vec<Label> = node
            .operands
            .iter()
            .flat_map(|o| o.labels.iter().copied())
            .filter(|&l| node.extent(l) != Extent::Example)
            .collect();
        let own = node.operands.get(k).filter(|_| k < self.values);
        if given.eq(wanted) && all_distinct(&fixed) && own.is_some_and(|own| own.labels == node.out) {
            Ok(())
        } else {
            Err(format!(
                "it is not value {k} of rule `{}`, then its arguments, with letters of their own",
                self.name
            ))
        }
    }
}

/// `x0_dot`, `x1_dot`, ..
pub(super) fn numbered(stem: &str, count: usize, end: &str) -> Vec<String> {
    (0..count).map(|k| format!("{stem}{k}{end}")).collect()
}
