//! Training by maximum likelihood: batches, Adam, and when to stop.
//!
//! [`fit`] moves the [`Parameters`] of anything that has a [`Likelihood`] so that examples become likely, and keeps the
//! parameters that did best on examples held out.
//!
//! ```
//! use std::ops::ControlFlow;
//! use ad_ops::random::Purpose;
//! use flows::cnf::{Cnf, Settings};
//! use flows::data::Builtin;
//! use flows::layer::{Activation, mlp_field};
//! use flows::train::{Event, Examples, Options, Task, fit};
//! use flows::Parameters;
//!
//! let field = mlp_field(2, 0, &[8], Activation::Tanh)?;
//! let cnf = Cnf::<f32>::new(&field, &Settings::default())?;
//! let rows = |purpose| Examples::new(2, Builtin::Moons.sample(64, 1, purpose).into_values());
//! let (train, valid) = (rows(Purpose::Data)?, rows(Purpose::FreshData)?);
//!
//! let task = Task { model: &cnf, judge: &cnf, train: &train, valid: &valid };
//! let options = Options { epochs: 2, batch_size: 32, ..Options::default() };
//! let fitted = fit(&task, Parameters::init(field.declarations(), 1), &options, &mut |event| {
//!     if let Event::Epoch { epoch, .. } = event {
//!         println!("epoch {}: {:.3} nats", epoch.number, epoch.valid);
//!     }
//!     ControlFlow::Continue(())
//! })?;
//! assert_eq!(fitted.history.len(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod adam;
mod batches;
mod clip;
mod error;
mod examples;
mod fit;
mod kept;
mod patience;
mod schedule;

#[cfg(test)]
mod tests;

use ad_core::Element;

pub use adam::Adam;
pub use batches::Batches;
pub use clip::clip_global_norm;
pub use error::TrainError;
pub use examples::Examples;
pub use fit::{Epoch, Event, Fit, Options, Stop, Task, fit};
pub use kept::KeptBases;
pub use patience::Patience;
pub use schedule::CosineDecay;

use crate::Parameters;
use crate::cnf::{Cnf, LogProb, NllGradient, ProbeSeed};

/// What can be trained by [`fit`]: a density with parameters and its gradient.
pub trait Likelihood {
    /// The mean negative log-likelihood of the examples in nats, and its gradient by the parameters.
    ///
    /// # Errors
    /// Where the examples do not fit the model, or an integration fails.
    fn nll_gradient(
        &self,
        parameters: &Parameters,
        examples: &Examples,
        probe: ProbeSeed,
    ) -> crate::Result<NllGradient>;

    /// The log-density of each example, in nats.
    ///
    /// # Errors
    /// As [`Likelihood::nll_gradient`].
    fn log_prob(
        &self,
        parameters: &Parameters,
        examples: &Examples,
        probe: ProbeSeed,
    ) -> crate::Result<LogProb>;
}

impl<T: Element> Likelihood for Cnf<T> {
    fn nll_gradient(
        &self,
        parameters: &Parameters,
        examples: &Examples,
        probe: ProbeSeed,
    ) -> crate::Result<NllGradient> {
        self.nll_gradient(parameters, examples.points(), examples.contexts(), probe)
    }

    fn log_prob(
        &self,
        parameters: &Parameters,
        examples: &Examples,
        probe: ProbeSeed,
    ) -> crate::Result<LogProb> {
        self.log_prob(parameters, examples.points(), examples.contexts(), probe)
    }
}
