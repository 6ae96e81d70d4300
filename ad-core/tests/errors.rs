//! Every mistake of a user is an error that names the user's line and the shapes; nothing panics.

use ad_core::{Array, Elementary, Recorder, Tape, Tracer};

/// The message of a recording that must fail, which must blame a line of this file.
fn refusal(code: impl FnOnce(&Recorder) -> Tracer) -> String {
    let error = Tape::record(|t| [("y", code(t))]).expect_err("a recording that is wrong");
    assert!(
        error.to_string().starts_with(&format!("{}:", file!())),
        "no line of this file is blamed: {error}"
    );
    error.to_string()
}

/// One test per mistake: the code, and what the message must hold.
macro_rules! refused {
    ($($name:ident: |$t:ident| $code:expr => $($part:literal),+;)*) => {$(
        #[test]
        fn $name() {
            let message = refusal(|$t| $code);
            for part in [$($part),+] {
                assert!(message.contains(part), "`{part}` is not in: {message}");
            }
        }
    )*};
}

refused! {
    sum_of_shapes_that_do_not_fit: |t| t.example("x", &[3]) + t.shared("b", &[4]) => "+", "[3]", "[4]", "3 and 4";
    product_of_shapes_that_do_not_fit: |t| t.example("x", &[2, 3]) * t.shared("b", &[4, 3]) => "*", "[2, 3]", "[4, 3]";
    matmul_of_lengths_that_differ: |t| t.example("x", &[3]).matmul(&t.shared("w", &[4, 2])) => "k,kn->n", "[3]", "[4, 2]", "two lengths";
    matmul_of_three_axes: |t| t.example("x", &[3, 2, 2]).matmul(&t.shared("w", &[2])) => "matmul", "[3, 2, 2]";
    einsum_without_arrow: |t| t.example("x", &[3]).einsum("i,i", &t.shared("w", &[3])) => "->", "[3]";
    einsum_with_too_few_letters: |t| t.example("x", &[3, 2]).einsum("i,j->i", &t.shared("w", &[3])) => "one letter per axis", "[3, 2]";
    einsum_with_a_letter_from_nowhere: |t| t.example("x", &[3]).einsum("i,i->k", &t.shared("w", &[3])) => "`k`";
    einsum_with_digits: |t| t.example("x", &[3]).einsum("1,i->i", &t.shared("w", &[3])) => "letters";
    einsum_to_too_many_axes: |t| t.example("x", &[2]).einsum(&format!("i,i->{}", "i".repeat(300)), &t.shared("w", &[2])) => "axes";
    sum_along_no_axis: |t| t.example("x", &[3]).sum_axis(1) => "axis 1", "[3]";
    slice_beyond_the_end: |t| t.example("x", &[3]).slice(0, 2..5) => "2..5", "[3]";
    slice_backwards: |t| { let (from, to) = (2, 1); t.example("x", &[3]).slice(0, from..to) } => "2..1", "[3]";
    element_beyond_the_end: |t| t.example("x", &[3]).at(0, 3) => "3", "[3]";
    element_beyond_all_numbers: |t| t.example("x", &[3]).at(0, usize::MAX) => "[3]";
    pad_to_less: |t| t.example("x", &[3]).pad(0, 2, 4) => "pad", "[3]", "4";
    pad_beyond_all_numbers: |t| t.example("x", &[3]).pad(0, usize::MAX, 4) => "pad", "[3]";
    a_sum_beyond_all_numbers: |t| t.shared("a", &[1 << 40, 1]) + t.shared("b", &[1 << 40]) => "elements";
    gather_beyond_the_end: |t| t.example("x", &[3]).gather(0, &[0, 3]) => "[0, 3]", "[3]";
    concat_of_shapes_that_do_not_fit: |t| t.example("x", &[3, 2]).concat(&[&t.shared("b", &[2, 3])], 0) => "[3, 2]", "[2, 3]", "axis 0";
    reshape_to_another_size: |t| t.example("x", &[3, 2]).reshape(&[5]) => "[3, 2]", "[5]";
    reshape_to_a_size_beyond_all_numbers: |t| t.example("x", &[3]).reshape(&[usize::MAX, 2, 3]) => "elements";
    reshape_to_too_many_axes: |t| t.example("x", &[1]).reshape(&[1; 300]) => "axes";
    permute_by_no_order: |t| t.example("x", &[3, 2]).permute(&[0, 0]) => "[0, 0]", "[3, 2]";
    diagonal_of_no_square: |t| t.example("x", &[3, 2]).diagonal() => "[3, 2]", "square";
    trace_of_no_square: |t| t.example("x", &[3]).trace() => "[3]", "square";
    broadcast_to_less: |t| t.example("x", &[3]).broadcast_to(&[2]) => "[3]", "[2]";
    broadcast_to_too_many_axes: |t| t.example("x", &[1]).broadcast_to(&[1; 300]) => "axes";
    broadcast_to_a_size_beyond_all_numbers: |t| t.number(1.0).broadcast_to(&[usize::MAX, 2]) => "elements";
    select_of_shapes_that_do_not_fit: |t| { let x = t.example("x", &[3]); x.select(&x, &t.shared("b", &[2])) } => "select", "[3]", "[2]";
    binary_of_shapes_that_do_not_fit: |t| t.example("x", &[3]).max(&t.shared("b", &[2])) => "max", "[3]", "[2]";
    an_input_named_twice: |t| t.example("x", &[3]) + t.shared("x", &[3]) => "`x`", "twice";
    an_input_with_no_name: |t| t.example("a b", &[3]) => "`a b`", "letters";
    an_input_of_too_many_axes: |t| t.example("x", &[1; 300]) => "axes";
    an_input_beyond_all_numbers: |t| t.shared("x", &[usize::MAX, 3]) => "elements";
    a_constant_of_another_size: |t| t.constant(&[1.0, 2.0], &[3]) => "[3]", "2 values";
    a_constant_beyond_all_numbers: |t| t.constant(&[1.0, 2.0], &[usize::MAX, 2]) => "elements";
    an_identity_beyond_all_numbers: |t| t.identity(usize::MAX) => "elements";
    a_tangent_of_another_shape: |t| { let x = t.example("x", &[3]); t.push_forward(&[(&x, &t.shared("d", &[2]))], &[&x]).remove(0) } => "[2]", "[3]";
    a_tangent_with_examples_of_a_shared_value: |t| { let w = t.shared("w", &[3]); t.push_forward(&[(&w, &t.example("d", &[3]))], &[&w]).remove(0) } => "share";
    seeds_with_different_directions: |t| { let (x, z) = (t.example("x", &[2]), t.example("z", &[3])); t.push_forward(&[(&x, &t.identity(2)), (&z, &t.identity(3))], &[&x]).remove(0) } => "directions";
    a_cotangent_of_another_shape: |t| { let x = t.example("x", &[3]); t.pull_back(&[(&x, &t.number(1.0))], &[&x]).remove(0) } => "[]", "[3]";
    a_complaint_of_the_users_own: |t| t.example("x", &[3]).fail("layer `b` wants 4 features") => "layer `b` wants 4 features";
}

