//! A determinant by its minors.

use super::{Draws, Number, Problem, Taped};
use crate::tapes;

/// The determinant of a matrix of 9 rows.
pub struct Determinant(Vec<f64>);

impl Determinant {
    const ROWS: usize = 9;

    /// The problem.
    #[expect(clippy::new_without_default, reason = "a problem is no default")]
    pub fn new() -> Self {
        Determinant(Draws::new().many(Self::ROWS * Self::ROWS, |u| u))
    }
}

impl Problem for Determinant {
    const NAME: &'static str = "det";
    const OPERATIONS: usize = operations(Self::ROWS);
    const CHECK: f64 = -0.077_026_351_497_1;

    fn inputs(&self) -> &[f64] {
        &self.0
    }

    fn value<T: Number>(&self, x: &[T]) -> T {
        determinant(x, Self::ROWS)
    }

    fn taped(&self) -> ad_core::Result<Taped<'_>> {
        let mut tape = tapes::Determinant::new(Self::ROWS)?;
        Ok(Box::new(move || tape.gradient(&self.0)))
    }
}

/// `n` minors, `n` products, and `n - 1` sums.
const fn operations(n: usize) -> usize {
    if n == 1 { 0 } else { n * operations(n - 1) + 2 * n - 1 }
}

/// The determinant of a matrix of `n` rows, at most 16, that follow one another.
pub fn determinant<T: Number>(a: &[T], n: usize) -> T {
    let mut sum = minor_term(a, n, 0);
    for j in 1..n {
        let term = minor_term(a, n, j);
        sum = if j % 2 == 1 { sum - term } else { sum + term };
    }
    sum
}

/// Entry `j` of the first row times its minor.
pub fn minor_term<T: Number>(a: &[T], n: usize, j: usize) -> T {
    if n == 1 {
        return a[0];
    }
    let mut others = [0; 16];
    for (k, column) in others[..n - 1].iter_mut().enumerate() {
        *column = (k + usize::from(k >= j)) as u8;
    }
    a[j] * minor(a, n, 1, &others[..n - 1])
}

/// The determinant of the rows from `row` on and of some columns.
fn minor<T: Number>(a: &[T], n: usize, row: usize, columns: &[u8]) -> T {
    let entry = |j: usize| a[row * n + columns[j] as usize];
    let rest = columns.len() - 1;
    if rest == 0 {
        return entry(0);
    }
    let mut others = [0; 16];
    others[..rest].copy_from_slice(&columns[1..]);
    let mut sum = entry(0) * minor(a, n, row + 1, &others[..rest]);
    for j in 1..=rest {
        others[j - 1] = columns[j - 1];
        let term = entry(j) * minor(a, n, row + 1, &others[..rest]);
        sum = if j % 2 == 1 { sum - term } else { sum + term };
    }
    sum
}
