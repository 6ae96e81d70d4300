//! A determinant by its minors.

use ad_core::{Error, Recorder, Result, Tape, Tracer};

use super::Gradient;

/// The determinant of a matrix by its minors, those of the lowest rows first: where the function of numbers takes each minor
/// as often as it is needed, here it is one element, and the minors of so many rows are one array.
pub struct Determinant(Gradient);

impl Determinant {
    /// Of a matrix of so many rows, at most 16: of `n` there are `2^n` minors.
    ///
    /// # Errors
    /// Where there are more.
    pub fn new(rows: usize) -> Result<Self> {
        if rows > 16 {
            return Err(Error::new(format!("a determinant by its minors has at most 16 rows, not {rows}")));
        }
        let tape = Tape::record(|t| {
            let a = t.shared("a", &[rows, rows]);
            let mut minors = t.full(&[1], 1.0);
            let mut columns = vec![0];
            for size in 1..=rows {
                let wider: Vec<usize> =
                    (0..1 << rows).filter(|s: &usize| s.count_ones() == size as u32).collect();
                minors = expand(t, &a.at(0, rows - size), &minors, [&columns, &wider]);
                columns = wider;
            }
            [("y", minors.sum())]
        })?;
        Ok(Determinant(Gradient::new(&tape, &["a"])?))
    }

    /// The value and the gradient, row by row.
    ///
    /// # Errors
    /// Where there are more or fewer numbers.
    pub fn gradient(&mut self, a: &[f64]) -> Result<(f64, Vec<f64>)> {
        self.0.at(0, &[a])
    }
}

/// The minors of sets of columns, a bit each, from those of one row less, along the row above them.
fn expand(t: &Recorder, row: &Tracer, minors: &Tracer, [narrower, wider]: [&[usize]; 2]) -> Tracer {
    let (mut entries, mut rests, mut signs) = (Vec::new(), Vec::new(), Vec::new());
    for set in wider {
        let within = (0..row.shape()[0]).filter(|column| set >> column & 1 == 1);
        for (place, column) in within.enumerate() {
            entries.push(column);
            rests.extend(narrower.binary_search(&(set & !(1 << column))));
            signs.push(if place % 2 == 0 { 1.0 } else { -1.0 });
        }
    }
    let terms = row.gather(0, &entries) * minors.gather(0, &rests) * t.constant(&signs, &[signs.len()]);
    terms.reshape(&[wider.len(), signs.len() / wider.len()]).sum_axis(1)
}
