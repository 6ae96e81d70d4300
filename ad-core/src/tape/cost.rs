//! What a tape costs, counted from its lines.

use std::fmt;
use std::ops::{Add, AddAssign};

use super::{Extent, Node, Op, Tape};

/// Operations on single numbers, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Work {
    /// Multiplications with their additions: lines that multiply two operands.
    pub multiply_adds: f64,
    /// Values of elementary functions.
    pub elementary: f64,
    /// Numbers that are added, scaled, summed, or moved from place to place.
    pub passes: f64,
}

/// What one run of a tape costs.
///
/// ```
/// use ad_core::{Elementary, Tape};
/// let tape = Tape::record(|t| {
///     let (x, w, v) = (t.example("x", &[3]), t.shared("w", &[3, 4]), t.shared("v", &[4, 5]));
///     [("y", x.matmul(&w.matmul(&v)).tanh())]
/// })?;
/// let cost = tape.cost();
/// assert_eq!(cost.binding.multiply_adds, 3.0 * 4.0 * 5.0); // w v: has no example
/// assert_eq!((cost.example.multiply_adds, cost.example.elementary), (3.0 * 5.0, 5.0));
/// assert_eq!(cost.to_string(), "15 multiply-adds, 5 elementary values and 0 passes an example; 60, 0 and 0 a binding");
/// # Ok::<(), ad_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// For each example.
    pub example: Work,
    /// Once for each binding of the shared inputs, and after the last example.
    pub binding: Work,
}

impl Tape {
    /// Counts the operations of all lines. A line with the example counts for each example, also where it sums over
    /// them; any other counts once.
    pub fn cost(&self) -> Cost {
        let mut cost = Cost::default();
        for node in self.lowered().nodes() {
            if node.extents.contains(&Extent::Example) {
                cost.example += node.work();
            } else {
                cost.binding += node.work();
            }
        }
        cost
    }
}

impl Node {
    /// The operations of this line, for one example where it has examples.
    pub fn work(&self) -> Work {
        let all =
            self.extents.iter().map(|x| if let Extent::Fixed(n) = x { *n as f64 } else { 1.0 }).product();
        match &self.op {
            Op::Input(_) | Op::Constant(_) | Op::Stop | Op::Rule(..) => Work::default(),
            Op::Unary(_) | Op::Binary(_) => Work { elementary: all, ..Work::default() },
            Op::Contract(_) if self.operands.len() == 2 => Work { multiply_adds: all, ..Work::default() },
            Op::Add(terms) => Work { passes: all * terms.len() as f64, ..Work::default() },
            Op::Contract(_) | Op::Select => Work { passes: all, ..Work::default() },
            // The index of the operand and that of the result are two, and walk together.
            Op::Slice(_) | Op::Pad(_) | Op::Gather(_) | Op::Scatter(_) | Op::Reshape => {
                Work { passes: self.shape().iter().map(|&n| n as f64).product(), ..Work::default() }
            }
        }
    }
}

impl Add for Work {
    type Output = Work;
    fn add(self, other: Work) -> Work {
        Work {
            multiply_adds: self.multiply_adds + other.multiply_adds,
            elementary: self.elementary + other.elementary,
            passes: self.passes + other.passes,
        }
    }
}

impl AddAssign for Work {
    fn add_assign(&mut self, other: Work) {
        *self = *self + other;
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (a, b) = (self.example, self.binding);
        write!(
            f,
            "{} multiply-adds, {} elementary values and {} passes an example; {}, {} and {} a binding",
            a.multiply_adds, a.elementary, a.passes, b.multiply_adds, b.elementary, b.passes
        )
    }
}
