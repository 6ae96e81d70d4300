//! What recording makes of code: the numbers that it says, and no more lines than it needs.

use ad_core::{Array, Elementary, Op, Recorder, Tape, Tracer};

/// What is recorded of a matrix.
type Code<'a> = &'a dyn Fn(&Recorder, &Tracer) -> Tracer;

const X: [f64; 6] = [0.3, -0.7, 1.1, 2.3, -0.2, 0.9];

/// The value of `code` at a shared 2 by 3 matrix.
fn value(code: impl Fn(&Recorder, &Tracer) -> Tracer) -> Array {
    let tape = tape(code);
    tape.eval(0, &[Array::new(&[2, 3], X.to_vec()).unwrap()]).unwrap().remove(0)
}

fn tape(code: impl Fn(&Recorder, &Tracer) -> Tracer) -> Tape {
    Tape::record(|t| [("y", code(t, &t.shared("x", &[2, 3])))]).unwrap()
}

/// The lines beside the input.
fn lines(code: impl Fn(&Recorder, &Tracer) -> Tracer) -> usize {
    tape(code).nodes().len() - 1
}

fn map(f: impl Fn(f64) -> f64) -> Vec<f64> {
    X.iter().map(|&x| f(x)).collect()
}

#[test]
fn methods_move_the_elements_they_say() {
    let check = |what: &str, code: &dyn Fn(&Tracer) -> Tracer, shape: &[usize], data: &[f64]| {
        assert_eq!(value(|_, x| code(x)), Array::new(shape, data.to_vec()).unwrap(), "{what}");
    };
    check("neg", &|x| -x, &[2, 3], &map(|x| -x));
    check("neg of a value", &|x| -x.clone(), &[2, 3], &map(|x| -x));
    check("at, rows", &|x| x.at(0, 1), &[3], &X[3..]);
    check("at, columns", &|x| x.at(1, 2), &[2], &[X[2], X[5]]);
    check("slice", &|x| x.slice(1, 1..3), &[2, 2], &[X[1], X[2], X[4], X[5]]);
    check("pad", &|x| x.at(0, 0).pad(0, 2, 6), &[6], &[0.0, 0.0, X[0], X[1], X[2], 0.0]);
    check("gather", &|x| x.gather(1, &[2, 0, 2]), &[2, 3], &[X[2], X[0], X[2], X[5], X[3], X[5]]);
    let parts = |x: &Tracer| x.at(0, 0).slice(0, 0..1).concat(&[&x.at(0, 1), &x.at(1, 1)], 0);
    check("concat", &parts, &[6], &[X[0], X[3], X[4], X[5], X[1], X[4]]);
    check("transpose", &Tracer::transpose, &[3, 2], &[X[0], X[3], X[1], X[4], X[2], X[5]]);
    check("diagonal", &|x| x.slice(1, 0..2).diagonal(), &[2], &[X[0], X[4]]);
    check("trace", &|x| x.slice(1, 0..2).trace(), &[], &[X[0] + X[4]]);
    check("reshape", &|x| x.reshape(&[3, 2]), &[3, 2], &X);
    check(
        "broadcast",
        &|x| x.at(0, 1).broadcast_to(&[2, 3]),
        &[2, 3],
        &[X[3..].to_vec(), X[3..].to_vec()].concat(),
    );
    check("sum over an axis", &|x| x.sum_axis(0), &[3], &[X[0] + X[3], X[1] + X[4], X[2] + X[5]]);
    let dot = 0.0 + X[0] * X[3] + X[1] * X[4] + X[2] * X[5];
    check("dot", &|x| x.at(0, 0).dot(&x.at(0, 1)), &[], &[dot]);
    check("matmul of vectors", &|x| x.at(0, 0).matmul(&x.at(0, 1)), &[], &[dot]);
}

#[test]
fn sizes_of_nothing_but_indices_count() {
    assert_eq!(value(|t, _| t.identity(5).trace()).data, [5.0]);
    assert_eq!(value(|t, _| t.full(&[4, 3], 2.0).sum()).data, [24.0]);
    assert_eq!(value(|_, x| x.broadcast_to(&[5, 2, 3]).sum_axis(0)).data, map(|x| 5.0 * x));
    assert_eq!(lines(|_, x| x.broadcast_to(&[5, 2, 3]).sum_axis(0)), 1);
}

#[test]
fn products_have_one_order() {
    for code in [
        |x: &Tracer| x * &x.sin() - &x.sin() * x,
        |x: &Tracer| x.einsum("ij,kj->ik", &x.sin()) - x.sin().einsum("kj,ij->ik", x),
        |x: &Tracer| x.einsum("ij,kj->ik", x) - x.einsum("kj,ij->ik", x),
    ] {
        // The sine, the product, and the difference that is zero times it.
        assert!(lines(|_, x| code(x)) <= 3, "{}", tape(|_, x| code(x)));
        assert!(value(|_, x| code(x)).data.iter().all(|&y| y == 0.0));
    }
}

