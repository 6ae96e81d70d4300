//! Probes that each step of a solve draws anew: less variance, no bias, and the same on the way back.

use ad_core::Elementary;
use ad_ops::random::Purpose;
use ad_ops::{Block, Probe, Renewal};
use flows::layer::{Activation, mlp_field};
use flows::ode::controller::{Adaptive, Control};
use flows::ode::tableau::Tableau;
use flows::ode::tableaus::{RK4, TSIT5};
use flows::{Cnf, Divergence, Field, Parameters, ProbeSeed, Settings};

const RENEWALS: [Renewal; 2] = [Renewal::PerSolve, Renewal::PerStep];

fn numbers(count: usize) -> Vec<f64> {
    let mut stream = Purpose::Constant.stream(12, 0, 0);
    (0..count).map(|_| stream.standard_normal()).collect()
}

fn cnf(
    field: &Field,
    probe: impl Into<Block>,
    renewal: Renewal,
    solver: (&'static Tableau, Control),
) -> Cnf<f64> {
    let (tableau, control) = solver;
    let divergence = Divergence::Hutchinson { probes: 1, probe: probe.into(), renewal };
    Cnf::new(field, &Settings { tableau, control, divergence, ..Settings::default() }).unwrap()
}

/// A network whose weights are large enough for steps of different lengths, some of them refused.
fn lively(d: usize) -> (Field, Parameters) {
    let field = mlp_field(d, 0, &[9, 7], Activation::Tanh).unwrap();
    let mut parameters = Parameters::init(field.declarations(), 4);
    parameters.arrays_mut().flat_map(|a| &mut a.data).for_each(|x| *x *= 4.0);
    (field, parameters)
}

/// `x' = B(t) x` for a symmetric matrix without a trace that turns by `swing` radians.
fn turning(swing: f64) -> Field {
    Field::record(2, |f| {
        let angle = f.time() * swing;
        let (x, y) = (f.state().at(0, 0), f.state().at(0, 1));
        let (s, c) = (angle.sin(), angle.cos());
        let rates = [&c * &x + &s * &y, &s * &x - &c * &y].map(|rate| rate.reshape(&[1]));
        rates[0].concat(&[&rates[1]], 0)
    })
    .unwrap()
}

/// The variances of its log-determinant by one normal probe that is held and by fresh ones: with `B_k` for what a method makes of
/// `B(t)` in a step they are `2 |sum_k h B_k|^2` and `2 sum_k |h B_k|^2`.
fn variances(swing: f64, steps: usize) -> [f64; 2] {
    let h = 1.0 / steps as f64;
    // Simpson's rule, which is that of RK4 where the rate does not depend on the state, and nearly that of Tsit5.
    let part = |k: usize| {
        let [a, b, c] = [0.0, 0.5, 1.0].map(|part| {
            let (s, c) = ((k as f64 + part) * h * swing).sin_cos();
            [c, s, s, -c]
        });
        [0, 1, 2, 3].map(|i| h * (a[i] + 4.0 * b[i] + c[i]) / 6.0)
    };
    let square = |b: [f64; 4]| b.iter().map(|x| x * x).sum::<f64>();
    let parts: Vec<[f64; 4]> = (0..steps).map(part).collect();
    let whole = [0, 1, 2, 3].map(|i| parts.iter().map(|part| part[i]).sum::<f64>());
    [square(whole), parts.iter().map(|part| square(*part)).sum::<f64>()].map(|sum| 2.0 * sum)
}

/// The solver's log-determinants have the variances of the formulas, within four standard errors. Where the Jacobian turns little,
/// fresh probes at 50 steps are 47 times better; where it turns so far that it averages out, so it does for a probe that is held.
#[test]
fn variances_are_those_of_the_formulas() {
    let (draws, n) = (8192, 8192.0);
    let ratio = |[held, fresh]: [f64; 2]| held / fresh;
    assert!((ratio(variances(0.86, 50)) - 47.0).abs() < 0.5 && ratio(variances(12.0, 16)) < 0.5);
    for (swing, tableau, steps) in
        [(0.86, &RK4, 1), (0.86, &RK4, 8), (0.86, &TSIT5, 8), (0.86, &RK4, 50), (12.0, &RK4, 16)]
    {
        let field = turning(swing);
        let none = Parameters::init(field.declarations(), 0);
        for (renewal, formula) in RENEWALS.into_iter().zip(variances(swing, steps)) {
            let flow = cnf(&field, Probe::Gaussian, renewal, (tableau, Control::Constant { steps }));
            let rows = vec![0.0; 2 * draws];
            let (_, log_det) = flow.inverse_and_log_det(&none, &rows, &[], ProbeSeed::default()).unwrap();
            let mean = log_det.iter().sum::<f64>() / n;
            let variance = log_det.iter().map(|x| x * x).sum::<f64>() / n;
            let fourth = log_det.iter().map(|x| (x * x - variance).powi(2)).sum::<f64>() / n;
            let what = format!("{renewal:?}, {steps} steps of {}", tableau.name);
            assert!(mean.abs() < 4.0 * (variance / n).sqrt(), "{what}: mean {mean}");
            let error = (fourth / n).sqrt();
            assert!((variance - formula).abs() < 4.0 * error, "{what}: {variance}, by the formula {formula}");
        }
    }
}

/// Adaptive steps do not follow what is drawn: points, and the numbers of steps accepted and refused, are the same bits for any probes. So
/// no draw weighs more than another, and the mean over many is the exact log-determinant, within four standard errors.
#[test]
fn adaptive_steps_depend_on_no_draw() {
    let (d, n) = (3, 4000);
    let (field, parameters) = lively(d);
    let point = numbers(d);
    let control = Control::Adaptive(Adaptive::i(1e-4, 1e-4));
    let solver = (&TSIT5, control);
    let flow = cnf(&field, Probe::Rademacher, Renewal::PerStep, solver);
    let at = |flow: &Cnf<f64>, rows: &[f64], seed| {
        flow.log_prob(&parameters, rows, &[], ProbeSeed { seed, ..ProbeSeed::default() }).unwrap()
    };
    let [one, other] = [1, 2].map(|seed| at(&flow, &numbers(70 * d), seed));
    assert!(one.statistics.rejected > 0, "{:?}", one.statistics);
    assert_eq!((one.statistics, &one.base), (other.statistics, &other.base));
    assert!(one.log_p.iter().zip(&other.log_p).all(|(a, b)| a != b));
    let held = cnf(&field, Probe::Rademacher, Renewal::PerSolve, solver);
    assert_ne!(at(&held, &numbers(70 * d), 1).base, at(&held, &numbers(70 * d), 2).base);

    let fine = Control::Adaptive(Adaptive::i(1e-7, 1e-7));
    let exact = Cnf::<f64>::new(&field, &Settings { control: fine, ..Settings::default() }).unwrap();
    let want = at(&exact, &point, 0).log_p[0];
    let found =
        at(&cnf(&field, Probe::Rademacher, Renewal::PerStep, (&TSIT5, fine)), &point.repeat(n), 5).log_p;
    let mean = found.iter().sum::<f64>() / n as f64;
    let variance = found.iter().map(|p| (p - mean).powi(2)).sum::<f64>() / n as f64;
    let error = (variance / n as f64).sqrt();
    assert!((mean - want).abs() < 4.0 * error + 1e-5, "{mean} +- {error}, exactly {want}");
}

/// A step that carries no rate over computes its first stage: Tsit5 has seven, of which the last is only for the error.
#[test]
fn evaluations_are_counted() {
    let (field, parameters) = lively(2);
    let rows = numbers(20);
    let count = |renewal, control| {
        let flow = cnf(&field, Probe::Rademacher, renewal, (&TSIT5, control));
        flow.log_prob(&parameters, &rows, &[], ProbeSeed::default()).unwrap().statistics
    };
    let [held, fresh] = RENEWALS.map(|renewal| count(renewal, Control::Constant { steps: 5 }).evaluations);
    assert_eq!((held, fresh), (10 * (5 * 6 + 1), 10 * 5 * 6));
    let [held, fresh] = RENEWALS.map(|renewal| count(renewal, Control::Adaptive(Adaptive::i(1e-4, 1e-4))));
    assert_eq!(held.evaluations, 6 * (held.accepted + held.rejected) + 10);
    assert_eq!(fresh.evaluations, 7 * (fresh.accepted + fresh.rejected));
}

/// An example's bits depend on its name and on nothing else, however many steps its neighbours take.
#[test]
fn one_example_is_as_good_as_many() {
    let (field, parameters) = lively(2);
    let flow =
        cnf(&field, Block::Haar, Renewal::PerStep, (&TSIT5, Control::Adaptive(Adaptive::i(1e-4, 1e-4))));
    let rows: Vec<f64> = numbers(2 * 300).iter().zip(1..).map(|(x, k)| x * f64::from(k) / 100.0).collect();
    let probe = ProbeSeed { seed: 8, step: 2, first_example: 10 };
    let all = flow.log_prob(&parameters, &rows, &[], probe).unwrap();
    for e in [0, 1, 127, 128, 299] {
        let alone = ProbeSeed { first_example: 10 + e as u32, ..probe };
        let one = flow.log_prob(&parameters, &rows[2 * e..2 * e + 2], &[], alone).unwrap();
        assert_eq!(one.log_p[0].to_bits(), all.log_p[e].to_bits(), "example {e}");
    }
}
