use super::{DataError, Table, write_atomically};
use csv::{QuoteStyle, ReaderBuilder, StringRecord, WriterBuilder};
use std::fs;
use std::path::Path;

/// The least number of rows that [`read_csv`] takes.
const LEAST_ROWS: usize = 10;

/// The byte order mark.
const MARK: char = '\u{feff}';

/// Reads a table to train on from a CSV file.
///
/// As [`read_points`], and the table must be one that a density can be learnt from.
///
/// # Errors
///
/// Those of [`read_points`]; [`DataError::TooFewRows`] below 10 rows; [`DataError::ConstantColumn`].
pub fn read_csv(path: impl AsRef<Path>) -> Result<Table, DataError> {
    let path = path.as_ref();
    let table = read_points(path)?;
    if table.rows() < LEAST_ROWS {
        return Err(DataError::TooFewRows { path: path.into(), found: table.rows(), least: LEAST_ROWS });
    }
    let all: Vec<usize> = (0..table.rows()).collect();
    if let Some((column, value)) = table.constant_column(&all) {
        let name = table.names()[column].clone();
        return Err(DataError::ConstantColumn { path: path.into(), column: column + 1, name, value });
    }
    Ok(table)
}

/// Reads a table of any rows from a CSV file: at least one row of finite numbers, as many in each.
///
/// Cells are separated by tabs, by semicolons or by commas: the first of these that the first line has. The
/// first row is a header if one of its cells at least is no number; without a header the columns are `x1`,
/// `x2`, ... UTF-8, any line ends; blank lines are skipped, and so are spaces and byte order marks around a cell.
///
/// # Errors
///
/// [`DataError::Read`], [`DataError::NotText`], [`DataError::Empty`], [`DataError::NotANumber`],
/// [`DataError::NotFinite`] and [`DataError::Ragged`], with line and column.
pub fn read_points(path: impl AsRef<Path>) -> Result<Table, DataError> {
    let path = path.as_ref();
    let bytes = fs::read(path).map_err(|source| DataError::Read { path: path.into(), source })?;
    parse_points(path, &bytes)
}

/// The table that a CSV file with these bytes holds; errors name `path`.
///
/// # Errors
///
/// Those of [`read_points`] but [`DataError::Read`] of the file itself.
pub fn parse_points(path: impl AsRef<Path>, bytes: &[u8]) -> Result<Table, DataError> {
    Source::new(path.as_ref(), bytes)?.table()
}

/// Writes `table` with a header to `path`, whole or not at all; numbers as their shortest decimals that read
/// back as the same bits.
///
/// # Errors
///
/// [`DataError::Write`].
pub fn write_csv(path: impl AsRef<Path>, table: &Table) -> Result<(), DataError> {
    let path = path.as_ref();
    let bytes = to_csv(table).and_then(|bytes| write_atomically(path, &bytes));
    bytes.map_err(|source| DataError::Write { path: path.into(), source })
}

/// The bytes that [`write_csv`] writes.
///
/// # Errors
///
/// Those of the writer; there is none for a table as it comes from this module.
pub fn to_csv(table: &Table) -> std::io::Result<Vec<u8>> {
    // A name with another separator in it would make the reader take that for the file's.
    let misleading = table.names().iter().any(|name| name.contains([';', '\t']));
    let quotes = if misleading { QuoteStyle::NonNumeric } else { QuoteStyle::Necessary };
    let mut writer = WriterBuilder::new().quote_style(quotes).from_writer(Vec::new());
    writer.write_record(table.names())?;
    for row in table.iter() {
        writer.write_record(row.iter().map(|value| format!("{value:?}")))?;
    }
    writer.into_inner().map_err(csv::IntoInnerError::into_error)
}

/// A CSV file that is UTF-8, for the cells and for the places that errors name.
struct Source<'a> {
    path: &'a Path,
    text: &'a str,
}

