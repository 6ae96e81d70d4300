//! The table of kinks and edges at the top of `elementary.rs`, in every mode: dual numbers, reverse mode, and tapes
//! forward and in reverse.

use ad_core::{Binary, Dual, Elementary, Recording, Tape, Tracer, Unary, Var, record};

const INF: f64 = f64::INFINITY;

/// A function on anything, for the modes to run.
trait Code {
    fn run<E: Elementary>(&self, x: &[E]) -> E;
}

impl Code for Unary {
    fn run<E: Elementary>(&self, x: &[E]) -> E {
        x[0].unary(*self)
    }
}

impl Code for Binary {
    fn run<E: Elementary>(&self, x: &[E]) -> E {
        x[0].binary(*self, &x[1])
    }
}

/// The gradient by each mode.
fn gradients(code: &impl Code, x: &[f64]) -> Vec<(&'static str, Vec<f64>)> {
    let forward = |k: usize| {
        let x: Vec<Dual> = x.iter().enumerate().map(|(j, &x)| Dual::new(x, [f64::from(j == k)])).collect();
        code.run(&x).tangent[0]
    };
    let reverse = record(|r: &Recording| {
        let x = r.variables(x);
        r.pull_back(&[(code.run(&x), 1.0)], &x)
    });
    let names: Vec<String> = (0..x.len()).map(|k| format!("x{k}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let tape = Tape::record(|t| {
        let x: Vec<Tracer> = names.iter().map(|name| t.example(name, &[])).collect();
        [("y", code.run(&x))]
    })
    .unwrap();
    let call = |tape: &Tape, more: &[f64]| -> Vec<Vec<f64>> {
        let inputs: Vec<&[f64]> = x.iter().chain(more).map(std::slice::from_ref).collect();
        tape.compile::<f64>().unwrap().call(1, &inputs).unwrap()
    };
    let jvp: Vec<f64> = names.iter().map(|&name| call(&tape.jvp(&[name]).unwrap(), &[1.0])[1][0]).collect();
    let vjp = call(&tape.vjp(&names).unwrap(), &[1.0])[1..].iter().map(|x_bar| x_bar[0]).collect();
    vec![
        ("Dual", (0..x.len()).map(forward).collect()),
        ("Var", reverse.unwrap()),
        ("tape, forward", jvp),
        ("tape, reverse", vjp),
    ]
}

fn check(what: &str, code: &impl Code, x: &[f64], want: &[f64]) {
    for (mode, got) in gradients(code, x) {
        // The vectorised functions of tapes may be some units in the last place off.
        let equal = |g: f64, w: f64| g == w || (g.is_nan() && w.is_nan()) || (g - w).abs() < 1e-15;
        let same = got.iter().zip(want).all(|(&g, &w)| equal(g, w));
        assert!(same && got.len() == want.len(), "{what} at {x:?}: {got:?} by {mode}, {want:?} by the table");
    }
}

#[test]
fn functions_of_one_number() {
    for (f, x, slope) in [
        (Unary::Abs, 0.0, 0.0),
        (Unary::Abs, -0.0, 0.0),
        (Unary::Relu, 0.0, 0.0),
        (Unary::Sqrt, 0.0, INF),
        (Unary::Cbrt, 0.0, INF),
        (Unary::Ln, 0.0, INF),
        (Unary::Ln1p, -1.0, INF),
        (Unary::Recip, 0.0, -INF),
        (Unary::Asin, 1.0, INF),
        (Unary::Asin, -1.0, INF),
        (Unary::Acos, 1.0, -INF),
        (Unary::Acosh, 1.0, INF),
        (Unary::Atanh, 1.0, INF),
        (Unary::Tanh, 800.0, 0.0),
        (Unary::Tanh, -INF, 0.0),
        (Unary::Sigmoid, INF, 0.0),
        (Unary::Softplus, INF, 1.0),
        (Unary::Softplus, -INF, 0.0),
        (Unary::Exp, -INF, 0.0),
        (Unary::Exp, INF, INF),
        (Unary::Ln, INF, 0.0),
        (Unary::Sqrt, INF, 0.0),
        (Unary::Recip, INF, 0.0),
        (Unary::Atan, INF, 0.0),
        (Unary::Sin, INF, f64::NAN),
        (Unary::Exp, f64::NAN, f64::NAN),
        (Unary::Tanh, f64::NAN, f64::NAN),
        (Unary::Sqrt, -1.0, f64::NAN),
        (Unary::Sign, 0.0, 0.0),
        (Unary::Step, 0.0, 0.0),
        (Unary::Floor, 2.0, 0.0),
    ] {
        check(f.name(), &f, &[x], &[slope]);
    }
}

