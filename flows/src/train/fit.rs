use std::ops::ControlFlow;

use super::error::Place;
use super::{Adam, Batches, CosineDecay, Examples, Likelihood, Patience, TrainError, clip_global_norm};
use crate::cnf::ProbeSeed;
use crate::ode::Statistics;
use crate::{Error, Parameters};

/// What is trained on what.
#[derive(Clone, Copy)]
pub struct Task<'a> {
    /// The density whose gradient moves the parameters.
    pub model: &'a dyn Likelihood,
    /// The density that validates: the same one, or one of the same parameters that is more exact.
    pub judge: &'a dyn Likelihood,
    /// Examples to learn from.
    pub train: &'a Examples,
    /// Examples held out, to tell which epoch did best.
    pub valid: &'a Examples,
}

/// How to train.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// The most passes over the examples, at least 1.
    pub epochs: usize,
    /// Examples in a batch, at least 1.
    pub batch_size: usize,
    /// The learning rate of the first step, more than 0.
    pub learning_rate: f64,
    /// The learning rate at the end as a part of the first one, at least 0.
    pub final_fraction: f64,
    /// The largest global norm of a gradient, more than 0; a longer one is scaled down to it.
    pub clip: f64,
    /// Stop after so many epochs without a better validation, at least 1.
    pub patience: usize,
    /// The seed of batches and probes.
    pub seed: u64,
}

impl Default for Options {
    /// 60 epochs in batches of 256, from a rate of 2e-3 to 4e-5, norms at most 5, patience 15, seed 0.
    fn default() -> Self {
        let (epochs, batch_size, patience, seed) = (60, 256, 15, 0);
        Self { epochs, batch_size, learning_rate: 2e-3, final_fraction: 0.02, clip: 5.0, patience, seed }
    }
}

impl Options {
    fn verify(&self, examples: usize) -> Result<(), TrainError> {
        // Probes number their steps, and validations count from the other end, in 32 bits.
        let numbers = (self.epochs as u128) * (Batches::count(examples, self.batch_size) as u128 + 1);
        let settings = [
            ("epochs", self.epochs as f64, "at least 1", self.epochs >= 1),
            ("epochs", self.epochs as f64, "fewer: 2^32 steps is the most", numbers <= u128::from(u32::MAX)),
            ("batch_size", self.batch_size as f64, "at least 1", self.batch_size >= 1),
            (
                "learning_rate",
                self.learning_rate,
                "finite and more than 0",
                self.learning_rate > 0.0 && self.learning_rate.is_finite(),
            ),
            (
                "final_fraction",
                self.final_fraction,
                "finite and at least 0",
                self.final_fraction >= 0.0 && self.final_fraction.is_finite(),
            ),
            ("clip", self.clip, "more than 0", self.clip > 0.0),
            ("patience", self.patience as f64, "at least 1", self.patience >= 1),
        ];
        match settings.into_iter().find(|(.., holds)| !holds) {
            Some((setting, value, expected, _)) => Err(TrainError::Setting { setting, value, expected }),
            None => Ok(()),
        }
    }
}

/// What is known after an epoch. Losses are mean negative log-likelihoods in nats, of the points as they were given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Epoch {
    /// Which one, from 1.
    pub number: usize,
    /// The mean loss of its batches, each before its own step.
    pub train: f64,
    /// The loss of the examples held out, after the epoch.
    pub valid: f64,
    /// Whether no epoch before had a lower one.
    pub improved: bool,
    /// The cost of the validation's solves.
    pub solves: Statistics,
}

/// What [`fit`] tells while it goes on.
#[derive(Debug)]
pub enum Event<'a> {
    /// A step was taken.
    Step {
        /// Its epoch, from 1.
        epoch: usize,
        /// Its number within the epoch, from 1.
        step: usize,
        /// The number of steps in an epoch.
        of: usize,
    },
    /// An epoch is over and validated.
    Epoch {
        /// What is known.
        epoch: &'a Epoch,
        /// The parameters now.
        parameters: &'a Parameters,
    },
}

/// Why a training ended.
#[derive(Debug)]
pub enum Stop {
    /// All epochs are done.
    Epochs,
    /// The validation was no better for as many epochs as [`Options::patience`] allows.
    Patience,
    /// The observer asked for it.
    Asked,
    /// It failed after an epoch at least had been validated.
    Failed(TrainError),
}

/// The outcome of a training.
#[derive(Debug)]
pub struct Fit {
    /// The parameters that did best in validation.
    pub parameters: Parameters,
    /// Their epoch.
    pub best: Epoch,
    /// All epochs, the one cut short by the observer included.
    pub history: Vec<Epoch>,
    /// Why it ended.
    pub stop: Stop,
}

