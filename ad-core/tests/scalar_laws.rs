//! Derivatives of one generic function in all modes, against differences, tapes and each other.

use ad_core::{
    Dual, Elementary, List, Recording, Scalar, Tape, Unary, Var, VarIn, derivative, gradient, hessian, hvp,
    jacobian, jacobian_forward, jvp, record, vjp,
};
use num_traits::{Float, FloatConst};
use proptest::prelude::*;

/// Smooth, of three numbers, with most functions in it.
fn energy<T: Float + FloatConst>(x: &[T]) -> T {
    let (a, b, c) = (x[0], x[1], x[2]);
    let two = T::one() + T::one();
    let r = (a * a + b * b + c.powi(4)).sqrt();
    let angle = (a / (b * b + T::one())).atan() + (c.tanh() * T::PI()).sin();
    let growth = (a - b).exp() / (T::one() + (two * c).exp()).ln() + (b * b + two).powf(a / two);
    r * angle + growth + a.hypot(c + two) - (a * c - b).cos().atan2(b * b + T::one())
}

/// The same on whatever has elementary functions.
fn recorded<E: Elementary>(x: &[E]) -> E {
    let (a, b, c) = (&x[0], &x[1], &x[2]);
    let one = a.lift(1.0);
    let half = a.lift(0.5);
    let r = (a.square() + b.square() + c.square()).sqrt();
    let gate = (a.clone() * b.clone()).sigmoid() + (c.clone() - a.clone()).softplus();
    let power = (b.square() + one.clone()).pow(&(a.clone() * half.clone()));
    let chosen = a.less(b).select(&a.max(c), &b.min(c)) + (c.clone() - half).relu();
    r * gate / power.clone() + chosen.tanh() + a.hypot(&power) + (a.clone() / one).cbrt().abs()
}

fn differences(f: impl Fn(&[f64]) -> f64, x: &[f64]) -> Vec<f64> {
    let slope = |k: usize, h: f64| {
        let at = |h: f64| {
            let mut x = x.to_vec();
            x[k] += h;
            f(&x)
        };
        (at(h) - at(-h)) / (2.0 * h)
    };
    // Richardson: the error is of order h^4.
    (0..x.len()).map(|k| (4.0 * slope(k, 5e-4) - slope(k, 1e-3)) / 3.0).collect()
}

fn close(a: &[f64], b: &[f64], tolerance: f64) -> bool {
    let near = |(a, b): (&f64, &f64)| (a - b).abs() <= tolerance * (1.0 + a.abs().max(b.abs()));
    a.len() == b.len() && a.iter().zip(b).all(near)
}

fn point() -> impl Strategy<Value = [f64; 3]> {
    [-1.5..1.5_f64, -1.5..1.5_f64, -1.5..1.5_f64]
}

