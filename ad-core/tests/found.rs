//! Faults that were found, each kept as a named test.

use ad_core::{Array, Elementary, Tape};

fn call(tape: &Tape, n: usize, inputs: &[&[f64]]) -> Vec<Vec<f64>> {
    tape.compile::<f64>().unwrap().call(n, inputs).unwrap()
}

/// A factor may not be moved past a product, a sum or another factor: that rounds elsewhere, and may overflow.
#[test]
fn factors_stay_where_they_were_written() {
    let tape = Tape::record(|t| {
        let (x, y) = (t.example("x", &[3]), t.example("y", &[3]));
        [("product", (&x * 1e-200) * &y), ("sum", (&x * 0.1).sum()), ("twice", &x * 0.1 + &x * 0.7)]
    })
    .unwrap();
    let (x, y) = ([1e200, 0.3, 1e308], [1e200, 0.7, -1.1]);
    let out = call(&tape, 1, &[&x, &y]);
    let each = |f: &dyn Fn(f64, f64) -> f64| x.iter().zip(&y).map(|(&x, &y)| f(x, y)).collect::<Vec<f64>>();
    assert_eq!(out[0], each(&|x, y| (x * 1e-200) * y));
    assert_eq!(out[1], [(x[0] * 0.1 + x[1] * 0.1) + x[2] * 0.1]);
    for (got, want) in out[2].iter().zip(each(&|x, _| x * 0.1 + x * 0.7)) {
        assert!((got - want).abs() <= 2.0 * f64::EPSILON * want.abs());
    }
}

#[test]
fn sums_over_nothing_are_zero() {
    let tape = Tape::record(|t| {
        let (x, w) = (t.example("x", &[4]), t.shared("w", &[4, 0]));
        let (a, b) = (t.example("a", &[0, 5]), t.example("b", &[0, 5]));
        [
            ("alone", x.einsum("k,kz->", &w) + x.sum()),
            ("columns", a.einsum("kj,kj->j", &b)),
            ("shared", a.einsum("kj,kz->jz", &t.shared("u", &[0, 2]))),
            ("examples", a.einsum("kj,kj->j", &b).sum_examples()),
        ]
    })
    .unwrap();
    let n = 3;
    let x: Vec<f64> = (0..4 * n).map(f64::from).collect();
    let none: &[f64] = &[];
    let out = call(&tape, n as usize, &[&x, none, none, none, none]);
    assert_eq!(out[0], [6.0, 22.0, 38.0]);
    assert!(out[1..].iter().flatten().all(|&v| v == 0.0));
}

/// A sum over examples and over nothing filled its place with zeros for every example, beyond its end.
#[test]
fn sums_over_examples_and_nothing_are_zero() {
    let tape = Tape::record(|t| {
        let (a, x, w) = (t.example("a", &[0, 5]), t.example("x", &[5]), t.shared("w", &[5]));
        let y = (&a * &w).sum() + (&x * &w).sum() + (&x * &w).sin().sum() + (&x * &w).cos().sum();
        let alone = t.pull_back(&[(&(&a * &w).sum(), &t.number(1.0))], &[&w]);
        let bars = t.pull_back(&[(&y, &t.number(1.0))], &[&w]);
        [("alone", alone[0].clone()), ("w_bar", bars[0].clone())]
    })
    .unwrap();
    let n = 300;
    let x: Vec<f64> = (0..5 * n).map(|k| f64::from(k % 7)).collect();
    let out = call(&tape, n as usize, &[&[], &x, &[0.0; 5]]);
    assert_eq!(out[0], [0.0; 5]);
    // At w = 0 the cosine has no slope and the others have that of x.
    let sums: Vec<f64> = (0..5).map(|j| 2.0 * x.iter().skip(j).step_by(5).sum::<f64>()).collect();
    assert_eq!(out[1], sums);
}

/// A matrix without columns has no numbers; what has no numbers was taken to have rows of them.
#[test]
fn nothing_is_put_beside_something() {
    let tape = Tape::record(|t| {
        let (a, b) = (t.shared("a", &[3, 1]), t.shared("b", &[3, 0]));
        [("y", a.concat(&[&b, &t.full(&[3, 1], 4.0)], 1))]
    })
    .unwrap();
    assert_eq!(call(&tape, 1, &[&[1.0, 2.0, 3.0], &[]]), [[1.0, 4.0, 2.0, 4.0, 3.0, 4.0]]);
}

