//! Divergences chosen by measurement.

use ad_ops::auto::Method;
use ad_ops::random::Purpose;
use flows::layer::{Activation, mlp_field};
use flows::ode::controller::Control;
use flows::ode::tableaus::RK4;
use flows::{Cnf, Divergence, Field, Parameters, ProbeSeed, Settings, cnf::choose};

fn numbers(count: usize, seed: u32) -> Vec<f64> {
    let mut stream = Purpose::Constant.stream(13, seed, 0);
    (0..count).map(|_| stream.standard_normal()).collect()
}

fn network(d: usize, hidden: &[usize]) -> (Field, Parameters) {
    let field = mlp_field(d, 0, hidden, Activation::Tanh).unwrap();
    let parameters = Parameters::init(field.declarations(), 3);
    (field, parameters)
}

fn chosen(d: usize, hidden: &[usize], products: usize) -> Divergence {
    let (field, parameters) = network(d, hidden);
    choose(&field, &parameters, &numbers(2 * d, 1), &[], products, 0).unwrap().method().into()
}

/// In the plane the trace costs no more than two products, however deep the network; with two hidden layers it costs less than one in any
/// dimension.
#[test]
fn exact_where_it_costs_no_more() {
    for hidden in [&[][..], &[8], &[64, 64], &[16, 16, 16], &[64, 64, 64], &[32; 5]] {
        assert_eq!(chosen(2, hidden, 2), Divergence::Exact, "{hidden:?}");
    }
    for d in [2, 30, 300] {
        assert_eq!(chosen(d, &[64, 64], 1), Divergence::Exact, "{d}");
    }
    assert!(matches!(chosen(40, &[48; 3], 1), Divergence::Hutchinson { probes: 1, .. }));
}

/// Three wide layers, of whose Jacobian two directions are nearly all: a basis catches them. As it begins, with nothing that stands out,
/// probes alone are better. What is chosen errs less in a flow than what is not.
#[test]
fn the_least_variance_where_exact_is_dear() {
    let (d, n, products) = (32, 24, 6);
    let (field, initial) = network(d, &[40; 3]);
    let mut few = initial.clone();
    let last = few.arrays_mut().nth(6).unwrap();
    assert_eq!(last.shape, [40, d]);
    let (to, from) = (numbers(2 * 40, 4), numbers(2 * d, 5));
    for (k, w) in last.data.iter_mut().enumerate() {
        let (row, column) = (k / d, k % d);
        *w = 0.3 * (to[row] * from[column] + to[40 + row] * from[d + column]);
    }
    let rows = numbers(n * d, 6);
    let choose =
        |parameters: &Parameters| choose(&field, parameters, &rows[..8 * d], &[], products, 0).unwrap();
    let (at_first, later) = (choose(&initial), choose(&few));
    assert!(matches!(at_first.method(), Method::Hutchinson { probes: 6, .. }), "{at_first}");
    assert!(matches!(later.method(), Method::HutchPp { .. }), "{later}");
    assert!(at_first.auto().exact_cost > products as f64 && at_first.measured() > 0);

    let flow = |divergence| {
        let control = Control::Constant { steps: 3 };
        Cnf::<f64>::new(&field, &Settings { tableau: &RK4, control, divergence, ..Settings::default() })
            .unwrap()
    };
    let exact = flow(Divergence::Exact).log_prob(&few, &rows, &[], ProbeSeed::default()).unwrap().log_p;
    let error = |method: Method| {
        let flow = flow(method.into());
        let squares = (0..20).map(|step| {
            let found = flow.log_prob(&few, &rows, &[], ProbeSeed { step, ..ProbeSeed::default() }).unwrap();
            found.log_p.iter().zip(&exact).map(|(a, b)| (a - b).powi(2)).sum::<f64>()
        });
        squares.sum::<f64>()
    };
    let [best, other] = [&later, &at_first].map(|choice| error(choice.method()));
    assert!(best < 0.7 * other, "{best} against {other}\n{later}");
}

/// Every method that can be chosen makes a flow; the same arguments give the same choice on any number of threads.
#[test]
fn choices_are_flows_and_the_same_again() {
    let (field, parameters) = network(12, &[14; 3]);
    let flow = |divergence| Cnf::<f32>::new(&field, &Settings { divergence, ..Settings::default() });
    for method in [Method::Exact].into_iter().chain(Method::all(8, 12)) {
        assert!(flow(method.into()).is_ok(), "{method}");
    }
    let rows = numbers(5 * 12, 2);
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| choose(&field, &parameters, &rows, &[], 1, 9).unwrap())
    };
    assert_eq!(on(1), on(3));
    assert!(on(1).considered().len() > 1 && on(1).considered()[0].variance > 0.0);
}

#[test]
fn contexts_are_seen_and_sizes_checked() {
    let field = mlp_field(3, 2, &[5; 3], Activation::Sin).unwrap();
    let parameters = Parameters::init(field.declarations(), 1);
    let refusal = |rows: &[f64], context: &[f64], products| {
        choose(&field, &parameters, rows, context, products, 0).unwrap_err().to_string()
    };
    assert!(choose(&field, &parameters, &[0.1; 6], &[0.2; 4], 1, 0).is_ok());
    assert!(refusal(&[0.1; 5], &[0.2; 2], 1).contains('5'));
    assert!(refusal(&[0.1; 6], &[0.2; 3], 1).contains('3'));
    assert!(refusal(&[], &[], 1).contains("0 maps"));
    assert!(refusal(&[0.1; 6], &[0.2; 4], 0).contains("0 products"));
}
