//! Hutch++ along a flow: the bases that a solve begins with.

use super::{Cnf, Divergence, Element, Error, Parameters, ProbeSeed, Result};
use crate::field::{CONTEXT, STATE, TIME};
use ad_core::{Port, Tape};
use ad_ops::hutch_pp::{self, HutchPp, SKETCH, Sketch, Sketched, Sketcher};
use ad_ops::random::Purpose;

/// The tape of a field and its divergence by Hutch++.
pub(super) fn estimate(tape: &Tape, settings: HutchPp, sketch: Sketch) -> ad_core::Result<Tape> {
    let estimate = if sketch == Sketch::Shifted { hutch_pp::estimate_shifted } else { hutch_pp::estimate };
    estimate(tape, STATE, "x_dot", settings)
}

/// What makes the bases, where the divergence takes some.
pub(super) fn sketcher<T: Element>(tape: &Tape, divergence: Divergence) -> Result<Option<Sketcher<T>>> {
    let Divergence::HutchPp { basis, sketch, .. } = divergence else { return Ok(None) };
    Ok(Some(Sketcher::new(tape, STATE, "x_dot", basis, sketch)?))
}

impl<T: Element> Cnf<T> {
    /// The bases that [`Divergence::HutchPp`] takes for a solve that begins at time `t` from `rows`; empty for other
    /// divergences. Random rows of the sketch are those of `probe`, and have nothing in common with its probes.
    ///
    /// # Errors
    /// Where sizes do not fit.
    pub fn bases(
        &self,
        parameters: &Parameters,
        rows: &[f64],
        context: &[f64],
        probe: ProbeSeed,
        t: f64,
    ) -> Result<Sketched<T>> {
        let all: Vec<usize> = (0..self.count(rows)?).collect();
        self.bases_of(&all, parameters, [rows, context], probe, t)
    }

    /// As [`Cnf::bases`], for the rows at `places` alone, with the sketch that each would have among all.
    pub(crate) fn bases_of(
        &self,
        places: &[usize],
        parameters: &Parameters,
        [rows, context]: [&[f64]; 2],
        probe: ProbeSeed,
        t: f64,
    ) -> Result<Sketched<T>> {
        let Some(sketcher) = &self.sketcher else {
            return Ok(Sketched { basis: Vec::new(), shift: Vec::new() });
        };
        let examples = self.count(rows)?;
        if context.len() != examples * self.context {
            return Err(Error::Sizes { want: vec![self.context], got: vec![context.len()] });
        }
        let sketch = |size: usize| {
            let own = |&e: &usize| {
                let example = probe.first_example.wrapping_add(e as u32);
                let mut stream = Purpose::Sketch.stream(probe.seed, probe.step, example);
                (0..size).map(move |_| T::from_f64(stream.standard_normal())).collect::<Vec<T>>()
            };
            places.iter().flat_map(own).collect()
        };
        let pick = |values: &[f64], size: usize| {
            places.iter().flat_map(|&e| &values[e * size..][..size]).map(|&x| T::from_f64(x)).collect()
        };
        let input = |port: &Port| match &port.name[..] {
            TIME => vec![T::from_f64(t); places.len()],
            STATE => pick(rows, self.dims),
            CONTEXT if self.context > 0 => pick(context, self.context),
            SKETCH => sketch(port.size()),
            name => parameters
                .get(name)
                .map_or_else(Vec::new, |a| a.data.iter().map(|&x| T::from_f64(x)).collect()),
        };
        let inputs: Vec<Vec<T>> = sketcher.program().inputs().iter().map(input).collect();
        Ok(sketcher.bases(places.len(), &inputs.iter().map(|x| &x[..]).collect::<Vec<_>>())?)
    }
}
