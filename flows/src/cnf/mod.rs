//! Continuous normalizing flows: a field moves a simple base density to the data.
//!
//! Points move by `x' = f(t, x)` from the base at `t = 0` to the data at `t = 1`; the log-density along the way falls by
//! the divergence (Chen et al. 2018, *Neural ordinary differential equations*, eq. 8), which is exact or estimated by
//! random probes (Grathwohl et al. 2019, *FFJORD*):
//!
//! ```text
//! log p(x) = log base(z) - integral from 0 to 1 of div f(t, x(t)) dt,    z = x(0)
//! ```
//!
//! A [`Cnf`] is a [`Field`] with [`Settings`], compiled. Parameters are given to each call.

mod auto;
mod bases;
mod gradient;
mod settings;

use crate::adjoint::OdeVjp;
use crate::error::{Error, Result};
use crate::field::{Field, STATE};
use crate::ode::{Bound, Draws, Lanes, Memory, Ode, Outcome, Solution, Statistics, System};
use crate::params::Parameters;
use ad_core::{BLOCK, Element, Elementary, Program, Tape};
use ad_ops::hutch_pp::{HutchPp, Sketched, Sketcher};
use ad_ops::random::Purpose;
use ad_ops::{Estimator, PROBE, Probes, Renewal, Workload, divergence};

pub use auto::choose;
pub use gradient::NllGradient;
pub use settings::{Divergence, ProbeSeed, Settings};

/// A field with its solvers, compiled for elements of type `T`.
#[derive(Debug)]
pub struct Cnf<T> {
    dims: usize,
    context: usize,
    settings: Settings,
    /// Points with their log-determinant, and the way back through it.
    augmented: OdeVjp<T>,
    /// Points alone.
    transport: Ode<T>,
    /// What makes the bases of Hutch++.
    sketcher: Option<Sketcher<T>>,
    /// From the end of a solve to the log-density, and to the cotangents of its negative.
    base: Program<T>,
}

/// Log-densities of a batch.
#[derive(Clone, Debug)]
pub struct LogProb {
    /// The log-density of each row in nats; NaN where the integration failed.
    pub log_p: Vec<f64>,
    /// Each row's point in the base space, row-major.
    pub base: Vec<f64>,
    /// How each row's integration ended.
    pub outcomes: Vec<Outcome>,
    /// What it cost.
    pub statistics: Statistics,
}

/// Parameters change once for a batch, whose examples each take some steps of some stages.
const WORKLOAD: Workload = Workload { examples: 256, evaluations: 32 };

/// A field of points with their log-determinant `l`, whose rate is the divergence.
fn augmented(field: &Field, divergence_of: Divergence) -> Result<System> {
    let by = |estimator| divergence(field.tape(), STATE, "x_dot", estimator);
    let tape = match divergence_of {
        Divergence::Exact => by(Estimator::ExactFor(WORKLOAD)),
        Divergence::Directions => by(Estimator::Directions),
        Divergence::Hutchinson { probes, .. } => by(Estimator::Hutchinson { probes }),
        Divergence::HutchPp { basis, probes, sketch, .. } => {
            bases::estimate(field.tape(), HutchPp { basis, probes }, sketch)
        }
    };
    let system = System::new(tape?, &[STATE, "l"])?;
    let renewed = divergence_of.probes().is_some_and(|(.., renewal)| renewal == Renewal::PerStep);
    Ok(if renewed { system.renewing(PROBE) } else { system })
}

/// The log-density of a standard normal base at `x`, with the log-determinant added, and the cotangents of its
/// negative.
fn base(dims: usize) -> Result<Tape> {
    let constant = 0.5 * dims as f64 * std::f64::consts::TAU.ln();
    let tape = Tape::record(|t| {
        let (x, l) = (t.example(STATE, &[dims]), t.example("l", &[]));
        let log_p = x.square().sum() * -0.5 - constant + &l;
        let bars = t.pull_back(&[(&log_p, &t.number(-1.0))], &[&x, &l]);
        let names = ["log_p", "x_bar", "l_bar"];
        names.into_iter().zip(std::iter::once(log_p).chain(bars)).collect::<Vec<_>>()
    })?;
    Ok(tape)
}

impl<T: Element> Cnf<T> {
    /// Compiles a field.
    ///
    /// # Errors
    /// Where method and step control do not fit together, no probes are asked for, or there are none of that law in so many
    /// dimensions.
    pub fn new(field: &Field, settings: &Settings) -> Result<Self> {
        if let Some((_, law, _)) = settings.divergence.probes() {
            law.check(field.dims())?;
        }
        let system = augmented(field, settings.divergence)?;
        let points = System::new(field.tape().clone(), &[STATE])?;
        Ok(Cnf {
            dims: field.dims(),
            context: field.context(),
            augmented: OdeVjp::new(&system, settings.tableau, settings.control, settings.adjoint)?,
            transport: Ode::new(&points, settings.tableau, settings.control)?,
            sketcher: bases::sketcher(field.tape(), settings.divergence)?,
            base: base(field.dims())?.compile()?,
            settings: settings.clone(),
        })
    }

