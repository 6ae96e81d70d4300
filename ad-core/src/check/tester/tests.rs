//! The testers find what is wrong: each law is shown the derivatives of another tape.

use super::*;
use crate::elementary::Elementary;
use crate::tape::Tracer;
use crate::transform::Linear;

fn record(code: impl FnOnce(&Tracer) -> Tracer) -> Tape {
    Tape::record(|t| [("y", code(&t.example("x", &[2])))]).unwrap()
}

fn point() -> Vec<Array> {
    vec![Array::new(&[2, 2], vec![0.5, -0.25, 1.5, 0.75]).unwrap()]
}

/// The laws of the jvp of one tape and the vjp of another.
fn with_laws(forward: &Tape, reverse: &Tape, judge: impl FnOnce(&Laws<'_>)) {
    let [forward, reverse] = [forward, reverse].map(|tape| tape.linearize(&["x"]).unwrap());
    let (reverse, point) = (reverse.transpose().unwrap(), point());
    let map = |linear| Map::new(linear, 2, &point);
    let tester = Tester::default();
    judge(&Laws { tester: &tester, names: &["x"], forward: map(&forward), reverse: map(&reverse) });
}

fn message(result: Result<()>) -> String {
    result.expect_err("the law is broken").to_string()
}

#[test]
fn a_wrong_jvp_is_found_by_differences() {
    let (right, wrong) = (record(Elementary::sin), record(|x| x.sin() * (1.0 + 1e-4)));
    with_laws(&wrong, &wrong, |laws| {
        let text = message(laws.tester.differences(&right, &laws.forward));
        assert!(text.contains("`x`") && text.contains("y[0,0]") && text.contains("by differences"), "{text}");
        laws.tester.differences(&wrong, &laws.forward).unwrap();
    });
}

#[test]
fn a_wrong_vjp_is_found_by_duality_and_by_elements() {
    let (right, wrong) = (record(Elementary::sin), record(|x| x.sin() * (1.0 + 1e-7)));
    with_laws(&right, &wrong, |laws| {
        let text = message(laws.duality());
        assert!(text.contains("`x`") && text.contains("<y_bar, J x_dot>"), "{text}");
        let text = message(laws.jacobian());
        assert!(text.contains("y_dot[0,0] by x[0,0]"), "{text}");
    });
    with_laws(&right, &right, |laws| laws.duality().and_then(|()| laws.jacobian()).unwrap());
}

#[test]
fn another_transpose_is_found() {
    let (right, wrong) = (record(Elementary::sin), record(|x| x.sin() + x * 1e-7));
    let (twice, point): (Linear, _) = (wrong.linearize(&["x"]).unwrap(), point());
    with_laws(&right, &right, |laws| {
        let text = message(laws.transposed_twice(&Map::new(&twice, 2, &point)));
        assert!(text.contains("y_dot[0,0]") && text.contains("not"), "{text}");
    });
}

#[test]
fn what_is_not_linear_is_found() {
    // The jvp of a square, as a map of its point rather than of its tangent.
    let (square, point) = (record(Elementary::square), point());
    let jvp = square.linearize(&["x"]).unwrap();
    with_laws(&square, &square, |laws| {
        laws.linearity("jvp", &Map::new(&jvp, 2, &point)).unwrap();
        laws.linearity("vjp", &laws.reverse).unwrap();
        let values = Map::new(&jvp, 2, &[]);
        assert!(laws.linearity("values", &values).is_err());
    });
}
