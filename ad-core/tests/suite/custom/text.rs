//! Rules as text.

use ad_core::{ArrayRule, Elementary, Recorder, Tape, Tracer, check};

use super::{Custom, jvp, log1pexp, tapes};
use crate::{check_everything, record};

/// `sinh`, whose derivative is a value of another rule.
struct Sinh(Custom);
impl ArrayRule for Sinh {
    fn name(&self) -> &'static str {
        "sinh"
    }
    fn value(&self, _: &Recorder, x: &[Tracer]) -> Vec<Tracer> {
        vec![x[0].sinh()]
    }
    fn jvp(&self, t: &Recorder, x: &[Tracer], _: &[Tracer], d: &[Tracer]) -> Option<Vec<Tracer>> {
        Some(vec![t.call(&self.0, &[&x[0]]).remove(0) * &d[0]])
    }
}

#[test]
fn the_text_form_reads_back() {
    for tape in tapes() {
        check::round_trip(&tape).unwrap();
        check::text(&tape.to_string()).unwrap();
        assert_eq!(tape.without_rules().to_string().parse::<Tape>().unwrap(), tape.without_rules());
    }
    // One name for two shapes, and a rule within a rule.
    let cosh = || jvp("cosh", |x| vec![x[0].cosh()], |x, _, d| vec![x[0].sinh() * &d[0]]);
    let tape = record(|t| {
        let (x, w) = (t.example("x", &[2]), t.shared("w", &[]));
        let sinh = |x: &Tracer| t.call(&Sinh(cosh()), &[x]).remove(0);
        (sinh(&x) + sinh(&w)) * sinh(&(x * 2.0))
    });
    check_everything(&tape, 0.3, 0.9);
    let text = tape.to_string();
    assert_eq!(text.matches("rule sinh\n").count(), 3, "{text}");
}

#[test]
fn the_text_of_a_rule() {
    let tape = record(|t| t.call(&log1pexp(), &[&t.example("x", &[2])]).remove(0));
    let text = "\
in x[e,i:2]
v1[e,i] = exp x[e,i]
v2[] = 1
v3[e,i] = v2[] + v1[e,i]
v4[e,i] = ln v3[e,i]
rule log1pexp
    in x0[e,i:2]
    v1[e,i] = exp x0[e,i]
    v2[] = 1
    v3[e,i] = v2[] + v1[e,i]
    v4[e,i] = ln v3[e,i]
    in y0[e,i:2]
    in x0_dot[e,i:2]
    v7[e,i] = sigmoid x0[e,i]
    v8[e,i] = x0_dot[e,i] * v7[e,i]
    out y0 = v4
    out y0_dot = v8
end
v5[e,i] = rule log1pexp.0(v4[e,i], x[e,j])
out y = v5
";
    assert_eq!(tape.to_string(), text);
    assert_eq!(text.parse::<Tape>().unwrap(), tape);
}

/// Nothing that is read as a rule breaks a transform.
#[test]
fn texts_that_are_no_rules_are_refused() {
    let rule = |body: &str| {
        format!(
            "in x[e,i:2]\nrule f\n{body}\nend\nv1[e,i] = exp x[e,i]\nv2[e,i] = rule f.0(v1[e,i], x[e,j])\nout y = v2"
        )
    };
    let head = "in x0[e,i:2]\nv1[e,i] = exp x0[e,i]\nin y0[e,i:2]\nin x0_dot[e,i:2]\n";
    let good = rule(&format!("{head}v4[e,i] = y0[e,i] * x0_dot[e,i]\nout y0 = v1\nout y0_dot = v4"));
    check::text(&good).unwrap();
    good.parse::<Tape>().unwrap();
    let outputs = "out y0 = v1\nout y0_dot = v4";
    for (text, part) in [
        (rule(""), "line 4: `f` is no name, or its tape has no inputs and outputs of a rule"),
        (rule("in x0[e,i:2]\nout y0 = x0"), "line 5: `f` is no name, or"),
        (rule(&format!("{head}v4[e,i] = y0[e,i] + x0_dot[e,i]\n{outputs}")), "line v4 is not linear"),
        (rule(&format!("{head}v4[e] = sum_i x0_dot[e,i]\n{outputs}")), "inputs and outputs of a rule"),
        (rule(&format!("{head}v4[e,i] = tahn y0[e,i]\n{outputs}")), "line 7: `tahn`"),
        (rule(&format!("{head}v4[e,i] = exp x0[e,i]\n{outputs}")), "line 7: it is the same as line v1"),
        (good.replace("rule f.0", "rule g.0"), "line 12: `g.0` is no value"),
        (good.replace("rule f.0", "rule f.1"), "line 12: it is not value 1"),
        (good.replace("rule f.0", "rule f"), "line 12: `f` is no value"),
        (good.replace("x[e,j])", "x[e,i])"), "line 12: it is not value 0"),
        (good.replace("x[e,j])", "x[e,j], x[e,k])"), "line 12: it is not value 0"),
        (good.replace("v2[e,i] = rule", "v2[e,j] = rule"), "line 12: it is not value 0"),
        (good.split("end").take(1).collect(), "rule `f` has no `end`"),
        (good.replace("rule f\n", ""), "line 9: expected `in ..`"),
        ("end".to_owned(), "line 1: expected `in ..`"),
        ("rule f\n".repeat(100_000), "line 9: expected `in ..`"),
    ] {
        let message = text.parse::<Tape>().unwrap_err().to_string();
        assert!(message.contains(part), "`{part}` is not in: {message}\n{text}");
    }
}