proptest! {
    #[test]
    fn all_modes_agree_with_differences(x in point()) {
        let want = differences(energy, &x);
        let (value, reverse) = gradient(energy, &x).unwrap();
        prop_assert_eq!(value.to_bits(), energy(&x).to_bits());
        prop_assert!(close(&reverse, &want, 1e-7), "{reverse:?} {want:?}");
        let forward: Dual<f64, 3> = energy(&[0, 1, 2].map(|k| Dual::along(x[k], k)));
        prop_assert!(close(&forward.tangent, &reverse, 1e-13));
        let list = List::new();
        let inputs = x.map(|x| list.variable(x));
        prop_assert_eq!(list.gradient(energy(&inputs), &inputs).unwrap(), reverse);
    }

    /// Forward over forward, forward over reverse, reverse over forward, reverse over reverse.
    #[test]
    fn second_derivatives_agree_in_all_four_mixes(x in point(), v in point()) {
        let along: Vec<f64> = differences(|x| {
            let (_, gradient) = gradient(energy, x).unwrap();
            gradient.iter().zip(&v).map(|(g, v)| g * v).sum()
        }, &x);
        let forward_forward: Vec<f64> = (0..3).map(|k| {
            let x = [0, 1, 2].map(|j| Dual::<_>::new(Dual::<f64>::new(x[j], [v[j]]), [Dual::fixed(f64::from(j == k))]));
            energy(&x).tangent[0].tangent[0]
        }).collect();
        prop_assert!(close(&forward_forward, &along, 1e-6), "{forward_forward:?} {along:?}");
        let forward_reverse = hvp(energy, &x, &v).unwrap().2;
        prop_assert!(close(&forward_reverse, &forward_forward, 1e-12));
        let reverse_forward = record(|r: &Recording| {
            let inputs = r.variables(&x);
            let moving: Vec<Dual<Var>> = inputs.iter().zip(v).map(|(&x, v)| Dual::new(x, [Var::fixed(v)])).collect();
            r.pull_back(&[(energy(&moving).tangent[0], 1.0)], &inputs)
        }).unwrap();
        prop_assert!(close(&reverse_forward, &forward_forward, 1e-12));
        let reverse_reverse = record(|outer: &Recording| {
            let x = outer.variables(&x);
            let gradient = record(|inner: &Recording<Var>| {
                let x = inner.variables(&x);
                inner.pull_back(&[(energy(&x), Var::fixed(1.0))], &x)
            })?;
            let along: Var = gradient.iter().zip(v).map(|(&g, v)| g * v).sum();
            outer.pull_back(&[(along, 1.0)], &x)
        }).unwrap();
        prop_assert!(close(&reverse_reverse, &forward_forward, 1e-12));
        let (_, _, rows) = hessian(energy, &x).unwrap();
        let product: Vec<f64> = rows.iter().map(|row| row.iter().zip(v).map(|(h, v)| h * v).sum()).collect();
        prop_assert!(close(&product, &forward_forward, 1e-12));
        for (i, row) in rows.iter().enumerate() {
            for (j, h) in row.iter().enumerate() {
                prop_assert!((h - rows[j][i]).abs() <= 1e-12 * (1.0 + h.abs()), "the Hessian is symmetric");
            }
        }
    }

    /// One generic function, five meanings.
    #[test]
    fn numbers_agree_with_tapes(x in point()) {
        let tape = Tape::record(|t| [("y", recorded(&["a", "b", "c"].map(|name| t.example(name, &[]))))]).unwrap();
        let inputs: Vec<&[f64]> = x.iter().map(std::slice::from_ref).collect();
        let names = ["a", "b", "c"];
        let value = tape.compile::<f64>().unwrap().call(1, &inputs).unwrap()[0][0];
        let all: Vec<&[f64]> = inputs.iter().copied().chain([&[1.0][..]]).collect();
        let by_tape = tape.vjp(&names).unwrap().compile::<f64>().unwrap().call(1, &all).unwrap();
        let by_tape: Vec<f64> = by_tape[1..].iter().map(|x_bar| x_bar[0]).collect();
        let (plain, (eager, by_var)) = (recorded(&x), gradient(recorded, &x).unwrap());
        let by_dual: Dual<f64, 3> = recorded(&[0, 1, 2].map(|k| Dual::along(x[k], k)));
        prop_assert_eq!(plain.to_bits(), eager.to_bits());
        prop_assert_eq!(plain.to_bits(), by_dual.value.to_bits());
        prop_assert!(close(&[value], &[plain], 1e-12));
        prop_assert!(close(&by_var, &by_dual.tangent, 1e-12));
        prop_assert!(close(&by_var, &by_tape, 1e-10), "{by_var:?} {by_tape:?}");
        let single: Dual<f32, 3> = recorded(&[0, 1, 2].map(|k| Dual::along(x[k] as f32, k)));
        let rough = single.tangent.map(f64::from);
        prop_assert!(close(&rough, &by_var, 1e-2), "{rough:?} {by_var:?}");
    }

    #[test]
    fn jvp_and_vjp_are_transposes(x in point(), x_dot in point(), y_bar in [-2.0..2.0_f64, -2.0..2.0]) {
        fn f<T: Float + FloatConst>(x: &[T]) -> Vec<T> {
            vec![energy(x), (x[0] * x[1]).sin() / (x[2] * x[2] + T::one())]
        }
        let (y, y_dot) = jvp(f, &x, &x_dot).unwrap();
        let (value, x_bar) = vjp(f, &x, &y_bar).unwrap();
        prop_assert_eq!(&y, &value);
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        prop_assert!(close(&[dot(&y_bar, &y_dot)], &[dot(&x_bar, &x_dot)], 1e-12));
        let ((v, rows), (w, columns)) = (jacobian(f, &x).unwrap(), jacobian_forward(f, &x));
        prop_assert!(v == y && w == y);
        for (row, column) in rows.iter().zip(&columns) {
            prop_assert!(close(row, column, 1e-13));
        }
        let by_rows: Vec<f64> = rows.iter().map(|row| dot(row, &x_dot)).collect();
        prop_assert!(close(&by_rows, &y_dot, 1e-12));
    }
}

