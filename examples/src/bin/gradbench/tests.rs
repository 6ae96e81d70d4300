//! Answers against differences of the primal, against each other, and at the traps of the suite.

use serde_json::{Value, json};

use crate::answer;

/// Numbers between -1 and 1 without a pattern.
fn some(n: usize) -> Vec<f64> {
    (0..n).map(|i| (1.7 * (i + 1) as f64 * (i as f64 + 0.3).sqrt()).sin()).collect()
}

fn rows(n: usize, columns: usize) -> Vec<Vec<f64>> {
    some(n * columns).chunks(columns).map(<[f64]>::to_vec).collect()
}

fn output(module: &str, function: &str, input: &Value) -> Value {
    let message =
        json!({"id": 7, "kind": "evaluate", "module": module, "function": function, "input": input});
    let answer = answer(&message);
    assert_eq!(answer["success"], json!(true), "{module} {function}: {answer}");
    assert_eq!(answer["id"], json!(7));
    answer["output"].clone()
}

fn flat(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(flat).collect(),
        value => value.as_f64().into_iter().collect(),
    }
}

/// All numbers in a message that can be moved.
fn leaves<'a>(value: &'a mut Value, found: &mut Vec<&'a mut Value>) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| leaves(value, found)),
        value => found.push(value),
    }
}

/// The derivative of the `row`-th output of a primal by number `i` of a field, by differences of high order.
fn difference(module: &str, primal: &str, input: &Value, key: &str, i: usize) -> Vec<f64> {
    let at = |offset: f64| {
        let mut moved = input.clone();
        let mut found = Vec::new();
        leaves(&mut moved[key], &mut found);
        let x = found[i].as_f64().unwrap_or_default();
        *found[i] = json!(x + offset);
        flat(&output(module, primal, &moved))
    };
    // Of sixth order.
    let h = 2e-3;
    let terms = [(1.0, 45.0), (2.0, -9.0), (3.0, 1.0)].map(|(k, c)| (at(k * h), at(-k * h), c / (60.0 * h)));
    let n = terms[0].0.len();
    (0..n).map(|j| terms.iter().map(|(up, down, c)| c * (up[j] - down[j])).sum()).collect()
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-8 * (a.abs() + b.abs()).max(1.0)
}

/// Whether a gradient is the differences of its primal by all numbers of a field.
fn check(module: &str, [primal, derivative]: [&str; 2], input: &Value, key: &str, field: Option<&str>) {
    let gradient = output(module, derivative, input);
    let gradient = flat(field.map_or(&gradient, |field| &gradient[field]));
    for (i, slope) in gradient.iter().enumerate() {
        let expected = difference(module, primal, input, key, i);
        let expected = expected.last().copied().unwrap_or(f64::NAN);
        assert!(close(*slope, expected), "{module}, {key}[{i}]: {slope}, not {expected}");
    }
}

const PRIMAL: [&str; 2] = ["primal", "gradient"];
const OBJECTIVE: [&str; 2] = ["objective", "jacobian"];

#[test]
fn the_protocol_is_answered() {
    assert_eq!(answer(&json!({"id": 0, "kind": "start"})), json!({"id": 0, "tool": "ad-core"}));
    assert_eq!(answer(&json!({"id": 1, "kind": "define", "module": "gmm"}))["success"], json!(true));
    assert_eq!(answer(&json!({"id": 1, "kind": "define", "module": "none"}))["success"], json!(false));
    assert_eq!(answer(&json!({"id": 2, "kind": "analysis", "of": 1})), json!({"id": 2}));
    let message = json!({"id": 3, "kind": "evaluate", "module": "hello", "function": "double", "input": 2.5});
    assert_eq!(answer(&message)["output"], json!(5.0));
    let broken = json!({"id": 4, "kind": "evaluate", "module": "lse", "function": "primal", "input": {}});
    assert_eq!(answer(&broken)["success"], json!(false));
}

#[test]
fn runs_are_as_many_as_asked_for() {
    let input = json!({"x": [1.0, 2.0], "min_runs": 5, "min_seconds": 0.0});
    let message =
        json!({"id": 1, "kind": "evaluate", "module": "lse", "function": "gradient", "input": input});
    let timings = answer(&message)["timings"].clone();
    assert_eq!(timings.as_array().map(Vec::len), Some(5));
    assert_eq!(timings[0]["name"], json!("evaluate"));
}

#[test]
fn gradients_are_differences() {
    check("llsq", PRIMAL, &json!({"x": some(7), "n": 9}), "x", None);
    check("lse", PRIMAL, &json!({"x": some(9)}), "x", None);
    check("det", PRIMAL, &json!({"A": some(16), "ell": 4}), "A", None);
    check("det", PRIMAL, &json!({"A": [3.0], "ell": 1}), "A", None);
    let x: Vec<f64> = some(12).iter().enumerate().map(|(i, u)| (i + 1) as f64 * (0.5 + 0.2 * u)).collect();
    check("ode", PRIMAL, &json!({"x": x, "s": 100}), "x", None);
}

