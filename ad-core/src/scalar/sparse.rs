//! Jacobians and Hessians with few entries: columns that share no row are computed together (Curtis, Powell, Reid 1974).

use alloc::vec::Vec;

use super::drivers::LANES;
use super::pattern::{Dependent, Sets};
use super::{Dual, Ground};
#[cfg(feature = "std")]
use super::{Var, record};
use crate::error::{Error, Result};

/// Where a Jacobian or a Hessian has entries, and which of its columns are computed together.
///
/// It is that of the branches that the code took at the point where it was found: find it again where they change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// For each row the columns that have entries, in order.
    rows: Vec<Vec<usize>>,
    /// The colour of each column: columns of a colour have no row in common.
    colours: Vec<usize>,
}

/// The entries of a matrix: row, column, derivative; by rows, each in the order of its columns.
pub type Entries = Vec<(usize, usize, f64)>;

impl Pattern {
    fn new(rows: Vec<Vec<usize>>, columns: usize) -> Self {
        let mut readers: Vec<Vec<usize>> = alloc::vec![Vec::new(); columns];
        for (i, row) in rows.iter().enumerate() {
            row.iter().for_each(|&j| readers[j].push(i));
        }
        // Greedy: the first colour that no column with a row in common has.
        let mut colours: Vec<usize> = Vec::with_capacity(columns);
        let mut taken: Vec<usize> = Vec::new();
        for (j, readers) in readers.iter().enumerate() {
            let neighbours = readers.iter().flat_map(|&i| &rows[i]).filter(|&&other| other < j);
            for &other in neighbours {
                let colour = colours[other];
                if taken.len() <= colour {
                    taken.resize(colour + 1, usize::MAX);
                }
                taken[colour] = j;
            }
            let free = taken.iter().position(|&column| column != j);
            colours.push(free.unwrap_or(taken.len()));
        }
        Pattern { rows, colours }
    }

    /// For each row the columns that have entries, in order.
    pub fn rows(&self) -> &[Vec<usize>] {
        &self.rows
    }

    /// How many groups of columns are computed one after another.
    pub fn colours(&self) -> usize {
        self.colours.iter().max().map_or(0, |most| most + 1)
    }

    /// Variables of which those of four colours, from `start` on, move in a direction each.
    fn seeded(&self, x: &[f64], start: usize) -> Vec<Dual<f64, LANES>> {
        let seed = |(&x, colour): (&f64, &usize)| match colour.checked_sub(start) {
            Some(lane) if lane < LANES => Dual::along(x, lane),
            _ => Dual::fixed(x),
        };
        x.iter().zip(&self.colours).map(seed).collect()
    }

    /// The entries that four colours have given, for each row.
    fn read(&self, start: usize, rows: &[[f64; LANES]], entries: &mut Entries) {
        for (i, (row, tangent)) in self.rows.iter().zip(rows).enumerate() {
            for &j in row {
                match self.colours[j].checked_sub(start) {
                    Some(lane) if lane < LANES => entries.push((i, j, tangent[lane])),
                    _ => {}
                }
            }
        }
    }

    fn check(&self, rows: usize, columns: usize) -> Result<()> {
        if (rows, columns) == (self.rows.len(), self.colours.len()) {
            return Ok(());
        }
        let (m, n) = (self.rows.len(), self.colours.len());
        Err(Error::new(alloc::format!("a pattern of {m} x {n} was given for a matrix of {rows} x {columns}")))
    }
}

/// Which derivatives of `f` are not always zero.
///
/// ```
/// use ad_core::{jacobian_pattern, sparse_jacobian};
/// fn f<T: num_traits::Float>(x: &[T]) -> Vec<T> {
///     x.windows(2).map(|w| w[0] * w[1]).collect()
/// }
/// let x = [1.0, 2.0, 3.0, 4.0];
/// let pattern = jacobian_pattern(f, &x);
/// assert_eq!(pattern.colours(), 2); // two directions, however long x is
/// let (_, entries) = sparse_jacobian(f, &x, &pattern)?;
/// assert_eq!(entries[..2], [(0, 0, 2.0), (0, 1, 1.0)]);
/// # Ok::<(), ad_core::Error>(())
/// ```
pub fn jacobian_pattern<T: Ground>(
    f: impl for<'p> FnOnce(&[Dependent<'p, T>]) -> Vec<Dependent<'p, T>>,
    x: &[T],
) -> Pattern {
    let sets = Sets::new(x.len());
    let inputs: Vec<Dependent<'_, T>> = x.iter().enumerate().map(|(k, &x)| sets.variable(x, k)).collect();
    Pattern::new(f(&inputs).into_iter().map(Dependent::variables).collect(), x.len())
}

/// Which second derivatives of `f` are not always zero.
pub fn hessian_pattern<T: Ground>(
    f: impl for<'p> FnOnce(&[Dependent<'p, T>]) -> Dependent<'p, T>,
    x: &[T],
) -> Pattern {
    let sets = Sets::new(x.len());
    let inputs: Vec<Dependent<'_, T>> = x.iter().enumerate().map(|(k, &x)| sets.variable(x, k)).collect();
    f(&inputs);
    Pattern::new(sets.partners(), x.len())
}

/// The values of several functions and the entries of their Jacobian: `f` is called once for each four colours.
///
/// # Errors
/// Where the pattern is that of another matrix.
pub fn sparse_jacobian<F>(mut f: F, x: &[f64], pattern: &Pattern) -> Result<(Vec<f64>, Entries)>
where
    F: FnMut(&[Dual<f64, LANES>]) -> Vec<Dual<f64, LANES>>,
{
    pattern.check(pattern.rows.len(), x.len())?;
    let (mut value, mut entries) = (Vec::new(), Entries::new());
    for start in (0..pattern.colours().max(1)).step_by(LANES) {
        let y = f(&pattern.seeded(x, start));
        pattern.check(y.len(), x.len())?;
        value = y.iter().map(|y| y.value).collect();
        pattern.read(start, &y.iter().map(|y| y.tangent).collect::<Vec<_>>(), &mut entries);
    }
    entries.sort_unstable_by_key(|&(i, j, _)| (i, j));
    Ok((value, entries))
}

/// The value, the gradient and the entries of the Hessian of a function: `f` is called once for each four colours.
///
/// # Errors
/// Where the pattern is that of another matrix; and as [`gradient`](crate::gradient).
#[cfg(feature = "std")]
pub fn sparse_hessian<F>(mut f: F, x: &[f64], pattern: &Pattern) -> Result<(f64, Vec<f64>, Entries)>
where
    F: FnMut(&[Var<Dual<f64, LANES>>]) -> Var<Dual<f64, LANES>>,
{
    pattern.check(x.len(), x.len())?;
    let (mut value, mut gradient, mut entries) = (0.0, Vec::new(), Entries::new());
    for start in (0..pattern.colours().max(1)).step_by(LANES) {
        let x_bar = record(|r| {
            let x = r.variables(&pattern.seeded(x, start));
            let y = f(&x);
            value = y.value().value;
            r.pull_back(&[(y, Dual::fixed(1.0))], &x)
        })?;
        pattern.read(start, &x_bar.iter().map(|x_bar| x_bar.tangent).collect::<Vec<_>>(), &mut entries);
        gradient = x_bar.iter().map(|x_bar| x_bar.value).collect();
    }
    entries.sort_unstable_by_key(|&(i, j, _)| (i, j));
    Ok((value, gradient, entries))
}
