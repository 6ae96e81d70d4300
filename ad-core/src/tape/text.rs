//! The text form of a tape, written: one line per node, in index notation.
//!
//! ```text
//! in x[e,i:3]
//! in w[i:3,j:4]
//! v2[e,i] = sum_j x[e,j] * w[j,i]
//! v3[e,i] = tanh v2[e,i]
//! v4[e,i:2] = v3[e,j] where j = i + 1
//! v5[e,i] = v4[e,i] - 0.5 * v2[e,i]
//! out y = v5
//! ```
//!
//! A rule of the user's own is a tape between `rule NAME` and `end`, which holds until the next of its name; `rule NAME.K(values,
//! arguments)` is its value `K` (see [`RuleTape`](super::RuleTape)).
//!
//! `vK` is the line at place `K`; an input goes by its own name (in backticks if that looks like `v7`). Letters live on
//! one line; `e` is the example. `:n` tells how far an index runs where no operand tells. A number stands as the
//! shortest decimal that reads back to the same bits. [`parse`](super::parse) reads all of it.

use std::collections::HashMap;
use std::fmt;

use super::{Coefficient, Extent, Label, Node, NodeId, Op, Operand, Tape};
use crate::elementary::Binary;

/// Letters of indices other than the example, in the order in which a line takes them.
const LETTERS: &[u8; 25] = b"ijklmnopqrstuvwxyzabcdfgh";

/// The operators that stand between their operands.
pub(super) const INFIX: [(Binary, char); 3] = [(Binary::Div, '/'), (Binary::Pow, '^'), (Binary::Less, '<')];

impl fmt::Display for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rules = HashMap::new();
        for (place, node) in self.nodes().iter().enumerate() {
            if let Op::Rule(rule, _) = &node.op
                && rules.insert(rule.name(), rule) != Some(rule)
            {
                writeln!(f, "rule {}", rule.name())?;
                rule.tape().to_string().lines().try_for_each(|line| writeln!(f, "    {line}"))?;
                writeln!(f, "end")?;
            }
            writeln!(f, "{}", Line { tape: self, node, id: NodeId::new(place) })?;
        }
        self.outputs().iter().try_for_each(|(name, id)| writeln!(f, "out {name} = {}", Name(self, *id)))
    }
}

/// Whether a name is kept for lines: `v` and digits.
pub(super) fn is_line_name(name: &str) -> bool {
    name.strip_prefix('v').is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
}

/// What operands call a node.
struct Name<'a>(&'a Tape, NodeId);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let input = match self.0.nodes().get(self.1.index()).map(|n| &n.op) {
            Some(Op::Input(number)) => self.0.inputs().get(*number),
            _ => None,
        };
        match input {
            Some((name, _)) if is_line_name(name) => write!(f, "`{name}`"),
            Some((name, _)) => f.write_str(name),
            None => write!(f, "{}", self.1),
        }
    }
}

/// An index letter of a line.
struct Letter<'a>(&'a Node, Label);

impl fmt::Display for Letter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (extents, label) = (&self.0.extents, self.1 as usize);
        if extents.get(label) == Some(&Extent::Example) {
            return f.write_str("e");
        }
        let rank = extents.iter().take(label).filter(|x| **x != Extent::Example).count();
        let letter = char::from(LETTERS[rank % LETTERS.len()]);
        match rank / LETTERS.len() {
            0 => write!(f, "{letter}"),
            round => write!(f, "{letter}{round}"),
        }
    }
}

/// Writes items with commas between them.
fn list<T>(
    f: &mut fmt::Formatter<'_>,
    items: impl IntoIterator<Item = T>,
    separator: &str,
    mut write: impl FnMut(&mut fmt::Formatter<'_>, T) -> fmt::Result,
) -> fmt::Result {
    for (k, item) in items.into_iter().enumerate() {
        if k > 0 {
            f.write_str(separator)?;
        }
        write(f, item)?;
    }
    Ok(())
}

/// The magnitude of a number; its sign is written by whoever knows what stands before it.
struct Magnitude(f64);

impl fmt::Display for Magnitude {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let x = self.0.abs();
        if x.to_bits() == f64::NAN.to_bits() {
            f.write_str("nan")
        } else if x.is_nan() {
            write!(f, "nan0x{:x}", x.to_bits())
        } else {
            let digits = format!("{x:?}");
            f.write_str(digits.strip_suffix(".0").unwrap_or(&digits))
        }
    }
}

/// A number with its sign.
struct Number(f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.0.is_sign_negative() { "-" } else { "" }, Magnitude(self.0))
    }
}

struct Line<'a> {
    tape: &'a Tape,
    node: &'a Node,
    id: NodeId,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Op::Input(_) = self.node.op {
            f.write_str("in ")?;
        }
        write!(f, "{}[", Name(self.tape, self.id))?;
        list(f, self.node.out.iter().enumerate(), ",", |f, (k, &label)| {
            write!(f, "{}", Letter(self.node, label))?;
            if self.node.out[..k].contains(&label) { Ok(()) } else { self.extent(f, label) }
        })?;
        f.write_str("]")?;
        if let Op::Input(_) = self.node.op {
            return Ok(());
        }
        f.write_str(" = ")?;
        self.body(f)
    }
}

