//! Tapes with other lines in place of some.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use smallvec::SmallVec;

use crate::elementary::{Binary, Elementary};
use crate::tape::{Builder, Label, Node, NodeId, Op, Operand, SharedBuilder, Tape, Term};

impl Tape {
    /// The same tape without marks of rules: finite values are the same to the bit, derivatives are from then on those of what
    /// the rules compute. It is what [`Tape::compile`] compiles and [`Tape::split`] splits. Where a mark kept lines apart,
    /// what is zero by construction (the rest of a padding) may no longer meet a NaN or an infinity.
    #[must_use]
    pub fn without_rules(&self) -> Tape {
        self.lowered().into_owned()
    }

    pub(crate) fn lowered(&self) -> Cow<'_, Tape> {
        if !self.nodes().iter().any(|node| matches!(node.op, Op::Rule(..))) {
            return Cow::Borrowed(self);
        }
        Cow::Owned(self.rebuilt(|builder, node, places| match node.op {
            Op::Rule(_, k) => places[node.operands[k].node.index()],
            _ => builder.borrow_mut().copy(node, places),
        }))
    }

    /// The tape of a rule with `x_dot / a` as `x_dot * (1 / a)`, and so with cotangents: equal but for rounding, and a product
    /// transposes.
    pub(super) fn with_products(&self) -> Tape {
        let mut moves = vec![false; self.nodes().len()];
        for (name, id) in self.inputs() {
            moves[id.index()] = name.ends_with("_dot") || name.ends_with("_bar");
        }
        for (k, node) in self.nodes().iter().enumerate() {
            moves[k] |= node.operands.iter().any(|o| moves[o.node.index()]);
        }
        let moves = |operand: &Operand| moves[operand.node.index()];
        self.rebuilt(|builder, node, places| match (&node.op, &node.operands[..]) {
            (Op::Binary(Binary::Div), [a, b]) if moves(a) && !moves(b) => {
                let [a, b] = [a, b].map(|o| Term::new(builder, places[o.node.index()], o.labels.clone()));
                let spread: SmallVec<[(Label, _); 8]> =
                    node.out.iter().map(|&l| (l, node.extent(l))).collect();
                (a * b.recip()).onto(&node.out, &spread)
            }
            _ => builder.borrow_mut().copy(node, places),
        })
    }

    /// The tape with each line but the inputs added by `line`, to which lines of this tape it is told where they are.
    fn rebuilt(&self, line: impl Fn(&SharedBuilder, &Node, &[NodeId]) -> NodeId) -> Tape {
        let builder: SharedBuilder = Rc::new(RefCell::new(Builder::default()));
        let mut places: Vec<NodeId> = Vec::with_capacity(self.nodes().len());
        for node in self.nodes() {
            places.push(match node.op {
                Op::Input(number) => builder.borrow_mut().input(&self.inputs()[number].0, &node.dims()),
                _ => line(&builder, node, &places),
            });
        }
        let outputs: Vec<(String, NodeId)> =
            self.outputs().iter().map(|(name, id)| (name.clone(), places[id.index()])).collect();
        let builder = builder.borrow();
        builder.finish(&builder.inputs, &outputs)
    }
}