    /// The numbers of one point.
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// What the field was compiled with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The log-density of each row of `rows` (row-major, [`Cnf::dims`] numbers each), given its row of `context` (empty
    /// where the field has none). An estimated divergence takes its probes from `probe`.
    ///
    /// # Errors
    /// Where sizes do not fit. A row that cannot be integrated has its outcome and NaN.
    pub fn log_prob(
        &self,
        parameters: &Parameters,
        rows: &[f64],
        context: &[f64],
        probe: ProbeSeed,
    ) -> Result<LogProb> {
        let l = vec![0.0; self.count(rows)?];
        let bases = self.bases(parameters, rows, context, probe, 1.0)?;
        let extras = self.extras(l.len(), context, probe, &bases)?;
        let bound = bind_ode(self.augmented.ode(), parameters)?;
        let draws = self.draws(probe);
        let ode = self.augmented.ode();
        let mut end = ode.solve_drawing(&bound, &[rows, &l], &slices(&extras), draws, [1.0, 0.0])?;
        let log_det = end.states.pop().unwrap_or_default();
        let points = end.states.pop().unwrap_or_default();
        let cast = |x: &[f64]| x.iter().map(|&x| T::from_f64(x)).collect::<Vec<T>>();
        let mut out = self.base.call(l.len(), &[&cast(&points), &cast(&log_det)])?;
        let mut log_p: Vec<f64> = out.swap_remove(0).into_iter().map(T::to_double).collect();
        for (p, outcome) in log_p.iter_mut().zip(&end.outcomes) {
            if outcome.is_err() {
                *p = f64::NAN;
            }
        }
        Ok(LogProb { log_p, base: points, outcomes: end.outcomes, statistics: end.statistics })
    }

    /// Points of the base moved to the data (`t` from 0 to 1), and the logarithm of the determinant of the map's
    /// Jacobian at each.
    ///
    /// # Errors
    /// Where sizes do not fit, or a point cannot be integrated.
    pub fn transform_and_log_det(
        &self,
        parameters: &Parameters,
        rows: &[f64],
        context: &[f64],
        probe: ProbeSeed,
    ) -> Result<(Vec<f64>, Vec<f64>)> {
        self.move_with_log_det(parameters, rows, context, probe, [0.0, 1.0])
    }

    /// The inverse of [`Cnf::transform_and_log_det`]: data moved to the base.
    ///
    /// # Errors
    /// As there.
    pub fn inverse_and_log_det(
        &self,
        parameters: &Parameters,
        rows: &[f64],
        context: &[f64],
        probe: ProbeSeed,
    ) -> Result<(Vec<f64>, Vec<f64>)> {
        self.move_with_log_det(parameters, rows, context, probe, [1.0, 0.0])
    }

    fn move_with_log_det(
        &self,
        parameters: &Parameters,
        rows: &[f64],
        context: &[f64],
        probe: ProbeSeed,
        span: [f64; 2],
    ) -> Result<(Vec<f64>, Vec<f64>)> {
        let l = vec![0.0; self.count(rows)?];
        let bases = self.bases(parameters, rows, context, probe, span[0])?;
        let extras = self.extras(l.len(), context, probe, &bases)?;
        let ode = self.augmented.ode();
        let bound = bind_ode(ode, parameters)?;
        let draws = self.draws(probe);
        let Solution { mut states, outcomes, .. } =
            ode.solve_drawing(&bound, &[rows, &l], &slices(&extras), draws, span)?;
        Error::check(&outcomes)?;
        let log_det = states.pop().unwrap_or_default();
        Ok((states.pop().unwrap_or_default(), log_det))
    }

    /// `n` draws from the flow, row-major: draws from the base, moved to the data. The same seed gives the same bits.
    ///
    /// # Errors
    /// Where the context does not have `n` rows, or a point cannot be integrated.
    pub fn sample(&self, parameters: &Parameters, n: usize, context: &[f64], seed: u64) -> Result<Vec<f64>> {
        self.flow(parameters, &self.base_sample(n, seed), context, [0.0, 1.0])
    }

    /// `n` draws from the base, row-major.
    pub fn base_sample(&self, n: usize, seed: u64) -> Vec<f64> {
        let draw = |e| {
            let mut stream = Purpose::Sample.stream(seed, 0, e as u32);
            (0..self.dims).map(move |_| stream.standard_normal()).collect::<Vec<f64>>()
        };
        (0..n).flat_map(draw).collect()
    }

