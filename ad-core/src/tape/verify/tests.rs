//! Each rule of tapes, broken where all else holds; and what is just within.

use super::*;
use crate::elementary::Unary;
use crate::tape::{Coefficient, Labels, Operand};

/// A tape with every kind of line; `s` fits wherever an operand may be added.
const WHOLE: &str = "in s[]
in x[e,i:3]
in w[i:3,j:3]
v3[e,i] = sum_j x[e,j] * w[j,i]
v4[i:2] = [1, -0.5]
v5[e,i] = x[e,i] + v3[e,i]
v6[e,i] = tanh v5[e,i]
v7[e,i] = stop v6[e,i]
v8[e,i] = max(v6[e,i], x[e,i])
v9[e,i] = select(v7[e,i], v8[e,i], s[])
v10[i,j:2] = w[i,k] where k = j + 1
v11[e,i:5] = x[e,j] where i = j + 2
v12[e,i:2] = x[e,j] where j = [2, 0][i]
v13[e,i:6] = v12[e,j] where i = [5, 5][j]
v14[e,i:2,j:3] = v13[e,k] where (i,j) = (k)
out y = v14
";

/// The place of a line, what is done to it, and why it is refused.
type Rule = (usize, fn(&mut Node), &'static str);

fn refusal(tape: &Tape) -> String {
    tape.verify().expect_err("a broken tape").to_string()
}

#[track_caller]
fn assert_refused(text: &str, why: &str) {
    let message = text.parse::<Tape>().expect_err(text).to_string();
    assert!(message.contains(why), "{text}: {message}");
}

#[test]
fn a_broken_line_is_named_with_the_rule() {
    let rules: [Rule; 17] = [
        (6, |line| line.operands[0].node = NodeId::new(6), "operand v6 does not come before it"),
        (6, |line| line.operands[0].labels.push(1), "operand v5 has 2 dimensions, not 3"),
        (6, |line| line.operands[0].labels[1] = 2, "operand v5: index 2 does not run over Fixed(3)"),
        (6, |line| line.extents[1] = Extent::Fixed(4), "operand v5: index 1 does not run over Fixed(3)"),
        (4, |line| line.out[0] = 1, "an index of the result has no extent"),
        (2, |line| line.out.reverse(), "its indices are not numbered in order of appearance"),
        (6, |line| line.extents.push(Extent::Fixed(2)), "only a contraction has an index"),
        (4, |line| line.extents.fill(Extent::Example), "2 values do not fill it"),
        (
            4,
            |line| {
                line.out = Labels::from_slice(&[0, 1]);
                line.extents = [Extent::Example; 2].into_iter().collect();
            },
            "there are two example indices",
        ),
        (4, |line| line.op = Op::Constant([].into()), "0 values do not fill it"),
        (
            5,
            |line| line.op = Op::Add([Coefficient(1.0)].into_iter().collect()),
            "1 operands are wanted, 2 are given",
        ),
        (5, |line| line.operands.truncate(1), "a sum has at least two terms"),
        (9, |line| line.op = Op::Unary(Unary::Tanh), "1 operands are wanted, 3 are given"),
        (10, |line| line.out.push(1), "an index is repeated"),
        (10, |line| line.operands[0].labels[0] = 2, "an index is repeated"),
        (12, |line| line.op = Op::Gather([2, 0, 1].into()), "lengths [3] do not become [2]"),
        (13, |line| line.op = Op::Scatter([5, 6].into()), "lengths [2] do not become [6]"),
    ];
    let whole: Tape = WHOLE.parse().unwrap();
    for (place, damage, why) in rules {
        let mut tape = whole.clone();
        damage(&mut tape.nodes[place]);
        let message = refusal(&tape);
        assert!(message.starts_with(&format!("line v{place}: {why}")), "`{why}` is not in: {message}");
    }
}

#[test]
fn every_operation_has_its_number_of_operands() {
    let whole: Tape = WHOLE.parse().unwrap();
    for place in 1..whole.nodes.len() {
        let mut more = whole.clone();
        more.nodes[place].operands.push(Operand { node: NodeId::new(0), labels: Labels::new() });
        let message = refusal(&more);
        assert!(
            message.starts_with(&format!("line v{place}: ")) && message.contains("operands"),
            "{message}"
        );
    }
}

#[test]
fn names_stand_for_what_the_lines_declare() {
    type Rule = (fn(&mut Tape), &'static str);
    let rules: [Rule; 8] = [
        (|tape| tape.inputs[1].1 = NodeId::new(3), "input `x` is not what v3 declares"),
        (|tape| tape.inputs[2].1 = NodeId::new(99), "input `w` is not what v99 declares"),
        (
            |tape| {
                tape.inputs.swap(1, 2);
                (tape.nodes[1].op, tape.nodes[2].op) = (Op::Input(2), Op::Input(1));
            },
            "input `x` is not what v1 declares",
        ),
        (|tape| drop(tape.inputs.pop()), "3 lines are inputs, 2 are named"),
        (|tape| tape.outputs[0].1 = NodeId::new(15), "output `y` is v15, which does not exist"),
        (|tape| tape.inputs[1].0 = "s".into(), "the input name `s` is used twice"),
        (|tape| tape.inputs[1].0 = "a b".into(), "the input name `a b` is used twice, or is no name"),
        (|tape| tape.outputs.push(tape.outputs[0].clone()), "the output name `y` is used twice"),
    ];
    let whole: Tape = WHOLE.parse().unwrap();
    for (damage, why) in rules {
        let mut tape = whole.clone();
        damage(&mut tape);
        let message = refusal(&tape);
        assert!(message.contains(why), "`{why}` is not in: {message}");
    }
}

#[test]
fn lines_that_are_written_and_break_a_rule() {
    for (text, why) in [
        ("in x[i:3,e]", "the example index must come first"),
        ("in x[e,e]", "the example index must come first, and once"),
        ("in x[i:3,i]", "every index must be an index of the result, once"),
        ("in x[i:3]\nv1[] = tanh x[i]", "every index must be an index of the result, once"),
        ("in x[i:3]\nv1[i,i] = tanh x[i]", "every index must be an index of the result, once"),
        ("in x[e]\nv1[i:3] = x[e] where (i) = (e)", "the example index cannot change"),
        ("in x[i:3]\nv1[i:3] = x[j] where j = i + 18446744073709551615", "do not become"),
        ("in x[i:3]\nv1[i:4] = x[j] where i = j + 2", "lengths [3] do not become [4]"),
        ("in x[i:3]\nv1[i:2] = x[j] where (i) = (j)", "lengths [3] do not become [2]"),
        ("in x[i:0,j:9999999999,k:9999999999]", "too large"),
        ("v0[] = sum_{i:9999999999,j:9999999999} 1", "too large"),
        ("v0[i:9999999999,i] = 1", "too large"),
    ] {
        assert_refused(text, why);
    }
}

#[test]
fn lines_have_indices_and_elements_up_to_a_bound() {
    let letters = |n: usize, one: &dyn Fn(usize) -> String| (0..n).map(one).collect::<Vec<_>>().join(",");
    let counts = |n: usize| format!("v0[] = sum_{{{}}} 1", letters(n, &|k| format!("a{k}:1")));
    let diagonal =
        |n: usize| format!("v0[i:1{}] = 1", letters(n, &|k| if k > 0 { "i" } else { "" }.to_owned()));
    let long = |n: usize| format!("in x[i:{n}]");
    let most = isize::MAX as usize / size_of::<f64>();
    for text in [counts(MAX_LABELS), diagonal(MAX_LABELS), long(most)] {
        text.parse::<Tape>().unwrap_or_else(|error| panic!("{text}: {error}"));
    }
    assert_refused(&counts(MAX_LABELS + 1), "more than 128 indices");
    assert_refused(&diagonal(MAX_LABELS + 1), "more than 128 indices");
    assert_refused(&long(most + 1), "too large");
    assert!(check_shape(&[1; MAX_AXES]).is_ok() && check_shape(&[1; MAX_AXES + 1]).is_err());
    assert!(check_shape(&[most]).is_ok() && check_shape(&[most + 1]).is_err());
}
