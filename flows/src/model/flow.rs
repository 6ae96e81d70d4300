use super::Model;
use crate::cnf::{Divergence, ProbeSeed, Settings};
use crate::ode::controller::{Adaptive, Control};
use crate::ode::tableaus::TSIT5;
use crate::{Cnf, Error, Result};

/// How models are judged and used, however they were trained: in double precision, with the exact divergence, by Tsit5
/// at a tolerance of 1e-6.
pub fn evaluation() -> Settings {
    const TOLERANCE: f64 = 1e-6;
    Settings {
        tableau: &TSIT5,
        control: Control::Adaptive(Adaptive::i(TOLERANCE, TOLERANCE)),
        divergence: Divergence::Exact,
        ..Settings::default()
    }
}

/// A model ready to use. All points are row-major and in the units of the data.
///
/// ```no_run
/// use flows::model::{Flow, Model};
///
/// let flow = Flow::new(Model::read("run/moons/model.safetensors")?)?;
/// let points = flow.sample(1000, 1)?;
/// let log_p = flow.log_prob(&points)?;
/// let entropy = -log_p.iter().sum::<f64>() / log_p.len() as f64;
/// println!("the flow has an entropy of about {entropy:.2} nats");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Flow {
    model: Model,
    cnf: Cnf<f64>,
}

impl Flow {
    /// Compiles a model with the settings of [`evaluation`].
    ///
    /// # Errors
    /// Where the architecture makes no field.
    pub fn new(model: Model) -> Result<Self> {
        let cnf = Cnf::new(&model.description.architecture.field()?, &evaluation())?;
        Ok(Self { model, cnf })
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The log-density of each point in nats; NaN where the integration failed.
    ///
    /// # Errors
    /// Where `points` are no whole points.
    pub fn log_prob_or_nan(&self, points: &[f64]) -> Result<Vec<f64>> {
        Ok(self.solve(points)?.log_p)
    }

    /// The log-density of each point in nats.
    ///
    /// # Errors
    /// Where `points` are no whole points, or one cannot be integrated.
    pub fn log_prob(&self, points: &[f64]) -> Result<Vec<f64>> {
        let found = self.solve(points)?;
        Error::check(&found.outcomes)?;
        Ok(found.log_p)
    }

    fn solve(&self, points: &[f64]) -> Result<crate::cnf::LogProb> {
        let map = &self.model.description.standardisation;
        let mut rows = points.to_vec();
        map.apply(&mut rows)?;
        let mut found = self.cnf.log_prob(&self.model.parameters, &rows, &[], ProbeSeed::default())?;
        let log_det = map.log_det();
        found.log_p.iter_mut().for_each(|log_p| *log_p -= log_det);
        Ok(found)
    }

    /// `n` draws; the same seed gives the same bits.
    ///
    /// # Errors
    /// Where one cannot be integrated.
    pub fn sample(&self, n: usize, seed: u64) -> Result<Vec<f64>> {
        let mut rows = self.cnf.sample(&self.model.parameters, n, &[], seed)?;
        self.model.description.standardisation.invert(&mut rows)?;
        Ok(rows)
    }

    /// As [`Flow::sample`], with NaN for a draw that cannot be integrated.
    ///
    /// # Errors
    /// As for any solve; none for a model that was read.
    pub fn sample_or_nan(&self, n: usize, seed: u64) -> Result<Vec<f64>> {
        let base = self.cnf.base_sample(n, seed);
        let mut rows = self.cnf.flow_or_nan(&self.model.parameters, &base, &[], [0.0, 1.0])?;
        self.model.description.standardisation.invert(&mut rows)?;
        Ok(rows)
    }

    /// The way of `n` draws from the base, at `t = 0`, to the data, at `t = 1`: the points at `frames` equally spaced
    /// times, at least 2, each with its time; NaN from where one cannot be integrated.
    ///
    /// # Errors
    /// As for any solve; none for a model that was read.
    pub fn path(&self, n: usize, seed: u64, frames: usize) -> Result<Vec<(f64, Vec<f64>)>> {
        let last = frames.max(2) - 1;
        let time = |frame: usize| frame as f64 / last as f64;
        let mut rows = self.cnf.base_sample(n, seed);
        let mut path = Vec::with_capacity(last + 1);
        for frame in 0..=last {
            if frame > 0 {
                rows = self.cnf.flow_or_nan(
                    &self.model.parameters,
                    &rows,
                    &[],
                    [time(frame - 1), time(frame)],
                )?;
            }
            let mut points = rows.clone();
            self.model.description.standardisation.invert(&mut points)?;
            path.push((time(frame), points));
        }
        Ok(path)
    }
}
