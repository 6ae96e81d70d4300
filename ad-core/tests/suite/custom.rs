//! Rules of the user's own: values to the bit, derivatives to any order, in each mode, in programs and as text.

mod refused;
mod text;

use ad_core::{Array, ArrayRule, Elementary, Op, Recorder, Result, Tape, Tracer, check};

use crate::{check_everything, inputs, record};

type Value = fn(&[Tracer]) -> Vec<Tracer>;
/// Of arguments, values, and tangents or cotangents.
type Product = fn(&[Tracer], &[Tracer], &[Tracer]) -> Vec<Tracer>;

/// A rule made of functions.
struct Custom(&'static str, Value, Option<Product>, Option<Product>);

impl ArrayRule for Custom {
    fn name(&self) -> &str {
        self.0
    }
    fn value(&self, _: &Recorder, x: &[Tracer]) -> Vec<Tracer> {
        self.1(x)
    }
    fn jvp(&self, _: &Recorder, x: &[Tracer], y: &[Tracer], x_dot: &[Tracer]) -> Option<Vec<Tracer>> {
        self.2.map(|f| f(x, y, x_dot))
    }
    fn vjp(&self, _: &Recorder, x: &[Tracer], y: &[Tracer], y_bar: &[Tracer]) -> Option<Vec<Tracer>> {
        self.3.map(|f| f(x, y, y_bar))
    }
}

fn jvp(name: &'static str, value: Value, jvp: Product) -> Custom {
    Custom(name, value, Some(jvp), None)
}

fn vjp(name: &'static str, value: Value, vjp: Product) -> Custom {
    Custom(name, value, None, Some(vjp))
}

/// `ln(1 + e^x)`; its plain derivative is NaN where `e^x` overflows.
fn log1pexp() -> Custom {
    jvp("log1pexp", |x| vec![(1.0 + x[0].exp()).ln()], |x, _, x_dot| vec![x[0].sigmoid() * &x_dot[0]])
}

/// `ln sum_i e^(x_i)`, by its vjp.
fn logsumexp() -> Custom {
    vjp("logsumexp", |x| vec![x[0].exp().sum().ln()], |x, y, y_bar| vec![(&x[0] - &y[0]).exp() * &y_bar[0]])
}

fn layer_value(x: &[Tracer]) -> Vec<Tracer> {
    let h = (x[0].matmul(&x[1]) + &x[2]).tanh();
    let sum = h.sum() * x[2].sum();
    vec![h, sum]
}

fn layer_jvp(x: &[Tracer], y: &[Tracer], d: &[Tracer]) -> Vec<Tracer> {
    let h = &y[0];
    let h_dot = (1.0 - h.square()) * (d[0].matmul(&x[1]) + x[0].matmul(&d[1]) + &d[2]);
    let sum_dot = h_dot.sum() * x[2].sum() + h.sum() * d[2].sum();
    vec![h_dot, sum_dot]
}

fn layer_vjp(x: &[Tracer], y: &[Tracer], y_bar: &[Tracer]) -> Vec<Tracer> {
    let (h, spread) = (&y[0], |s: &Tracer| s.broadcast_to(&[2]));
    let a_bar = (1.0 - h.square()) * (&y_bar[0] + spread(&(&y_bar[1] * x[2].sum())));
    let b_bar = &a_bar + spread(&(h.sum() * &y_bar[1]));
    vec![x[1].matmul(&a_bar), x[0].outer(&a_bar), b_bar]
}

/// A layer and a sum: three arguments, of which examples share two or none, and two values.
fn layers() -> [Custom; 3] {
    [
        jvp("layer", layer_value, layer_jvp),
        vjp("layer", layer_value, layer_vjp),
        Custom("layer", layer_value, Some(layer_jvp), Some(layer_vjp)),
    ]
}

/// Both values of a layer, joined.
fn on_layer(rule: &Custom, t: &Recorder, x: &Tracer, w: &Tracer, b: &Tracer) -> Tracer {
    let [h, sum] = &t.call(rule, &[x, w, b])[..] else { panic!("two values") };
    h.sin().concat(&[&(sum * h)], 0)
}

/// Tapes with true rules.
fn tapes() -> Vec<Tape> {
    let mut tapes = vec![
        record(|t| t.call(&log1pexp(), &[&t.example("x", &[3])]).remove(0)),
        record(|t| t.call(&log1pexp(), &[&t.shared("w", &[2, 2])]).remove(0).sin()),
        record(|t| t.call(&log1pexp(), &[&t.shared("w", &[2]).transpose()]).remove(0) * t.example("x", &[])),
        record(|t| t.call(&logsumexp(), &[&t.example("x", &[3])]).remove(0)),
        record(|t| {
            let (x, w) = (t.example("x", &[3]), t.shared("w", &[3, 2]));
            let inner = t.call(&log1pexp(), &[&x.matmul(&w)]).remove(0);
            let outer = t.call(&logsumexp(), &[&(&inner * 0.5)]).remove(0);
            inner * outer + t.call(&logsumexp(), &[&w.reshape(&[6])]).remove(0)
        }),
        // One argument twice, and one that the examples share where the rule is given examples of it elsewhere.
        record(|t| {
            let product = vjp(
                "product",
                |x| vec![&x[0] * &x[1]],
                |x, _, y_bar| vec![&x[1] * &y_bar[0], &x[0] * &y_bar[0]],
            );
            let (x, w) = (t.example("x", &[2]), t.shared("w", &[2]));
            t.call(&product, &[&x, &x]).remove(0) + t.call(&product, &[&w, &x]).remove(0)
        }),
        // A sum over the examples within the rule.
        record(|t| {
            let mean = jvp(
                "mean",
                |x| vec![x[0].mean_examples().square()],
                |x, _, x_dot| vec![2.0 * x[0].mean_examples() * x_dot[0].mean_examples()],
            );
            let x = t.example("x", &[2]);
            t.call(&mean, &[&x]).remove(0) * x
        }),
        // Everything that is straight, and a choice.
        record(|t| {
            let pick = jvp(
                "pick",
                |x| vec![x[0].less(&x[0].lift(0.6)).select(&x[0].exp(), &x[0]).slice(0, 1..3)],
                |x, _, x_dot| {
                    let slope = x[0].less(&x[0].lift(0.6)).select(&(x[0].exp() * &x_dot[0]), &x_dot[0]);
                    let none = x_dot[0].lift(0.0).broadcast_to(&[2]);
                    vec![slope.concat(&[&none], 0).gather(0, &[1, 2]).reshape(&[1, 2]).reshape(&[2])]
                },
            );
            t.call(&pick, &[&t.example("x", &[4])]).remove(0)
        }),
    ];
    tapes.extend(layers().iter().map(on_layer_tape));
    let rule = &layers()[2];
    tapes.push(record(|t| {
        let (x, w, b) = (t.shared("x", &[3]), t.example("w", &[3, 2]), t.shared("b", &[2]));
        on_layer(rule, t, &x, &w, &b)
    }));
    tapes.push(record(|t| {
        let (x, w, b) = (t.shared("x", &[3]), t.shared("w", &[3, 2]), t.shared("b", &[2]));
        on_layer(rule, t, &x, &w, &b)
    }));
    tapes
}

#[test]
fn true_rules_are_true_in_all_modes_to_second_order() {
    for tape in tapes() {
        check_everything(&tape, 0.3, 0.9);
    }
}

#[test]
fn and_to_third() {
    let tape = &tapes()[4];
    let tester = check::Tester { order: 3, jacobian: 0, ..check::Tester::default() };
    tester.check(tape, 2, &inputs(tape, 2, 0.3, 0.9)).unwrap();
}

fn bits(arrays: &[Array]) -> Vec<Vec<u64>> {
    arrays.iter().map(|array| array.data.iter().map(|x| x.to_bits()).collect()).collect()
}

#[test]
fn values_are_those_of_the_function_to_the_bit() {
    for tape in tapes() {
        let plain = tape.without_rules();
        assert!(!plain.nodes().iter().any(|node| matches!(node.op, Op::Rule(..))), "{plain}");
        for n in [1, 3, 130] {
            let x = inputs(&tape, n, 0.3, 0.9);
            assert_eq!(bits(&tape.eval(n, &x).unwrap()), bits(&plain.eval(n, &x).unwrap()), "{tape}");
            let double: Vec<&[f64]> = x.iter().map(|a| &a.data[..]).collect();
            let run = |tape: &Tape| tape.compile::<f64>().unwrap().call(n, &double).unwrap();
            assert_eq!(run(&tape), run(&plain));
            let single: Vec<Vec<f32>> =
                x.iter().map(|a| a.data.iter().map(|&x| x as f32).collect()).collect();
            let single: Vec<&[f32]> = single.iter().map(|a| &a[..]).collect();
            let run = |tape: &Tape| tape.compile::<f32>().unwrap().call(n, &single).unwrap();
            assert_eq!(run(&tape), run(&plain));
        }
        assert_eq!(tape.cost(), plain.cost());
        assert_eq!(plain.without_rules(), plain);
    }
}

fn near(got: &[Array], want: &[Array], what: &dyn std::fmt::Display) {
    for (got, want) in got.iter().zip(want) {
        assert_eq!(got.shape, want.shape);
        for (g, w) in got.data.iter().zip(&want.data) {
            assert!((g - w).abs() <= 1e-11 * (1.0 + w.abs()), "{g}, not {w}\n{what}");
        }
    }
}

/// A transform by all inputs, under other names.
fn transformed(tape: &Tape, reverse: bool) -> Tape {
    let renamed = Tape::record(|t| {
        let name = |name: &str| name.replace("_dot", "t").replace("_bar", "c");
        let declare = |(given, id): &(String, ad_core::NodeId)| {
            let node = tape.node(*id);
            let (name, shape) = (name(given), node.shape());
            if node.has_example() { t.example(&name, &shape) } else { t.shared(&name, &shape) }
        };
        let x: Vec<Tracer> = tape.inputs().iter().map(declare).collect();
        let y = t.inline(tape, &x.iter().collect::<Vec<_>>());
        tape.outputs().iter().map(|(given, _)| name(given)).zip(y).collect::<Vec<_>>()
    });
    let renamed = renamed.unwrap();
    let names: Vec<&str> = renamed.inputs().iter().map(|(name, _)| name.as_str()).collect();
    if reverse { renamed.vjp(&names).unwrap() } else { renamed.jvp(&names).unwrap() }
}

#[test]
fn derivatives_of_true_rules_are_those_of_the_function() {
    for tape in tapes() {
        for [first, second] in [[false, false], [false, true], [true, false], [true, true]] {
            let twice = |tape: &Tape| transformed(&transformed(tape, first), second);
            let (ruled, plain) = (twice(&tape), twice(&tape.without_rules()));
            let x = inputs(&ruled, 3, 0.3, 0.9);
            near(&ruled.eval(3, &x).unwrap(), &plain.eval(3, &x).unwrap(), &tape);
        }
    }
}

/// Directions are an axis that the rule knows nothing of; some tangents have examples, some have not.
#[test]
fn directions_and_examples_of_tangents() {
    let of = |t: &Recorder, y: &Tracer, x: &Tracer, w: &Tracer, b: &Tracer| {
        let along = [t.identity(3), t.full(&[3, 3, 2], 0.5), t.shared("d", &[3, 2])];
        let rows = t.push_forward(&[(x, &along[0])], &[y]).remove(0);
        let all = t.push_forward(&[(x, &along[0]), (w, &along[1]), (b, &along[2])], &[y]).remove(0);
        let c = t.example("c", &[5, 4]);
        let mut bars = t.pull_back(&[(y, &c)], &[x, w, b]);
        let own = t.push_forward(&[(x, &t.example("own", &[3]))], &[y]).remove(0);
        bars.extend([rows, all, own]);
        bars.into_iter().enumerate().map(|(k, y)| (format!("y{k}"), y)).collect::<Vec<_>>()
    };
    for rule in layers() {
        let tape = |plain: bool| {
            let whole = Tape::record(|t| {
                let (x, w, b) = (t.example("x", &[3]), t.shared("w", &[3, 2]), t.shared("b", &[2]));
                let y = if plain {
                    t.inline(&on_layer_tape(&rule).without_rules(), &[&x, &w, &b]).remove(0)
                } else {
                    on_layer(&rule, t, &x, &w, &b)
                };
                of(t, &y, &x, &w, &b)
            });
            whole.unwrap()
        };
        let (ruled, plain) = (tape(false), tape(true));
        let x = inputs(&ruled, 3, 0.3, 0.9);
        near(&ruled.eval(3, &x).unwrap(), &plain.eval(3, &x).unwrap(), &ruled);
        check::program(&ruled, 3, &x, 1e-12).unwrap();
    }
}

fn on_layer_tape(rule: &Custom) -> Tape {
    record(|t| on_layer(rule, t, &t.example("x", &[3]), &t.shared("w", &[3, 2]), &t.shared("b", &[2])))
}

/// Values of `sin`, and `x^3` as the derivative: the second is `3 x^2`, the third `6 x`.
#[test]
fn derivatives_of_a_rule_that_differs_on_purpose_are_those_of_the_rule() {
    let by_jvp = jvp("odd", |x| vec![x[0].sin()], |x, _, x_dot| vec![&x[0] * &x[0] * &x[0] * &x_dot[0]]);
    let by_vjp = vjp("odd", |x| vec![x[0].sin()], |x, _, y_bar| vec![&x[0] * &x[0] * &x[0] * &y_bar[0]]);
    for rule in [by_jvp, by_vjp] {
        let tape = Tape::record(|t| {
            let x = t.example("x", &[2]);
            let one = t.full(&[2], 1.0);
            let mut all = vec![("y0".to_owned(), t.call(&rule, &[&x]).remove(0))];
            for order in 1..=3_usize {
                let last = &all[order - 1].1;
                let next = if order % 2 == 0 {
                    t.push_forward(&[(&x, &one)], &[last]).remove(0)
                } else {
                    t.pull_back(&[(last, &one)], &[&x]).remove(0)
                };
                all.push((format!("y{order}"), next));
            }
            all
        })
        .unwrap();
        let x = [-0.7, 0.3];
        let got = tape.eval(1, &[Array::new(&[1, 2], x.to_vec()).unwrap()]).unwrap();
        for (k, x) in x.into_iter().enumerate() {
            assert_eq!(got[0].data[k].to_bits(), x.sin().to_bits());
            for (got, want) in got[1..].iter().zip([x * x * x, 3.0 * x * x, 6.0 * x]) {
                assert!((got.data[k] - want).abs() < 1e-15, "{} of {want}", got.data[k]);
            }
        }
        let message = check::derivatives(&tape, 1, &[Array::new(&[1, 2], x.to_vec()).unwrap()]).unwrap_err();
        assert!(message.to_string().contains("rule `odd`: "), "{message}");
    }
}

/// Straight through: the derivative of a step is that of the identity, in each direction of each mode.
#[test]
fn a_product_that_is_the_tangent_itself() {
    let tape = record(|t| {
        let round = jvp("round", |x| vec![(&x[0] + 0.5).floor()], |_, _, x_dot| vec![x_dot[0].clone()]);
        let x = t.example("x", &[3]);
        let y = t.call(&round, &[&x]).remove(0);
        t.push_forward(&[(&x, &t.identity(3))], &[&y]).remove(0)
            + t.pull_back(&[(&y, &t.identity(3))], &[&x]).remove(0)
    });
    let got = tape.eval(1, &[Array::new(&[1, 3], vec![0.2, 1.7, -4.1]).unwrap()]).unwrap();
    assert_eq!(got[0].data, [2.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 2.0]);
}

/// Where the derivative of the function overflows, that of the rule does not.
#[test]
fn a_rule_is_for_what_the_function_cannot() {
    let tape = record(|t| t.call(&log1pexp(), &[&t.example("x", &[])]).remove(0));
    let x = || [Array::new(&[1], vec![800.0]).unwrap(), Array::new(&[1], vec![1.0]).unwrap()];
    assert_eq!(tape.vjp(&["x"]).unwrap().eval(1, &x()).unwrap()[1].data, [1.0]);
    assert!(tape.without_rules().vjp(&["x"]).unwrap().eval(1, &x()).unwrap()[1].data[0].is_nan());
}

fn complaint(tape: &Tape) -> String {
    let result: Result<()> = check::derivatives(tape, 2, &inputs(tape, 2, 0.3, 0.9));
    result.expect_err("the rule is wrong").to_string()
}

#[test]
fn the_kit_finds_a_wrong_pair_and_names_the_rule() {
    let layer = |jvp, vjp| on_layer_tape(&Custom("layer", layer_value, jvp, vjp));
    let wrong_jvp: Product = |x, y, d| {
        let right = layer_jvp(x, y, d);
        vec![right[0].clone(), &right[1] + d[2].sum() * 1e-3]
    };
    let wrong_vjp: Product = |x, y, y_bar| {
        let right = layer_vjp(x, y, y_bar);
        vec![right[0].clone(), right[1].clone(), &right[2] * 1.001]
    };
    for tape in
        [layer(Some(wrong_jvp), None), layer(Some(wrong_jvp), Some(layer_vjp)), layer(None, Some(wrong_vjp))]
    {
        let message = complaint(&tape);
        assert!(message.starts_with("rule `layer`: ") && message.contains("differences"), "{message}");
    }
    // Right by differences: only the pair can tell, whichever value is used.
    let sum = record(|t| {
        let (x, w, b) = (t.example("x", &[3]), t.shared("w", &[3, 2]), t.shared("b", &[2]));
        t.call(&Custom("layer", layer_value, Some(layer_jvp), Some(wrong_vjp)), &[&x, &w, &b]).remove(1)
    });
    for tape in [layer(Some(layer_jvp), Some(wrong_vjp)), sum] {
        let message = complaint(&tape);
        assert!(message.starts_with("rule `layer`: ") && message.contains("by its vjp"), "{message}");
    }
    assert!(
        check::derivatives(
            &layer(Some(layer_jvp), Some(layer_vjp)),
            2,
            &inputs(&layer(Some(layer_jvp), None), 2, 0.3, 0.9)
        )
        .is_ok()
    );
}

#[test]
fn what_is_not_used_leaves_no_trace() {
    let without = record(|t| t.example("x", &[3]).exp());
    let with = record(|t| {
        let x = t.example("x", &[3]);
        let _ = t.call(&logsumexp(), &[&x]);
        x.exp()
    });
    assert_eq!(with, without);
    // Of two values that one which is read, and of its derivative what that one needs.
    let one = record(|t| {
        let one =
            jvp("two", |x| vec![x[0].exp(), x[0].sin()], |x, y, d| vec![&y[0] * &d[0], x[0].cos() * &d[0]]);
        t.call(&one, &[&t.example("x", &[3])]).remove(0)
    });
    let text = one.without_rules().to_string();
    assert!(!text.contains("sin"), "{text}");
    let text = one.jvp(&["x"]).unwrap().without_rules().to_string();
    assert!(!text.contains("sin") && !text.contains("cos"), "{text}");
    // Equal calls are one line.
    let twice = record(|t| {
        let x = t.example("x", &[3]);
        let [a, b] = [(); 2].map(|()| t.call(&logsumexp(), &[&x]).remove(0));
        a * b
    });
    assert_eq!(twice.nodes().iter().filter(|node| matches!(node.op, Op::Rule(..))).count(), 1, "{twice}");
}

#[test]
fn rules_survive_what_is_done_to_tapes() {
    for tape in tapes() {
        // Inlined, it is the same to the bit, derivatives too.
        let again = Tape::record(|t| {
            let x = t.inputs_like(&tape);
            [("y", t.inline(&tape, &x.iter().collect::<Vec<_>>()).remove(0))]
        });
        let jvp = transformed(&tape, false);
        let x = inputs(&jvp, 2, 0.3, 0.9);
        let again = transformed(&again.unwrap(), false).eval(2, &x).unwrap();
        assert_eq!(bits(&jvp.eval(2, &x).unwrap()), bits(&again));
        // Of one example, derivatives are still those of the rule.
        let (one, x) = (tape.of_one_example(), inputs(&tape, 1, 0.3, 0.9));
        one.verify().unwrap();
        let point = inputs(&one, 1, 0.3, 0.9);
        let flat = |arrays: Vec<Array>| arrays.into_iter().flat_map(|a| a.data).collect::<Vec<f64>>();
        let names: Vec<&str> = tape.inputs().iter().map(|(name, _)| name.as_str()).collect();
        let gradient = |tape: &Tape, x: Vec<Array>| {
            let tape = tape.vjp(&names).unwrap();
            let y_bar = inputs(&tape, 1, 0.3, 0.9).pop().unwrap();
            flat(tape.eval(1, &[x, vec![y_bar]].concat()).unwrap())
        };
        for (a, b) in gradient(&one, point).into_iter().zip(gradient(&tape, x)) {
            assert!((a - b).abs() < 1e-13 * (1.0 + b.abs()), "{a}, not {b}\n{tape}");
        }
    }
    // Of a step and its transpose, the values and the residuals.
    let both = Tape::record(|t| {
        let x = t.example("x", &[3]);
        let y = t.call(&log1pexp(), &[&x]).remove(0);
        let bar = t.pull_back(&[(&y, &t.example("y_bar", &[3]))], &[&x]).remove(0);
        [("y", y), ("x_bar", bar)]
    });
    let (first, second) = both.unwrap().split(&["y"], &["y_bar"], &[]).unwrap();
    assert!(!first.to_string().contains("rule") && !second.to_string().contains("rule"), "{first}{second}");
}
