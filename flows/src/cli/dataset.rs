use std::path::Path;

use ad_ops::random::Purpose;

use super::Failure;
use crate::data::{self, Builtin, DataError, Fractions, Standardisation, Table, split};
use crate::train::Examples;

/// Rows that judge a run on a built-in set.
const FRESH_ROWS: usize = 10_000;

/// Data ready for training: three tables in the units of the data, and the map fitted on the first.
pub(super) struct Dataset {
    pub(super) name: String,
    pub(super) train: Table,
    pub(super) valid: Table,
    pub(super) test: Table,
    pub(super) standardisation: Standardisation,
    pub(super) entropy_floor: Option<f64>,
}

/// What a user calls DATA.
pub(super) enum Source<'a> {
    Builtin(Builtin),
    File(&'a Path),
}

impl<'a> Source<'a> {
    /// A built-in name, else a path; a plain word that is neither is taken for a mistyped name.
    pub(super) fn parse(text: &'a str) -> Result<Self, DataError> {
        let path = Path::new(text);
        match Builtin::parse(text) {
            Ok(set) => Ok(Self::Builtin(set)),
            Err(_) if path.exists() || path.extension().is_some() || path.components().count() > 1 => {
                Ok(Self::File(path))
            }
            Err(error) => Err(error),
        }
    }
}

/// The rows that judge a run of this seed on a built-in set: none that any training sees.
pub(super) fn fresh_rows(set: Builtin, seed: u64) -> Table {
    set.sample(FRESH_ROWS, seed, Purpose::FreshData)
}

impl Dataset {
    /// Rows as the field sees them.
    pub(super) fn standardised(&self, table: &Table) -> Result<Examples, Failure> {
        let mut points = table.values().to_vec();
        self.standardisation.apply(&mut points)?;
        Ok(Examples::new(table.columns(), points)?)
    }

    /// Reads or generates the data and splits them.
    pub(super) fn load(data: &str, rows: Option<usize>, seed: u64) -> Result<Self, Failure> {
        const TENTH: f64 = 0.1;
        let source = Source::parse(data)?;
        let (all, test_fraction) = match (&source, rows) {
            (Source::Builtin(set), rows) => {
                (set.sample(rows.unwrap_or(set.default_rows()), seed, Purpose::Data), 0.0)
            }
            (Source::File(path), None) => (data::read_csv(path)?, TENTH),
            (Source::File(_), Some(_)) => {
                return Err(Failure::input("--rows is for built-in sets; of a file all rows are used."));
            }
        };
        // Two rows at least, so that their mean has an error.
        let part = |fraction: f64| if fraction > 0.0 { fraction.max(2.0 / all.rows() as f64) } else { 0.0 };
        let fractions = Fractions { valid: part(TENTH), test: part(test_fraction) };
        let parts = split(all.rows(), fractions, seed)?;
        let standardisation = Standardisation::fit(&all, &parts.train).map_err(|error| match &source {
            Source::Builtin(_) => Failure::from(error),
            Source::File(path) => Failure::input(format!("{}: {error}", path.display())),
        })?;
        let (test, entropy_floor) = match source {
            Source::Builtin(set) => (fresh_rows(set, seed), Some(set.entropy_floor())),
            Source::File(_) => (all.select(&parts.test), None),
        };
        let (train, valid) = (all.select(&parts.train), all.select(&parts.valid));
        Ok(Self { name: data.to_owned(), train, valid, test, standardisation, entropy_floor })
    }
}