impl Line<'_> {
    /// `:n` for an index that no operand has.
    fn extent(&self, f: &mut fmt::Formatter<'_>, label: Label) -> fmt::Result {
        match self.node.extents.get(label as usize) {
            Some(Extent::Fixed(n)) if !self.node.operands.iter().any(|o| o.labels.contains(&label)) => {
                write!(f, ":{n}")
            }
            _ => Ok(()),
        }
    }

    fn body(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operands = &self.node.operands;
        match &self.node.op {
            Op::Input(_) => Ok(()),
            Op::Constant(values) => {
                f.write_str("[")?;
                list(f, values.iter(), ", ", |f, c| write!(f, "{}", Number(c.0)))?;
                f.write_str("]")
            }
            Op::Contract(c) => self.contraction(f, *c),
            Op::Add(coefficients) => {
                for (k, (c, operand)) in coefficients.iter().zip(operands).enumerate() {
                    f.write_str(match (k, c.0.is_sign_negative()) {
                        (0, false) => "",
                        (0, true) => "-",
                        (_, false) => " + ",
                        (_, true) => " - ",
                    })?;
                    self.product(f, c.0.abs(), std::slice::from_ref(operand))?;
                }
                Ok(())
            }
            Op::Unary(function) => self.applied(f, function.name()),
            Op::Stop => self.applied(f, "stop"),
            Op::Binary(function) => match (INFIX.iter().find(|(g, _)| g == function), &operands[..]) {
                (Some((_, sign)), [a, b]) => {
                    self.operand(f, a)?;
                    write!(f, " {sign} ")?;
                    self.operand(f, b)
                }
                _ => self.called(f, function.name()),
            },
            Op::Select => self.called(f, "select"),
            Op::Rule(rule, k) => self.called(f, &format!("rule {}.{k}", rule.name())),
            Op::Slice(_) | Op::Pad(_) | Op::Gather(_) | Op::Scatter(_) | Op::Reshape => {
                list(f, operands, ", ", |f, o| self.operand(f, o))?;
                f.write_str(" where ")?;
                self.rule(f)
            }
        }
    }

    fn operand(&self, f: &mut fmt::Formatter<'_>, operand: &Operand) -> fmt::Result {
        write!(f, "{}[", Name(self.tape, operand.node))?;
        self.letters(f, &operand.labels)?;
        f.write_str("]")
    }

    fn letters(&self, f: &mut fmt::Formatter<'_>, labels: &[Label]) -> fmt::Result {
        list(f, labels, ",", |f, &label| write!(f, "{}", Letter(self.node, label)))
    }

    fn contraction(&self, f: &mut fmt::Formatter<'_>, c: Coefficient) -> fmt::Result {
        let summed: Vec<Label> =
            (0..self.node.extents.len() as Label).filter(|l| !self.node.out.contains(l)).collect();
        let with_extent = |f: &mut fmt::Formatter<'_>, &label: &Label| {
            write!(f, "{}", Letter(self.node, label))?;
            self.extent(f, label)
        };
        match &summed[..] {
            [] => {}
            [one] => {
                f.write_str("sum_")?;
                with_extent(f, one)?;
                f.write_str(" ")?;
            }
            many => {
                f.write_str("sum_{")?;
                list(f, many, ",", with_extent)?;
                f.write_str("} ")?;
            }
        }
        if c.0.is_sign_negative() {
            f.write_str("-")?;
        }
        self.product(f, c.0.abs(), &self.node.operands)
    }

    fn product(&self, f: &mut fmt::Formatter<'_>, c: f64, operands: &[Operand]) -> fmt::Result {
        if operands.is_empty() || c != 1.0 {
            write!(f, "{}{}", Magnitude(c), if operands.is_empty() { "" } else { " * " })?;
        }
        list(f, operands, " * ", |f, o| self.operand(f, o))
    }

    fn applied(&self, f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
        write!(f, "{name} ")?;
        list(f, &self.node.operands, ", ", |f, o| self.operand(f, o))
    }

    fn called(&self, f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
        write!(f, "{name}(")?;
        list(f, &self.node.operands, ", ", |f, o| self.operand(f, o))?;
        f.write_str(")")
    }

    /// Which local index of the operand is which of the result.
    fn rule(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.node.operands.is_empty() {
            return Ok(());
        }
        let (from, to) = self.node.local_labels();
        let mut equation = |left: &[Label], right: &[Label], start: usize| {
            self.letters(f, left)?;
            f.write_str(" = ")?;
            self.letters(f, right)?;
            write!(f, " + {start}")
        };
        match &self.node.op {
            Op::Slice(start) => equation(&from, &to, *start),
            Op::Pad(start) => equation(&to, &from, *start),
            Op::Gather(indices) => self.lookup(f, &from, indices, &to),
            Op::Scatter(indices) => self.lookup(f, &to, indices, &from),
            _ => {
                f.write_str("(")?;
                self.letters(f, &to)?;
                f.write_str(") = (")?;
                self.letters(f, &from)?;
                f.write_str(")")
            }
        }
    }

    fn lookup(
        &self,
        f: &mut fmt::Formatter<'_>,
        left: &[Label],
        indices: &[usize],
        right: &[Label],
    ) -> fmt::Result {
        self.letters(f, left)?;
        f.write_str(" = [")?;
        list(f, indices, ", ", |f, i| write!(f, "{i}"))?;
        f.write_str("][")?;
        self.letters(f, right)?;
        f.write_str("]")
    }
}