#[test]
fn equations_integrate_the_product_with_the_one_before() {
    // y0' = 3, y1' = 2 y0: y1 = 3 t^2, which the method integrates exactly.
    let output = flat(&output("ode", "primal", &json!({"x": [3.0, 2.0], "s": 10})));
    assert!(close(output[0], 6.0) && close(output[1], 12.0), "{output:?}");
}

fn mixture(d: usize, k: usize) -> Value {
    let l = d * (d - 1) / 2;
    let triangles = if l == 0 { vec![Vec::new(); k] } else { rows(k, l) };
    json!({
        "d": d, "k": k, "n": 6, "x": rows(6, d), "m": 2, "gamma": 1.3, "alpha": some(k), "mu": rows(k, d),
        "q": rows(k, d), "l": triangles,
    })
}

#[test]
fn mixtures_have_their_gradients() {
    for (d, k) in [(1, 2), (3, 4)] {
        let input = mixture(d, k);
        for key in ["alpha", "mu", "q", "l"] {
            check("gmm", OBJECTIVE, &input, key, Some(key));
        }
    }
}

#[test]
fn a_mixture_of_one_gaussian_is_a_gaussian() {
    // At the mean of the standard one, and the prior of Wishart in one dimension: n = 2 degrees more than m = 0.
    let input = json!({
        "d": 1, "k": 1, "n": 1, "x": [[0.0]], "m": 0, "gamma": 1.0, "alpha": [0.0], "mu": [[0.0]], "q": [[0.0]], "l": [[]],
    });
    let pi = std::f64::consts::PI;
    // n = d + m + 1 = 2, and Gamma(1) = 1: the constant is 2 (0 - ln(2)/2).
    let expected = -0.5 * (2.0 * pi).ln() - 0.5 - std::f64::consts::LN_2;
    assert!(close(flat(&output("gmm", "objective", &input))[0], expected));
}

#[test]
fn networks_have_their_gradients() {
    let (l, b) = (2, 3);
    let mut input = json!({
        "main_params": rows(2 * l, 4 * b), "extra_params": rows(3, b), "state": rows(2 * l, b),
        "sequence": rows(5, b),
    });
    let jacobian = flat(&output("lstm", "jacobian", &input));
    assert_eq!(jacobian.len(), 8 * l * b + 3 * b);
    let (main, extra) = jacobian.split_at(8 * l * b);
    for (key, slopes) in [("main_params", main), ("extra_params", extra)] {
        for (i, slope) in slopes.iter().enumerate() {
            let expected = difference("lstm", "objective", &input, key, i)[0];
            assert!(close(*slope, expected), "{key}[{i}]: {slope}, not {expected}");
        }
    }
    input["state"] = json!([]);
    let message =
        json!({"id": 1, "kind": "evaluate", "module": "lstm", "function": "jacobian", "input": input});
    assert_eq!(answer(&message)["success"], json!(false));
}

#[test]
fn bundles_have_their_jacobians() {
    // With and without a rotation: at 0 the first order is taken.
    for rotation in [[0.1, -0.2, 0.3], [0.0; 3]] {
        let mut camera = vec![0.3, 0.1, -0.2, 5.0, 0.2, 0.1, 0.01, 0.002];
        camera.splice(0..0, rotation);
        let input = json!({"n": 2, "m": 3, "p": 4, "cam": camera, "x": [0.4, 0.7, 4.0], "w": 0.8, "feat": [1.0, 2.0]});
        let jacobian = output("ba", "jacobian", &input);
        let [rows, columns, values] = ["rows", "cols", "vals"].map(|key| flat(&jacobian[key]));
        assert_eq!([rows.len(), columns.len(), values.len()], [31; 3]);
        // Of 4 observations: 8 rows of 15, then 4 of 1. The last is by the weight of the last.
        assert_eq!((rows[1], rows[2], rows[12]), (15.0, 30.0, 124.0));
        assert_eq!(columns[..15], [0., 1., 2., 3., 4., 5., 6., 7., 8., 9., 10., 22., 23., 24., 31.]);
        assert_eq!((columns[30], values[30]), (34.0, -1.6));
        let shown = |output: &Value| flat(&output["reproj_error"]["elements"]);
        let at = |key: &str, i: usize, offset: f64| {
            let mut moved = input.clone();
            let mut found = Vec::new();
            leaves(&mut moved[key], &mut found);
            *found[i] = json!(found[i].as_f64().unwrap_or_default() + offset);
            shown(&output("ba", "objective", &moved))
        };
        let h = 1e-4;
        for column in 0..15 {
            // At no rotation both branches meet only in the slopes.
            if column < 3 && rotation == [0.0; 3] {
                continue;
            }
            let (key, i) = match column {
                0..11 => ("cam", column),
                11..14 => ("x", column - 11),
                _ => ("w", 0),
            };
            let (up, down) = (at(key, i, h), at(key, i, -h));
            for row in 0..2 {
                let expected = (up[row] - down[row]) / (2.0 * h);
                let slope = values[15 * row + column];
                assert!(
                    (slope - expected).abs() < 1e-5 * expected.abs().max(1.0),
                    "{key}[{i}]: {slope}, {expected}"
                );
            }
        }
    }
}

