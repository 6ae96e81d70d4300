//! Flows whose divergence is estimated by Hutch++: unbiased, differentiable, reproducible, with new bases and with old ones.

use ad_ops::hutch_pp::{Refresh, Sketch};
use ad_ops::random::Purpose;
use ad_ops::{Probe, Renewal};
use flows::layer::{Activation, mlp_field};
use flows::ode::controller::Control;
use flows::ode::tableaus::RK4;
use flows::train::{Examples, KeptBases, Likelihood};
use flows::{Cnf, Divergence, Field, Parameters, ProbeSeed, Settings};

const SKETCHES: [Sketch; 3] = [Sketch::Jacobian, Sketch::Symmetric, Sketch::Shifted];

fn numbers(count: usize, seed: u32) -> Vec<f64> {
    let mut stream = Purpose::Constant.stream(8, seed, 0);
    (0..count).map(|_| stream.standard_normal()).collect()
}

fn field(d: usize, context: usize) -> (Field, Parameters) {
    let field = mlp_field(d, context, &[7, 5], Activation::Tanh).unwrap();
    let parameters = Parameters::init(field.declarations(), 4);
    (field, parameters)
}

fn cnf(field: &Field, divergence: Divergence) -> Cnf<f64> {
    let control = Control::Constant { steps: 4 };
    Cnf::new(field, &Settings { tableau: &RK4, control, divergence, ..Settings::default() }).unwrap()
}

fn hutch_pp(basis: usize, sketch: Sketch) -> Divergence {
    let (probe, renewal) = (Probe::Rademacher.into(), Renewal::PerSolve);
    Divergence::HutchPp { basis, probes: 1, probe, renewal, sketch }
}

fn seed(step: u32) -> ProbeSeed {
    ProbeSeed { seed: 3, step, first_example: 0 }
}

/// With a basis of all directions nothing is left to chance, along the whole way and in both directions.
#[test]
fn a_full_basis_is_exact() {
    let (d, n) = (3, 67);
    let (field, parameters) = field(d, 2);
    let (rows, context) = (numbers(n * d, 1), numbers(n * 2, 2));
    let exact = cnf(&field, Divergence::Exact);
    for sketch in SKETCHES {
        let full = cnf(&field, hutch_pp(d, sketch));
        let [a, b] =
            [&exact, &full].map(|c| c.log_prob(&parameters, &rows, &context, seed(0)).unwrap().log_p);
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-10), "{sketch:?}");
        let [a, b] = [&exact, &full]
            .map(|c| c.transform_and_log_det(&parameters, &rows, &context, seed(0)).unwrap().1);
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-10), "{sketch:?}");
    }
}

/// In two dimensions one sign probe has two values up to sign. With an old basis, of another flow, the mean over both is the exact loss
/// and its gradient: no sampling.
#[test]
fn old_bases_leave_no_bias() {
    let (d, n) = (2, 1);
    let (field, parameters) = field(d, 0);
    let rows = numbers(n * d, 3);
    let exact = cnf(&field, Divergence::Exact).nll_gradient(&parameters, &rows, &[], seed(0)).unwrap();
    for sketch in SKETCHES {
        let estimated = cnf(&field, hutch_pp(1, sketch));
        let other = Parameters::init(field.declarations(), 99);
        let old = estimated.bases(&other, &rows, &[], seed(0), 1.0).unwrap();
        let found: Vec<_> = (0..20)
            .map(|step| estimated.nll_gradient_with(&parameters, &rows, &[], seed(step), &old).unwrap())
            .collect();
        let first = &found[0];
        let second =
            found.iter().find(|f| (f.nll - first.nll).abs() > 1e-9).expect("two probes in twenty draws");
        let flat = |p: &Parameters| p.iter().flat_map(|(_, a)| a.data.clone()).collect::<Vec<f64>>();
        assert!((0.5 * (first.nll + second.nll) - exact.nll).abs() < 1e-11, "{sketch:?}");
        let pairs = flat(&first.gradient).into_iter().zip(flat(&second.gradient));
        for ((a, b), want) in pairs.zip(flat(&exact.gradient)) {
            assert!((0.5 * (a + b) - want).abs() < 1e-10, "{sketch:?}: {a} and {b} for {want}");
        }
    }
}