/// The tangents of different derivatives do not mix: d/dx (x d/dy (x + y)) = 1, not 2.
#[test]
fn perturbations_are_not_confused() {
    let (_, slope) =
        derivative(|x| x * (Dual::<Dual>::fixed(x) + Dual::variable(Dual::fixed(1.0))).tangent[0], 1.0);
    assert_eq!(slope, 1.0);
    let outer = gradient(
        |x| {
            let inner = record(|r: &Recording<Var>| {
                let y = r.variable(Var::fixed(1.0));
                r.pull_back(&[(Var::fixed(x[0]) + y, Var::fixed(1.0))], &[y])
            });
            x[0] * inner.unwrap()[0]
        },
        &[1.0],
    );
    assert_eq!(outer.unwrap().1, [1.0]);
    // The same with a product, where confusion gives 2 x.
    let mixed = gradient(
        |x| {
            let y = Dual::<Var>::variable(Var::fixed(3.0));
            x[0] * (Dual::fixed(x[0]) * y).tangent[0]
        },
        &[5.0],
    );
    assert_eq!(mixed.unwrap(), (25.0, vec![10.0]));
}

/// What other crates were found to get wrong.
#[test]
fn bugs_of_others() {
    // d(f/x) is -f/x^2, not -1/x.
    assert_eq!(derivative(|x| 6.0 / x, 2.0), (3.0, -1.5));
    assert_eq!(gradient(|x| 6.0 / x[0], &[2.0]).unwrap(), (3.0, vec![-1.5]));
    // Values do not come of derivative rules.
    assert_eq!(derivative(|x| x.tanh(), 800.0), (1.0, 0.0));
    assert_eq!(derivative(|x| x.powf(Dual::fixed(2.5)), 0.0), (0.0, 0.0));
    assert_eq!(gradient(|x| x[0].powf(2.5.into()), &[0.0]).unwrap(), (0.0, vec![0.0]));
    assert_eq!(derivative(|x| x.powi(0), 0.0), (1.0, 0.0));
    assert_eq!(derivative(|x| x.powi(1), 0.0), (0.0, 1.0));
}

#[test]
fn every_function_of_the_table_to_second_order() {
    for &f in Unary::ALL {
        let x = match f {
            Unary::Acosh => 1.7,
            _ => 0.37,
        };
        let second = Elementary::unary(&Dual::<Dual>::variable(Dual::variable(x)), f);
        let slope = |x: f64| Elementary::unary(&Dual::<f64>::variable(x), f).tangent[0];
        assert_eq!(second.value.tangent[0], slope(x), "{}", f.name());
        let curvature = differences(|x| slope(x[0]), &[x])[0];
        assert!(close(&[second.tangent[0].tangent[0]], &[curvature], 1e-7), "{}", f.name());
        let reverse = record(|r: &Recording| {
            let x = r.variable(x);
            let y = Elementary::unary(&Dual::<Var>::variable(x), f);
            r.pull_back(&[(y.tangent[0], 1.0)], &[x])
        });
        assert!(close(&reverse.unwrap(), &[curvature], 1e-7), "{}", f.name());
    }
}

