use super::*;
use crate::hutch_pp::Sketch;
use crate::probe::Probe;
use crate::random::Purpose;
use crate::trace::tests::Counted;
use crate::trace::{Dense, Jacobian, Rows, dot};
use ad_core::{Elementary, Tape};

fn stream(draw: u32) -> Stream {
    Purpose::Probe.stream(31, draw, 0)
}

fn normals(n: usize, seed: u32) -> Vec<f64> {
    let mut stream = Purpose::Constant.stream(8, seed, 0);
    (0..n).map(|_| stream.standard_normal()).collect()
}

/// `sum_k c_k u_k u_k^T` for random directions, and more.
fn low_rank(d: usize, c: &[f64], more: impl Fn(usize, usize) -> f64) -> Dense {
    let q = crate::trace::ThinQr::new(&crate::trace::Rows { dim: d, data: normals(c.len() * d, 1) }).basis;
    let entry =
        |i: usize, j: usize| c.iter().zip(q.iter()).map(|(c, q)| c * q[i] * q[j]).sum::<f64>() + more(i, j);
    Dense::new(d, (0..d * d).map(|ij| entry(ij / d, ij % d)).collect()).unwrap()
}

/// Three Jacobians on which different estimators win: a random one, one near a multiple of the identity, and a low rank
/// that a rotation hides.
fn three(d: usize) -> [Dense; 3] {
    let noise = normals(d * d, 2);
    let skew = |i: usize, j: usize| noise[i * d + j] - noise[j * d + i];
    [
        low_rank(d, &[], |i, j| noise[i * d + j] / (d as f64).sqrt()),
        low_rank(d, &[49.0, 48.0, 47.0, 45.0], |i, j| if i == j { -50.0 } else { 0.0 }),
        low_rank(d, &[6.0, 4.0, 3.0], |i, j| 0.5 * skew(i, j) + 0.02 * noise[i * d + j]),
    ]
}

/// Variances that are predicted are those of estimates, for every method; and no method is biased.
#[test]
fn predictions_are_the_variances_of_estimates() {
    let (d, draws) = (16, 4000_u32);
    for (which, map) in three(d).iter().enumerate() {
        let auto = Auto { measure: d, ..Auto::new(6, d) };
        let choice = auto.choose(std::slice::from_ref(map), &mut stream(0)).unwrap();
        let trace: f64 = map.entries().iter().step_by(d + 1).sum();
        for Predicted { method, variance } in choice.considered() {
            let values: Vec<f64> =
                (0..draws).map(|k| method.estimate(map, &mut stream(1 + k)).unwrap().value).collect();
            let found = mean(&values);
            let sampled = values.iter().map(|x| (x - trace).powi(2)).sum::<f64>() / f64::from(draws);
            let error = (sampled / f64::from(draws)).sqrt();
            assert!(
                (found - trace).abs() < 4.5 * error + 1e-9,
                "{which}: {method}: {found} +- {error} of {trace}"
            );
            // Formulas without a sketch are exact, those with one averaged over some.
            let wide = if matches!(method, Method::Hutchinson { .. }) { 1.15 } else { 1.6 };
            assert!(
                sampled < wide * variance + 1e-20 && sampled * wide > *variance,
                "{which}: {method}: {sampled}, predicted {variance}"
            );
        }
    }
}

/// What is chosen is never far worse than the best of all fixed choices.
#[test]
fn the_choice_is_nearly_the_best() {
    let (d, draws) = (64, 400_u32);
    for (which, map) in three(d).iter().enumerate() {
        let trace: f64 = map.entries().iter().step_by(d + 1).sum();
        let error = |method: Method| {
            let one = |k: u32| (method.estimate(map, &mut stream(1 + k)).unwrap().value - trace).powi(2);
            ((0..draws).map(one).sum::<f64>() / f64::from(draws)).sqrt()
        };
        let choice = Auto::new(12, d).choose(std::slice::from_ref(map), &mut stream(0)).unwrap();
        let best = Method::all(12, d).into_iter().map(error).fold(f64::INFINITY, f64::min);
        let ours = error(choice.method());
        // The best of many samples is a little too good by chance.
        assert!(ours < 1.1 * best, "{which}: {ours} against {best}\n{choice}");
    }
}

/// With fewer vectors than dimensions the measurement is rougher, and the choice still sees a decaying spectrum.
#[test]
fn a_short_measurement_sees_what_matters() {
    let d = 300;
    let map = low_rank(d, &[50.0, 20.0, 10.0, 5.0], |_, _| 0.0);
    let auto = Auto { measure: 16, ..Auto::new(12, d) };
    let choice = auto.choose(&[map], &mut stream(3)).unwrap();
    assert!(matches!(choice.method(), Method::HutchPp { .. }), "{choice}");
    assert!(choice.measured() < d);
    let noise = normals(d * d, 4);
    let flat = Dense::new(d, noise).unwrap();
    let choice = auto.choose(&[flat], &mut stream(4)).unwrap();
    assert!(matches!(choice.method(), Method::Hutchinson { .. }), "{choice}");
    let text = choice.to_string();
    assert!(
        text.starts_with("Hutchinson, 12") && text.contains("the exact trace costs 300.00 products"),
        "{text}"
    );
}