#[test]
fn the_first_error_of_a_recording_is_the_one_reported() {
    let message = refusal(|t| {
        let wrong = t.example("x", &[3]) + t.shared("b", &[4]);
        wrong.matmul(&t.shared("w", &[9, 9])).sum_axis(7)
    });
    assert!(message.contains("[3] and [4]"), "{message}");
}

#[test]
fn tapes_inlined_on_inputs_that_do_not_fit() {
    let inner = Tape::record(|t| {
        let (x, w) = (t.example("x", &[3]), t.shared("w", &[3]));
        [("y", x * w)]
    })
    .unwrap();
    let few = refusal(|t| t.inline(&inner, &[&t.example("a", &[3])]).remove(0));
    assert!(few.contains("2 inputs, 1 "), "{few}");
    let wrong = refusal(|t| t.inline(&inner, &[&t.example("a", &[2]), &t.shared("b", &[3])]).remove(0));
    assert!(wrong.contains("`x`") && wrong.contains("[3]") && wrong.contains("[2]"), "{wrong}");
    let shared = refusal(|t| {
        let a = t.example("a", &[3]);
        t.inline(&inner, &[&a, &a]).remove(0)
    });
    assert!(shared.contains("`w`") && shared.contains("shared"), "{shared}");
}

/// A tracer that has outlived its recording.
fn stray() -> Tracer {
    let mut kept = None;
    let recorded = Tape::record(|t| {
        kept = Some(t.example("x", &[3]));
        [("y", t.number(0.0))]
    });
    recorded.and(Ok(kept)).unwrap().unwrap()
}

