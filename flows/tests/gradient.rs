//! Parameter gradients of the log-likelihood through the whole solve.

use ad_core::{Element, Elementary};
use ad_ops::random::Purpose;
use ad_ops::{Block, Probe, Renewal};
use flows::ode::controller::{Adaptive, Control};
use flows::ode::tableau::Tableau;
use flows::{
    Adjoint, Cnf, Divergence, Field, Parameters, ProbeSeed, Settings,
    layer::{Activation, mlp_field},
};

fn rows(n: usize, d: usize) -> Vec<f64> {
    let mut stream = Purpose::Constant.stream(1, 0, 0);
    (0..n * d).map(|_| stream.standard_normal()).collect()
}

fn gradient<T: Element>(
    field: &Field,
    settings: &Settings,
    parameters: &Parameters,
    rows: &[f64],
) -> (f64, Vec<f64>) {
    let cnf = Cnf::<T>::new(field, settings).unwrap();
    let result =
        cnf.nll_gradient(parameters, rows, &[], ProbeSeed { seed: 3, step: 5, first_example: 0 }).unwrap();
    (result.nll, result.gradient.iter().flat_map(|(_, a)| a.data.clone()).collect())
}

/// As many orthogonal probes as dimensions have no error: value and gradient are those of the exact divergence.
#[test]
fn orthogonal_probes_one_a_dimension_are_exact() {
    let d = 4;
    let field = mlp_field(d, 0, &[7, 5], Activation::Tanh).unwrap();
    let parameters = Parameters::init(field.declarations(), 4);
    let rows = rows(70, d);
    let of = |divergence| {
        let settings = Settings {
            tableau: Tableau::by_name("rk4").unwrap(),
            control: Control::Constant { steps: 4 },
            divergence,
            ..Settings::default()
        };
        gradient::<f64>(&field, &settings, &parameters, &rows)
    };
    let (exact, slopes) = of(Divergence::Exact);
    let scale = slopes.iter().fold(0.0_f64, |m, g| m.max(g.abs()));
    for probe in [Block::Haar, Block::Hadamard] {
        let (nll, gradient) = of(Divergence::Hutchinson { probes: d, probe, renewal: Renewal::PerSolve });
        assert!((nll - exact).abs() < 1e-12 * (1.0 + exact.abs()), "{probe:?}: {nll}, exactly {exact}");
        assert!(gradient.iter().zip(&slopes).all(|(a, b)| (a - b).abs() < 1e-11 * scale), "{probe:?}");
    }
    let odd = mlp_field(3, 0, &[4], Activation::Tanh).unwrap();
    let (probe, renewal) = (Block::Hadamard, Renewal::PerSolve);
    let divergence = Divergence::Hutchinson { probes: 1, probe, renewal };
    let refusal = Cnf::<f64>::new(&odd, &Settings { divergence, ..Settings::default() }).unwrap_err();
    assert!(refusal.to_string().contains("order 3"), "{refusal}");
}

/// With constant steps the steps stay as they are when a parameter moves, so differences are exact for the gradient.
#[test]
fn equals_central_differences() {
    let d = 3;
    let field = mlp_field(d, 0, &[7, 5], Activation::Tanh).unwrap();
    let parameters = Parameters::init(field.declarations(), 4);
    let rows = rows(70, d);
    let h = 1e-5;
    let hutchinson = |renewal| Divergence::Hutchinson { probes: 2, probe: Probe::Gaussian.into(), renewal };
    for name in ["tsit5", "dopri5", "heun", "rk4"] {
        for divergence in [
            Divergence::Exact,
            Divergence::Directions,
            hutchinson(Renewal::PerSolve),
            hutchinson(Renewal::PerStep),
        ] {
            let settings = Settings {
                tableau: Tableau::by_name(name).unwrap(),
                control: Control::Constant { steps: 4 },
                divergence,
                ..Settings::default()
            };
            let (_, gradient) = gradient::<f64>(&field, &settings, &parameters, &rows);
            let cnf = Cnf::<f64>::new(&field, &settings).unwrap();
            let nll = |k: usize, step: f64| {
                let mut moved = parameters.clone();
                let mut place = k;
                for array in moved.arrays_mut() {
                    if place < array.data.len() {
                        array.data[place] += step;
                        break;
                    }
                    place -= array.data.len();
                }
                let probe = ProbeSeed { seed: 3, step: 5, first_example: 0 };
                let p = cnf.log_prob(&moved, &rows, &[], probe).unwrap();
                -p.log_p.iter().sum::<f64>() / p.log_p.len() as f64
            };
            let scale = gradient.iter().fold(0.0_f64, |m, g| m.max(g.abs()));
            for k in (0..gradient.len()).step_by(3) {
                let difference = (nll(k, h) - nll(k, -h)) / (2.0 * h);
                let error = (difference - gradient[k]).abs() / scale;
                assert!(
                    error < 1e-8,
                    "{name} {divergence:?} parameter {k}: {} against {difference}",
                    gradient[k]
                );
            }
        }
    }
}

