//! Other crates' linear algebra on numbers with derivatives: values bit for bit (faer's but for its vector registers),
//! derivatives against differences.

use ad_core::{Dual, Var, gradient};
use faer::prelude::{Solve, SolveLstsq};
use faer::{Mat, Side};
use nalgebra::{DMatrix, DVector, Matrix3, RealField, SMatrix, Vector3};
use ndarray::{Array1, Array2};

fn matrix<T: RealField + Copy>(x: &[T]) -> Matrix3<T> {
    Matrix3::from_row_slice(&x[..9])
}

/// Through `A^T A + I`, which is positive definite.
fn cholesky<T: RealField + Copy>(x: &[T]) -> T {
    let a = matrix(x);
    let factor = (a.transpose() * a + Matrix3::identity()).cholesky().expect("it is positive definite");
    let solution = factor.solve(&Vector3::from_column_slice(&x[9..12]));
    solution.norm_squared() + factor.determinant().ln()
}

fn lu<T: RealField + Copy>(x: &[T]) -> T {
    let lu = matrix(x).lu();
    let solution = lu.solve(&Vector3::from_column_slice(&x[9..12])).expect("it is regular");
    solution.dot(&solution) + lu.determinant() + lu.try_inverse().expect("it is regular").trace()
}

fn least_squares<T: RealField + Copy>(x: &[T]) -> T {
    let a = SMatrix::<T, 6, 2>::from_column_slice(&x[..12]);
    let b = SMatrix::<T, 6, 1>::from_fn(|i, _| x[i] * x[i] + x[11 - i]);
    let qr = a.qr();
    let solution = qr.r().solve_upper_triangular(&(qr.q().transpose() * b)).expect("it has full rank");
    (a * solution - b).norm() + solution.sum()
}

fn dynamic<T: RealField + Copy>(x: &[T]) -> T {
    let a = DMatrix::from_row_slice(3, 4, x);
    let v = DVector::from_fn(4, |i, _| x[i].sin());
    (&a * v).norm() + (&a * a.transpose()).symmetric_eigenvalues().max()
}

fn product<T: RealField + Copy + num_traits::Num + ndarray::ScalarOperand>(x: &[T]) -> T {
    let a = Array2::from_shape_vec((3, 4), x.to_vec()).expect("3 x 4");
    let b: Array1<T> = x[..4].iter().map(|&x| RealField::max(x, x * x)).collect();
    let c = a.dot(&a.t());
    let d = a.dot(&b) * x[0];
    d.dot(&c.dot(&d)) + (&c * x[1]).sum()
}

fn faer_matrix<T: faer::traits::RealField + Copy>(x: &[T], rows: usize, columns: usize) -> Mat<T> {
    Mat::from_fn(rows, columns, |i, j| x[i * columns + j])
}

/// Through `A^T A + I`, which is positive definite.
fn faer_cholesky<T: faer::traits::RealField + Copy>(x: &[T]) -> T {
    let a = faer_matrix(x, 3, 3);
    let factor =
        (a.transpose() * &a + Mat::<T>::identity(3, 3)).llt(Side::Lower).expect("it is positive definite");
    let solution = factor.solve(faer_matrix(&x[9..12], 3, 1));
    solution.squared_norm_l2() + factor.L()[(0, 0)] * factor.L()[(2, 1)]
}

fn faer_lu<T: faer::traits::RealField + Copy>(x: &[T]) -> T {
    let a = faer_matrix(x, 3, 3);
    let solution = a.partial_piv_lu().solve(faer_matrix(&x[9..12], 3, 1));
    solution.norm_l2() + a.determinant() + (&a * &a * &solution)[(1, 0)]
}

fn faer_least_squares<T: faer::traits::RealField + Copy>(x: &[T]) -> T {
    let (a, b) = (faer_matrix(x, 6, 2), Mat::from_fn(6, 1, |i, _| x[i] * x[i] + x[11 - i]));
    let solution = a.qr().solve_lstsq(&b);
    (&a * &solution - b).norm_l2() + solution.sum()
}

