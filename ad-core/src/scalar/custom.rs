//! Functions with derivatives of the user's own, implicit functions, and functions that leave only their Jacobian.

use alloc::{format, vec::Vec};

use super::{Dual, List, Scalar};
use crate::error::{Error, Result};

/// A function of several numbers with derivatives of its own: what is inside it is not differentiated.
///
/// Give [`Rule::jvp`] or [`Rule::vjp`], or both; whichever takes fewer calls is used. They are generic, so that second
/// derivatives are those of the rule, differentiated.
///
/// ```
/// use ad_core::{Rule, Scalar, call, gradient};
/// struct Cube;
/// impl Rule for Cube {
///     fn value<T: Scalar>(&self, x: &[T]) -> Vec<T> {
///         vec![x[0] * x[0] * x[0]]
///     }
///     fn vjp<T: Scalar>(&self, x: &[T], _y: &[T], y_bar: &[T]) -> Option<Vec<T>> {
///         Some(vec![T::lift(3.0) * x[0] * x[0] * y_bar[0]])
///     }
/// }
/// assert_eq!(gradient(|x| call(&Cube, x).unwrap()[0], &[2.0])?, (8.0, vec![12.0]));
/// # Ok::<(), ad_core::Error>(())
/// ```
pub trait Rule {
    /// The values at `x`. Only plain numbers come here.
    fn value<T: Scalar>(&self, x: &[T]) -> Vec<T>;

    /// The tangents of `y = f(x)` when `x` moves along `x_dot`.
    fn jvp<T: Scalar>(&self, _x: &[T], _y: &[T], _x_dot: &[T]) -> Option<Vec<T>> {
        None
    }

    /// The cotangents of `x` that belong to those of `y = f(x)`.
    fn vjp<T: Scalar>(&self, _x: &[T], _y: &[T], _y_bar: &[T]) -> Option<Vec<T>> {
        None
    }

    /// A row of derivatives for each number of `y = f(x)`, made of `jvp` or `vjp`.
    ///
    /// # Errors
    /// Where there is neither, or one of them returns too few or too many numbers.
    fn jacobian<T: Scalar>(&self, x: &[T], y: &[T]) -> Result<Vec<Vec<T>>> {
        let by_jvp = || {
            let column = |k| self.jvp(x, y, &unit(x.len(), k)).map(|y_dot| sized("jvp", y_dot, y.len()));
            let columns = (0..x.len()).map(column).collect::<Option<Result<Vec<_>>>>();
            columns.map(|columns| columns.map(|columns| transposed(&columns, y.len())))
        };
        let by_vjp = || {
            let row = |k| self.vjp(x, y, &unit(y.len(), k)).map(|x_bar| sized("vjp", x_bar, x.len()));
            (0..y.len()).map(row).collect::<Option<Result<Vec<_>>>>()
        };
        let found = if x.len() < y.len() { by_jvp().or_else(by_vjp) } else { by_vjp().or_else(by_jvp) };
        found.unwrap_or_else(|| Err(Error::new("a rule has neither a jvp nor a vjp")))
    }
}

/// Calls a function by its rule, on numbers of any kind.
///
/// # Errors
/// As [`Rule::jacobian`].
#[track_caller]
pub fn call<R: Rule, T: Scalar>(rule: &R, x: &[T]) -> Result<Vec<T>> {
    T::apply_rule(rule, x)
}

fn sized<T>(what: &str, numbers: Vec<T>, wanted: usize) -> Result<Vec<T>> {
    if numbers.len() == wanted {
        return Ok(numbers);
    }
    Err(Error::new(format!("the {what} of a rule returns {} numbers, {wanted} are wanted", numbers.len())))
}

fn transposed<T: Copy>(columns: &[Vec<T>], rows: usize) -> Vec<Vec<T>> {
    (0..rows).map(|i| columns.iter().map(|column| column[i]).collect()).collect()
}

/// Checks a rule at a point: its jvp against differences, and its vjp against its jvp.
///
/// # Errors
/// The first derivative that is wrong, with both numbers; and as [`Rule::jacobian`].
pub fn check_rule<R: Rule>(rule: &R, x: &[f64]) -> Result<()> {
    let y = rule.value(x);
    let rows = rule.jacobian(x, &y)?;
    for k in 0..x.len() {
        let at = |h: f64| {
            let mut x = x.to_vec();
            x[k] += h;
            rule.value(&x)
        };
        let h = 1e-3 * (1.0 + num_traits::Float::abs(x[k]));
        let [far, near] = [h, h / 2.0].map(|h| (at(h), at(-h), 2.0 * h));
        for i in 0..y.len() {
            let slope = |(up, down, width): &(Vec<f64>, Vec<f64>, f64)| (up[i] - down[i]) / width;
            // Richardson: the error is of order h^4.
            let want = (4.0 * slope(&near) - slope(&far)) / 3.0;
            agree(rows[i][k], want, 1e-6, "differences", i, k)?;
        }
        // Where there are both, they have to be one derivative.
        if let Some(y_dot) = rule.jvp(x, &y, &unit(x.len(), k)) {
            for (i, &by_jvp) in sized("jvp", y_dot, y.len())?.iter().enumerate() {
                agree(by_jvp, rows[i][k], 1e-10, "the vjp", i, k)?;
            }
        }
    }
    for (i, row) in rows.iter().enumerate() {
        if let Some(x_bar) = rule.vjp(x, &y, &unit(y.len(), i)) {
            for (k, &by_vjp) in sized("vjp", x_bar, x.len())?.iter().enumerate() {
                agree(row[k], by_vjp, 1e-10, "the vjp", i, k)?;
            }
        }
    }
    Ok(())
}

