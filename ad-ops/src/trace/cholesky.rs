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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;

    /// `L^-1 M L^-T` is the identity, and `M` times its inverse has ones on the diagonal; what is not definite is refused.
    #[test]
    fn the_inverse_factor_makes_the_identity() {
        let n = 6;
        let mut stream = Purpose::Constant.stream(24, 0, 0);
        let a = Rows { dim: n, data: (0..n * n).map(|_| stream.standard_normal()).collect() };
        let m = a.times_transposed(&a);
        let inverse = inverse_cholesky(&m).unwrap();
        let one = inverse.times(&m).times_transposed(&inverse);
        let unit = |k: usize| f64::from(u8::from(k.is_multiple_of(n + 1)));
        assert!(one.data.iter().enumerate().all(|(k, x)| (x - unit(k)).abs() < 1e-11));
        let whole = inverse.transposed().times(&inverse);
        let diagonal: Vec<f64> = whole.data.iter().step_by(n + 1).copied().collect();
        let pairs = diagonal_of_inverse(&inverse).into_iter().zip(diagonal);
        pairs.for_each(|(a, b)| assert!((a - b).abs() < 1e-12 * b));
        assert!(inverse_cholesky(&Rows { dim: 2, data: vec![1.0; 4] }).is_none());
        assert!(inverse_cholesky(&Rows { dim: 2, data: vec![1.0, 2.0, 2.0, 1.0] }).is_none());
    }
}
