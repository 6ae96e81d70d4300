//! Small positive definite matrices.

use super::rows::{Rows, dot};

/// `L^-1` for the lower triangle `L` with `L L^T = matrix`; none where the matrix is not positive definite to rounding.
pub(super) fn inverse_cholesky(matrix: &Rows) -> Option<Rows> {
    let n = matrix.dim;
    let mut l = Rows::zeros(n, n);
    let mut inverse = Rows::zeros(n, n);
    for i in 0..n {
        for j in 0..=i {
            let rest = matrix.row(i)[j] - dot(&l.row(i)[..j], &l.row(j)[..j]);
            if j < i {
                l.row_mut(i)[j] = rest / l.row(j)[j];
            } else if rest > 0.0 {
                l.row_mut(i)[i] = rest.sqrt();
            } else {
                return None;
            }
        }
        let pivot = l.row(i)[i];
        for j in 0..=i {
            let known: f64 = (j..i).map(|k| l.row(i)[k] * inverse.row(k)[j]).sum();
            inverse.row_mut(i)[j] = (f64::from(u8::from(i == j)) - known) / pivot;
        }
    }
    Some(inverse)
}

/// The diagonal of the inverse of the matrix whose [`inverse_cholesky`] is given.
pub(super) fn diagonal_of_inverse(inverse_cholesky: &Rows) -> Vec<f64> {
    let mut diagonal = vec![0.0; inverse_cholesky.dim];
    for row in inverse_cholesky.iter() {
        diagonal.iter_mut().zip(row).for_each(|(d, x)| *d += x * x);
    }
    diagonal
}