impl<'a> Source<'a> {
    fn new(path: &'a Path, bytes: &'a [u8]) -> Result<Self, DataError> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self { path, text: without_blank_end(text) }),
            Err(error) => {
                Err(DataError::NotText { path: path.into(), line: line_of(bytes, error.valid_up_to()) })
            }
        }
    }

    fn table(&self) -> Result<Table, DataError> {
        let mut reader = ReaderBuilder::new()
            .delimiter(delimiter(self.text))
            .has_headers(false)
            .flexible(true)
            .from_reader(self.text.as_bytes());
        let (mut names, mut values) = (Vec::new(), Vec::new());
        for record in reader.records() {
            let record =
                record.map_err(|error| DataError::Read { path: self.path.into(), source: error.into() })?;
            if names.is_empty() {
                // A row with some numbers is a row with some mistakes.
                let header = cells(&record).all(|cell| cell.parse::<f64>().is_err());
                names = if header { header_names(&record) } else { Table::default_names(record.len()) };
                if header {
                    continue;
                }
            }
            self.push_row(&record, &names, &mut values)?;
        }
        if values.is_empty() {
            return Err(DataError::Empty { path: self.path.into() });
        }
        Ok(Table::whole(names, values))
    }

    fn push_row(
        &self,
        record: &StringRecord,
        names: &[String],
        values: &mut Vec<f64>,
    ) -> Result<(), DataError> {
        if record.len() != names.len() {
            let (line, path) = (self.line(record), self.path.into());
            return Err(DataError::Ragged { path, line, found: record.len(), expected: names.len() });
        }
        for (index, (cell, name)) in cells(record).zip(names).enumerate() {
            let number = cell.parse::<f64>();
            if let Ok(value) = number
                && value.is_finite()
            {
                values.push(value);
                continue;
            }
            let (path, line, column) = (self.path.into(), self.line(record), index + 1);
            let (name, cell) = (name.clone(), shown(cell));
            return Err(match number {
                Ok(_) => DataError::NotFinite { path, line, column, name, cell },
                Err(_) => DataError::NotANumber { path, line, column, name, cell },
            });
        }
        Ok(())
    }

    /// The line on which `record` begins. The reader's own count is of where it stood before it skipped blank
    /// lines.
    fn line(&self, record: &StringRecord) -> usize {
        let bytes = self.text.as_bytes();
        let stood = record.position().map_or(0, |position| position.byte() as usize);
        let blank = bytes[stood..].iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
        line_of(bytes, stood + blank)
    }
}

/// `text` up to the end of its last line that is not blank: a line of spaces at the end is no row.
fn without_blank_end(text: &str) -> &str {
    let end = text.trim_end().len();
    let rest = text[end..].find(['\n', '\r']).unwrap_or(text.len() - end);
    &text[..end + rest]
}

/// The line of the byte at `offset`, counted from 1; lines end with LF, CR LF or CR.
fn line_of(bytes: &[u8], offset: usize) -> usize {
    let ends = |&i: &usize| bytes[i] == b'\n' || bytes[i] == b'\r' && bytes.get(i + 1) != Some(&b'\n');
    1 + (0..offset).filter(ends).count()
}

/// What separates the cells of the first line, by what stands outside quotes.
fn delimiter(text: &str) -> u8 {
    let first = text.trim_start_matches([MARK, '\n', '\r']).lines().next().unwrap_or_default();
    let bare: String = first.split('"').step_by(2).collect();
    ['\t', ';'].into_iter().find(|&separator| bare.contains(separator)).unwrap_or(',') as u8
}

fn header_names(record: &StringRecord) -> Vec<String> {
    let name = |(index, cell): (usize, &str)| match cell {
        "" => format!("x{}", index + 1),
        _ => cell.to_string(),
    };
    cells(record).enumerate().map(name).collect()
}

/// The cells without what stands around them unseen: spaces, and byte order marks, which tools that paste files
/// together leave in their middle.
fn cells(record: &StringRecord) -> impl Iterator<Item = &str> {
    record.iter().map(|cell| cell.trim_matches(|c: char| c.is_whitespace() || c == MARK))
}

