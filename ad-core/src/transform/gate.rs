//! Where cotangents are known to be zero, so that no slope there does harm.
//!
//! Behind a `select` in reverse, the side that was not taken gets a cotangent of zero, and its slopes may be infinite or
//! NaN: `select(x > 0, ln x, 0)` at `x = 0`. Zero times that is NaN. So a cotangent carries the masks it went through,
//! as far back as they can be told, and what it is multiplied by is selected with them, so that zero meets zero. Lines
//! that are finite anyway are not touched, and without a `select` nothing is.

use smallvec::SmallVec;

use crate::elementary::{Binary, Elementary, Unary};
use crate::tape::{Builder, Labels, Node, NodeId, Op, Operand, SharedBuilder, Term};

/// A mask outside of which a value's cotangent is zero.
#[derive(Clone, PartialEq)]
struct Gate {
    mask: NodeId,
    /// Which axis of the value each axis of the mask is.
    axes: SmallVec<[usize; 4]>,
    /// Whether the mask lets pass where it is not zero, or where it is.
    passes: bool,
}

/// All such masks of a cotangent.
#[derive(Clone, Default)]
pub(super) struct Gates(SmallVec<[Gate; 1]>);

/// What holds for a sum: the gates that all its parts have.
pub(super) fn shared(parts: &[Gates]) -> Gates {
    let Some((first, rest)) = parts.split_first() else { return Gates::new() };
    Gates(first.0.iter().filter(|gate| rest.iter().all(|part| part.0.contains(gate))).cloned().collect())
}

impl Gates {
    pub(super) fn new() -> Self {
        Gates::default()
    }

    /// The gates of the cotangent of operand `k`, where these are those of the line's value.
    pub(super) fn through(&self, line: &Node, k: usize) -> Gates {
        let operand = &line.operands[k];
        // An axis of the value is one of the operand if it is read along it.
        let moved = |gate: &Gate| {
            let place = |&axis: &usize| operand.labels.iter().position(|&l| l == line.out[axis]);
            let axes = gate.axes.iter().map(place).collect::<Option<_>>()?;
            Some(Gate { axes, ..gate.clone() })
        };
        match line.op {
            Op::Contract(_) | Op::Add(_) => Gates(self.0.iter().filter_map(moved).collect()),
            Op::Select => {
                let mask = &line.operands[0];
                let place = |l| operand.labels.iter().position(|m| m == l);
                let own = mask.labels.iter().map(place).collect::<Option<_>>();
                let own = own.map(|axes| Gate { mask: mask.node, axes, passes: k == 1 });
                Gates(self.0.iter().filter_map(moved).chain(own).collect())
            }
            // These read other places than they write.
            Op::Input(_)
            | Op::Constant(_)
            | Op::Unary(_)
            | Op::Binary(_)
            | Op::Slice(_)
            | Op::Pad(_)
            | Op::Gather(_)
            | Op::Scatter(_)
            | Op::Reshape
            | Op::Stop
            | Op::Rule(..) => Gates::new(),
        }
    }

    /// What the cotangent of a line is multiplied by, zero where the cotangent is known to be.
    pub(super) fn guard(
        &self,
        builder: &SharedBuilder,
        line: &Node,
        other: &Operand,
        finite: &[bool],
    ) -> Operand {
        if finite.get(other.node.index()).copied().unwrap_or_default() {
            return other.clone();
        }
        let mut guarded = Term::new(builder, other.node, other.labels.clone());
        for gate in &self.0 {
            let labels: Labels = gate.axes.iter().map(|&axis| line.out[axis]).collect();
            // A factor that more places share than the mask tells apart stays as it is.
            if labels.iter().all(|l| other.labels.contains(l)) {
                let mask = Term::new(builder, gate.mask, labels);
                let zero = guarded.lift(0.0);
                guarded =
                    if gate.passes { mask.select(&guarded, &zero) } else { mask.select(&zero, &guarded) };
            }
        }
        guarded.operand
    }
}

/// Which lines of a tape are finite wherever its inputs are, overflow of sums and products aside.
pub(super) fn finite_lines(builder: &Builder) -> Vec<bool> {
    let mut finite: Vec<bool> = Vec::with_capacity(builder.len());
    for id in (0..builder.len()).map(NodeId::new) {
        let node = builder.node(id);
        let safe = match &node.op {
            Op::Unary(f) => has_finite_values(*f),
            Op::Binary(f) => match f {
                Binary::Max | Binary::Min | Binary::Hypot | Binary::Less => true,
                Binary::Div | Binary::Pow | Binary::Atan2 => false,
            },
            Op::Input(_)
            | Op::Constant(_)
            | Op::Contract(_)
            | Op::Add(_)
            | Op::Select
            | Op::Slice(_)
            | Op::Pad(_)
            | Op::Gather(_)
            | Op::Scatter(_)
            | Op::Reshape
            | Op::Stop
            | Op::Rule(..) => true,
        };
        finite.push(safe && node.operands.iter().all(|o| finite[o.node.index()]));
    }
    finite
}

/// Whether a function is finite at all finite numbers.
fn has_finite_values(f: Unary) -> bool {
    match f {
        Unary::Abs
        | Unary::Sign
        | Unary::Step
        | Unary::Floor
        | Unary::Cbrt
        | Unary::Sin
        | Unary::Cos
        | Unary::Atan
        | Unary::Tanh
        | Unary::Asinh
        | Unary::Sigmoid
        | Unary::Softplus
        | Unary::Relu => true,
        Unary::Recip
        | Unary::Sqrt
        | Unary::Exp
        | Unary::ExpM1
        | Unary::Ln
        | Unary::Ln1p
        | Unary::Tan
        | Unary::Asin
        | Unary::Acos
        | Unary::Sinh
        | Unary::Cosh
        | Unary::Acosh
        | Unary::Atanh => false,
    }
}
