//! Data: tables of numbers, where they come from and how they are prepared.
//!
//! Rows come from a [`Builtin`] distribution, whose entropy is known, or from a CSV file ([`read_csv`]). A
//! [`Split`] says which rows train, validate and test, and a [`Standardisation`] fitted on the training rows
//! brings columns to mean 0 and deviation 1.
//!
//! ```
//! use ad_ops::random::Purpose;
//! use flows::data::{Builtin, Fractions, Standardisation, split};
//!
//! let rows = Builtin::Moons.sample(1000, 7, Purpose::Data);
//! let parts = split(rows.rows(), Fractions { valid: 0.1, test: 0.1 }, 7)?;
//! let map = Standardisation::fit(&rows, &parts.train)?;
//! let mut valid = rows.select(&parts.valid).into_values();
//! map.apply(&mut valid)?;
//! assert_eq!(valid.len(), 200);
//! # Ok::<(), flows::data::DataError>(())
//! ```

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
pub use csv::{parse_points, read_csv, read_points, to_csv, write_csv};
pub use density::Density;
pub use error::DataError;
pub use split::{Fractions, Split, split};
pub use standardisation::Standardisation;
pub use table::Table;
