//! Each law is shown numbers that break it, of one kind at a time.

#![expect(clippy::redundant_closure_for_method_calls, reason = "a method is of one lifetime, a law of any")]

use super::*;
use crate::scalar::Scalar;

/// `x0^2 x1` with a derivative too large, or a value that is not a number, for one kind of numbers.
#[derive(Default)]
struct Wrong {
    kind: &'static str,
    slope: f64,
    bend: f64,
    nan: bool,
}

impl Wrong {
    #[expect(clippy::unnecessary_wraps, reason = "as a subject answers")]
    fn run<T: Scalar>(&self, kind: &str, x: &[T]) -> Result<Vec<T>> {
        let y = x[0] * x[0] * x[1];
        if kind != self.kind {
            return Ok(vec![y]);
        }
        let more = x[0] * x[1] + x[0];
        let moved = T::lift(self.slope) * (more - T::constant(more.base()));
        Ok(vec![if self.nan { T::nan() } else { y + moved }])
    }
}

impl Subject for Wrong {
    fn plain(&self, x: &[f64]) -> Result<Vec<f64>> {
        self.run("plain", x)
    }
    fn forward(&self, x: &[Dual]) -> Result<Vec<Dual>> {
        let mut y = self.run("forward", x)?;
        y[0].tangent[0] += self.bend * x[0].tangent[0].powi(2);
        Ok(y)
    }
    fn reverse(&self, x: &[Var]) -> Result<Vec<Var>> {
        self.run("reverse", x)
    }
    fn forward_over_forward(&self, x: &[Dual<Dual>]) -> Result<Vec<Dual<Dual>>> {
        self.run("forward over forward", x)
    }
    fn forward_over_reverse(&self, x: &[Var<Dual>]) -> Result<Vec<Var<Dual>>> {
        self.run("forward over reverse", x)
    }
    fn reverse_over_forward(&self, x: &[Dual<Var>]) -> Result<Vec<Dual<Var>>> {
        self.run("reverse over forward", x)
    }
    fn reverse_over_reverse(&self, x: &[Var<Var>]) -> Result<Vec<Var<Var>>> {
        self.run("reverse over reverse", x)
    }
}

fn with_laws<A>(tester: Tester, wrong: &Wrong, judge: impl FnOnce(&Laws<'_>) -> A) -> A {
    judge(&Laws::new(&tester, wrong, &[0.7, -1.3]).unwrap())
}

#[track_caller]
fn assert_broken(wrong: &Wrong, law: fn(&Laws<'_>) -> Result<()>, why: &str) {
    let tester = Tester::default();
    with_laws(tester, &Wrong::default(), law).unwrap();
    let message = with_laws(tester, wrong, law).expect_err(why).to_string();
    assert!(message.contains(why), "{message}");
}

#[test]
fn each_law_is_broken_by_what_it_is_about() {
    let steep = |kind| Wrong { kind, slope: 1e-3, ..Wrong::default() };
    assert_broken(&steep("forward"), |laws| laws.differences(), "by differences");
    assert_broken(&steep("forward"), |laws| laws.duality(), "duality");
    assert_broken(&steep("reverse"), |laws| laws.duality(), "duality");
    assert_broken(&steep("reverse"), |laws| laws.jacobian(), "the derivative of y[0] by x[0]");
    assert_broken(&Wrong { bend: 1e-5, ..Wrong::default() }, |laws| laws.linearity(), "the jvp is linear");
    assert_broken(&steep("forward over forward"), |laws| laws.second(), "by differences");
    for kind in ["forward over reverse", "reverse over forward", "reverse over reverse"] {
        assert_broken(&steep(kind), |laws| laws.second(), kind);
    }
}

#[test]
fn a_number_is_not_what_is_none() {
    for (kind, name) in [
        ("forward", "Dual"),
        ("reverse", "Var"),
        ("forward over forward", "Dual<Dual>"),
        ("forward over reverse", "Var<Dual>"),
        ("reverse over forward", "Dual<Var>"),
        ("reverse over reverse", "Var<Var>"),
    ] {
        let nan = Wrong { kind, nan: true, ..Wrong::default() };
        assert_broken(&nan, |laws| laws.values(), &format!("y[0] is NaN on {name}, "));
    }
}

#[test]
fn small_jacobians_are_compared_element_by_element() {
    let wrong = Wrong { kind: "reverse", slope: 1e-5, ..Wrong::default() };
    let found = |jacobian| {
        with_laws(Tester { jacobian, ..Tester::default() }, &wrong, |laws| laws.jacobian()).is_err()
    };
    assert_eq!([2, 3, 4].map(found), [false, true, true]);
}

#[test]
fn numbers_are_equal_to_a_tolerance_of_their_size() {
    let equal = |difference: f64, size| {
        let sides = [("one", 1.0), ("the other", 1.0 + difference)];
        with_laws(Tester::default(), &Wrong::default(), |laws| laws.equal("", sides, size)).is_ok()
    };
    assert!(equal(1.9e-9, 0.0) && !equal(2.1e-9, 0.0));
    assert!(equal(0.9e-8, 9.0) && !equal(1.1e-8, 9.0));
    assert_eq!(size(&[1.0, -2.0], &[3.0, 4.0]), 11.0);
}