const POINT: [f64; 12] = [1.3, -0.4, 0.7, 0.2, 1.9, -0.5, -0.8, 0.6, 2.2, 0.9, -1.1, 0.4];

fn check(
    name: &str,
    plain: fn(&[f64]) -> f64,
    dual: fn(&[Dual<f64, 12>]) -> Dual<f64, 12>,
    nested: fn(&[Dual<Dual>]) -> Dual<Dual>,
    var: fn(&[Var]) -> Var,
    tolerance: f64,
) {
    let forward = dual(&std::array::from_fn::<_, 12, _>(|k| Dual::along(POINT[k], k)));
    let (value, reverse) = gradient(var, &POINT).unwrap();
    assert_eq!(forward.value, value, "{name}: values");
    assert!(
        (value - plain(&POINT)).abs() <= tolerance,
        "{name}: {value} on plain numbers is {}",
        plain(&POINT)
    );
    for k in 0..POINT.len() {
        let at = |h: f64| {
            let mut x = POINT;
            x[k] += h;
            plain(&x)
        };
        let central = |h: f64| (at(h) - at(-h)) / (2.0 * h);
        let want = (4.0 * central(5e-4) - central(1e-3)) / 3.0;
        let near = |got: f64| (got - want).abs() <= 1e-7 * (1.0 + want.abs());
        assert!(near(forward.tangent[k]), "{name}, forward by x[{k}]: {} {want}", forward.tangent[k]);
        assert!(near(reverse[k]), "{name}, reverse by x[{k}]: {} {want}", reverse[k]);
        // The second derivative is the difference of first ones.
        let moved = std::array::from_fn::<_, 12, _>(|j| {
            let x = Dual::new(POINT[j], [f64::from(u8::from(j == k))]);
            Dual::new(x, [Dual::fixed(f64::from(u8::from(j == k)))])
        });
        let slope = |h: f64| {
            let x =
                std::array::from_fn::<_, 12, _>(|j| Dual::along(POINT[j] + if j == k { h } else { 0.0 }, j));
            dual(&x).tangent[k]
        };
        let central = |h: f64| (slope(h) - slope(-h)) / (2.0 * h);
        let want = (4.0 * central(5e-4) - central(1e-3)) / 3.0;
        let got = nested(&moved).tangent[0].tangent[0];
        assert!((got - want).abs() <= 1e-6 * (1.0 + want.abs()), "{name}, twice by x[{k}]: {got} {want}");
    }
}

/// All that nalgebra may ask of a number.
#[rustfmt::skip]
fn methods<T: RealField + Copy>(x: T, y: T) -> Vec<T> {
    let (sine, cosine) = x.sin_cos();
    let mut found = vec![
        x.floor(), x.ceil(), x.round(), x.trunc(), x.fract(), x.abs(), x.signum(), x.recip(), x.sin(), x.cos(), x.tan(),
        x.asin(), x.acos(), x.atan(), x.sinh(), x.cosh(), x.tanh(), x.asinh(), (x + T::one()).acosh(), x.atanh(),
        x.log2(), x.log10(), x.ln(), x.ln_1p(), x.sqrt(), x.exp(), x.exp2(), x.exp_m1(), x.cbrt(), T::from_real(x),
        x.real(), x.imaginary(), x.modulus(), x.modulus_squared(), x.norm1(), x.argument(), (-x).argument(),
        x.to_exp().0, x.to_exp().1, (-x).to_exp().0, (-x).to_exp().1, x.scale(y), x.unscale(y), x.conjugate(),
        x.mul_add(y, x), x.hypot(y), sine, cosine, x.log(y), x.powi(3), x.powf(y), x.powc(y), x.copysign(-y), x.max(y),
        x.min(y), x.clamp(y, y + y), x.clamp(-y, T::zero()), x.clamp(-y, y), x.atan2(y), T::default_epsilon(),
        T::default_max_relative(),
    ];
    found.extend(x.try_sqrt());
    found.extend((-x).try_sqrt());
    found.extend([T::min_value(), T::max_value()].into_iter().flatten());
    found.extend([
        T::pi(), T::two_pi(), T::frac_pi_2(), T::frac_pi_3(), T::frac_pi_4(), T::frac_pi_6(), T::frac_pi_8(),
        T::frac_1_pi(), T::frac_2_pi(), T::frac_2_sqrt_pi(), T::e(), T::log2_e(), T::log10_e(), T::ln_2(), T::ln_10(),
    ]);
    found
}