/// Equal terms are one term where that is exact, and nothing else is.
#[test]
fn sums_of_equal_terms() {
    let combined = |factors: &'static [f64]| {
        move |_: &Recorder, x: &Tracer| {
            let y = x.sin();
            Tracer::linear_combination(&factors.iter().map(|&c| (c, &y)).collect::<Vec<_>>()).unwrap()
        }
    };
    // A sum of n terms has n operands.
    let terms = |factors| tape(combined(factors)).nodes().last().unwrap().operands.len();
    for factors in [&[1.0, 1.0][..], &[-1.0, -1.0], &[1.0, 1.0, 1.0], &[-1.0, -1.0, -1.0]] {
        let sum: f64 = factors.iter().sum();
        assert_eq!(terms(factors), 1, "{factors:?}");
        assert_eq!(value(combined(factors)).data, map(|x| sum * x.sin()), "{factors:?}");
    }
    for factors in [&[0.1, 0.1][..], &[0.1, 0.7], &[1.0, 0.3], &[0.3, 1.0], &[2.0, 3.0]] {
        assert_eq!(terms(factors), factors.len(), "{factors:?}");
        assert_eq!(value(combined(factors)).data, map(|x| factors[0] * x.sin() + factors[1] * x.sin()));
    }
}

/// A factor moves to where it meets a 1 or -1; elsewhere it would round otherwise.
#[test]
fn factors_move_where_they_stay_exact() {
    let sum = |a: f64, b: f64| {
        move |_: &Recorder, x: &Tracer| Tracer::linear_combination(&[(a, &(x * b)), (1.0, &x.sin())]).unwrap()
    };
    for (a, b, count) in [(1.0, 0.7, 2), (-1.0, 0.7, 2), (0.1, -1.0, 2), (0.1, 0.7, 3), (0.3, 0.3, 3)] {
        assert_eq!(lines(sum(a, b)), count, "{a} {b}");
        assert_eq!(value(sum(a, b)).data, map(|x| a * (b * x) + x.sin()), "{a} {b}");
    }
    // One line: nothing is added up, and there is no other factor.
    assert_eq!(lines(|_, x| (x * 0.7).transpose()), 1);
    assert_eq!(lines(|_, x| -(-x).transpose()), 1);
    // Two: here a sum would round otherwise.
    let scaled = value(|_, x| (x * 0.1).sum());
    assert_eq!(lines(|_, x| (x * 0.1).sum()), 2);
    let by_hand = |c: f64, d: f64| d * X.iter().fold(0.0, |sum, x| sum + c * x);
    assert_eq!(scaled.data, [by_hand(0.1, 1.0)]);
    assert_eq!(lines(|_, x| (x * 0.7) * x.sin()), 3);
    assert_eq!(value(|_, x| (x * 0.7) * x.sin()).data, map(|x| (0.7 * x) * x.sin()));
}

/// Computed before a broadcast, whose lines it saves; a sign stays inside.
#[test]
fn functions_are_computed_before_a_broadcast() {
    let inner = Tape::record(|t| [("y", t.shared("a", &[4, 2, 3]).exp())]).unwrap();
    let codes: [Code; 2] = [&|_, x| x.broadcast_to(&[4, 2, 3]).exp(), &|t, x| {
        t.inline(&inner, &[&x.broadcast_to(&[4, 2, 3])]).remove(0)
    }];
    for code in codes {
        let tape = tape(code);
        let exp = tape.nodes().iter().find(|n| matches!(n.op, Op::Unary(_))).unwrap();
        assert_eq!(exp.shape(), [2, 3], "{tape}");
    }
    assert_eq!(value(|_, x| (-x).broadcast_to(&[1, 2, 3]).exp()).data, map(|x| (-x).exp()));
    assert_eq!(lines(|_, x| x.exp()), 1);
}

/// An inlined line melts as one that is written there does.
#[test]
fn inlined_lines_melt_too() {
    let inner = Tape::record(|t| {
        let (a, m) = (t.shared("a", &[3, 2]), t.shared("m", &[3, 2]));
        [("p", a.pow(&m)), ("s", m.select(&a, &m))]
    })
    .unwrap();
    let inlined = tape(|t, x| {
        let both = t.inline(&inner, &[&x.transpose(), &x.sin().transpose()]);
        &both[0] + &both[1]
    });
    let written = tape(|_, x| {
        let (a, m) = (x.transpose(), x.sin().transpose());
        a.pow(&m) + m.select(&a, &m)
    });
    assert_eq!(inlined, written);
}

