//! What can go wrong with a flow, in one type.

use crate::data::DataError;
use crate::ode::controller::{ControlError, Failure};
use crate::ode::tableau::TableauError;

/// The result of everything in this crate that can fail, data and reports aside.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a flow was refused or did not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A recording or a call was wrong.
    #[error(transparent)]
    Core(#[from] ad_core::Error),
    /// Data were wrong.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The step control was wrong.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// The tableau was wrong.
    #[error(transparent)]
    Tableau(#[from] TableauError),
    /// Arrays have other sizes than their examples.
    #[error(
        "arrays for examples of {want:?} numbers have {got:?}: each must be a whole number of rows, the same for all"
    )]
    Sizes {
        /// Numbers per example of each array.
        want: Vec<usize>,
        /// The numbers given.
        got: Vec<usize>,
    },
    /// Examples could not be integrated where all are needed.
    #[error("{failed} of {examples} examples could not be integrated; example {first}: {failure}")]
    Integration {
        /// How many failed.
        failed: usize,
        /// Of how many.
        examples: usize,
        /// The first of them.
        first: usize,
        /// Why.
        failure: Failure,
    },
}

impl Error {
    /// Nothing, if no example failed.
    ///
    /// # Errors
    /// [`Error::Integration`], with the first failure.
    pub fn check(outcomes: &[crate::ode::Outcome]) -> Result<()> {
        let failed = || outcomes.iter().enumerate().filter_map(|(k, o)| o.err().map(|f| (k, f)));
        match failed().next() {
            None => Ok(()),
            Some((first, failure)) => {
                Err(Error::Integration { failed: failed().count(), examples: outcomes.len(), first, failure })
            }
        }
    }
}