/// At two dimensions the exact trace costs no more than an estimate.
#[test]
fn exact_is_chosen_where_it_costs_no_more() {
    let field = Tape::record(|t| {
        let x = t.example("x", &[2]);
        [("x_dot", x.tanh() * 2.0 + x.sum())]
    })
    .unwrap();
    let jacobian = Jacobian::new(&field, "x", "x_dot").unwrap();
    let at = jacobian.at(&[&[0.3, -0.2]]).unwrap();
    let choice = Auto::new(3, at.dim()).choose(std::slice::from_ref(&at), &mut stream(0)).unwrap();
    assert_eq!(choice.method(), Method::Exact);
    assert!(choice.to_string().contains("costs 2.00 products"));
    let slope = |x: f64| 2.0 * (1.0 - x.tanh().powi(2));
    let exact = choice.method().estimate(&at, &mut stream(0)).unwrap();
    assert!((exact.value - (2.0 + slope(0.3) + slope(0.2))).abs() < 1e-14);
    let refused = |auto: Auto, maps: &[Dense]| auto.choose(maps, &mut stream(0)).is_err();
    let [small, large] = [2, 3].map(|d| Dense::new(d, vec![1.0; d * d]).unwrap());
    assert!(refused(Auto::new(0, 2), std::slice::from_ref(&small)));
    assert!(refused(Auto { measure: 0, ..Auto::new(1, 2) }, std::slice::from_ref(&small)));
    assert!(refused(Auto::new(1, 0), &[Dense::new(0, vec![]).unwrap()]));
    assert!(refused(Auto::new(1, 2), &[small, large]));
    assert!(Auto::new(1, 2).choose::<Dense>(&[], &mut stream(0)).unwrap_err().to_string().contains("0 maps"));
}

/// The exact trace costs what the planner finds: less than a probe with two narrow layers at any `d`, many of them where all layers
/// are wide.
#[test]
fn the_planner_tells_what_the_exact_trace_costs() {
    let field = |d: usize, hidden: &[usize]| {
        Tape::record(|t| {
            let layer = |x: &ad_core::Tracer, k: usize, to: usize| {
                x.matmul(&t.shared(&format!("w{k}"), &[x.shape()[0], to]))
            };
            let x = t.example("x", &[d]);
            let last = hidden.iter().enumerate().fold(x, |x, (k, &to)| layer(&x, k, to).tanh());
            [("x_dot", layer(&last, hidden.len(), d))]
        })
        .unwrap()
    };
    let workload = Workload { examples: 4096, evaluations: 32 };
    for d in [8, 32, 128, 512] {
        let auto = Auto::of_field(&field(d, &[64, 64]), "x", "x_dot", 1, workload).unwrap();
        assert!(auto.exact_cost < 1.0, "{d}: {auto:?}");
    }
    let wide = Auto::of_field(&field(96, &[96; 3]), "x", "x_dot", 12, workload).unwrap();
    assert!(wide.exact_cost > 12.0 && wide.exact_cost < 96.0, "{wide:?}");
    let noise = Dense::new(96, normals(96 * 96, 9)).unwrap();
    assert_ne!(wide.choose(&[noise], &mut stream(0)).unwrap().method(), Method::Exact);
    assert!(Auto::of_field(&field(4, &[4]), "z", "x_dot", 1, workload).is_err());
}

/// A Jacobian and its transpose are each other's: `y . J x = J^T y . x`; wrong sizes are refused.
#[test]
fn a_jacobian_is_a_map_with_its_transpose() {
    use crate::trace::Transposable;
    let field = Tape::record(|t| {
        let (x, w) = (t.example("x", &[3]), t.shared("w", &[3, 3]));
        [("x_dot", x.matmul(&w).tanh() * &x)]
    })
    .unwrap();
    let jacobian = Jacobian::new(&field, "x", "x_dot").unwrap();
    let at = jacobian.at(&[&normals(3, 5), &normals(9, 6)]).unwrap();
    let (x, y) = (normals(6, 7), normals(6, 8));
    let (mut jx, mut jty) = ([0.0; 6], [0.0; 6]);
    at.apply(&x, &mut jx).unwrap();
    at.apply_transpose(&y, &mut jty).unwrap();
    for k in [0..3, 3..6] {
        let [a, b] = [(&y, &jx), (&x, &jty)].map(|(a, b)| crate::trace::dot(&a[k.clone()], &b[k.clone()]));
        assert!((a - b).abs() < 1e-13 * (1.0 + a.abs()));
    }
    assert!(jacobian.at(&[&[0.0; 3]]).unwrap_err().to_string().contains("2 inputs"));
    assert!(jacobian.at(&[&[0.0; 2], &[0.0; 9]]).unwrap_err().to_string().contains("`x` of shape [3]"));
}