fn unit<T: Scalar>(n: usize, k: usize) -> Vec<T> {
    (0..n).map(|j| if j == k { T::one() } else { T::zero() }).collect()
}

fn agree(got: f64, want: f64, tolerance: f64, by: &str, i: usize, k: usize) -> Result<()> {
    let scale = 1.0 + num_traits::Float::abs(want);
    if num_traits::Float::abs(got - want) <= tolerance * scale {
        return Ok(());
    }
    Err(Error::new(format!("the derivative of y[{i}] by x[{k}] is {got} by the rule, {want} by {by}")))
}

/// An equation `g(x, y) = 0` that makes `y` a function of `x`, with as many equations as unknowns.
pub trait Equation {
    /// `g(x, y)`.
    fn residual<T: Scalar>(&self, x: &[T], y: &[T]) -> Vec<T>;
    /// The `y` that solves it, by whatever means.
    fn solve(&self, x: &[f64]) -> Vec<f64>;
}

/// The function that an equation defines, by the theorem of implicit functions: `dy = -(dg/dy)^-1 dg/dx dx`. The solver
/// is not differentiated.
#[derive(Clone, Copy, Debug)]
pub struct Implicit<E>(pub E);

impl<E: Equation> Rule for Implicit<E> {
    fn value<T: Scalar>(&self, x: &[T]) -> Vec<T> {
        let x: Vec<f64> = x.iter().map(|x| x.to_f64().unwrap_or(f64::NAN)).collect();
        self.0.solve(&x).into_iter().map(T::lift).collect()
    }

    fn jvp<T: Scalar>(&self, x: &[T], y: &[T], x_dot: &[T]) -> Option<Vec<T>> {
        let fixed = |values: &[T]| values.iter().map(|&v| Dual::fixed(v)).collect::<Vec<Dual<T>>>();
        let along: Vec<Dual<T>> = x.iter().zip(x_dot).map(|(&x, &t)| Dual::new(x, [t])).collect();
        let right = self.0.residual(&along, &fixed(y)).into_iter().map(|g| -g.tangent[0]).collect();
        let column = |k: usize| {
            let mut y = fixed(y);
            y[k].tangent[0] = T::one();
            self.0.residual(&fixed(x), &y).into_iter().map(|g| g.tangent[0]).collect()
        };
        let columns: Vec<Vec<T>> = (0..y.len()).map(column).collect();
        Some(solve_linear(transposed(&columns, y.len()), right))
    }
}

/// Gaussian elimination with partial pivoting; a singular matrix gives infinities or NaN.
fn solve_linear<T: Scalar>(mut rows: Vec<Vec<T>>, mut right: Vec<T>) -> Vec<T> {
    let n = right.len();
    for k in 0..n {
        let size = |i: &usize| num_traits::Float::abs(rows[*i][k]);
        let larger = |i, j| if size(&j) > size(&i) { j } else { i };
        let pivot = (k..n).reduce(larger).unwrap_or(k);
        rows.swap(k, pivot);
        right.swap(k, pivot);
        for i in k + 1..n {
            let factor = rows[i][k] / rows[k][k];
            let (above, below) = rows.split_at_mut(i);
            for (lower, &upper) in below[0][k..].iter_mut().zip(&above[k][k..]) {
                *lower -= factor * upper;
            }
            let upper = right[k];
            right[i] -= factor * upper;
        }
    }
    for k in (0..n).rev() {
        let known = (k + 1..n).fold(right[k], |sum, j| sum - rows[k][j] * right[j]);
        right[k] = known / rows[k][k];
    }
    right
}

/// A function of several numbers, on numbers of any kind.
pub trait Segment {
    /// The values at `x`.
    fn run<T: Scalar>(&self, x: &[T]) -> Vec<T>;
}

/// A checkpointed call: what the segment computes is forgotten once its Jacobian is known, so that a recording holds
/// `m n / 2` numbers for a segment from `n` to `m` numbers, however long it is.
#[derive(Clone, Copy, Debug)]
pub struct Checkpointed<S>(pub S);

impl<S: Segment> Rule for Checkpointed<S> {
    fn value<T: Scalar>(&self, x: &[T]) -> Vec<T> {
        self.0.run(x)
    }

    fn jacobian<T: Scalar>(&self, x: &[T], _: &[T]) -> Result<Vec<Vec<T>>> {
        let list = List::new();
        let x = list.variables(x);
        self.0.run(&x).into_iter().map(|y| list.gradient(y, &x)).collect()
    }
}
