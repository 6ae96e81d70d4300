//! Values of numbers with derivatives are the bits of plain code, whatever the code does; derivatives agree in all
//! modes.

use ad_core::{Dual, List, Recording, Replay, Scalar, Taylor, Var, VarIn, jacobian_pattern, record};
use proptest::prelude::*;

/// All functions of one number.
fn one<T: Scalar>(k: usize, x: T) -> T {
    let functions: &[fn(T) -> T] = &[
        T::floor,
        T::ceil,
        T::round,
        T::trunc,
        T::fract,
        T::abs,
        T::signum,
        T::recip,
        T::sqrt,
        T::cbrt,
        T::exp,
        T::exp2,
        T::exp_m1,
        T::ln,
        T::ln_1p,
        T::log2,
        T::log10,
        T::sin,
        T::cos,
        T::tan,
        T::asin,
        T::acos,
        T::atan,
        T::sinh,
        T::cosh,
        T::tanh,
        T::asinh,
        T::acosh,
        T::atanh,
        T::to_degrees,
        T::to_radians,
        |x| x.sin_cos().0 - x.sin_cos().1,
        |x| x.powi(3),
        |x| x.powi(-2),
        |x| x.powi(0),
        |x| -x,
        |x| if x > T::one() { x * x } else { T::one() - x },
        |x| [x, x + x, T::one()].into_iter().sum(),
        |x| [x, x - T::one()].into_iter().product(),
        |_| T::PI(),
    ];
    functions[k % functions.len()](x)
}

/// All functions of two numbers.
fn two<T: Scalar>(k: usize, a: T, b: T) -> T {
    let functions: &[fn(T, T) -> T] = &[
        |a, b| a + b,
        |a, b| a - b,
        |a, b| a * b,
        |a, b| a / b,
        |a, b| a % b,
        T::powf,
        T::max,
        T::min,
        T::hypot,
        T::atan2,
        T::copysign,
        T::abs_sub,
        T::log,
        |a, b| a.mul_add(b, a),
        |a, b| if a < b { a } else { b * b },
        |mut a, b| {
            a += b;
            a *= b;
            a -= T::one();
            a /= b;
            a
        },
    ];
    functions[k % functions.len()](a, b)
}

/// A program of many steps, each of which reads earlier results.
fn program<T: Scalar>(steps: &[(bool, usize, usize, usize)], x: &[T]) -> T {
    let mut values = x.to_vec();
    for &(binary, k, i, j) in steps {
        let (a, b) = (values[i % values.len()], values[j % values.len()]);
        values.push(if binary { two(k, a, b) } else { one(k, a) });
    }
    values[values.len() - 1]
}

fn steps() -> impl Strategy<Value = Vec<(bool, usize, usize, usize)>> {
    prop::collection::vec((any::<bool>(), 0..80_usize, 0..20_usize, 0..20_usize), 1..12)
}

fn numbers() -> impl Strategy<Value = f64> {
    let special = prop::sample::select(vec![
        0.0,
        -0.0,
        1.0,
        -1.0,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        f64::MIN_POSITIVE,
        f64::MAX,
        800.0,
        0.5,
    ]);
    prop_oneof![4 => -3.0..3.0_f64, 1 => special]
}

/// NaN is NaN, whatever its payload and sign: hardware does not promise those.
fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn values_are_those_of_plain_code(steps in steps(), x in [numbers(), numbers(), numbers()]) {
        let want = program(&steps, &x);
        let dual = program(&steps, &x.map(|x| Dual::<f64, 3>::new(x, [1.0, 0.0, -2.0])));
        prop_assert!(same(dual.value, want), "Dual {} for {want}", dual.value);
        let nested = program(&steps, &x.map(|x| Dual::<_>::variable(Dual::<f64>::variable(x))));
        prop_assert!(same(nested.base(), want), "Dual<Dual> {} for {want}", nested.base());
        let var = record(|r: &Recording| program(&steps, &r.variables(&x)).value());
        prop_assert!(same(var, want), "Var {var} for {want}");
        let inner = x.map(Dual::<f64>::variable);
        let var = record(|r: &Recording<Dual>| program(&steps, &r.variables(&inner)).base());
        prop_assert!(same(var, want), "Var<Dual> {var} for {want}");
        let fixed = program(&steps, &x.map(Var::<f64>::fixed));
        prop_assert!(same(fixed.value(), want) && fixed.is_constant(), "constants {fixed:?} for {want}");
        let x32 = x.map(|x| x as f32);
        let (want, got) = (program(&steps, &x32), program(&steps, &x32.map(Dual::<f32>::variable)));
        prop_assert!(got.value.to_bits() == want.to_bits() || (got.value.is_nan() && want.is_nan()));
    }

    /// Also those that keep something else than a derivative.
    #[test]
    fn values_of_all_other_kinds(steps in steps(), x in [numbers(), numbers(), numbers()]) {
        let want = program(&steps, &x);
        let series = program(&steps, &x.map(Taylor::<f64, 3>::variable));
        prop_assert!(same(series.base(), want), "Taylor {series:?} for {want}");
        let list = List::new();
        let var = program(&steps, &x.map(|x| list.variable(x))).value();
        prop_assert!(same(var, want), "VarIn {var} for {want}");
        let fixed = program(&steps, &x.map(VarIn::<f64>::fixed));
        prop_assert!(same(fixed.value(), want) && fixed.is_constant(), "constants {fixed:?} for {want}");
        let mut value = f64::NAN;
        jacobian_pattern(
            |x| {
                let y = program(&steps, x);
                value = y.value();
                vec![y]
            },
            &x,
        );
        prop_assert!(same(value, want), "Dependent {value} for {want}");
        let replay = Replay::record(&x, |x| program(&steps, x)).unwrap().call(&x).unwrap();
        prop_assert!(same(replay, want), "Replay {replay} for {want}");
    }

    /// Forward and reverse multiply the same slopes, so that they are finite together and agree.
    #[test]
    fn forward_is_reverse(steps in steps(), x in [numbers(), numbers(), numbers()]) {
        let dual: Dual<f64, 3> = program(&steps, &[0, 1, 2].map(|k| Dual::along(x[k], k)));
        let reverse = record(|r: &Recording| {
            let x = r.variables(&x);
            r.pull_back(&[(program(&steps, &x), 1.0)], &x)
        }).unwrap();
        if dual.value.is_finite() {
            for (f, r) in dual.tangent.into_iter().zip(reverse) {
                let scale = 1.0 + f.abs().min(r.abs());
                let agree = f == r || (f - r).abs() <= 1e-6 * scale || (f.is_nan() && r.is_nan());
                // Products taken in another order overflow, or cancel, at other places: by some 1e-9 once in 1e5 programs.
                let extreme = |t: f64| !t.is_finite() || t.abs() > 1e30 || t.abs() < 1e-30;
                prop_assert!(agree || (extreme(f) || extreme(r)), "forward {f}, reverse {r}");
            }
        }
    }
}