/// The products of a measurement are told as they are taken, two for each vector where these are as many as dimensions; and all
/// methods are considered, the best first.
#[test]
fn what_is_measured_is_told() {
    let d = 16;
    let [map, ..] = three(d);
    for measure in [5, d, 3 * d] {
        let counted = Counted(&map, 0.into());
        let auto = Auto { measure, ..Auto::new(6, d) };
        let choice = auto.choose(std::slice::from_ref(&counted), &mut stream(0)).unwrap();
        assert_eq!(choice.measured(), counted.1.get());
        assert!(if measure < d { choice.measured() > 2 * measure } else { choice.measured() == 2 * d });
        let considered = choice.considered();
        assert!(considered.is_sorted_by_key(|p| p.variance) && considered[0].method == choice.method());
        let methods = Method::all(6, d);
        assert!(considered.len() == methods.len() && considered.iter().all(|p| methods.contains(&p.method)));
    }
}

/// Every method takes as many products as were granted, and tells of them.
#[test]
fn methods_take_what_is_granted() {
    let [map, ..] = three(16);
    for method in Method::all(12, 16) {
        let counted = Counted(&map, 0.into());
        let told = method.estimate(&counted, &mut stream(0)).unwrap().products;
        assert_eq!([told, counted.1.get()], [12; 2], "{method}");
    }
    for (products, dim) in [(1, 3), (3, 4), (6, 16), (12, 3), (25, 64)] {
        let methods = Method::all(products, dim);
        for method in &methods {
            let taken = match *method {
                Method::Exact => panic!("the exact one is no estimate"),
                Method::Hutchinson { probes, .. } => probes,
                Method::HutchPp { split, .. } if split.basis == 0 => panic!("a basis of no rows is none"),
                Method::HutchPp { split, sketch } => split.products(sketch),
            };
            assert_eq!(taken, products, "{method}");
        }
        assert!(methods.iter().enumerate().all(|(k, method)| !methods[..k].contains(method)));
    }
}

/// Normal probes, which are never chosen, are predicted as well.
#[test]
fn normal_probes_have_the_variance_of_the_formula() {
    let d = 8;
    let [map, ..] = three(d);
    let square: f64 = (0..d * d)
        .map(|ij| 0.5 * (map.entries()[ij] + map.entries()[ij % d * d + ij / d]))
        .map(|b| b * b)
        .sum();
    let measured = Measurement::new(&map, d, &mut stream(0)).unwrap();
    let method = Method::Hutchinson { probes: 3, block: Probe::Gaussian.into() };
    let variance = measured.variance(method, &mut stream(1)).unwrap();
    assert!((variance - 2.0 * square / 3.0).abs() < 1e-12 * variance);
}

/// Rows of a sketch that are some of the vectors measured: as many as wanted, each once, any of them, with their images.
#[test]
fn a_short_measurement_sketches_with_its_vectors() {
    let d = 16;
    let [map, ..] = three(d);
    let measured = Measurement::new(&map, 3, &mut stream(0)).unwrap();
    let mut seen: Vec<Vec<f64>> = Vec::new();
    for draw in 0..50 {
        let [s, js, jts] = measured.random_rows(2, &mut stream(draw)).unwrap();
        assert!(s.len() == 2 && s.row(0) != s.row(1));
        assert!(js == s.image(&map).unwrap() && jts == s.transposed_image(&map).unwrap());
        if !seen.contains(&s.data) {
            seen.push(s.data);
        }
    }
    assert_eq!(seen.len(), 6, "all pairs of three");
    assert_eq!(measured.random_rows(5, &mut stream(0)).unwrap()[0].len(), 3);
}

/// What a sketch multiplies: `J s`, `(J + J^T) s`, or `(J - c I) s` with the mean `c` of the diagonal as the rows show it.
#[test]
fn sketches_are_products_with_the_map() {
    let d = 6;
    let [map, ..] = three(d);
    let s = Rows { dim: d, data: normals(3 * d, 41) };
    let (js, jts) = (s.image(&map).unwrap(), s.transposed_image(&map).unwrap());
    let c = dot(&js.data, &s.data) / dot(&s.data, &s.data);
    for (sketch, shift, more) in
        [(Sketch::Jacobian, 0.0, 0.0), (Sketch::Symmetric, 0.0, 1.0), (Sketch::Shifted, c, 0.0)]
    {
        let (image, taken) = method::image(sketch, &s, js.clone(), || Ok(jts.clone())).unwrap();
        assert_eq!(taken, shift);
        for (k, x) in image.data.iter().enumerate() {
            let want = js.data[k] + more * jts.data[k] - shift * s.data[k];
            assert!((x - want).abs() < 1e-14 * (1.0 + want.abs()), "{sketch:?}");
        }
    }
}