#[rustfmt::skip]
fn predicates<T: RealField + Copy>(x: T, y: T) -> Vec<bool> {
    let nearly = x + T::default_epsilon() * x;
    vec![
        x.is_finite(), x.is_sign_positive(), x.is_sign_negative(), (-x).is_sign_negative(), x.abs_diff_eq(&y, x),
        x.relative_eq(&nearly, T::default_epsilon(), T::default_max_relative()), x.relative_eq(&y, x * x, x * x),
        x.ulps_eq(&nearly, T::zero(), T::default_max_ulps()), x.ulps_eq(&y, T::zero(), T::default_max_ulps()),
    ]
}

#[test]
fn the_numbers_of_nalgebra_are_plain_ones_and_their_slopes() {
    for (x, y) in [(0.37, 0.81), (0.81, 0.37)] {
        let plain = methods(x, y);
        let forward = methods(Dual::<f64, 2>::along(x, 0), Dual::along(y, 1));
        assert_eq!(plain.len(), forward.len());
        for (k, (plain, forward)) in plain.iter().zip(&forward).enumerate() {
            assert_eq!(plain.to_bits(), forward.value.to_bits(), "{k}: {plain} {forward:?}");
            let h = 1e-5;
            let by_x = (methods(x + h, y)[k] - methods(x - h, y)[k]) / (2.0 * h);
            let by_y = (methods(x, y + h)[k] - methods(x, y - h)[k]) / (2.0 * h);
            for (want, got) in [by_x, by_y].iter().zip(forward.tangent) {
                assert!((got - want).abs() <= 1e-8 * (1.0 + want.abs()), "{k}: {got} {want}");
            }
            let reverse = gradient(|v: &[Var]| methods(v[0], v[1])[k], &[x, y]).unwrap();
            assert_eq!((reverse.0.to_bits(), &reverse.1[..]), (plain.to_bits(), &forward.tangent[..]), "{k}");
        }
        assert_eq!(predicates(x, y), predicates(Dual::<f64>::variable(x), Dual::variable(y)));
        assert_eq!(predicates(x, y), predicates(Var::<f64>::fixed(x), Var::fixed(y)));
    }
}

#[test]
fn nalgebra_differentiates() {
    check("Cholesky", cholesky, cholesky, cholesky, cholesky, 0.0);
    check("LU", lu, lu, lu, lu, 0.0);
    check("least squares", least_squares, least_squares, least_squares, least_squares, 0.0);
    check("dynamic sizes", dynamic, dynamic, dynamic, dynamic, 0.0);
}

#[test]
fn ndarray_differentiates() {
    check("products", product, product, product, product, 0.0);
}

/// Plain numbers go through vector registers there, and sum in another order.
#[test]
fn faer_differentiates() {
    check("Cholesky", faer_cholesky, faer_cholesky, faer_cholesky, faer_cholesky, 1e-12);
    check("LU", faer_lu, faer_lu, faer_lu, faer_lu, 1e-12);
    let f = (faer_least_squares, faer_least_squares, faer_least_squares, faer_least_squares);
    check("least squares", f.0, f.1, f.2, f.3, 1e-12);
}

#[test]
fn duals_are_written_and_read() {
    let x = Dual::<f64, 2>::new(0.1, [1.0, -2.5]);
    let text = serde_json::to_string(&x).unwrap();
    assert_eq!(text, "[0.1,[1.0,-2.5]]");
    let back: Dual<f64, 2> = serde_json::from_str(&text).unwrap();
    assert_eq!((back.value, back.tangent), (x.value, x.tangent));
    let error = serde_json::from_str::<Dual>(&text).unwrap_err().to_string();
    assert!(error.contains("a Dual with 1 tangents is wanted, this has 2"), "{error}");
}
