//! Arithmetic with constants on either side, powers and fused products, in every kind of number, by their derivatives in closed
//! form.

use ad_core::{Dual, List, Recording, Taylor, Var, record, taylor};

/// What is computed of `x`, the same code for every kind of number.
macro_rules! all {
    ($x:expr) => {{
        let x = $x;
        [
            x + 3.0,
            3.0 + x,
            x - 3.0,
            3.0 - x,
            x * 3.0,
            3.0 * x,
            x / 3.0,
            3.0 / x,
            x % 0.3,
            3.0 % x,
            -x,
            x.powi(0),
            x.powi(1),
            x.powi(3),
            x.powi(-2),
            x.mul_add(x, x),
            x.mul_add(x * x, 3.0 - x),
            (x * x) % x.powi(3),
        ]
    }};
}

const X: f64 = 0.7;

/// The coefficients of the series of each of them around [`X`].
fn wanted() -> [[f64; 4]; 18] {
    let x = X;
    [
        [3.0 + x, 1.0, 0.0, 0.0],
        [3.0 + x, 1.0, 0.0, 0.0],
        [x - 3.0, 1.0, 0.0, 0.0],
        [3.0 - x, -1.0, 0.0, 0.0],
        [3.0 * x, 3.0, 0.0, 0.0],
        [3.0 * x, 3.0, 0.0, 0.0],
        [x / 3.0, 1.0 / 3.0, 0.0, 0.0],
        [3.0 / x, -3.0 / x.powi(2), 3.0 / x.powi(3), -3.0 / x.powi(4)],
        [x - 0.6, 1.0, 0.0, 0.0],
        [3.0 - 4.0 * x, -4.0, 0.0, 0.0],
        [-x, -1.0, 0.0, 0.0],
        [1.0, 0.0, 0.0, 0.0],
        [x, 1.0, 0.0, 0.0],
        [x.powi(3), 3.0 * x * x, 3.0 * x, 1.0],
        [x.powi(-2), -2.0 * x.powi(-3), 3.0 * x.powi(-4), -4.0 * x.powi(-5)],
        [x * x + x, 2.0 * x + 1.0, 1.0, 0.0],
        [x.powi(3) + 3.0 - x, 3.0 * x * x - 1.0, 3.0 * x, 1.0],
        [x * x - x.powi(3), 2.0 * x - 3.0 * x * x, 1.0 - 3.0 * x, -1.0],
    ]
}

fn assert_near(what: &str, got: &[f64], want: &[f64]) {
    let near = got.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-13 * (1.0 + b.abs()));
    assert!(near, "{what}: {got:?} of {want:?}");
}

#[test]
fn series_are_those_of_the_closed_forms() {
    for (k, want) in wanted().iter().enumerate() {
        assert_near(&format!("{k}, to order 4"), &taylor::<4>(|x| all!(x)[k], X), want);
        assert_near(&format!("{k}, to order 2"), &taylor::<2>(|x| all!(x)[k], X), &want[..2]);
        assert_near(&format!("{k}, the value"), &taylor::<1>(|x| all!(x)[k], X), &want[..1]);
    }
    assert_eq!(Taylor::new([1.0, 2.0, 3.0]).coefficients(), &[1.0, 2.0, 3.0]);
}

#[test]
fn slopes_are_those_of_the_closed_forms() {
    let list = List::new();
    let on_list = list.variables(&[X]);
    for (k, want) in wanted().iter().enumerate() {
        let y = all!(Dual::<f64>::variable(X))[k];
        assert_near(&format!("{k}, forward"), &[y.value, y.tangent[0]], &want[..2]);
        let reverse = record(|r: &Recording| {
            let x = r.variables(&[X]);
            let y: Var = all!(x[0])[k];
            [y.value(), r.pull_back(&[(y, 1.0)], &x).unwrap()[0]]
        });
        assert_near(&format!("{k}, reverse"), &reverse, &want[..2]);
        let y = all!(on_list[0])[k];
        let slope = list.gradient(y, &on_list).unwrap()[0];
        assert_near(&format!("{k}, on a list"), &[y.value(), slope], &want[..2]);
    }
    assert!(format!("{:?}", on_list[0]).starts_with("VarIn { value: 0.7, tag: "));
}