/// The indices of a slice and those of what it is taken from do not run side by side.
#[test]
fn large_values_are_sliced_and_multiplied() {
    let tape = Tape::record(|t| {
        let x = t.shared("x", &[100_000]);
        let (a, b) = (t.shared("a", &[2000, 2000]), t.shared("b", &[2000, 2000]));
        [("end", x.slice(0, 99_998..100_000)), ("most", x.slice(0, 0..99_999).sum()), ("ab", a.matmul(&b))]
    })
    .unwrap();
    assert!(tape.compile::<f64>().is_ok());
    let end = Tape::record(|t| [("y", t.shared("x", &[100_000]).slice(0, 99_998..100_000))]).unwrap();
    let x: Vec<f64> = (0..100_000).map(f64::from).collect();
    assert_eq!(call(&end, 1, &[&x]), [[99_998.0, 99_999.0]]);
}

#[test]
fn values_of_another_recording_do_not_combine() {
    let refusal = Tape::record(|t| {
        let x = t.example("x", &[2]);
        let mut inner = None;
        let _ = Tape::record(|u| {
            let y = u.example("y", &[2]);
            inner = Some(y.clone());
            [("y", y)]
        });
        let y = inner.unwrap_or_else(|| x.clone());
        [("z", ad_core::Tracer::linear_combination(&[(1.0, &x), (2.0, &y)]).unwrap_or_else(|| x.clone()))]
    });
    assert!(refusal.unwrap_err().to_string().contains("recording"));
}

#[test]
fn an_input_asked_for_twice_has_its_cotangent_twice() {
    let tape = Tape::record(|t| {
        let x = t.example("x", &[2]);
        let y = x.square().sum();
        let bars = t.pull_back(&[(&y, &t.number(1.0))], &[&x, &x.slice(0, 0..2)]);
        ["a", "b"].into_iter().zip(bars).collect::<Vec<_>>()
    })
    .unwrap();
    let out = call(&tape, 1, &[&[3.0, -1.0]]);
    assert_eq!(out[0], [6.0, -2.0]);
    assert_eq!(out[1], out[0]);
}

#[test]
fn a_value_with_two_tangents_is_refused() {
    let refusal = Tape::record(|t| {
        let x = t.example("x", &[2]);
        let (a, b) = (t.example("a", &[2]), t.example("b", &[2]));
        [("y", t.push_forward(&[(&x, &a), (&x, &b)], &[&x.exp()]).remove(0))]
    });
    assert!(refusal.unwrap_err().to_string().contains("two tangents"));
}

#[test]
fn what_follows_a_sum_over_no_examples_is_computed() {
    let tape = Tape::record(|t| {
        let x = t.example("x", &[2]);
        [("centred", &x - x.sum_examples()), ("s", x.sum_examples().exp())]
    })
    .unwrap();
    let want = tape.eval(0, &[Array::new(&[0, 2], Vec::new()).unwrap()]).unwrap();
    let got = call(&tape, 0, &[&[]]);
    assert_eq!(got[1], want[1].data);
    assert_eq!(got[1], [1.0, 1.0]);
}

/// A loop over the rows of `v` makes `s` row by row; what reads all of `s` for each row comes in a later loop.
#[test]
fn a_loop_does_not_read_what_it_has_not_finished() {
    let n = 16;
    let tape = Tape::record(|t| {
        let v = t.example("x", &[n, n]).tanh();
        let s = v.sum_axis(1);
        [("y", v.einsum("ji,i->ij", &s).tanh())]
    })
    .unwrap();
    let x: Vec<f64> = (0..n * n).map(|k| (k as f64).sin()).collect();
    let want = tape.eval(1, &[Array::new(&[1, n, n], x.clone()).unwrap()]).unwrap();
    for (got, want) in call(&tape, 1, &[&x])[0].iter().zip(&want[0].data) {
        assert!((got - want).abs() <= 1e-12, "{got} {want}");
    }
}

/// Products over an empty index are zero, and an empty result has nothing: also in a loop over the other index, whose
/// iterations would begin beyond the end of an empty array.
#[test]
fn a_loop_holds_no_empty_value() {
    let tape = Tape::record(|t| {
        let (x, y) = (t.example("x", &[0, 64]), t.example("y", &[0, 64]));
        [("z", x.einsum("ki,kj->ij", &y).tanh())]
    })
    .unwrap();
    assert_eq!(call(&tape, 1, &[&[], &[]])[0], vec![0.0; 64 * 64]);
    let tape = Tape::record(|t| {
        let (x, w, w2) = (t.example("x", &[0]), t.example("w", &[32, 64]), t.example("w2", &[64, 40]));
        let z = x.einsum("k,ij->kj", &w);
        [("z", z), ("y", w.tanh().einsum("ij,jm->im", &w2.tanh()))]
    })
    .unwrap();
    let out = call(&tape, 1, &[&[], &vec![0.0; 32 * 64], &vec![1.0; 64 * 40]]);
    assert_eq!((out[0].len(), &out[1][..]), (0, &[0.0; 32 * 40][..]));
}
