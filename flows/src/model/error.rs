use std::io;
use std::path::PathBuf;

/// Why a model file cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The file cannot be read.
    #[error("{}: cannot be read ({source}); give the folder or the model file of a run.", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("{}: cannot be written ({source}); check the folder, its permissions and the free space.", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is no model, or a damaged one.
    #[error("{}: {fault}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: Fault,
    },
}

/// What can be wrong with the bytes of a model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The bytes are no safetensors file, or only the beginning of one.
    #[error("this is no whole safetensors file ({0}); write the model again.")]
    Format(#[from] safetensors::SafeTensorError),
    /// The metadata of `flows` are missing.
    #[error("this is a safetensors file but no model of flows: it has no metadata `flows`.")]
    Foreign,
    /// Another version of the format.
    #[error(
        "the model has format version {found}, and this program reads version {known}; use the program that wrote it."
    )]
    Version {
        /// The file's version.
        found: u64,
        /// The only version known.
        known: u64,
    },
    /// The metadata are no description of a model.
    #[error("the model's metadata are damaged ({0}).")]
    Metadata(#[from] serde_json::Error),
    /// A tensor is there twice.
    #[error("the model has two tensors `{name}`.")]
    Duplicate {
        /// Its name.
        name: String,
    },
    /// A tensor of another type.
    #[error("the tensor `{name}` has elements of type {dtype}, and a model has F64.")]
    Dtype {
        /// Its name.
        name: String,
        /// Its type.
        dtype: safetensors::Dtype,
    },
    /// An element is NaN or infinite.
    #[error("element {index} of the tensor `{name}` is {value}, and every one must be finite.")]
    NotFinite {
        /// The tensor's name.
        name: String,
        /// The element, counted from 0 in the order of the file.
        index: usize,
        /// Its value.
        value: f64,
    },
    /// The bytes are not those that were written.
    #[error("the model is damaged: its checksum is {found:08x}, and {stored:08x} was written.")]
    Checksum {
        /// As written.
        stored: u32,
        /// Of the bytes that are there.
        found: u32,
    },
    /// The file has not as many numbers as its architecture.
    #[error("the model has {found} numbers, and its architecture {}.", expected.map_or("far more".to_owned(), |n| n.to_string()))]
    Size {
        /// Numbers in the file.
        found: usize,
        /// Numbers of the architecture; none if they are beyond counting.
        expected: Option<usize>,
    },
    /// Parts that speak of other numbers of columns.
    #[error(
        "the model's field has {dims} dimensions, its data {columns} columns and its standardisation {scales}."
    )]
    Columns {
        /// Of the field.
        dims: usize,
        /// Of the data.
        columns: usize,
        /// Of the standardisation.
        scales: usize,
    },
    /// The field cannot be made, or its parameters are others.
    #[error("the model does not fit together: {0}.")]
    Field(#[from] crate::Error),
}
