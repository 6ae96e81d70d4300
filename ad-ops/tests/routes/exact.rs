//! The cheapest route against `d` directions and against the dense Jacobian, and what it costs.

use ad_core::{Cost, Extent, Tape};
use ad_ops::{DIVERGENCE, Estimator, Workload, divergence, explain};
use proptest::prelude::*;

use crate::{fields, jacobian, run, workload};

/// Holds every route to the divergence of a field, and its gradient in all inputs, against the other ways to compute
/// them, to 1e-12 of the size of what is added up.
fn check(field: &Tape, workload: Workload, seed: u32) {
    let n = 5;
    let mut inputs = fields::inputs(field, n, seed);
    let jacobian = jacobian(field, n, &inputs);
    let directions = divergence(field, "x", "x_dot", Estimator::Directions).unwrap();
    let routes = explain(field, "x", "x_dot", workload).unwrap();
    assert_eq!(
        divergence(field, "x", "x_dot", Estimator::ExactFor(workload)).unwrap(),
        *routes.cheapest().tape()
    );
    let expected = run(&directions, n, &inputs);
    let d = expected[0].len() / n;
    for route in routes.iter() {
        let got = run(route.tape(), n, &inputs);
        assert_eq!(got[0], expected[0], "the field itself");
        for e in 0..n {
            let own = &jacobian[e * d * d..][..d * d];
            let dense: f64 = (0..d).map(|i| own[i * d + i]).sum();
            let size = 1.0 + own.iter().map(|x| x * x).sum::<f64>().sqrt() * (d as f64).sqrt();
            for other in [dense, expected[1][e]] {
                let error = (got[1][e] - other).abs();
                assert!(error <= 1e-12 * size, "{} of {other}, size {size}\n{route}", got[1][e]);
            }
        }
    }
    let names: Vec<&str> = field.inputs().iter().map(|(name, _)| name.as_str()).collect();
    inputs.extend([fields::numbers(&[n, d], seed + 1000), fields::numbers(&[n], seed + 1001)]);
    let expected = run(&directions.vjp(&names).unwrap(), n, &inputs);
    for route in routes.iter().take(2) {
        let got = run(&route.tape().vjp(&names).unwrap(), n, &inputs);
        for ((a, b), name) in got.iter().zip(&expected).skip(2).zip(&names) {
            let size = b.iter().fold(1.0, |m: f64, x| m.max(x.abs()));
            for (a, b) in a.iter().zip(b) {
                // Where a branch that is not taken has no slope, the gradient by directions is not a number either.
                assert!((a - b).abs() <= 1e-12 * size || b.is_nan(), "{name}: {a} of {b}\n{route}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn random_networks(field in fields::networks(), workload in workload(), seed in 0_u32..1000) {
        check(&field, workload, seed);
    }
}

#[test]
fn fields_that_are_no_networks() {
    for (name, field) in fields::others() {
        println!("{name}");
        (0..4).for_each(|seed| check(&field, Workload::default(), 17 * seed));
    }
}

/// A rule is planned like what it stands for, and by another rule it is another divergence: by all estimators the same.
#[test]
fn the_divergence_of_a_rule_is_that_of_its_derivative() {
    let field = fields::ruled(4);
    let route = |field: &Tape| divergence(field, "x", "x_dot", Estimator::Exact).unwrap().cost();
    assert_eq!(route(&field).example.multiply_adds, route(&field.without_rules()).example.multiply_adds);
    let (d, n) = (3, 2);
    let field = |scale: f64| {
        let field = Tape::record(|t| {
            let (x, a) = (t.example("x", &[d]), t.shared("a", &[d, d]));
            [("x_dot", t.call(&fields::Bent(scale), &[&x.matmul(&a), &x]).remove(0))]
        });
        field.unwrap()
    };
    let trace = |field: &Tape, estimator: Estimator| {
        let whole = divergence(field, "x", "x_dot", estimator).unwrap();
        let mut inputs = fields::inputs(&whole, n, 3);
        if let Estimator::Hutchinson { .. } = estimator {
            let signs =
                (0..1 << d).flat_map(|k| (0..d).map(move |i| if k >> i & 1 == 1 { 1.0 } else { -1.0 }));
            inputs[2].data = signs.clone().chain(signs).collect();
        }
        run(&whole, n, &inputs).remove(1)
    };
    let expected = trace(&field(1.0).without_rules(), Estimator::Directions);
    for estimator in [Estimator::Exact, Estimator::Directions, Estimator::Hutchinson { probes: 1 << d }] {
        for scale in [1.0, -3.0] {
            for (got, want) in trace(&field(scale), estimator).iter().zip(&expected) {
                assert!((got - scale * want).abs() < 1e-13, "{got}, not {scale} times {want}: {estimator:?}");
            }
        }
    }
}

/// The cost of the divergence alone.
fn cost(field: &Tape, estimator: Estimator) -> Cost {
    let whole = divergence(field, "x", "x_dot", estimator).unwrap();
    let only = Tape::record(|t| {
        let inputs = t.inputs_like(&whole);
        [(DIVERGENCE, t.inline(&whole, &inputs.iter().collect::<Vec<_>>()).remove(1))]
    });
    only.unwrap().cost()
}

/// Multiply-adds an example when parameters are bound anew for each 256 of them.
fn multiply_adds(field: &Tape, estimator: Estimator) -> f64 {
    let cost = cost(field, estimator);
    cost.example.multiply_adds + cost.binding.multiply_adds / 256.0
}

#[test]
fn two_hidden_layers_cost_less_than_a_probe() {
    for (d, most) in [(8, 9_056.0), (32, 11_216.0), (128, 22_736.0), (512, 61_000.0)] {
        let exact = multiply_adds(&fields::mlp(d, &[64, 64]), Estimator::Exact);
        assert!(exact <= most, "d = {d}: {exact}");
        // A probe goes once through all three matrices.
        let probe = 64.0 * (d as f64 + 64.0 + d as f64);
        let values = 64.0 * (d as f64 + 64.0);
        assert!(d < 32 || exact <= values + probe, "d = {d}: {exact}, a probe {}", values + probe);
    }
}

/// What every rule by itself would cost is counted by hand: the directions of the input, of the output's matrix, and of
/// each hidden layer; a network of three hidden layers is at most as dear as the cheapest of them.
#[test]
fn three_hidden_layers_cost_no_more_than_the_best_single_rule() {
    for d in [2, 8, 32, 64, 128, 512] {
        let field = fields::mlp(d, &[64, 64, 64]);
        let all = cost(&field, Estimator::ExactFor(Workload { examples: 4096, evaluations: 32 })).example;
        let (d, h) = (d as f64, 64.0);
        // Slopes and values come to all rules alike.
        let alike = d * h + 2.0 * h * h + 3.0 * h;
        let input = d * (h + h * h + h + h * h + h) + d * h;
        let hidden = h * (h + h * h + h) + h * (h + h);
        let exact = all.multiply_adds - alike;
        assert!(exact <= input.min(hidden), "d = {d}: {exact} of {input} and {hidden}");
    }
}

/// With three layers the fewest multiply-adds are those of a tensor of all three widths, which examples share. Where it is larger
/// than the cache, as it is for d > 32, directions through a layer took half of its time.
#[test]
fn no_shared_tensor_outgrows_the_cache_for_a_few_multiply_adds() {
    for d in [8, 16, 32, 40, 64, 96, 128, 192, 512] {
        let routes = explain(&fields::mlp(d, &[64, 64, 64]), "x", "x_dot", Workload::default()).unwrap();
        let name = routes.cheapest().name();
        assert_eq!(name, if d > 32 { "pushed through a cut of 64" } else { "planned" }, "d = {d}\n{routes}");
    }
}

#[test]
fn residual_fields_cost_no_more_than_directions_or_all_terms() {
    for (d, hidden) in [(2, &[64; 6][..]), (8, &[64; 3]), (32, &[64; 3]), (64, &[16; 2]), (128, &[64; 6])] {
        let field = fields::residual(d, hidden);
        let workload = Workload { examples: 4096, evaluations: 32 };
        let exact = multiply_adds(&field, Estimator::ExactFor(workload));
        let directions = multiply_adds(&field, Estimator::Directions);
        assert!(exact < directions, "d = {d}: {exact} of {directions}");
        let routes = explain(&field, "x", "x_dot", workload).unwrap();
        assert!(routes.iter().is_sorted_by_key(ad_ops::Route::cost), "the cheapest first");
        assert!(routes.iter().any(|route| route.name().contains("directions")));
    }
}

/// One block `x + B tanh(A x)`: the identity costs nothing, the rest is one dot product.
#[test]
fn a_skip_connection_costs_nothing() {
    for d in [4, 400] {
        let field = fields::residual(d, &[64]);
        let whole = divergence(&field, "x", "x_dot", Estimator::Exact).unwrap().cost().example.multiply_adds;
        assert_eq!(whole - field.cost().example.multiply_adds, 64.0 + 64.0, "slopes, then the dot product");
    }
}

/// Where nothing but elementary functions lies on the paths, the divergence is a sum of their slopes.
#[test]
fn elementwise_paths_cost_as_much_as_the_state_is_long() {
    for (name, field) in
        fields::others().into_iter().filter(|(name, _)| ["cubic", "Lorenz-96"].contains(name))
    {
        let d = field.node(field.input("x").unwrap()).shape()[0] as f64;
        let cost = cost(&field, Estimator::Exact).example;
        assert!(cost.multiply_adds <= 4.0 * d, "{name}: {}", cost.multiply_adds);
    }
}

/// Time joined to the state and gates of the time leave two hidden layers what they are: one matrix for all examples.
#[test]
fn time_leaves_the_route_as_it_is() {
    use crate::fields::{Bend, Kind, Layer};
    let (d, width, bend) = (16, 64, Bend::Tanh);
    let plain = multiply_adds(&fields::mlp(d, &[width, width]), Estimator::Exact);
    for kind in [Kind::Time, Kind::Gate] {
        let field = fields::network(d, &[Layer { width, kind, bend }; 2], false);
        let timed = multiply_adds(&field, Estimator::Exact);
        // A row more in each matrix; for a gate, its product with the layer, with its slope, and its own matrix.
        assert!(timed <= plain + 10.0 * width as f64, "{kind:?}: {timed}, without time {plain}");
    }
}

/// The gradient of two hidden layers has no directions: no value of an example is longer than a layer, and what goes to
/// the shared matrix is summed over the examples once.
#[test]
fn the_gradient_has_no_directions_either() {
    let (d, width) = (24, 40);
    let field = fields::mlp(d, &[width, width]);
    let exact = divergence(&field, "x", "x_dot", Estimator::Exact).unwrap();
    let gradient = exact.vjp(&["x", "layer0.w", "layer1.w", "last.w"]).unwrap();
    let mut sums = 0;
    for node in gradient.nodes() {
        let size: usize = node.shape().iter().product();
        assert!(!node.has_example() || size <= width, "{node:?}");
        sums += usize::from(node.extents.contains(&Extent::Example) && !node.has_example());
    }
    // Three matrices of the field, and the one of the divergence.
    assert_eq!(sums, 4, "{gradient}");
    let directions = divergence(&field, "x", "x_dot", Estimator::Directions).unwrap();
    let dear = directions.vjp(&["x", "layer0.w", "layer1.w", "last.w"]).unwrap().cost();
    assert!(4.0 * gradient.cost().example.multiply_adds < dear.example.multiply_adds);
}

/// A step of a solver holds the tape once per stage.
#[test]
fn what_has_no_example_is_made_once_for_all_stages() {
    let exact = divergence(&fields::mlp(8, &[16, 16]), "x", "x_dot", Estimator::Exact).unwrap();
    let stages = Tape::record(|t| {
        let mut inputs = t.inputs_like(&exact);
        let mut traces = Vec::new();
        for stage in 0..3 {
            let out = t.inline(&exact, &inputs.iter().collect::<Vec<_>>());
            inputs[1] = &inputs[1] + &out[0];
            traces.push((format!("trace{stage}"), out[1].clone()));
        }
        traces
    });
    assert_eq!(stages.unwrap().cost().binding, exact.cost().binding);
}

#[test]
fn values_stay_within_memory() {
    let field = fields::mlp(600, &[300, 300, 300]);
    for route in explain(&field, "x", "x_dot", Workload::default()).unwrap().iter() {
        let own = route.tape().nodes().iter().filter(|node| node.has_example());
        let largest = own.map(|node| node.shape().iter().product::<usize>()).max().unwrap();
        assert!(largest <= 65_536, "{}: {largest}", route.name());
    }
}

#[test]
fn what_came_into_question_is_explained() {
    let routes = explain(&fields::mlp(8, &[64, 64]), "x", "x_dot", Workload::default()).unwrap();
    for route in routes.iter() {
        assert!(route.to_string().ends_with(&format!("; cost {:.0}", route.cost())), "{route}");
    }
    let routes = routes.to_string();
    assert!(routes.starts_with("planned: 4288 multiply-adds an example, 36864 a binding; cost "), "{routes}");
    assert!(routes.contains("] = sum_k layer0.w[k,j] * last.w[i,k]\n"), "{routes}");
    assert!(routes.contains("\npushed through a cut of 64: 8384 multiply-adds an example, "), "{routes}");
    assert!(routes.contains("\n8 directions: 34432 multiply-adds an example, 0 a binding; "), "{routes}");
}

#[test]
fn a_state_of_nothing_has_no_divergence() {
    let field = Tape::record(|t| [("x_dot", t.example("x", &[0]) * 2.0)]).unwrap();
    for estimator in [Estimator::Exact, Estimator::Directions] {
        let whole = divergence(&field, "x", "x_dot", estimator).unwrap();
        assert_eq!(run(&whole, 2, &[ad_core::Array::new(&[2, 0], Vec::new()).unwrap()])[1], [0.0, 0.0]);
    }
}
