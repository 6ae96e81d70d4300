//! Trained flows as files: `model.safetensors`, and what can be done with one.
//!
//! A [`Model`] is a [`Description`] and the parameters. Its file is a plain safetensors file of 64-bit floats that any
//! tool can open; the description stands in its metadata as JSON, with a checksum over both. Reading refuses whatever
//! would not be the model that was written: see [`Fault`].
//!
//! A [`Flow`] is a model made ready: densities and samples in the units of the data.

mod checksum;
mod description;
mod error;
mod file;
mod flow;

#[cfg(test)]
mod tests;

use std::fs;
use std::path::Path;

pub use description::{Architecture, Description, Dtype};
pub use error::{Fault, ModelError};
pub use flow::{Flow, evaluation};

use crate::Parameters;
use crate::data::write_atomically;

/// A flow that can be stored: what it is, and its numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// What it is.
    pub description: Description,
    /// The parameters of its field.
    pub parameters: Parameters,
}

impl Model {
    /// Reads a model from a file.
    ///
    /// # Errors
    /// [`ModelError::Read`], and [`ModelError::Invalid`] with the [`Fault`] found.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ModelError> {
        let path = path.as_ref();
        let bytes = fs::read(path).map_err(|source| ModelError::Read { path: path.into(), source })?;
        Self::from_bytes(&bytes).map_err(|fault| ModelError::Invalid { path: path.into(), fault })
    }

    /// Writes the model to a file, whole or not at all. Equal models give equal files.
    ///
    /// # Errors
    /// [`ModelError::Write`], and [`ModelError::Invalid`] for a model that could not be read back.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), ModelError> {
        let path = path.as_ref();
        let bytes = self.to_bytes().map_err(|fault| ModelError::Invalid { path: path.into(), fault })?;
        write_atomically(path, &bytes).map_err(|source| ModelError::Write { path: path.into(), source })
    }
}
