//! Eigenvalues of symmetric tridiagonal matrices, with the weights that make a Gauss quadrature of them.

/// Some sweeps of rotations do, as they square what is beside the diagonal in the end; never so many.
const SWEEPS: usize = 60;

/// Eigenvalues and the squares of the first entries of the unit eigenvectors, of the symmetric matrix with this diagonal
/// and these numbers beside it (Golub, Welsch: *Calculation of Gauss quadrature rules*, 1969). By Jacobi rotations of the
/// whole matrix, which is small: accurate, and without a case that does not converge.
pub(super) fn quadrature(diagonal: &[f64], beside: &[f64]) -> Vec<(f64, f64)> {
    let n = diagonal.len();
    let mut a = vec![0.0; n * n];
    for i in 0..n {
        a[i * n + i] = diagonal[i];
        if i + 1 < n {
            (a[i * n + i + 1], a[(i + 1) * n + i]) = (beside[i], beside[i]);
        }
    }
    let mut first = vec![0.0; n];
    first.iter_mut().take(1).for_each(|x| *x = 1.0);
    for _ in 0..SWEEPS {
        let mut turned = false;
        for p in 0..n {
            for q in p + 1..n {
                turned |= rotate(&mut a, &mut first, n, [p, q]);
            }
        }
        if !turned {
            break;
        }
    }
    (0..n).map(|i| (a[i * n + i], first[i] * first[i])).collect()
}

/// Makes entry `(p, q)` zero by a rotation; whether it was not already, to rounding.
fn rotate(a: &mut [f64], first: &mut [f64], n: usize, [p, q]: [usize; 2]) -> bool {
    let (app, aqq, apq) = (a[p * n + p], a[q * n + q], a[p * n + q]);
    if apq.abs() <= f64::EPSILON * app.abs().sqrt() * aqq.abs().sqrt() {
        return false;
    }
    let ratio = (aqq - app) / (2.0 * apq);
    let tangent = ratio.signum() / (ratio.abs() + ratio.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    let sine = tangent * cosine;
    for k in 0..n {
        let (x, y) = (a[k * n + p], a[k * n + q]);
        (a[k * n + p], a[k * n + q]) = (cosine * x - sine * y, sine * x + cosine * y);
    }
    for k in 0..n {
        let (x, y) = (a[p * n + k], a[q * n + k]);
        (a[p * n + k], a[q * n + k]) = (cosine * x - sine * y, sine * x + cosine * y);
    }
    (a[p * n + q], a[q * n + p]) = (0.0, 0.0);
    (first[p], first[q]) = (cosine * first[p] - sine * first[q], sine * first[p] + cosine * first[q]);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The second difference of `n` points: eigenvalues `2 - 2 cos(k pi / (n + 1))`, weights of sines; and moments, which
    /// the quadrature gives exactly.
    #[test]
    fn eigenvalues_and_weights_are_those_known() {
        let n = 13;
        let mut found = quadrature(&vec![2.0; n], &vec![-1.0; n - 1]);
        found.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (k, (value, weight)) in found.iter().enumerate() {
            let angle = std::f64::consts::PI * (k + 1) as f64 / (n + 1) as f64;
            assert!((value - (2.0 - 2.0 * angle.cos())).abs() < 1e-13);
            assert!((weight - 2.0 / (n + 1) as f64 * angle.sin().powi(2)).abs() < 1e-13);
        }
        let (graded, beside) = ([1.0, 1e-3, 1e-6, 1e-9], [1e-2, 1e-5, 1e-8]);
        let moment = |p| quadrature(&graded, &beside).iter().map(|(x, w)| w * f64::powi(*x, p)).sum::<f64>();
        for (p, want) in [(0, 1.0), (1, 1.0), (2, 1.0 + 1e-4)] {
            assert!((moment(p) - want).abs() < 1e-14);
        }
        assert_eq!(quadrature(&[3.0], &[]), [(3.0, 1.0)]);
    }

    /// A matrix that is so many times as large has eigenvalues that are so many times as large, over all of the range, and
    /// the same weights; and zero has the eigenvalue zero.
    #[test]
    fn eigenvalues_scale() {
        let (diagonal, beside) = ([1.0, 0.3, 1e-3, 2.0, 0.0], [1e-2, 0.5, 1e-3, 0.25]);
        let found = quadrature(&diagonal, &beside);
        for size in [0.5_f64.powi(900), 2.0_f64.powi(900)] {
            let scaled = quadrature(&diagonal.map(|x| size * x), &beside.map(|x| size * x));
            for ((a, v), (b, w)) in found.iter().zip(scaled) {
                assert!((a * size - b).abs() <= 1e-15 * size && (v - w).abs() < 1e-15);
            }
        }
        assert_eq!(quadrature(&[0.0; 2], &[0.0]), [(0.0, 1.0), (0.0, 0.0)]);
    }
}
