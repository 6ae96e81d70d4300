//! Bases of Hutch++ that are kept over training steps.

use std::sync::{Mutex, PoisonError};

use ad_core::{Element, Port, Program};
use ad_ops::PROBE;
use ad_ops::hutch_pp::{BASIS, Bases, HutchPp, REST, Refresh, SHIFT};

use super::{Examples, Likelihood};
use crate::cnf::{Cnf, Divergence, LogProb, NllGradient, ProbeSeed};
use crate::field::{CONTEXT, Field, STATE, TIME};
use crate::{Parameters, Result};

/// A flow by [`Divergence::HutchPp`] whose bases are kept from one training step to the next, each for its example
/// ([`Examples::numbers`]), and made anew as [`Refresh`] says; an evaluation, in its terms, is a training step that takes
/// the example. Gradients are unbiased for any basis, old ones too, since probes are new in each step.
///
/// With [`Refresh::Adaptive`] each step measures what the bases leave where its solves begin, at the cost of one more
/// evaluation of the estimator.
///
/// Log-densities ([`Likelihood::log_prob`]) take new bases.
#[derive(Debug)]
pub struct KeptBases<'a, T> {
    cnf: &'a Cnf<T>,
    measure: Option<Program<T>>,
    bases: Mutex<Kept<T>>,
}

/// The bases, and how many were ever made.
#[derive(Debug)]
struct Kept<T> {
    bases: Bases<T>,
    sketches: u64,
}

impl<'a, T: Element> KeptBases<'a, T> {
    /// No bases yet; `field` is what `cnf` was made of.
    ///
    /// # Errors
    /// Where the divergence of `cnf` has no bases.
    pub fn new(cnf: &'a Cnf<T>, field: &Field, refresh: Refresh) -> Result<Self> {
        let Divergence::HutchPp { basis, probes, sketch, .. } = cnf.settings().divergence else {
            let message =
                format!("bases are kept for Divergence::HutchPp, not for {:?}", cnf.settings().divergence);
            return Err(ad_core::Error::new(message).into());
        };
        let settings = HutchPp { basis, probes };
        let measure = match refresh {
            Refresh::Adaptive => Some(settings.measure(field.tape(), STATE, "x_dot", sketch)?.compile()?),
            Refresh::Always | Refresh::Every(_) => None,
        };
        let kept = Kept { bases: Bases::new(settings, sketch, refresh), sketches: 0 };
        Ok(KeptBases { cnf, measure, bases: Mutex::new(kept) })
    }

    /// Sketches so far, of one example each.
    pub fn sketches(&self) -> u64 {
        self.bases.lock().unwrap_or_else(PoisonError::into_inner).sketches
    }
}

impl<T: Element> Likelihood for KeptBases<'_, T> {
    fn nll_gradient(
        &self,
        parameters: &Parameters,
        examples: &Examples,
        probe: ProbeSeed,
    ) -> Result<NllGradient> {
        const BEGIN: f64 = 1.0;
        let (rows, context, keys) = (examples.points(), examples.contexts(), examples.numbers());
        let mut kept = self.bases.lock().unwrap_or_else(PoisonError::into_inner);
        let due: Vec<usize> = (0..keys.len()).filter(|&k| kept.bases.is_due(keys[k])).collect();
        let made = self.cnf.bases_of(&due, parameters, [rows, context], probe, BEGIN)?;
        let bases = kept.bases.renew(keys, |_| Ok(made))?;
        kept.sketches += due.len() as u64;
        if let Some(program) = &self.measure {
            let probes = self.cnf.probes(keys.len(), probe)?;
            let cast = |x: &[f64]| x.iter().map(|&x| T::from_f64(x)).collect::<Vec<T>>();
            let input = |port: &Port| match &port.name[..] {
                TIME => vec![T::from_f64(BEGIN); keys.len()],
                STATE => cast(rows),
                CONTEXT if port.has_example() => cast(context),
                BASIS => bases.basis.clone(),
                PROBE => cast(&probes),
                SHIFT => bases.shift.clone(),
                name => parameters.get(name).map_or_else(Vec::new, |a| cast(&a.data)),
            };
            let inputs: Vec<Vec<T>> = program.inputs().iter().map(input).collect();
            let out = program.call(keys.len(), &inputs.iter().map(|x| &x[..]).collect::<Vec<_>>())?;
            let rest = program.outputs().iter().position(|port| port.name == REST);
            if let Some(k) = rest {
                kept.bases.note(keys, &out[k]);
            }
        }
        self.cnf.nll_gradient_with(parameters, rows, context, probe, &bases)
    }

    fn log_prob(&self, parameters: &Parameters, examples: &Examples, probe: ProbeSeed) -> Result<LogProb> {
        Likelihood::log_prob(self.cnf, parameters, examples, probe)
    }
}
