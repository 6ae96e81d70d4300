//! What is no rule, or no call of one, is refused by name.

use ad_core::{ArrayRule, Elementary, Recorder, Tape, Tracer};

use super::{Custom, Product, Value, jvp, layer_value, log1pexp, logsumexp, on_layer, tapes, vjp};

/// The message of a recording that calls a rule on `x[e,i:3]` and `w[i:3]`, and must fail.
fn refusal(rule: &Custom) -> String {
    let tape = Tape::record(|t| {
        let y = t.call(rule, &[&t.example("x", &[3]), &t.shared("w", &[3])]);
        y.into_iter().enumerate().map(|(k, y)| (format!("y{k}"), y)).collect::<Vec<_>>()
    });
    let message = tape.expect_err("the rule is wrong").to_string();
    assert!(message.starts_with(file!()), "no line of this file is blamed: {message}");
    message
}

#[test]
fn wrong_rules_are_refused_by_name() {
    let value: Value = |x| vec![&x[0] * &x[1]];
    let by_jvp = |f: Product| refusal(&jvp("f", value, f));
    let by_vjp = |f: Product| refusal(&vjp("f", value, f));
    let linear = "is not linear";
    for (message, part) in [
        (refusal(&Custom("f", value, None, None)), "neither a jvp nor a vjp"),
        (by_jvp(|_, _, _| vec![]), "the jvp returns 0 arrays, 1 are wanted"),
        (by_vjp(|x, _, _| vec![x[0].clone()]), "the vjp returns 1 arrays, 2 are wanted"),
        (by_jvp(|_, _, d| vec![d[0].sum()]), "`y0_dot` has shape [], [3] is wanted"),
        (by_vjp(|x, _, c| vec![c[0].sum(), x[1].clone()]), "`x0_bar` has shape [], [3] is wanted"),
        (by_jvp(|_, _, d| vec![&d[0] + d[1].slice(0, 0..2)]), "[3] and [2]"),
        (by_jvp(|_, _, d| vec![d[0].square()]), linear),
        (by_jvp(|_, _, d| vec![d[0].abs()]), linear),
        (by_jvp(|_, _, d| vec![&d[0] * &d[1]]), linear),
        (by_jvp(|_, _, d| vec![&d[0] / &d[1]]), linear),
        (by_jvp(|x, _, d| vec![&x[0] / &d[1]]), linear),
        (by_jvp(|x, _, _| vec![x[0].clone()]), linear),
        (by_jvp(|x, _, d| vec![&d[0] + &x[0]]), linear),
        (by_jvp(|x, _, d| vec![x[1].select(&d[0], &x[0])]), linear),
        (by_jvp(|x, _, d| vec![d[1].select(&x[0], &x[0])]), linear),
        // Clipped cotangents are not linear, so they are no derivative of anything.
        (by_vjp(|x, _, c| vec![c[0].min(&c[0].lift(1.0)), x[0].clone()]), linear),
        (
            refusal(&jvp("f", |x| vec![x[1].exp()], |_, _, d| vec![d[0].clone()])),
            "has examples, and belongs to",
        ),
        (refusal(&jvp("f", |x| vec![&x[0] + x[1].sum_axis(1)], |_, _, d| vec![d[0].clone()])), "sum_axis"),
    ] {
        assert!(message.contains("rule `f`: ") && message.contains(part), "`{part}` is not in: {message}");
    }
    assert!(refusal(&jvp("a name", value, |_, _, d| vec![d[0].clone()])).contains("`a name` is no name"));
}

#[test]
fn a_rule_that_calls_itself_is_refused() {
    struct Endless;
    impl ArrayRule for Endless {
        fn name(&self) -> &'static str {
            "endless"
        }
        fn value(&self, _: &Recorder, x: &[Tracer]) -> Vec<Tracer> {
            vec![x[0].exp()]
        }
        fn jvp(&self, t: &Recorder, x: &[Tracer], _: &[Tracer], d: &[Tracer]) -> Option<Vec<Tracer>> {
            Some(vec![t.call(self, &[&x[0]]).remove(0) * &d[0]])
        }
    }
    for _ in 0..2 {
        let tape = Tape::record(|t| [("y", t.call(&Endless, &[&t.example("x", &[])]).remove(0))]);
        let message = tape.unwrap_err().to_string();
        assert!(message.contains("endless calls endless"), "{message}");
    }
    // The calls above have left nothing behind.
    assert!(!tapes().is_empty());
}

#[test]
fn calls_that_do_not_fit_are_refused() {
    let mut stray = None;
    Tape::record(|t| {
        stray = Some(t.example("x", &[3]));
        [("y", t.number(0.0))]
    })
    .unwrap();
    let stray = stray.unwrap();
    let message =
        |code: &dyn Fn(&Recorder) -> Tracer| Tape::record(|t| [("y", code(t))]).unwrap_err().to_string();
    let other = message(&|t| t.call(&log1pexp(), &[&stray]).remove(0));
    assert!(other.contains("rule `log1pexp`: a tracer of another recording was used"), "{other}");
    let identity = jvp("identity", <[Tracer]>::to_vec, |_, _, d| d.to_vec());
    let many =
        message(&|t| t.call(&identity, &[&t.example("x", &[1; 32]), &t.shared("w", &[1; 32])]).remove(0));
    assert!(many.contains("axes"), "{many}");
    // The first error of the recording is the one that is told.
    let first = message(&|t| {
        let wrong = t.example("x", &[3]) + t.shared("b", &[4]);
        t.call(&logsumexp(), &[&wrong]).remove(0)
    });
    assert!(first.contains("[3] and [4]"), "{first}");
    // As many tracers come back as without the error.
    let two = message(&|t| {
        let x = t.example("x", &[3]);
        let wrong = Custom("layer", layer_value, None, None);
        on_layer(&wrong, t, &x, &t.shared("w", &[3, 2]), &t.shared("b", &[2]))
    });
    assert!(two.contains("neither"), "{two}");
}