#[test]
fn tracers_of_another_recording() {
    for message in [
        refusal(|t| t.example("x", &[3]) + stray()),
        refusal(|t| stray() + t.example("x", &[3])),
        refusal(|t| t.example("x", &[3]).einsum("i,i->", &stray())),
        refusal(|t| stray().select(&t.example("x", &[3]), &t.number(0.0))),
        refusal(|t| t.example("x", &[3]).concat(&[&stray()], 0)),
        refusal(|t| t.push_forward(&[(&stray(), &stray())], &[&stray()]).remove(0)),
    ] {
        assert!(message.contains("recording"), "{message}");
    }
    let error = Tape::record(|_| [("y", stray())]).unwrap_err();
    assert!(error.to_string().contains("another recording"), "{error}");
}

#[test]
fn an_error_of_the_closure_comes_out_as_it_is() {
    let error = Tape::record(|t| {
        let x = t.example("x", &[3]);
        let checked: ad_core::Result<[(&str, Tracer); 1]> = Err(ad_core::Error::new("no such activation"));
        drop(x);
        checked
    });
    assert_eq!(error.unwrap_err().to_string(), "no such activation");
}

#[test]
fn outputs_need_names_of_their_own() {
    let error = Tape::record(|t| {
        let x = t.example("x", &[3]);
        [("y", x.clone()), ("y", x)]
    });
    assert!(error.unwrap_err().to_string().contains("`y`"));
    let error = Tape::record(|t| [("", t.number(1.0))]);
    assert!(error.unwrap_err().to_string().contains("no name"));
}

fn square() -> Tape {
    Tape::record(|t| {
        let x = t.example("x", &[3]);
        [("y", x.square())]
    })
    .unwrap()
}

#[test]
fn transforms_by_inputs_that_do_not_exist_or_are_taken() {
    let message = square().jvp(&["z"]).unwrap_err().to_string();
    assert!(message.contains("`z`") && message.contains('x'), "{message}");
    let jvp = square().jvp(&["x"]).unwrap();
    assert!(jvp.jvp(&["x"]).unwrap_err().to_string().contains("`x_dot` is taken"));
    let vjp = square().vjp(&["x"]).unwrap();
    assert!(vjp.vjp(&["x"]).unwrap_err().to_string().contains("`y_bar` is taken"));
    assert!(square().jvp(&["x", "x"]).unwrap_err().to_string().contains("`x_dot` is taken"));
}

#[test]
fn evaluation_on_arrays_that_do_not_fit() {
    let array = |shape: &[usize]| Array::new(shape, vec![0.5; shape.iter().product()]).unwrap();
    let message = square().eval(2, &[]).unwrap_err().to_string();
    assert!(message.contains("1 inputs") && message.contains("0 were"), "{message}");
    let message = square().eval(2, &[array(&[3, 3])]).unwrap_err().to_string();
    assert!(message.contains("`x`") && message.contains("[2, 3]") && message.contains("[3, 3]"), "{message}");
    assert!(Array::new(&[2, 2], vec![0.0; 3]).unwrap_err().to_string().contains("[2, 2]"));
    assert!(Array::new(&[usize::MAX, 2], vec![]).is_err());
}