    /// Points moved along the field from time `span[0]` to `span[1]`, without their log-determinant. The base is at
    /// `t = 0`, the data are at `t = 1`.
    ///
    /// # Errors
    /// Where sizes do not fit, or a point cannot be integrated.
    pub fn flow(
        &self,
        parameters: &Parameters,
        rows: &[f64],
        context: &[f64],
        span: [f64; 2],
    ) -> Result<Vec<f64>> {
        let mut solution = self.transport(parameters, rows, context, span)?;
        Error::check(&solution.outcomes)?;
        Ok(solution.states.swap_remove(0))
    }

    /// As [`Cnf::flow`], with NaN for a point that cannot be integrated.
    ///
    /// # Errors
    /// Where sizes do not fit.
    pub fn flow_or_nan(
        &self,
        parameters: &Parameters,
        rows: &[f64],
        context: &[f64],
        span: [f64; 2],
    ) -> Result<Vec<f64>> {
        let mut solution = self.transport(parameters, rows, context, span)?;
        let mut points = solution.states.swap_remove(0);
        for (point, outcome) in points.chunks_exact_mut(self.dims).zip(&solution.outcomes) {
            if outcome.is_err() {
                point.fill(f64::NAN);
            }
        }
        Ok(points)
    }

    fn transport(
        &self,
        parameters: &Parameters,
        rows: &[f64],
        context: &[f64],
        span: [f64; 2],
    ) -> Result<Solution> {
        self.count(rows)?;
        self.check_context(context)?;
        let bound = bind_ode(&self.transport, parameters)?;
        let extras = if self.context == 0 { Vec::new() } else { vec![context] };
        self.transport.solve(&bound, &[rows], &extras, span)
    }

    /// A field without a context takes none.
    fn check_context(&self, context: &[f64]) -> Result<()> {
        if self.context > 0 || context.is_empty() {
            return Ok(());
        }
        Err(Error::Sizes { want: vec![0], got: vec![context.len()] })
    }

    /// The number of rows.
    fn count(&self, rows: &[f64]) -> Result<usize> {
        if rows.len().is_multiple_of(self.dims) {
            return Ok(rows.len() / self.dims);
        }
        Err(Error::Sizes { want: vec![self.dims], got: vec![rows.len()] })
    }

    /// What a solve begins with beside the states: the context, the bases and the probes of each example.
    fn extras(
        &self,
        examples: usize,
        context: &[f64],
        probe: ProbeSeed,
        bases: &Sketched<T>,
    ) -> Result<Vec<Vec<f64>>> {
        self.check_context(context)?;
        let cast = |x: &[T]| x.iter().map(|x| x.to_double()).collect::<Vec<f64>>();
        let mut extras = Vec::new();
        if self.context > 0 {
            extras.push(context.to_vec());
        }
        if self.sketcher.is_some() {
            extras.push(cast(&bases.basis));
        }
        if self.settings.divergence.probes().is_some() {
            extras.push(self.probes(examples, probe)?);
        }
        if !bases.shift.is_empty() {
            extras.push(cast(&bases.shift));
        }
        Ok(extras)
    }

    /// The probes of so many examples; none where the divergence takes none.
    pub(crate) fn probes(&self, examples: usize, probe: ProbeSeed) -> Result<Vec<f64>> {
        let (Some((count, ..)), Some(draws)) = (self.settings.divergence.probes(), self.draws(probe)) else {
            return Ok(Vec::new());
        };
        let mut all = vec![0.0; examples * count * self.dims];
        for (e, own) in all.chunks_exact_mut(count * self.dims).enumerate() {
            draws.fill(e, 0, own)?;
        }
        Ok(all)
    }

    /// The names of the probes; none where the divergence takes none.
    fn draws(&self, probe: ProbeSeed) -> Option<Draws> {
        let (_, block, renewal) = self.settings.divergence.probes()?;
        let ProbeSeed { seed, step: solve, first_example } = probe;
        let probes = Probes { renewal, ..Probes::new(seed, block) };
        Some(Draws { probes, solve, first_example, dim: self.dims })
    }
}

fn slices(arrays: &[Vec<f64>]) -> Vec<&[f64]> {
    arrays.iter().map(|a| &a[..]).collect()
}

fn bind_ode<T: Element>(ode: &Ode<T>, parameters: &Parameters) -> Result<Bound<T>> {
    let cast = parameters.cast::<T>();
    ode.bind(&cast.iter().map(|a| &a[..]).collect::<Vec<_>>())
}