/// A sum over an index that is padded runs over what was padded, if it is read once on each side.
#[test]
fn sums_run_over_no_padding() {
    let pads = |tape: &Tape| tape.nodes().iter().filter(|n| matches!(n.op, Op::Pad(_))).count();
    let row = |x: &Tracer| x.at(0, 0).pad(0, 1, 6);
    let other = |x: &Tracer| x.reshape(&[6]).sin();
    let sines = map(f64::sin);
    for (code, pads_left, want) in [
        (
            (|x, row, other| row(x).dot(&other(x)))
                as fn(&Tracer, &dyn Fn(&Tracer) -> Tracer, &dyn Fn(&Tracer) -> Tracer) -> Tracer,
            0,
            (0..3).fold(0.0, |sum, k| sum + X[k] * sines[k + 1]),
        ),
        (|x, row, other| other(x).dot(&row(x)), 0, (0..3).fold(0.0, |sum, k| sum + X[k] * sines[k + 1])),
        (|x, row, _| row(x).dot(&row(x)), 1, (0..3).fold(0.0, |sum, k| sum + X[k] * X[k])),
        (|x, row, _| row(x).sum(), 0, X[0] + X[1] + X[2]),
        // Read twice by the other side, or kept: the zeros count.
        (
            |x, row, other| row(x).einsum("k,kk->", &other(x).outer(&other(x))),
            1,
            (0..3).fold(0.0, |sum, k| sum + X[k] * (sines[k + 1] * sines[k + 1])),
        ),
        (|x, row, other| (row(x) * other(x) + 1.0).sum(), 1, {
            let kept = |k: usize| if (1..4).contains(&k) { X[k - 1] * sines[k] } else { 0.0 };
            (0..6).fold(0.0, |sum, k| sum + (kept(k) + 1.0))
        }),
    ] {
        let tape = tape(|_, x| code(x, &row, &other));
        let got = value(|_, x| code(x, &row, &other)).data[0];
        assert!((got - want).abs() <= 1e-15, "{got} {want}\n{tape}");
        assert!(pads(&tape) <= pads_left, "{tape}");
    }
    // The other side is cut along the axis that is read, wherever it stands.
    let table = |x: &Tracer| other(x).outer(&x.at(1, 0));
    let want: Vec<f64> = [X[0], X[3]].map(|y| (0..3).map(|k| X[k] * (sines[k + 1] * y)).sum()).to_vec();
    for (formula, turned) in [("k,kj->j", false), ("k,jk->j", true)] {
        let code = |x: &Tracer| {
            let table = if turned { table(x).transpose() } else { table(x) };
            row(x).einsum(formula, &(table + 0.0))
        };
        assert!(
            value(|_, x| code(x)).data.iter().zip(&want).all(|(a, b)| (a - b).abs() <= 1e-15),
            "{formula}"
        );
    }
    // The padded index twice in one operand: a trace.
    let trace = |x: &Tracer| x.pad(0, 1, 4).pad(1, 1, 4);
    assert_eq!(value(|_, x| trace(x).trace()).data, [0.0 + X[0] + X[4]]);
}

#[test]
fn values_stay_what_they_are() {
    assert_eq!(lines(|_, x| x.reshape(&[2, 3])), 0);
    assert_eq!(lines(|_, x| x.transpose().transpose()), 0);
    assert_eq!(lines(|_, x| x * 1.0), 0);
    let refused = |code: fn(&Tracer) -> Tracer| {
        Tape::record(|t| [("y", code(&t.shared("x", &[2, 3])))]).unwrap_err().to_string()
    };
    assert!(refused(Tracer::trace).contains("[2, 3]"));
    assert!(refused(Tracer::diagonal).contains("[2, 3]"));
}

#[test]
fn names_and_shapes_are_declared_as_given() {
    let given = |name: &str| Tape::record(|t| [("y", t.shared(name, &[2]))]).map(|_| ());
    for name in ["x", "_x", "x_1", "x.1", "\u{3b8}"] {
        given(name).unwrap();
    }
    for name in ["", "1x", ".x", "x y", "x-y"] {
        assert!(given(name).is_err(), "{name}");
    }
    let tape = Tape::record(|t| [("y", t.example("x", &[2]) + t.shared("w", &[3, 2]))]).unwrap();
    let again = Tape::record(|t| {
        let inputs = t.inputs_like(&tape);
        [("y", t.inline(&tape, &[&inputs[0], &inputs[1]]).remove(0))]
    });
    assert_eq!(again.unwrap(), tape);
    assert_eq!(format!("{:?} {}", tape.inputs()[1].1, tape.inputs()[1].1), "v1 v1");
    let spread = Tape::record(|t| [("y", t.shared("w", &[2]).to_examples())]).unwrap();
    let rows = spread.eval(3, &[Array::new(&[2], vec![0.5, 2.0]).unwrap()]).unwrap();
    assert_eq!(rows[0], Array::new(&[3, 2], vec![0.5, 2.0, 0.5, 2.0, 0.5, 2.0]).unwrap());
}

/// Numbers that differ in bits alone are different numbers.
#[test]
fn numbers_are_told_apart_by_their_bits() {
    let tape = Tape::record(|t| [("a", t.number(0.0)), ("b", t.number(-0.0)), ("c", t.number(0.0))]).unwrap();
    let bits: Vec<u64> = tape.eval(0, &[]).unwrap().iter().map(|y| y.data[0].to_bits()).collect();
    assert_eq!(bits[0], bits[2]);
    assert_eq!(tape.nodes().len(), 2);
}