/// With its bases held, the gradient is the central difference of the loss.
#[test]
fn gradients_equal_differences() {
    let (d, n, h) = (4, 5, 1e-5);
    let (field, parameters) = field(d, 0);
    let rows = numbers(n * d, 4);
    let direction = numbers(parameters.count(), 5);
    let renewals = [Renewal::PerSolve, Renewal::PerStep];
    for (sketch, renewal) in SKETCHES.into_iter().flat_map(|s| renewals.map(|r| (s, r))) {
        let probe = Probe::Rademacher.into();
        let flow = cnf(&field, Divergence::HutchPp { basis: 2, probes: 1, probe, renewal, sketch });
        let held = flow.bases(&parameters, &rows, &[], seed(1), 1.0).unwrap();
        let at = |step: f64| {
            let mut moved = parameters.clone();
            let all = moved.arrays_mut().flat_map(|a| a.data.iter_mut());
            all.zip(&direction).for_each(|(x, v)| *x += step * v);
            flow.nll_gradient_with(&moved, &rows, &[], seed(1), &held).unwrap()
        };
        let difference = (at(h).nll - at(-h).nll) / (2.0 * h);
        let gradient = at(0.0).gradient;
        let along: f64 = gradient.iter().flat_map(|(_, a)| &a.data).zip(&direction).map(|(g, v)| g * v).sum();
        assert!((along - difference).abs() < 1e-7 * (1.0 + along.abs()), "{along} against {difference}");
    }
}

/// Bases are kept for each example, as long as the rule says, whatever batch it comes in; the same steps give the same bits.
#[test]
fn kept_bases_follow_their_examples() {
    let (d, n) = (3, 66);
    let (field, parameters) = field(d, 0);
    let flow = cnf(&field, hutch_pp(1, Sketch::Jacobian));
    let all = Examples::new(d, numbers(n * d, 6)).unwrap();
    let half = all.select(&(0..n).rev().step_by(2).collect::<Vec<_>>());
    let run = |refresh: Refresh| {
        let kept = KeptBases::new(&flow, &field, refresh).unwrap();
        let steps = [&all, &half, &half];
        let found =
            (0..).zip(steps).map(|(step, some)| kept.nll_gradient(&parameters, some, seed(step)).unwrap());
        let bits: Vec<u64> = found.map(|f| f.nll.to_bits()).collect();
        (bits, kept.sketches())
    };
    let fresh: Vec<u64> = (0..)
        .zip([&all, &half, &half])
        .map(|(step, some)| {
            flow.nll_gradient(&parameters, some.points(), &[], seed(step)).unwrap().nll.to_bits()
        })
        .collect();
    assert_eq!(run(Refresh::Always), (fresh, n as u64 * 2));
    assert_eq!(run(Refresh::Every(2)).1, n as u64 + n as u64 / 2);
    // Parameters that stand still wear no basis out, but one that was poor by chance may be renewed.
    let adaptive = run(Refresh::Adaptive);
    assert!(adaptive.1 < n as u64 * 2);
    assert_eq!(adaptive, run(Refresh::Adaptive));
    let (kept, sketches) = run(Refresh::Every(100));
    assert_eq!(sketches, n as u64);
    assert_ne!(kept, run(Refresh::Always).0);
}

#[test]
fn what_has_no_bases_is_refused() {
    let (field, parameters) = field(2, 0);
    let exact = cnf(&field, Divergence::Exact);
    let refusal = KeptBases::new(&exact, &field, Refresh::Always).unwrap_err().to_string();
    assert!(refusal.contains("not for Exact"), "{refusal}");
    assert!(exact.bases(&parameters, &[0.0; 4], &[], seed(0), 1.0).unwrap().basis.is_empty());
    let flow = cnf(&field, hutch_pp(1, Sketch::Jacobian));
    assert!(flow.bases(&parameters, &[0.0; 3], &[], seed(0), 1.0).is_err());
    assert!(flow.bases(&parameters, &[0.0; 4], &[0.0], seed(0), 1.0).is_err());
    let of_one = flow.bases(&parameters, &[0.0; 2], &[], seed(0), 1.0).unwrap();
    assert!(flow.nll_gradient_with(&parameters, &[0.0; 4], &[], seed(0), &of_one).is_err());
}
