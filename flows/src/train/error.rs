use std::fmt;

/// Why a training cannot begin, or cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A setting is outside its range.
    #[error("training: {setting} = {value}, should be {expected}")]
    Setting {
        /// Its name.
        setting: &'static str,
        /// Its value.
        value: f64,
        /// Its range.
        expected: &'static str,
    },
    /// There is nothing to learn from, or to judge by.
    #[error("there are no examples {part}; give at least one")]
    NoExamples {
        /// Which part is empty.
        part: &'static str,
    },
    /// Numbers that are no whole examples.
    #[error("{values} numbers are no whole {what} of {length}; give as many for each example")]
    Ragged {
        /// Points or contexts.
        what: &'static str,
        /// How many numbers there are.
        values: usize,
        /// How many make one.
        length: usize,
    },
    /// Another number of contexts than of points.
    #[error("{contexts} contexts for {points} points; give each point its context")]
    Contexts {
        /// The number of contexts.
        contexts: usize,
        /// The number of points.
        points: usize,
    },
    /// Parameters that are not those of the optimiser.
    #[error("the optimiser was made for the parameters {expected}; it was given {found}")]
    Shapes {
        /// Names and shapes given.
        found: String,
        /// Names and shapes expected.
        expected: String,
    },
    /// A loss or a gradient is NaN or infinite.
    #[error("{place}: the {what} is {value}; a smaller learning rate or tighter tolerances may help")]
    NotFinite {
        /// Loss or gradient.
        what: &'static str,
        /// NaN or an infinity.
        value: f64,
        /// When.
        place: Place,
    },
    /// The model failed.
    #[error("{place}: {source}")]
    Model {
        /// What it says.
        source: crate::Error,
        /// When.
        place: Place,
    },
}

/// A place in a training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The epoch, from 1.
    pub epoch: usize,
    /// The step within the epoch, from 1; none while validating.
    pub step: Option<usize>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.step {
            Some(step) => write!(f, "training, epoch {}, step {step}", self.epoch),
            None => write!(f, "validation after epoch {}", self.epoch),
        }
    }
}

impl Place {
    pub(super) fn blame(self) -> impl FnOnce(crate::Error) -> TrainError {
        move |source| TrainError::Model { source, place: self }
    }

    pub(super) fn finite(self, what: &'static str, value: f64) -> Result<f64, TrainError> {
        if value.is_finite() { Ok(value) } else { Err(TrainError::NotFinite { what, value, place: self }) }
    }
}