/// Trains from the parameters `initial` by Adam under a cosine decay, and returns those that did best in validation.
///
/// Each epoch shuffles the examples anew; each step and each of its examples draws its own probe (a probe held through
/// training would be exploited), each validation too. All randomness comes from [`Options::seed`]: the same arguments
/// give the same bits.
///
/// `observer` hears of each step and each epoch, and may ask to stop: then the epoch ends there and is validated as any
/// other.
///
/// # Errors
/// Where an option is out of range, there are no examples, or the training fails before its first epoch is validated.
/// A later failure is a [`Stop`].
pub fn fit(
    task: &Task<'_>,
    initial: Parameters,
    options: &Options,
    observer: &mut dyn FnMut(&Event<'_>) -> ControlFlow<()>,
) -> Result<Fit, TrainError> {
    options.verify(task.train.len())?;
    for (part, examples) in [("to train on", task.train), ("to validate on", task.valid)] {
        if examples.is_empty() {
            return Err(TrainError::NoExamples { part });
        }
    }
    let mut training = Training::new(task, initial, options);
    let (first, mut stop) = training.epoch(1, observer)?;
    let parameters = training.parameters.clone();
    let mut fit = Fit { parameters, best: first, history: vec![first], stop: Stop::Epochs };
    while stop.is_none() && fit.history.len() < options.epochs {
        match training.epoch(fit.history.len() + 1, observer) {
            Ok((epoch, next)) => {
                fit.take(epoch, &training.parameters);
                stop = next;
            }
            Err(error) => stop = Some(Stop::Failed(error)),
        }
    }
    fit.stop = stop.unwrap_or(Stop::Epochs);
    Ok(fit)
}

impl Fit {
    fn take(&mut self, epoch: Epoch, parameters: &Parameters) {
        self.history.push(epoch);
        if epoch.improved {
            self.best = epoch;
            self.parameters.clone_from(parameters);
        }
    }
}

struct Training<'a> {
    task: &'a Task<'a>,
    options: &'a Options,
    schedule: CosineDecay,
    parameters: Parameters,
    adam: Adam,
    patience: Patience,
}

impl<'a> Training<'a> {
    fn new(task: &'a Task<'a>, parameters: Parameters, options: &'a Options) -> Self {
        // A batch begun counts, though only full ones are taken: a short data set does not end on rates that learn nothing.
        let steps = (options.epochs * task.train.len().div_ceil(options.batch_size)) as u64;
        let Options { learning_rate: initial, final_fraction, patience, .. } = *options;
        Self {
            task,
            options,
            schedule: CosineDecay { initial, steps, final_fraction },
            adam: Adam::new(&parameters),
            parameters,
            patience: Patience::new(patience),
        }
    }

    /// Trains and validates one epoch; says why it is the last, if it is.
    fn epoch(
        &mut self,
        number: usize,
        observer: &mut dyn FnMut(&Event<'_>) -> ControlFlow<()>,
    ) -> Result<(Epoch, Option<Stop>), TrainError> {
        let Options { batch_size, seed, .. } = *self.options;
        let batches = Batches::new(self.task.train.len(), batch_size, seed, number as u32);
        let of = batches.iter().len();
        let (mut losses, mut asked) = (Vec::with_capacity(of), ControlFlow::Continue(()));
        for (step, batch) in (1..).zip(batches.iter()) {
            losses.push(self.step(batch, Place { epoch: number, step: Some(step) })?);
            asked = observer(&Event::Step { epoch: number, step, of });
            if asked.is_break() {
                break;
            }
        }
        let train = losses.iter().sum::<f64>() / losses.len() as f64;
        let epoch = self.validate(number, train)?;
        let asked_then = observer(&Event::Epoch { epoch: &epoch, parameters: &self.parameters });
        let stop = match (asked.is_break() || asked_then.is_break(), self.patience.is_over()) {
            (true, _) => Some(Stop::Asked),
            (false, true) => Some(Stop::Patience),
            (false, false) => None,
        };
        Ok((epoch, stop))
    }

    /// One step on the examples of `batch`; returns their loss before it.
    fn step(&mut self, batch: &[usize], place: Place) -> Result<f64, TrainError> {
        let step = self.adam.steps;
        let probe = ProbeSeed { seed: self.options.seed, step: step as u32, first_example: 0 };
        let examples = self.task.train.select(batch);
        let found = self.task.model.nll_gradient(&self.parameters, &examples, probe);
        let mut found = found.map_err(place.blame())?;
        place.finite("loss", found.nll)?;
        place.finite("norm of the gradient", clip_global_norm(&mut found.gradient, self.options.clip))?;
        self.adam.step(&mut self.parameters, &found.gradient, self.schedule.rate(step))?;
        Ok(found.nll)
    }

    /// Judges the parameters after an epoch.
    fn validate(&mut self, number: usize, train: f64) -> Result<Epoch, TrainError> {
        let place = Place { epoch: number, step: None };
        let probe = ProbeSeed { seed: self.options.seed, step: u32::MAX - number as u32, first_example: 0 };
        let found =
            self.task.judge.log_prob(&self.parameters, self.task.valid, probe).map_err(place.blame())?;
        Error::check(&found.outcomes).map_err(place.blame())?;
        let valid = -found.log_p.iter().sum::<f64>() / found.log_p.len() as f64;
        place.finite("loss", valid)?;
        let improved = self.patience.improves(valid);
        Ok(Epoch { number, train, valid, improved, solves: found.statistics })
    }
}