/// What numbers have beyond the table.
#[test]
fn functions_of_numbers_alone() {
    type Case = (&'static str, fn(Dual) -> Dual, fn(f64) -> f64);
    let functions: &[Case] = &[
        ("exp2", |x| x.exp2(), |x| x.exp2()),
        ("log2", |x| x.log2(), |x| x.log2()),
        ("log10", |x| x.log10(), |x| x.log10()),
        ("to_degrees", |x| x.to_degrees(), |x| x.to_degrees()),
        ("to_radians", |x| x.to_radians(), |x| x.to_radians()),
        ("fract", |x| x.fract(), |x| x.fract()),
        ("round", |x| x.round(), |x| x.round()),
        ("rem", |x| x % 0.5, |x| x % 0.5),
        ("rem by", |x| 0.87 % x, |x| 0.87 % x),
        ("-rem by", |x| -0.87 % x, |x| -0.87 % x),
        ("copysign", |x| x.copysign((-2.0).into()), |x| x.copysign(-2.0)),
        ("abs_sub", |x| Float::abs_sub(x, 0.5.into()), |x| (x - 0.5).max(0.0)),
        ("log", |x| Float::log(x, x + 2.0), |x| x.log(x + 2.0)),
        ("log of", |x| Float::log(x + 2.0, x), |x| (x + 2.0).log(x)),
        ("powi", |x| x.powi(-3), |x| x.powi(-3)),
        ("mul_add", |x| x.mul_add(x, x), |x| x.mul_add(x, x)),
        ("max", |x| x.max((0.2).into()), |x| x.max(0.2)),
        ("min", |x| x.min((0.2).into()), |x| x.min(0.2)),
    ];
    for &(name, dual, plain) in functions {
        for x in [0.13, 0.73, 2.3] {
            let (value, slope) = derivative(dual, x);
            assert_eq!(value, plain(x), "{name}");
            let want = differences(|x| plain(x[0]), &[x]);
            assert!(close(&[slope], &want, 1e-7), "{name} at {x}: {slope} {want:?}");
        }
    }
}

#[test]
fn functions_of_two_numbers_by_each_of_them() {
    type Case = (&'static str, fn(Dual<f64, 2>, Dual<f64, 2>) -> Dual<f64, 2>, fn(f64, f64) -> f64);
    let functions: &[Case] = &[
        ("rem", |a, b| a % b, |a, b| a % b),
        ("max", Float::max, f64::max),
        ("min", Float::min, f64::min),
        ("abs_sub", |a, b| Float::abs_sub(a, b), |a, b| (a - b).max(0.0)),
        ("copysign", Float::copysign, f64::copysign),
        ("hypot", Float::hypot, f64::hypot),
        ("atan2", Float::atan2, f64::atan2),
        ("powf", Float::powf, f64::powf),
        ("log", Float::log, f64::log),
    ];
    for &(name, dual, plain) in functions {
        for at in [[0.7, 1.9], [2.3, 0.4], [1.1, -0.8], [-1.3, 0.6], [-2.9, -0.7]] {
            let y = dual(Dual::along(at[0], 0), Dual::along(at[1], 1));
            let value = plain(at[0], at[1]);
            assert!(y.value == value || (y.value.is_nan() && value.is_nan()), "{name} at {at:?}");
            let want = differences(|x| plain(x[0], x[1]), &at);
            assert!(
                value.is_nan() || close(&y.tangent, &want, 1e-7),
                "{name} at {at:?}: {:?} {want:?}",
                y.tangent
            );
        }
    }
    // Ties and kinks, as in the table.
    let at = |a: f64, b: f64, f: Case| f.1(Dual::along(a, 0), Dual::along(b, 1)).tangent;
    assert_eq!(at(2.0, 2.0, functions[1]), [0.5, 0.5]);
    assert_eq!(at(2.0, 2.0, functions[2]), [0.5, 0.5]);
    assert_eq!(at(2.0, 2.0, functions[3]), [0.0, 0.0]);
    assert_eq!(at(0.0, -2.0, functions[4]), [0.0, 0.0]);
}

/// Plain numbers on either side, references, assignments: all the same operation.
#[expect(clippy::op_ref, reason = "the references are what is tested")]
#[test]
fn operators_in_all_forms() {
    fn check<T: Scalar<Base = f64> + core::ops::Add<f64, Output = T>>(x: T, slope: impl Fn(T) -> f64) {
        assert_eq!(slope(x + 2.0), 1.0);
    }
    let x = Dual::<f64>::variable(3.0);
    check(x, |y| y.tangent[0]);
    let nested = Dual::<Dual>::variable(Dual::variable(3.0));
    for (y, value, slope) in [
        (2.0 + x, 5.0, 1.0),
        (2.0 - x, -1.0, -1.0),
        (2.0 * &x, 6.0, 2.0),
        (6.0 / x, 2.0, -2.0 / 3.0),
        (&x + &x, 6.0, 2.0),
        (x - &x, 0.0, 0.0),
        (&x * x, 9.0, 6.0),
        (&x / 2.0, 1.5, 0.5),
        (-&x, -3.0, -1.0),
    ] {
        assert_eq!((y.value, y.tangent[0]), (value, slope));
    }
    let second = 6.0 / nested;
    assert_eq!((second.base(), second.tangent[0].tangent[0]), (2.0, 12.0 / 27.0));
    let mut y = x;
    y *= 2.0;
    y += &x;
    y -= 1.0;
    y /= x;
    assert_eq!(y.value, 8.0 / 3.0);
    assert!(close(&y.tangent, &[1.0 / 9.0], 1e-15)); // of (3 x - 1) / x
    assert!(x > 2.5 && x == 3.0 && x < 4.0 * x);
    assert_eq!(format!("{x:.2} {nested:e}"), "3.00 3e0");
    assert_eq!([x, x * x].iter().sum::<Dual>().tangent, [7.0]);
    assert_eq!([x, x].iter().product::<Dual>().tangent, [6.0]);
}

#[test]
fn numbers_of_two_lists_do_not_mix() {
    let (mut one, other) = (List::new(), List::new());
    let (x, y) = (one.variable(2.0), other.variable(3.0));
    let z = x * y;
    assert_eq!(z.value(), 6.0);
    assert!(one.gradient(z, &[x]).unwrap_err().to_string().contains("`*`"));
    assert!(other.gradient(y, &[y]).is_err());
    one.clear();
    let x = one.variable(2.0);
    assert_eq!(one.gradient(x.powi(3) + VarIn::fixed(1.0), &[x]).unwrap(), [12.0]);
    assert!(other.gradient(other.variable(1.0), &[x]).is_err());
}

#[test]
fn drivers_name_what_does_not_fit() {
    assert!(jvp(<[_]>::to_vec, &[1.0], &[]).unwrap_err().to_string().contains("`x_dot` has 0 numbers, 1"));
    assert!(vjp(<[_]>::to_vec, &[1.0], &[]).unwrap_err().to_string().contains("`y_bar`"));
    assert!(hvp(|x| x[0], &[1.0], &[1.0, 2.0]).unwrap_err().to_string().contains("`v`"));
    assert_eq!(gradient(|_| Var::fixed(3.0), &[]).unwrap(), (3.0, vec![]));
    assert_eq!(hessian(|_| Var::fixed(Dual::fixed(3.0)), &[]).unwrap(), (3.0, vec![], vec![]));
    assert_eq!(jacobian_forward(|_| vec![Dual::fixed(3.0)], &[]), (vec![3.0], vec![vec![]]));
}

#[test]
fn matrices_of_derivatives_are_as_wide_as_there_are_variables() {
    for n in 1..=9 {
        let x = vec![0.5; n];
        let (_, rows) = jacobian_forward(|x| vec![x.iter().map(|&x| x * x).sum()], &x);
        assert_eq!(rows, [vec![1.0; n]]);
        let (_, gradient, rows) = hessian(|x| x.iter().map(|&x| x * x * x).sum(), &x).unwrap();
        assert_eq!(gradient, vec![0.75; n]);
        let diagonal = |i: usize| (0..n).map(|j| if i == j { 3.0 } else { 0.0 }).collect::<Vec<f64>>();
        assert_eq!(rows, (0..n).map(diagonal).collect::<Vec<_>>());
    }
}
