use super::Builtin;
use std::io;
use std::path::PathBuf;

/// What can be wrong with data. Every message is a sentence that says where and what would be right.
///
/// Lines and columns are counted from 1, as an editor counts them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The file cannot be read.
    #[error("{}: cannot be read ({source}); check the path and its permissions.", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error(
        "{}: cannot be written ({source}); check the folder, its permissions and the free space.",
        path.display()
    )]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is no UTF-8 text.
    #[error("{}, line {line}: this is no UTF-8 text; save the table as CSV in UTF-8.", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// The first line that is no UTF-8.
        line: usize,
    },
    /// The file has no rows of numbers.
    #[error(
        "{}: there is no row of numbers in this file; write one row a line, cells separated by commas.",
        path.display()
    )]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A cell is no number.
    #[error(
        "{}, line {line}, column {column} ({name}): `{cell}` is no number; write a decimal such as 1.5 \
         or -2e-3.",
        path.display()
    )]
    NotANumber {
        /// The file.
        path: PathBuf,
        /// The cell's line.
        line: usize,
        /// The cell's column.
        column: usize,
        /// The column's name.
        name: String,
        /// What stands there.
        cell: String,
    },
    /// A cell is NaN, infinite or beyond the range of an `f64`.
    #[error(
        "{}, line {line}, column {column} ({name}): `{cell}` is not finite; remove the row or give a \
         finite number.",
        path.display()
    )]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// The cell's line.
        line: usize,
        /// The cell's column.
        column: usize,
        /// The column's name.
        name: String,
        /// What stands there.
        cell: String,
    },
    /// A row has more or fewer cells than the first.
    #[error(
        "{}, line {line}: this row has {} but the first row has {expected}; give every row {expected}.",
        path.display(),
        cells(*found)
    )]
    Ragged {
        /// The file.
        path: PathBuf,
        /// The row's line.
        line: usize,
        /// The row's number of cells.
        found: usize,
        /// The first row's number of cells.
        expected: usize,
    },
    /// Too few rows to learn from.
    #[error("{}: too few rows to train on, {found}; give at least {least}.", path.display())]
    TooFewRows {
        /// The file.
        path: PathBuf,
        /// Its number of rows.
        found: usize,
        /// The least number of rows.
        least: usize,
    },
    /// A column of a file has one value throughout.
    #[error(
        "{}, column {column} ({name}): every row has the value {value:?}, so there is no density to \
         learn; remove the column.",
        path.display()
    )]
    ConstantColumn {
        /// The file.
        path: PathBuf,
        /// The column.
        column: usize,
        /// Its name.
        name: String,
        /// The value.
        value: f64,
    },
    /// The mean and deviation of a column are not to be had, or of no use.
    #[error(
        "column {column} ({name}) has the deviation {scale:e} in the {rows} training rows and cannot be \
         standardised; remove it or rescale it to ordinary sizes."
    )]
    NoScale {
        /// The column.
        column: usize,
        /// Its name.
        name: String,
        /// Its deviation, as far as it can be computed.
        scale: f64,
        /// The number of rows.
        rows: usize,
    },
    /// The parts of a split leave nothing to train on, or are no parts.
    #[error(
        "{rows} rows cannot be split with the fractions {valid} for validation and {test} for testing; give \
         fractions of at least 0 that leave at least one row to train on."
    )]
    Fractions {
        /// The number of rows.
        rows: usize,
        /// The fraction asked for validation.
        valid: f64,
        /// The fraction asked for testing.
        test: f64,
    },
    /// A stored standardisation that maps nothing there and back.
    #[error(
        "the standardisation has {means} means and {scales} scales, and needs as many finite means as \
         positive scales, one or more."
    )]
    BadStandardisation {
        /// The number of means.
        means: usize,
        /// The number of scales.
        scales: usize,
    },
    /// A slice of values that is no whole number of rows.
    #[error(
        "{values} values do not fill whole rows of {columns} columns; give as many values as rows times \
         columns."
    )]
    NotWholeRows {
        /// The number of values.
        values: usize,
        /// The number of columns.
        columns: usize,
    },
    /// No built-in set has this name.
    #[error("`{name}` is no built-in set; give one of {}, or the path of a CSV file.", builtin_names())]
    UnknownName {
        /// The name.
        name: String,
    },
}

impl DataError {
    /// `Ok` if `values` is a whole number of rows of `columns` columns.
    pub(super) fn check_whole_rows(values: &[f64], columns: usize) -> Result<(), Self> {
        if columns > 0 && values.len().is_multiple_of(columns) {
            return Ok(());
        }
        Err(Self::NotWholeRows { values: values.len(), columns })
    }
}

fn cells(count: usize) -> String {
    if count == 1 { "1 cell".to_string() } else { format!("{count} cells") }
}

fn builtin_names() -> String {
    Builtin::ALL.map(Builtin::name).join(", ")
}
