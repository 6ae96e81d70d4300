//! How a flow is integrated and differentiated.

use ad_ops::hutch_pp::Sketch;
use ad_ops::{Block, Renewal};

use crate::adjoint::Adjoint;
use crate::ode::controller::{Adaptive, Control};
use crate::ode::tableau::Tableau;
use crate::ode::tableaus::TSIT5;

/// How the divergence along the flow is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Divergence {
    /// The trace itself, by the cheapest route ([`ad_ops::Estimator::ExactFor`]).
    Exact,
    /// The trace itself, by a direction for each number of the state ([`ad_ops::Estimator::Directions`]).
    Directions,
    /// Hutchinson's estimate with probes of each example's own.
    Hutchinson {
        /// The number of probes.
        probes: usize,
        /// How they are drawn, and stand to each other.
        probe: Block,
        /// Whether they are held during a solve, or each step has its own. Then errors of steps average out, and the variance falls
        /// about as the number of steps, where the Jacobian changes little on the way; where it turns around, it averages out
        /// for a probe that is held, and fresh ones may do worse. A step with probes of its own computes its first stage, which
        /// costs adaptive Tsit5 seven evaluations in place of six, and constant steps nothing. Adaptive steps follow the error of
        /// the points alone, for their lengths may not depend on what is drawn: at loose tolerances the log-determinant is then less
        /// exact than the points are.
        renewal: Renewal,
    },
    /// Hutch++ ([`ad_ops::hutch_pp`]): over a basis of each example's own, made where its solve begins, the trace itself,
    /// and probes for the rest. The basis is held during a solve, and gradients take it as given. To keep bases over
    /// training steps: [`KeptBases`](crate::train::KeptBases).
    HutchPp {
        /// The rows of the basis.
        basis: usize,
        /// The number of probes.
        probes: usize,
        /// How they are drawn, and stand to each other.
        probe: Block,
        /// As that of [`Divergence::Hutchinson`].
        renewal: Renewal,
        /// What the sketch multiplies, whose random rows are normal.
        sketch: Sketch,
    },
}

impl Divergence {
    /// The number of probes of an example, how and when they are drawn, where some are taken.
    pub(crate) fn probes(self) -> Option<(usize, Block, Renewal)> {
        match self {
            Divergence::Exact | Divergence::Directions => None,
            Divergence::Hutchinson { probes, probe, renewal }
            | Divergence::HutchPp { probes, probe, renewal, .. } => Some((probes, probe, renewal)),
        }
    }
}

/// The choices that turn a field into a flow.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The Runge-Kutta method.
    pub tableau: &'static Tableau,
    /// The step control.
    pub control: Control,
    /// The divergence.
    pub divergence: Divergence,
    /// What a gradient keeps of a solve.
    pub adjoint: Adjoint,
}

impl Default for Settings {
    /// Tsit5 with steps as diffrax chooses them at a tolerance of 1e-5, and the exact divergence.
    fn default() -> Self {
        Settings {
            tableau: &TSIT5,
            control: Control::Adaptive(Adaptive::i(1e-5, 1e-5)),
            divergence: Divergence::Exact,
            adjoint: Adjoint::Checkpointed { slots: 32 },
        }
    }
}

/// Which probes an estimate takes: example `k` of a call has the stream (`seed`, `step`, `first_example + k`).
///
/// In training `step` counts the parameter updates, so that probes are drawn anew for each: a probe that is held while
/// the parameters move is exploited by them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProbeSeed {
    /// The seed of all probes.
    pub seed: u64,
    /// The number of the update, or any other name.
    pub step: u32,
    /// The name of the first example.
    pub first_example: u32,
}
