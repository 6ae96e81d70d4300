//! The negative log-likelihood and its gradient.

use super::{
    BLOCK, Cnf, Element, Error, Lanes, Memory, Outcome, Parameters, ProbeSeed, Result, Statistics, slices,
};
use ad_ops::hutch_pp::Sketched;
use rayon::prelude::*;

use crate::adjoint::{BoundVjp, Plan};
use crate::ode::write_lanes;

/// The mean negative log-likelihood of a batch, with its gradient.
#[derive(Clone, Debug)]
pub struct NllGradient {
    /// In nats for each row.
    pub nll: f64,
    /// The derivative of `nll` in each parameter.
    pub gradient: Parameters,
    /// What the way forward cost.
    pub statistics: Statistics,
}

/// From the data to the base.
const SPAN: [f64; 2] = [1.0, 0.0];

/// What one block adds to the whole.
struct BlockSums<T> {
    nll: f64,
    parameters: Vec<Vec<T>>,
    outcomes: Vec<Outcome>,
    statistics: Statistics,
}

impl<T: Element> Cnf<T> {
    /// The mean negative log-likelihood of `rows` and its gradient, exact for the steps that were taken. Arguments are
    /// those of [`Cnf::log_prob`].
    ///
    /// # Errors
    /// Where sizes do not fit, there are no rows, or a row cannot be integrated.
    pub fn nll_gradient(
        &self,
        parameters: &Parameters,
        rows: &[f64],
        context: &[f64],
        probe: ProbeSeed,
    ) -> Result<NllGradient> {
        let bases = self.bases(parameters, rows, context, probe, SPAN[0])?;
        self.nll_gradient_with(parameters, rows, context, probe, &bases)
    }

    /// As [`Cnf::nll_gradient`], with the bases of [`Cnf::bases`], for `t = 1` or old ones. Unbiased for any that do not
    /// depend on the probes; they are constants to the gradient.
    ///
    /// # Errors
    /// As [`Cnf::nll_gradient`], and where the bases are those of other sizes.
    pub fn nll_gradient_with(
        &self,
        parameters: &Parameters,
        rows: &[f64],
        context: &[f64],
        probe: ProbeSeed,
        bases: &Sketched<T>,
    ) -> Result<NllGradient> {
        let l = vec![0.0; self.count(rows)?];
        let examples = l.len();
        if examples == 0 {
            return Err(Error::Sizes { want: vec![self.dims], got: vec![0] });
        }
        let extras = self.extras(examples, context, probe, bases)?;
        let draws = self.draws(probe);
        let (states, extras) = ([rows, &l], slices(&extras));
        let ode = self.augmented.recording();
        ode.check_sizes(&states, &extras)?;
        let cast = parameters.cast::<T>();
        let bound = self.augmented.bind(&cast.iter().map(|a| &a[..]).collect::<Vec<_>>())?;
        let plan = self.augmented.plan(SPAN, 1)?;
        let block = |number: usize| {
            let mut memory = ode.take_memory();
            let count = ode.load_block(&mut memory, &states, &extras, draws, number);
            let sums = self.block_gradient(&bound, &plan, &mut memory, count);
            ode.put_back(memory);
            sums
        };
        let blocks: Vec<BlockSums<T>> =
            (0..examples.div_ceil(BLOCK)).into_par_iter().map(block).collect::<Result<_>>()?;
        Error::check(&blocks.iter().flat_map(|b| b.outcomes.iter().copied()).collect::<Vec<_>>())?;
        let scale = 1.0 / examples as f64;
        let mut result =
            NllGradient { nll: 0.0, gradient: parameters.zeros_like(), statistics: Statistics::default() };
        for block in &blocks {
            result.nll += block.nll * scale;
            result.statistics.add(block.statistics);
        }
        let bars = self.augmented.finish(&bound, blocks.iter().map(|b| &b.parameters));
        for (array, bar) in result.gradient.arrays_mut().zip(bars) {
            array.data.iter_mut().zip(bar).for_each(|(x, bar)| *x = bar.to_double() * scale);
        }
        Ok(result)
    }

    /// Forward, the base density, and back, for one block of examples; not back if one of them failed.
    fn block_gradient(
        &self,
        bound: &BoundVjp<T>,
        plan: &Plan,
        memory: &mut Memory<T>,
        count: usize,
    ) -> Result<BlockSums<T>> {
        let (mut history, statistics) = self.augmented.solve_block(bound, plan, memory, count, SPAN)?;
        let outcomes = memory.outcomes().to_vec();
        if outcomes.iter().any(Outcome::is_err) {
            return Ok(BlockSums { nll: f64::NAN, parameters: Vec::new(), outcomes, statistics });
        }
        let (log_p, mut bars) = self.base_block(memory, count)?;
        let parameters =
            self.augmented.pull_back_block(bound, &mut history, &mut memory.extras, &mut bars)?;
        let nll = -log_p.iter().map(|p| p.to_double()).sum::<f64>();
        Ok(BlockSums { nll, parameters, outcomes, statistics })
    }

    /// The log-density at the end of a block's solve, and the cotangents of its negative.
    fn base_block(&self, memory: &Memory<T>, count: usize) -> Result<(Vec<T>, Vec<Lanes<T>>)> {
        let all: Vec<usize> = (0..count).collect();
        let (mut workspace, mut binding) = (self.base.workspace(), self.base.binding());
        self.base.bind(&mut binding, &[])?;
        workspace.set_examples(count);
        write_lanes(&self.base, &mut workspace, 0, &memory.states, &all);
        self.base.run_block(&binding, &mut workspace);
        let mut bars: Vec<Lanes<T>> = memory.states.iter().map(|s| Lanes::new(s.rows())).collect();
        for (k, bar) in bars.iter_mut().enumerate() {
            bar.scatter(
                &all,
                &[true; BLOCK],
                self.base.output(&binding, &workspace, k + 1),
                workspace.stride(),
            );
        }
        Ok((self.base.output(&binding, &workspace, 0)[..count].to_vec(), bars))
    }
}
