//! The built-in Runge-Kutta methods, each one constant.
//!
//! To add one, write its coefficients here and list it in [`ALL`]: its order, its embedded order and its
//! number of evaluations are derived, and the tests of [`tableau`](super::tableau) check them by trees and by
//! experiment.

use super::tableau::Tableau;

/// Every built-in tableau, in the order in which they are shown to users.
pub static ALL: [&Tableau; 4] = [&TSIT5, &DOPRI5, &HEUN, &RK4];

/// Tsitouras 5(4), seven stages, first same as last: the default.
///
/// Ch. Tsitouras, *Runge-Kutta pairs of order 5(4) satisfying only the first column simplifying assumption*,
/// Computers & Mathematics with Applications 62 (2011), 770-775. The paper prints 16 digits; these are
/// the same coefficients refined until the order conditions hold in full double precision.
pub const TSIT5: Tableau = Tableau {
    name: "tsit5",
    c: &[0.0, 0.161, 0.327, 0.9, 0.980_025_540_904_509_7, 1.0, 1.0],
    a: &[
        &[],
        &[0.161],
        &[-0.008_480_655_492_356_989, 0.335_480_655_492_357],
        &[2.897_153_057_105_493_5, -6.359_448_489_975_075, 4.362_295_432_869_581_5],
        &[5.325_864_828_439_257, -11.748_883_564_062_828, 7.495_539_342_889_836_5, -0.092_495_066_361_755_25],
        &[
            5.861_455_442_946_42,
            -12.920_969_317_847_11,
            8.159_367_898_576_159,
            -0.071_584_973_281_401,
            -0.028_269_050_394_068_383,
        ],
        TSIT5_B.split_at(6).0,
    ],
    b: &TSIT5_B,
    b_error: Some(&difference(
        TSIT5_B,
        [
            0.094_680_755_765_839_45,
            0.009_183_565_540_343_254,
            0.487_770_528_424_761_6,
            1.234_297_566_930_479,
            -2.707_712_349_983_525_4,
            1.866_628_418_170_587,
            1.0 / 66.0,
        ],
    )),
};

const TSIT5_B: [f64; 7] = [
    0.096_460_766_818_065_23,
    0.01,
    0.479_889_650_414_499_6,
    1.379_008_574_103_742,
    -3.290_069_515_436_081,
    2.324_710_524_099_774,
    0.0,
];

/// Dormand-Prince 5(4), seven stages, first same as last.
///
/// J. R. Dormand, P. J. Prince, *A family of embedded Runge-Kutta formulae*, J. Comput. Appl. Math. 6 (1980),
/// 19-26, table 2, with the embedded weights of L. F. Shampine, *Some practical Runge-Kutta formulas*, Math.
/// Comp. 46 (1986), 135-150, as diffrax and torchdiffeq use them: their error estimate is two thirds of the
/// original one.
pub const DOPRI5: Tableau = Tableau {
    name: "dopri5",
    c: &[0.0, 0.2, 0.3, 0.8, 8.0 / 9.0, 1.0, 1.0],
    a: &[
        &[],
        &[0.2],
        &[3.0 / 40.0, 9.0 / 40.0],
        &[44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0],
        &[19372.0 / 6561.0, -25360.0 / 2187.0, 64448.0 / 6561.0, -212.0 / 729.0],
        &[9017.0 / 3168.0, -355.0 / 33.0, 46732.0 / 5247.0, 49.0 / 176.0, -5103.0 / 18656.0],
        DOPRI5_B.split_at(6).0,
    ],
    b: &DOPRI5_B,
    b_error: Some(&difference(
        DOPRI5_B,
        [
            1951.0 / 21600.0,
            0.0,
            22642.0 / 50085.0,
            451.0 / 720.0,
            -12231.0 / 42400.0,
            649.0 / 6300.0,
            1.0 / 60.0,
        ],
    )),
};

const DOPRI5_B: [f64; 7] =
    [35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0, 0.0];

/// Heun 2(1): the trapezoidal rule with Euler's method embedded. Cheap, for loose tolerances.
///
/// K. Heun, *Neue Methoden zur approximativen Integration der Differentialgleichungen einer unabhaengigen
/// Veraenderlichen*, Z. Math. Phys. 45 (1900), 23-38.
pub const HEUN: Tableau = Tableau {
    name: "heun",
    c: &[0.0, 1.0],
    a: &[&[], &[1.0]],
    b: &[0.5, 0.5],
    b_error: Some(&difference([0.5, 0.5], [1.0, 0.0])),
};

/// The classical method of order 4, without error estimate: for constant steps only.
///
/// W. Kutta, *Beitrag zur naeherungsweisen Integration totaler Differentialgleichungen*, Z. Math. Phys. 46
/// (1901), 435-453.
pub const RK4: Tableau = Tableau {
    name: "rk4",
    c: &[0.0, 0.5, 0.5, 1.0],
    a: &[&[], &[0.5], &[0.0, 0.5], &[0.0, 0.0, 1.0]],
    b: &[1.0 / 6.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 6.0],
    b_error: None,
};

/// `b - b_hat`, so that a tableau is written as its two methods are printed.
const fn difference<const N: usize>(b: [f64; N], b_hat: [f64; N]) -> [f64; N] {
    let mut error = b;
    let mut i = 0;
    while i < N {
        error[i] -= b_hat[i];
        i += 1;
    }
    error
}