#[test]
fn functions_of_two_numbers() {
    let ln = 3.0_f64.ln();
    for (f, x, slopes) in [
        (Binary::Max, [2.0, 2.0], [0.5, 0.5]),
        (Binary::Max, [INF, INF], [0.5, 0.5]),
        (Binary::Min, [-1.0, -1.0], [0.5, 0.5]),
        (Binary::Min, [0.0, -0.0], [0.5, 0.5]),
        (Binary::Max, [3.0, 2.0], [1.0, 0.0]),
        (Binary::Min, [3.0, 2.0], [0.0, 1.0]),
        (Binary::Hypot, [0.0, 0.0], [0.0, 0.0]),
        (Binary::Hypot, [0.0, -2.0], [0.0, -1.0]),
        (Binary::Atan2, [0.0, 0.0], [f64::NAN, f64::NAN]),
        (Binary::Atan2, [0.0, 2.0], [0.5, 0.0]),
        (Binary::Pow, [0.0, 2.5], [0.0, 0.0]),
        (Binary::Pow, [0.0, 2.0], [0.0, 0.0]),
        (Binary::Pow, [0.0, 1.0], [1.0, 0.0]),
        (Binary::Pow, [0.0, 0.5], [INF, 0.0]),
        (Binary::Pow, [0.0, 0.0], [0.0, -INF]),
        (Binary::Pow, [3.0, 0.0], [0.0, ln]),
        (Binary::Div, [1.0, 0.0], [INF, -INF]),
        (Binary::Less, [1.0, 1.0], [0.0, 0.0]),
    ] {
        check(f.name(), &f, &x, &slopes);
    }
}

/// Sides of a `select` that are infinite or NaN where they are not taken.
struct Selected(usize);

impl Code for Selected {
    fn run<E: Elementary>(&self, x: &[E]) -> E {
        let x = &x[0];
        let zero = x.lift(0.0);
        let positive = zero.less(x);
        match self.0 {
            0 => positive.select(&x.ln(), x),
            1 => positive.select(&x.sqrt(), &zero),
            2 => positive.select(&(x.lift(1.0) / x.clone()), &(x.clone() * x.lift(3.0))),
            3 => x.less(&zero).select(&zero, &positive.select(&(x.ln() * x.sqrt()), x)),
            4 => positive.select(&(x.sqrt().recip() * x.clone()).tanh(), x),
            5 => (positive.select(&x.pow(&x.lift(0.5)), &zero) + x.clone()).exp(),
            6 => positive.select(&(x.recip() - x.recip()), x) * x.lift(2.0),
            _ => positive.select(&x.square().sqrt().ln(), &(x.clone() + x.square())),
        }
    }
}

#[test]
fn no_nan_leaks_through_a_select() {
    for (k, slope) in [1.0, 0.0, 3.0, 1.0, 1.0, 1.0, 2.0, 1.0].into_iter().enumerate() {
        check(&format!("case {k}"), &Selected(k), &[0.0], &[slope]);
    }
    for k in 0..8 {
        let all = gradients(&Selected(k), &[0.7]);
        for (mode, got) in &all {
            assert!((got[0] - all[0].1[0]).abs() < 1e-12, "case {k} where it is taken, by {mode}");
        }
    }
}

