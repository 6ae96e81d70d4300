//! What a trained flow must be: a density, invertible, and honest about itself.

use std::ops::ControlFlow;

use ad_core::Element;
use ad_ops::random::Purpose;
use ad_ops::{Probe, Renewal};
use flows::data::{Builtin, Standardisation};
use flows::layer::{Activation, mlp_field};
use flows::ode::controller::{Adaptive, Control};
use flows::train::{Examples, Options, Task, fit};
use flows::{Cnf, Divergence, Field, Parameters, ProbeSeed, Settings};

fn settings(tolerance: f64, divergence: Divergence) -> Settings {
    let control = Control::Adaptive(Adaptive::i(tolerance, tolerance));
    Settings { control, divergence, ..Settings::default() }
}

/// Standardised rows of a set.
fn rows(set: Builtin, count: usize, purpose: Purpose) -> Examples {
    let table = set.sample(count, 1, purpose);
    let map = Standardisation::fit(&table, &(0..count).collect::<Vec<_>>()).unwrap();
    let mut values = table.into_values();
    map.apply(&mut values).unwrap();
    Examples::new(set.dims(), values).unwrap()
}

fn trained(set: Builtin, hidden: &[usize], divergence: Divergence, options: &Options) -> (Field, Parameters) {
    let field = mlp_field(set.dims(), 0, hidden, Activation::Tanh).unwrap();
    let cnf = Cnf::<f32>::new(&field, &settings(1e-4, divergence)).unwrap();
    let judge = Cnf::<f32>::new(&field, &settings(1e-4, Divergence::Exact)).unwrap();
    let (train, valid) = (rows(set, 2000, Purpose::Data), rows(set, 500, Purpose::FreshData));
    let task = Task { model: &cnf, judge: &judge, train: &train, valid: &valid };
    let initial = Parameters::init(field.declarations(), 1);
    let fitted = fit(&task, initial, options, &mut |_| ControlFlow::Continue(())).unwrap();
    (field, fitted.parameters)
}

fn few_epochs(epochs: usize) -> Options {
    Options { epochs, batch_size: 128, learning_rate: 1e-2, ..Options::default() }
}

#[test]
fn densities_integrate_to_one() {
    let planes = Builtin::ALL.iter().copied().filter(|set| set.dims() == 2);
    for set in planes {
        let (field, parameters) = trained(set, &[24, 24], Divergence::Exact, &few_epochs(3));
        let cnf = Cnf::<f64>::new(&field, &settings(1e-5, Divergence::Exact)).unwrap();
        let (cells, half) = (120, 6.0);
        let step = 2.0 * half / f64::from(cells);
        let centre = |k: u32| -half + step * (f64::from(k) + 0.5);
        let grid: Vec<f64> =
            (0..cells * cells).flat_map(|k| [centre(k % cells), centre(k / cells)]).collect();
        let log_p = cnf.log_prob(&parameters, &grid, &[], ProbeSeed::default()).unwrap().log_p;
        let mass: f64 = log_p.iter().map(|p| p.exp()).sum::<f64>() * step * step;
        assert!((mass - 1.0).abs() < 0.01, "{}: the density has the mass {mass}", set.name());
    }
}

fn largest_return_error<T: Element>(field: &Field, parameters: &Parameters, tolerance: f64) -> f64 {
    let cnf = Cnf::<T>::new(field, &settings(tolerance, Divergence::Exact)).unwrap();
    let base = cnf.base_sample(200, 3);
    let (there, up) = cnf.transform_and_log_det(parameters, &base, &[], ProbeSeed::default()).unwrap();
    let (back, down) = cnf.inverse_and_log_det(parameters, &there, &[], ProbeSeed::default()).unwrap();
    let points = base.iter().zip(&back).map(|(a, b)| (a - b).abs());
    points.chain(up.iter().zip(&down).map(|(a, b)| (a + b).abs())).fold(0.0, f64::max)
}

#[test]
fn there_and_back_is_where_it_began() {
    let (field, parameters) = trained(Builtin::Moons, &[24, 24], Divergence::Exact, &few_epochs(5));
    let single = largest_return_error::<f32>(&field, &parameters, 1e-6);
    assert!(single < 1e-4, "f32: {single}");
    let double = largest_return_error::<f64>(&field, &parameters, 1e-12);
    assert!(double < 1e-9, "f64: {double}");
}

/// A probe that is held through training is exploited: the estimate falls and the truth does not. Ours is drawn anew
/// for each step and each example.
#[test]
fn fresh_probes_are_not_exploited() {
    let (probe, renewal) = (Probe::Rademacher.into(), Renewal::PerSolve);
    let estimated = Divergence::Hutchinson { probes: 1, probe, renewal };
    let (field, parameters) = trained(Builtin::Warp6, &[32, 32], estimated, &few_epochs(30));
    let points = rows(Builtin::Warp6, 4000, Purpose::FreshData);
    let nll = |divergence| {
        let cnf = Cnf::<f32>::new(&field, &settings(1e-5, divergence)).unwrap();
        let probe = ProbeSeed { seed: 99, step: 0, first_example: 0 };
        let log_p = cnf.log_prob(&parameters, points.points(), &[], probe).unwrap().log_p;
        -log_p.iter().sum::<f64>() / log_p.len() as f64
    };
    let (guess, truth) = (nll(estimated), nll(Divergence::Exact));
    assert!((guess - truth).abs() < 0.1, "estimated {guess}, exact {truth}");
}

#[test]
fn a_singular_field_is_an_outcome_not_a_panic() {
    let field = Field::record(1, |f| f.state() * f.state() * -10.0).unwrap();
    let cnf = Cnf::<f64>::new(&field, &settings(1e-6, Divergence::Exact)).unwrap();
    let parameters = Parameters::init(field.declarations(), 0);
    let found = cnf.log_prob(&parameters, &[0.5, 1.0, -0.01], &[], ProbeSeed::default()).unwrap();
    assert!(found.outcomes[0].is_err() && found.log_p[0].is_nan());
    assert!(found.outcomes[2].is_ok() && found.log_p[2].is_finite());
    let refusal = cnf.nll_gradient(&parameters, &[0.5, 1.0, -0.01], &[], ProbeSeed::default()).unwrap_err();
    assert!(refusal.to_string().contains("2 of 3 examples"), "{refusal}");
}
