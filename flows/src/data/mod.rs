//! Data: tables of numbers, where they come from and how they are prepared.
//!
//! Rows come from a [`Builtin`] distribution, whose entropy is known, or from a CSV file ([`read_csv`]). A
//! [`Split`] says which rows train, validate and test, and a [`Standardisation`] fitted on the training rows brings
//! columns to mean 0 and deviation 1.

mod atomic;
mod builtin;
mod checkerboard;
mod csv;
mod density;
mod error;
mod pinwheel;
mod shape;
mod split;
mod standardisation;
mod table;
mod warp;

pub use atomic::write_atomically;
pub use builtin::Builtin;
pub use csv::{read_csv, read_points, write_csv};
pub use density::Density;
pub use error::DataError;
pub use split::{Fractions, Split, split};
pub use standardisation::Standardisation;
pub use table::Table;
