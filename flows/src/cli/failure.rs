use crate::Error;
use crate::data::DataError;
use crate::model::ModelError;
use crate::report::ReportError;
use crate::train::TrainError;

/// The exit code of bad input.
pub(super) const INPUT: u8 = 2;
/// The exit code of everything else that went wrong.
const OTHER: u8 = 1;

/// How the program ends when it does not succeed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) code: u8,
    pub(super) message: String,
}

impl Failure {
    /// What the user gave is wrong.
    pub(super) fn input(message: impl Into<String>) -> Self {
        Self { code: INPUT, message: message.into() }
    }

    /// What the user gave is right, and it did not work.
    pub(super) fn other(message: impl Into<String>) -> Self {
        Self { code: OTHER, message: message.into() }
    }
}

impl From<DataError> for Failure {
    fn from(error: DataError) -> Self {
        match error {
            DataError::Write { .. } => Self::other(error.to_string()),
            _ => Self::input(error.to_string()),
        }
    }
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        match error {
            ModelError::Write { .. } => Self::other(error.to_string()),
            _ => Self::input(error.to_string()),
        }
    }
}

impl From<TrainError> for Failure {
    fn from(error: TrainError) -> Self {
        match error {
            TrainError::Setting { .. } => Self::input(error.to_string()),
            _ => Self::other(error.to_string()),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Data(error) => error.into(),
            Error::Control(_) | Error::Tableau(_) => Self::input(error.to_string()),
            _ => Self::other(error.to_string()),
        }
    }
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        Self::other(format!("the report cannot be made: {error}"))
    }
}