#[test]
fn hands_have_their_jacobians() {
    let bones = 22;
    let matrix =
        |i: usize| some(16 * (i + 1)).split_off(16 * i).chunks(4).map(<[f64]>::to_vec).collect::<Vec<_>>();
    let matrices = |from: usize| (0..bones).map(|i| matrix(from + i)).collect::<Vec<_>>();
    let parents: Vec<i64> = (0..bones as i64).map(|i| if i % 4 == 1 { 0 } else { i - 1 }).collect();
    let model = json!({
        "parents": parents, "base_relatives": matrices(0), "inverse_base_absolutes": matrices(3),
        "base_positions": rows(5, 4), "weights": rows(5, bones), "triangles": [[0, 1, 2], [4, 2, 3]],
        "is_mirrored": true,
    });
    let data = |correspondences: Value| json!({"model": model, "correspondences": correspondences, "points": rows(2, 3)});
    for (us, correspondences) in
        [(json!([]), json!([3, 1])), (json!([[0.2, 0.3], [0.5, 0.1]]), json!([1, 0]))]
    {
        let input = json!({"theta": some(26), "data": data(correspondences), "us": us});
        let jacobian = output("ht", "jacobian", &input);
        let on_triangles = if us == json!([]) { 0 } else { 2 };
        for (i, column) in crate::hand::by_numbers(&input).unwrap().iter().enumerate() {
            for (row, wanted) in column.iter().enumerate() {
                let slope = jacobian[row][i].as_f64().unwrap_or(f64::NAN);
                assert!(
                    (slope - wanted).abs() <= 1e-11 * wanted.abs().max(1.0),
                    "{row} {i}: {slope} {wanted}"
                );
            }
        }
        for i in 0..26 {
            let expected = difference("ht", "objective", &input, "theta", i);
            for (row, expected) in expected.iter().enumerate() {
                let slope = jacobian[row][on_triangles + i].as_f64().unwrap_or(f64::NAN);
                assert!(
                    (slope - expected).abs() < 1e-6 * expected.abs().max(1.0),
                    "{row} {i}: {slope} {expected}"
                );
            }
        }
        for i in 0..2 * on_triangles {
            // A place moves its own measured point only.
            let expected = difference("ht", "objective", &input, "us", i);
            for j in 0..3 {
                let row = 3 * (i / 2) + j;
                let slope = jacobian[row][i % 2].as_f64().unwrap_or(f64::NAN);
                assert!(close(slope, expected[row]), "{row} {i}: {slope} {}", expected[row]);
            }
        }
    }
}

#[test]
fn clusters_step_to_their_means() {
    let input = json!({"points": rows(12, 2), "centroids": [[0.5, 0.5], [-0.5, -0.5], [0.5, -0.5]]});
    let direction = flat(&output("kmeans", "dir", &input));
    let (points, centroids) = (flat(&input["points"]), flat(&input["centroids"]));
    let mut nearest = vec![Vec::new(); 3];
    for point in points.chunks(2) {
        let distance = |c: &[f64]| (point[0] - c[0]).powi(2) + (point[1] - c[1]).powi(2);
        let best =
            (0..3).min_by(|&i, &j| distance(&centroids[2 * i..]).total_cmp(&distance(&centroids[2 * j..])));
        nearest[best.unwrap_or(0)].push(point);
    }
    for (i, own) in nearest.iter().enumerate() {
        for j in 0..2 {
            let mean = own.iter().map(|p| p[j]).sum::<f64>() / own.len() as f64;
            assert!(close(centroids[2 * i + j] - direction[2 * i + j], mean), "{i} {j}");
        }
    }
}

#[test]
fn nested_descents_end_where_they_should() {
    for function in ["ff", "fr", "rf", "rr"] {
        let point = flat(&output("saddle", function, &json!({"start": [1.0, 1.0]})));
        assert_eq!(point.len(), 4);
        // Descent stops short of 0, by a number of which zeros would be no answer.
        assert!(point.iter().all(|x| x.abs() < 1e-4 && *x != 0.0), "{function}: {point:?}");
        let control = flat(&output("particle", function, &json!({"w": 0.0})))[0];
        assert!((control - 0.207_191_874_6).abs() < 1e-8, "{function}: {control}");
    }
}
