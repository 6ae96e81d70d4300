//! What is computed of a Jacobian: from its rows as directions give them, and from its network.

use std::ops::Range;

use ad_core::{Recorder, Tracer};

use super::super::tangents;
use super::network::Network;

/// A number or vector that is linear or quadratic in the Jacobian.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Goal {
    /// The sum of its diagonal.
    Trace,
    /// Its diagonal.
    Diagonal,
    /// The sum of its squares.
    SquaredNorm,
}

impl Goal {
    /// The shape of the result for states of length `d`.
    pub(super) fn shape(self, d: usize) -> Vec<usize> {
        if self == Goal::Diagonal { vec![d] } else { Vec::new() }
    }

    /// The network of the result, from that of the Jacobian.
    pub(super) fn network(self, jacobian: &Network) -> Network {
        match self {
            Goal::Trace => jacobian.trace(),
            Goal::Diagonal => jacobian.diagonal(),
            Goal::SquaredNorm => jacobian.squared_norm(),
        }
    }

    /// The result by `d` directions, pushed through together.
    pub(crate) fn by_directions(self, t: &Recorder, x: &Tracer, y: &Tracer, d: usize) -> Tracer {
        self.of_rows(&tangents(t, x, y, &t.identity(d)), 0..d)
    }

    /// The result by `d` directions, `block` of them at a time.
    pub(super) fn in_blocks(self, t: &Recorder, x: &Tracer, y: &Tracer, d: usize, block: usize) -> Tracer {
        let starts = (0..d).step_by(block.max(1));
        let parts = starts.map(|start| {
            let some = start..d.min(start + block);
            self.of_rows(&tangents(t, x, y, &t.identity(d).slice(0, some.clone())), some)
        });
        parts.reduce(|sum, part| sum + part).unwrap_or_else(|| t.full(&self.shape(d), 0.0))
    }

    /// What the tangents along some directions add to the result: `[directions, d]`.
    fn of_rows(self, tangents: &Tracer, some: Range<usize>) -> Tracer {
        let d = tangents.shape().last().copied().unwrap_or_default();
        match self {
            Goal::Trace => tangents.slice(1, some).trace(),
            Goal::Diagonal => tangents.slice(1, some.clone()).diagonal().pad(0, some.start, d),
            Goal::SquaredNorm => tangents.einsum("kj,kj->", tangents),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::divergence::Ends;
    use ad_core::{Elementary, Tape};

    /// Directions in blocks of any size add up to what all of them are.
    #[test]
    fn blocks_of_directions_are_all_of_them() {
        let d = 5;
        let field = Tape::record(|t| {
            let (x, w) = (t.example("x", &[d]), t.shared("w", &[d, d]));
            [("x_dot", x.matmul(&w).tanh() * &x)]
        });
        let (field, numbers) =
            (field.unwrap(), |n: usize| (0..n).map(|k| (k as f64).sin()).collect::<Vec<_>>());
        let ends = Ends::find(&field, "x", "x_dot").unwrap();
        let run = |tape: Tape| {
            let inputs = [numbers(2 * d), numbers(d * d)];
            tape.compile::<f64>().unwrap().call(2, &[&inputs[0], &inputs[1]]).unwrap().remove(1)
        };
        for goal in [Goal::Trace, Goal::Diagonal, Goal::SquaredNorm] {
            let all = run(ends.record(&field, "y", |t, x, y, d| goal.by_directions(t, x, y, d)).unwrap());
            for block in 1..=d + 1 {
                let parts = ends.record(&field, "y", |t, x, y, d| goal.in_blocks(t, x, y, d, block));
                for (got, want) in run(parts.unwrap()).iter().zip(&all) {
                    assert!((got - want).abs() < 1e-14, "{goal:?} by {block}: {got} of {want}");
                }
            }
        }
    }
}