/// Whatever is kept of a solve, what is computed and drawn again is the same.
#[test]
fn adjoints_agree_bit_for_bit() {
    let d = 2;
    let field = mlp_field(d, 0, &[16, 16], Activation::Tanh).unwrap();
    let mut parameters = Parameters::init(field.declarations(), 4);
    parameters.arrays_mut().for_each(|a| a.data.iter_mut().for_each(|x| *x *= 3.0));
    let rows = rows(130, d);
    let (probe, renewal) = (Probe::Gaussian.into(), Renewal::PerStep);
    let divergences = [Divergence::Exact, Divergence::Hutchinson { probes: 2, probe, renewal }];
    for control in [Control::Adaptive(Adaptive::i(1e-6, 1e-6)), Control::Constant { steps: 23 }] {
        for (name, divergence) in ["tsit5", "heun"].into_iter().flat_map(|n| divergences.map(|d| (n, d))) {
            let with = |adjoint| {
                let tableau = Tableau::by_name(name).unwrap();
                let settings = Settings { tableau, control, divergence, adjoint };
                (
                    gradient::<f64>(&field, &settings, &parameters, &rows),
                    gradient::<f32>(&field, &settings, &parameters, &rows),
                )
            };
            let all = with(Adjoint::StoreAll);
            for slots in [2, 3, 8] {
                assert_eq!(
                    with(Adjoint::Checkpointed { slots }),
                    all,
                    "{name} {divergence:?} with {slots} slots"
                );
            }
        }
    }
}

/// An example's bits depend on nothing but itself.
#[test]
fn one_example_is_as_good_as_a_thousand() {
    let field = mlp_field(2, 0, &[24, 24], Activation::Tanh).unwrap();
    let mut parameters = Parameters::init(field.declarations(), 9);
    parameters.arrays_mut().for_each(|a| a.data.iter_mut().for_each(|x| *x *= 2.0));
    let cnf = Cnf::<f32>::new(&field, &Settings::default()).unwrap();
    let rows = rows(1000, 2);
    let all = cnf.log_prob(&parameters, &rows, &[], ProbeSeed::default()).unwrap();
    for e in [0, 1, 17, 63, 64, 65, 500, 999] {
        let one = cnf.log_prob(&parameters, &rows[2 * e..2 * e + 2], &[], ProbeSeed::default()).unwrap();
        assert_eq!(one.log_p[0].to_bits(), all.log_p[e].to_bits(), "example {e}");
    }
}

/// A linear field has its flow in closed form: the log-determinant is the trace.
#[test]
fn a_linear_flow_has_its_closed_form() {
    let field = Field::record(2, |f| f.state() * -0.7 + f.time().sin() * 0.0).unwrap();
    let settings = Settings { control: Control::Adaptive(Adaptive::i(1e-10, 1e-10)), ..Settings::default() };
    let cnf = Cnf::<f64>::new(&field, &settings).unwrap();
    let parameters = Parameters::init(field.declarations(), 0);
    let rows = rows(10, 2);
    let (moved, log_det) = cnf.transform_and_log_det(&parameters, &rows, &[], ProbeSeed::default()).unwrap();
    for (x, y) in rows.iter().zip(&moved) {
        assert!((x * (-0.7_f64).exp() - y).abs() < 1e-9);
    }
    assert!(log_det.iter().all(|l| (l + 1.4).abs() < 1e-9));
}