#[test]
fn text_that_is_no_tape() {
    for (text, part) in [
        ("in x[e,i]", "line 1: it is not said how far index `i` runs"),
        ("in x[e,i:3]\nv1[e,i] = tanh z[e,i]", "line 2: `z` is not defined"),
        ("in x[e,i:3]\n\n# so\nv1[e,i] = tahn x[e,i]", "line 4: `tahn` is neither a function"),
        ("in x[e,i:3]\nv1[e] = x[e,i]", "line 2: index `i` is neither summed nor in the result"),
        ("in x[e,i:3]\nv1[e] = sum_e x[e,i]", "line 2: index `e` is summed, and the result has it"),
        ("in x[e,i:3]\nv1[e] = sum_i x[e]", "line 2: a value of 2 dimensions is read along 1 indices"),
        ("in x[e,i:3]\nv1[k,i] = x[k,i]", "line 2: index `k`: examples have the letter `e`"),
        ("in x[e,i:3]\nin y[i:2]\nv2[e,i] = x[e,i] * y[i]", "line 3: index `i` runs over 3 and 2"),
        (
            "in x[e,i:3]\nv1[e,i] = x[e,i] +",
            "line 2: expected the name of a value, found the end of the line",
        ),
        ("in x[e,i:3]\nv1[e,i] = x[e,i] + 1", "line 2: a number is no term of a sum"),
        ("in x[e,i:3] extra", "line 1: expected the end of the line, found `extra`"),
        ("in x[i:99999999999999999999]", "line 1: expected an integer"),
        ("in x[i:9999999999,j:9999999999]", "line 1: the product of its extents is too large"),
        ("in x[e,i:3]\nin x[e]", "line 2: `x` is defined twice"),
        ("in x[e]\nv0[e] = -x[e]\nv0[e] = exp x[e]", "line 3: `v0` is defined twice"),
        ("in x[e]\nv0[e] = -x[e]\nv1[e] = -x[e]", "line 3: it is the same as line v1"),
        ("in x[i:3]\nv0[i:3] = x[j] where i = j + 1", "line 2: lengths [3] do not become [3]"),
        (
            "in x[i:3]\nv0[i:2] = x[j] where k = j + 1",
            "line 2: the rule is between `j` of the value and `i` of the result",
        ),
        ("in x[i:3]\nv0[i:2] = x[j] where j = [0, 3][i]", "line 2: lengths [3] do not become [2]"),
        ("v0[i:2] = [1, 2, 3]", "line 1: 3 values do not fill it"),
        ("v0[i:2] = [1, 2", "line 1: expected `,` or `]` in a list, found the end of the line"),
        ("out y = x", "line 1: `x` is not defined before this line"),
        ("hello", "line 1: expected `in ..`, `v0[..] = ..` or `out ..`, found `hello`"),
        ("in x[i:3]\nout y = x\nout y = x", "the output name `y` is used twice"),
        ("v0[] = 1e", "line 1: expected a number, found `1e`"),
        ("in x[e]\nv1[e] = 2e*x[e]", "line 2: expected a number, found `2e`"),
        ("v0[] = nan0x3", "line 1: `nan0x3` is neither a function"),
        ("v0[] = nan0xfff8000000000001", "line 1: `nan0xfff8000000000001` is neither a function"),
        ("in `a b`[e]", "line 1: expected a name, found `a b`"),
        ("in x[ab:3]", "line 1: `ab` is no index: a letter and perhaps digits"),
        ("in x[e]\nout y - x", "line 2: expected `=` after the name of an output, found `-`"),
        (
            "in x[i:3]\nv0[i:2] = x[j] where j = k + 1",
            "line 2: the rule is between `j` of the value and `i` of the result",
        ),
    ] {
        let error = text.parse::<Tape>().expect_err(text).to_string();
        assert!(error.contains(part), "for\n{text}\nexpected `{part}`, got `{error}`");
    }
    let letters: Vec<String> = (0..300).map(|k| format!("a{k}:1")).collect();
    let error = format!("in x[{}]", letters.join(",")).parse::<Tape>().unwrap_err().to_string();
    assert!(error.contains("indices"), "{error}");
}

#[test]
fn names_and_numbers_are_read_for_what_they_are() {
    let lines = "in `v7`[e]
in v[e]
in vx[e]
in inf[e]
v4[e] = inf * inf[e]
v5[e] = nan * v[e]
v6[e] = `v7`[e] + vx[e]
v7[e] = -nan0x7ff8000000000001 * v6[e]
out y = `v7`
out z = v7
";
    let tape: Tape = lines.parse().unwrap();
    assert_eq!(tape.to_string(), lines);
}