/// The same, example by example and element by element.
#[test]
fn masks_are_those_of_the_elements() {
    let tape = Tape::record(|t| {
        let (x, w) = (t.example("x", &[3]), t.shared("w", &[3]));
        let positive = t.number(0.0).less(&x);
        [("y", (positive.select(&x.ln(), &x) * &w).sum() + positive.select(&(&w / &x), &(&x * 2.0)).sum())]
    })
    .unwrap();
    let program = tape.vjp(&["x", "w"]).unwrap().compile::<f64>().unwrap();
    let (x, w) = ([0.0, 2.0, -1.0, 4.0, 0.0, 0.0], [3.0, 5.0, 7.0]);
    let out = program.call(2, &[&x, &w, &[1.0, 1.0]]).unwrap();
    let slope = |x: f64, w: f64| if x > 0.0 { w / x - w / (x * x) } else { w + 2.0 };
    let want: Vec<f64> = x.iter().enumerate().map(|(k, &x)| slope(x, w[k % 3])).collect();
    for (got, want) in out[1].iter().zip(&want) {
        assert!((got - want).abs() < 1e-12, "{got} {want}");
    }
    let of_w = |x: f64| if x > 0.0 { x.ln() + 1.0 / x } else { x };
    for k in 0..3 {
        assert!((out[2][k] - (of_w(x[k]) + of_w(x[k + 3]))).abs() < 1e-12);
    }
}

/// A mask goes on along the axes that it tells apart, wherever its value has them.
#[test]
fn masks_follow_transposed_axes() {
    let mask = [1.0, 0.0, 1.0, 0.0, 0.0, 1.0];
    let tape = Tape::record(|t| {
        let (x, w) = (t.example("x", &[3, 2]), t.shared("w", &[2, 3]));
        let product = x.ln().transpose() * &w;
        [("y", t.constant(&mask, &[2, 3]).select(&product, &t.number(0.0)))]
    })
    .unwrap();
    let program = tape.vjp(&["x"]).unwrap().compile::<f64>().unwrap();
    // Zero where the mask, transposed, is.
    let x = [1.0, 0.0, 0.0, 0.0, 3.0, 4.0];
    let w = [2.0, 3.0, 5.0, 7.0, 11.0, 13.0];
    let out = program.call(1, &[&x, &w, &[1.0; 6]]).unwrap();
    let want = [2.0, 0.0, 0.0, 0.0, 5.0 / 3.0, 13.0 / 4.0];
    assert!(out[1].iter().zip(want).all(|(got, want)| (got - want).abs() <= 1e-15), "{:?}", out[1]);
}

/// What is finite at all finite numbers needs no mask on the way back; what is not gets one.
#[test]
fn masks_go_where_slopes_may_not_be_finite() {
    let selects = |f: Unary| {
        let tape = Tape::record(|t| {
            let x = t.example("x", &[]);
            [("y", t.number(0.0).less(&x).select(&x.unary(f), &x))]
        });
        let vjp = tape.unwrap().vjp(&["x"]).unwrap();
        vjp.nodes().iter().filter(|node| node.op == ad_core::Op::Select).count()
    };
    // The value, and the cotangents of its two sides.
    for f in [Unary::Sin, Unary::Cos, Unary::Tanh, Unary::Sigmoid, Unary::Softplus] {
        assert_eq!(selects(f), 3, "{}", f.name());
    }
    for f in [Unary::Ln, Unary::Sqrt, Unary::Recip, Unary::Exp, Unary::Atanh] {
        assert_eq!(selects(f), 4, "{}", f.name());
    }
}

/// On numbers a path with a factor 0 contributes nothing.
#[test]
fn zero_slopes_pass_nothing() {
    for (what, slope, f) in [
        ("sqrt(x^2)", 0.0, (|x| x.square().sqrt()) as fn(&Var) -> Var),
        ("x sqrt(x)", 0.0, |x| *x * x.sqrt()),
        ("sqrt of a sum of squares", 0.0, |x| (x.square() + x.square()).sqrt()),
    ] {
        let reverse = record(|r: &Recording| {
            let x = r.variable(0.0);
            r.pull_back(&[(f(&x), 1.0)], &[x])
        });
        assert_eq!(reverse.unwrap(), [slope], "{what}");
    }
}
