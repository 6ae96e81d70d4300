//! Who takes part: each computes the gradient of a problem, or, in forward mode, a product with it.

use std::hint::black_box;

use ad_core::{Dual, Var, record};
use examples::problems::{Problem, Taped, weights};

use crate::bare::{self, Bare};

/// What a run yields: the gradient times the weights, and the bytes of memory it wrote and kept, if known.
pub(crate) struct Outcome {
    pub(crate) check: f64,
    pub(crate) bytes: Option<usize>,
}

/// One crate, or one mode of it.
pub(crate) trait Contestant {
    /// Its name in tables.
    const NAME: &'static str;

    /// Differentiates a problem once.
    fn run<P: Problem>(&mut self, problem: &P, weights: &[f64]) -> Result<Outcome, ad_core::Error>;
}

/// `Var`.
pub(crate) struct Ours;

impl Contestant for Ours {
    const NAME: &'static str = "ours";

    fn run<P: Problem>(&mut self, problem: &P, weights: &[f64]) -> Result<Outcome, ad_core::Error> {
        record(|r| {
            let x: Vec<Var> = r.variables(black_box(problem.inputs()));
            let y = problem.value(&x);
            let check = dot(&r.pull_back(&[(y, 1.0)], &x)?, weights);
            // A node and its cotangent.
            Ok(Outcome { check, bytes: Some(r.len() * 32) })
        })
    }
}

/// The yardstick.
#[derive(Default)]
pub(crate) struct BareList(Vec<f64>);

impl Contestant for BareList {
    const NAME: &'static str = "bare_list";

    fn run<P: Problem>(&mut self, problem: &P, weights: &[f64]) -> Result<Outcome, ad_core::Error> {
        let value = |x: &[Bare]| problem.value(x);
        let (gradient, nodes) = bare::gradient(value, black_box(problem.inputs()), &mut self.0);
        Ok(Outcome { check: dot(&gradient, weights), bytes: Some(nodes * 32) })
    }
}

/// `Dual` with `N` tangents, which together make the vector of weights.
pub(crate) struct Forward<const N: usize>;

impl<const N: usize> Contestant for Forward<N> {
    const NAME: &'static str = if N == 1 { "ours_forward1" } else { "ours_forward8" };

    fn run<P: Problem>(&mut self, problem: &P, weights: &[f64]) -> Result<Outcome, ad_core::Error> {
        let seed = |(i, (&x, &w)): (usize, (&f64, &f64))| {
            Dual::new(x, std::array::from_fn(|lane| if i % N == lane { w } else { 0.0 }))
        };
        let x: Vec<Dual<f64, N>> =
            black_box(problem.inputs()).iter().zip(weights).enumerate().map(seed).collect();
        let y = problem.value(&x);
        Ok(Outcome { check: y.tangent.iter().sum(), bytes: None })
    }
}

/// A tape, of array operations where there are any.
pub(crate) struct Tape<'a>(pub(crate) Taped<'a>);

impl Contestant for Tape<'_> {
    const NAME: &'static str = "ours_tape";

    fn run<P: Problem>(&mut self, _: &P, weights: &[f64]) -> Result<Outcome, ad_core::Error> {
        Ok(Outcome { check: dot(&self.0()?.1, weights), bytes: None })
    }
}

/// The gradient by hand, in plain loops.
pub(crate) struct ByHand;

impl Contestant for ByHand {
    const NAME: &'static str = "by_hand";

    fn run<P: Problem>(&mut self, problem: &P, weights: &[f64]) -> Result<Outcome, ad_core::Error> {
        let check = problem.by_hand().map_or(f64::NAN, |(_, gradient)| dot(&gradient, weights));
        Ok(Outcome { check, bytes: None })
    }
}

/// Plain numbers: what a gradient is compared with. There is nothing to check but that it ran.
pub(crate) struct Primal;

impl Contestant for Primal {
    const NAME: &'static str = "primal";

    fn run<P: Problem>(&mut self, problem: &P, _: &[f64]) -> Result<Outcome, ad_core::Error> {
        black_box(problem.value(black_box(problem.inputs())));
        Ok(Outcome { check: P::CHECK, bytes: None })
    }
}

pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The weights of a problem's check.
pub(crate) fn weights_of<P: Problem>(problem: &P) -> Vec<f64> {
    weights(problem.inputs().len())
}