/// A cell as a message shows it: on one line and not endless.
fn shown(cell: &str) -> String {
    const MOST: usize = 40;
    let start: String = cell.chars().take(MOST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if cell.chars().nth(MOST).is_some() { start + "..." } else { start }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads `bytes` as a file; an error comes as its message, without the folder.
    fn read_with(
        read: impl Fn(&Path) -> Result<Table, DataError>,
        bytes: impl AsRef<[u8]>,
    ) -> Result<Table, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        fs::write(&path, bytes).unwrap();
        let prefix = format!("{}/", folder.path().display());
        read(&path).map_err(|error| error.to_string().replace(&prefix, ""))
    }

    fn points(text: &str) -> Result<Table, String> {
        read_with(|path| read_points(path), text)
    }

    #[test]
    fn the_same_table_however_written() {
        let table = Table::new(vec!["a".into(), "b".into()], vec![1.0, 2.5, -3e-2, 4.0]).unwrap();
        for text in [
            "a,b\n1,2.5\n-3e-2,4\n",
            "a;b\n1;2.5\n-3e-2;4",
            "a\tb\r\n1\t2.5\r\n-3e-2\t4\r\n\r\n \r\n",
            "\u{feff}a,b\r1,2.5\r-.03,+4.\r",
            "\n\"a\" , b \n\n 1,2.5\n-3E-2 ,\"4\"\n  \n\t\n",
        ] {
            assert_eq!(points(text).as_ref(), Ok(&table), "{text:?}");
        }
        assert_eq!(points("1,2.5\n-0.03,4").unwrap().values(), table.values());
        assert_eq!(points("1,2.5\n-0.03,4").unwrap().names(), ["x1", "x2"]);
        assert_eq!(points("\"a, m\";\n1;2").unwrap().names(), ["a, m", "x2"]);
        assert_eq!(points("\"a; m\",b\n1,2").unwrap().names(), ["a; m", "b"]);
    }

    /// Found in review: such a row was taken for a header, and its numbers were lost.
    #[test]
    fn a_first_row_with_some_numbers_has_a_mistake() {
        let message = points("1.0,2.x\n3,4").unwrap_err();
        assert!(message.contains("line 1") && message.contains("2.x"), "{message}");
    }

    /// Found by fuzzing: behind a blank line the mark made a number a name, which then read as a number.
    #[test]
    fn a_byte_order_mark_is_no_part_of_a_cell() {
        let table = points("\u{feff}\r\u{feff}77\r\"\u{feff} 1\"").unwrap();
        assert_eq!(table.values(), [77.0, 1.0]);
        assert_eq!(points("a\u{feff}\u{feff},b\n1,2").unwrap().names(), ["a", "b"]);
    }

    #[test]
    fn errors_say_where() {
        let empty = "t.csv: there is no row of numbers in this file; \
                     write one row a line, cells separated by commas.";
        let not_a_number = "is no number; write a decimal such as 1.5 or -2e-3.";
        let not_finite = "is not finite; remove the row or give a finite number.";
        for (text, message) in [
            ("", empty),
            ("\u{feff}\r\n \n", empty),
            ("a,b\n", empty),
            (
                "name,town\nann,york\nbob,ulm\n",
                &format!("t.csv, line 2, column 1 (name): `ann` {not_a_number}"),
            ),
            ("a,b\n1,2\n3,x\n", &format!("t.csv, line 3, column 2 (b): `x` {not_a_number}")),
            ("a,b\r\n1,2\r\n3,x\r\n", &format!("t.csv, line 3, column 2 (b): `x` {not_a_number}")),
            ("\n\na,b\n\n1,2\n\n\n3,\n", &format!("t.csv, line 8, column 2 (b): `` {not_a_number}")),
            ("\r\n\r\n1;2\r\n\r\n1,5;2\r\n", &format!("t.csv, line 5, column 1 (x1): `1,5` {not_a_number}")),
            ("1,2\r3,4\r5,0x1\r", &format!("t.csv, line 3, column 2 (x2): `0x1` {not_a_number}")),
            ("\"a\nb\",c\n1,2\n3,\"4\n5\"\n", &format!("t.csv, line 4, column 2 (c): `4 5` {not_a_number}")),
            ("1,2\nNaN,3\n", &format!("t.csv, line 2, column 1 (x1): `NaN` {not_finite}")),
            ("inf,2\n1,3\n", &format!("t.csv, line 1, column 1 (x1): `inf` {not_finite}")),
            ("1,2\n1,-1e999\n", &format!("t.csv, line 2, column 2 (x2): `-1e999` {not_finite}")),
            ("1,2\n3\n", "t.csv, line 2: this row has 1 cell but the first row has 2; give every row 2."),
            (
                "a,b\n1,2\n1,2,3\n",
                "t.csv, line 3: this row has 3 cells but the first row has 2; give every row 2.",
            ),
        ] {
            assert_eq!(points(text).unwrap_err(), message, "{text:?}");
        }
        let long = points(&format!("1,2\n3,{}", "y".repeat(99))).unwrap_err();
        assert!(long.contains(&format!("`{}...`", "y".repeat(40))), "{long}");
    }

    #[test]
    fn files_that_are_no_text() {
        assert_eq!(
            read_with(|path| read_points(path), b"a,b\n1,2\n\xff,3\n").unwrap_err(),
            "t.csv, line 3: this is no UTF-8 text; save the table as CSV in UTF-8."
        );
        let missing = read_points("no/such/file.csv").unwrap_err().to_string();
        assert!(missing.starts_with("no/such/file.csv: cannot be read (No such file"), "{missing}");
        assert!(read_points(std::env::temp_dir()).unwrap_err().to_string().contains("cannot be read"));
    }

    #[test]
    fn tables_to_train_on() {
        let text = |rows: usize, cell: fn(usize) -> usize| {
            (0..rows).fold("a,b".to_string(), |text, row| text + &format!("\n{row},{}", cell(row)))
        };
        let read = |text: String| read_with(|path| read_csv(path), text);
        assert_eq!(read(text(10, |row| row)).unwrap().rows(), 10);
        assert_eq!(
            read(text(9, |row| row)).unwrap_err(),
            "t.csv: too few rows to train on, 9; give at least 10."
        );
        assert_eq!(
            read(text(10, |_| 7)).unwrap_err(),
            "t.csv, column 2 (b): every row has the value 7.0, so there is no density to learn; \
             remove the column."
        );
    }

    fn tables() -> impl Strategy<Value = Table> {
        let finite = any::<f64>().prop_filter("finite", |value| value.is_finite());
        (1usize..5, prop::collection::vec(finite, 4..80), "[ -~]{0,9}").prop_map(
            |(columns, mut values, word)| {
                values.truncate(values.len() / columns * columns);
                // A name must be none that trimming would change, and one at least must be no number.
                let names = (0..columns).map(|column| format!("n{word}{column}")).collect();
                Table::new(names, values).unwrap()
            },
        )
    }

    proptest! {
        #[test]
        fn written_and_read_back_bit_for_bit(table in tables()) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("t.csv");
            write_csv(&path, &table).unwrap();
            let back = read_points(&path).unwrap();
            prop_assert_eq!(back.names(), table.names());
            let bits = |table: &Table| table.values().iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(&back), bits(&table));
        }

        /// Whatever the file holds, reading it ends in a table of finite numbers or in an error.
        #[test]
        fn any_bytes_end_in_a_table_or_an_error(text in "[-0-9a.,;\t\"\r\n \u{feff}é]{0,60}") {
            if let Ok(table) = points(&text) {
                prop_assert!(table.rows() > 0 && table.values().iter().all(|value| value.is_finite()));
            }
        }
    }
}
