use std::cell::RefCell;
use std::collections::HashSet;
use std::f64::consts::TAU;
use std::ops::ControlFlow;

use ad_core::Array;
use proptest::prelude::*;

use super::*;
use crate::ode::Statistics;
use crate::params::{Declaration, Init};

fn parameters(values: &[f64]) -> Parameters {
    let one =
        |k: usize| Declaration { name: format!("p{k}"), shape: vec![], init: Init::Constant(values[k]) };
    Parameters::init(&(0..values.len()).map(one).collect::<Vec<_>>(), 0)
}

fn values(p: &Parameters) -> Vec<f64> {
    p.iter().flat_map(|(_, a)| a.data.clone()).collect()
}

proptest! {
    /// Against the moments as what they are: weighted means of all gradients so far.
    #[test]
    fn adam_by_weighted_means(gradients in prop::collection::vec(-5.0..5.0, 1..30), rate in 1e-4..1.0) {
        let (mut x, mut expected) = (parameters(&[1.0, 0.0]), 1.0);
        let mut adam = Adam::new(&x);
        for k in 0..gradients.len() {
            adam.step(&mut x, &parameters(&[gradients[k], 0.0]), rate).unwrap();
            let mean = |beta: f64, power: i32| {
                let weights = (0..=k).map(|i| beta.powi((k - i) as i32));
                let sum: f64 = weights.clone().zip(&gradients).map(|(w, g): (f64, &f64)| w * g.powi(power)).sum();
                sum / weights.sum::<f64>()
            };
            expected -= rate * mean(0.9, 1) / (mean(0.999, 2).sqrt() + 1e-8);
            prop_assert!((values(&x)[0] - expected).abs() < 1e-9 * (1.0 + expected.abs()));
            prop_assert_eq!(values(&x)[1], 0.0);
        }
    }

    /// The state is all there is: taken up again half way, the bits are the same.
    #[test]
    fn adam_resumes_exactly(gradients in prop::collection::vec(-5.0..5.0, 2..30), cut in 0usize..30) {
        let mut x = parameters(&[1.0]);
        let mut adam = Adam::new(&x);
        let (mut stored, mut y) = (adam.clone(), x.clone());
        for (k, &g) in gradients.iter().enumerate() {
            if k == cut % gradients.len() {
                (stored, y) = (adam.clone(), x.clone());
            }
            adam.step(&mut x, &parameters(&[g]), 0.1).unwrap();
        }
        for &g in &gradients[cut % gradients.len()..] {
            stored.step(&mut y, &parameters(&[g]), 0.1).unwrap();
        }
        prop_assert_eq!((x, adam), (y, stored));
    }

    #[test]
    fn clipping_bounds_the_norm_and_keeps_the_direction(gradient in prop::collection::vec(-9.0..9.0, 1..9), most in 0.1..20.0) {
        let norm = |p: &[f64]| p.iter().map(|g| g * g).sum::<f64>().sqrt();
        let mut clipped = parameters(&gradient);
        let before = clip_global_norm(&mut clipped, most);
        prop_assert!((before - norm(&gradient)).abs() < 1e-12 * (1.0 + before));
        if before <= most {
            prop_assert_eq!(values(&clipped), gradient);
        } else {
            prop_assert!((norm(&values(&clipped)) - most).abs() < 1e-12 * most);
            for (c, g) in values(&clipped).iter().zip(&gradient) {
                prop_assert!((c - g * most / before).abs() < 1e-12 * most);
            }
        }
    }

    #[test]
    fn the_rate_falls_from_first_to_last(initial in 1e-5..1.0, steps in 1u64..500, final_fraction in 0.0..1.0) {
        let schedule = CosineDecay { initial, steps, final_fraction };
        let near = |rate: f64, expected: f64| (rate - expected).abs() < 1e-12 * initial;
        prop_assert!(near(schedule.rate(0), initial));
        prop_assert!(near(schedule.rate(steps), initial * final_fraction));
        prop_assert_eq!(schedule.rate(steps), schedule.rate(steps + 7));
        prop_assert!((1..=steps).all(|k| schedule.rate(k) <= schedule.rate(k - 1)));
        // A half turn of the cosine about its middle.
        for k in 0..=steps {
            prop_assert!(near(schedule.rate(k) + schedule.rate(steps - k), initial * (1.0 + final_fraction)));
        }
    }

    /// Full batches of different examples; fewer examples are left than a batch holds, unless there is but one.
    #[test]
    fn batches_deal_each_example_at_most_once(n in 1usize..300, size in 1usize..80, seed: u64, epoch: u32) {
        let batches = Batches::new(n, size, seed, epoch);
        let dealt: Vec<usize> = batches.iter().flatten().copied().collect();
        prop_assert!(batches.iter().all(|batch| batch.len() == size.min(n)));
        prop_assert_eq!(batches.iter().len(), Batches::count(n, size));
        prop_assert!(!dealt.is_empty() && n - dealt.len() < size);
        prop_assert!(dealt.iter().all(|&k| k < n));
        prop_assert_eq!(dealt.iter().collect::<HashSet<_>>().len(), dealt.len());
        prop_assert_eq!(&batches, &Batches::new(n, size, seed, epoch));
    }

    /// Over when the last `epochs` losses are all no better than the best before them.
    #[test]
    fn patience_by_looking_back(losses in prop::collection::vec(0u8..9, 1..30), epochs in 1usize..6) {
        let mut patience = Patience::new(epochs);
        for k in 0..losses.len() {
            let best = losses[..k].iter().min();
            prop_assert_eq!(patience.improves(losses[k].into()), best.is_none_or(|&best| losses[k] < best));
            let (before, recent) = losses[..=k].split_at((k + 1).saturating_sub(epochs));
            let over = before.iter().min().is_some_and(|best| recent.iter().all(|loss| loss >= best));
            prop_assert_eq!(patience.is_over(), over);
        }
    }
}

#[test]
fn epochs_are_shuffled_differently() {
    let orders: HashSet<Vec<usize>> =
        (0..20).map(|epoch| Batches::new(50, 50, 1, epoch).iter().flatten().copied().collect()).collect();
    assert_eq!(orders.len(), 20);
}

#[test]
fn the_optimiser_knows_its_parameters() {
    let mut adam = Adam::new(&parameters(&[1.0, 2.0]));
    let error = adam.step(&mut parameters(&[1.0, 2.0]), &parameters(&[1.0]), 0.1).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the optimiser was made for the parameters p0 [], p1 []; it was given p0 []"
    );
    assert_eq!(adam.steps, 0);
}

/// Normal distributions of any mean `p0` and deviation `exp p1`: a likelihood with a known optimum. Writes down the
/// probes it is asked for, and fails at a given call.
#[derive(Default)]
struct Normal {
    probes: RefCell<Vec<ProbeSeed>>,
    fails_at: Option<usize>,
}

impl Normal {
    fn note(&self, probe: ProbeSeed) -> crate::Result<()> {
        self.probes.borrow_mut().push(probe);
        match self.fails_at {
            Some(call) if self.probes.borrow().len() > call => Err(ad_core::Error::new("no more").into()),
            _ => Ok(()),
        }
    }
}

impl Likelihood for Normal {
    fn nll_gradient(
        &self,
        p: &Parameters,
        examples: &Examples,
        probe: ProbeSeed,
    ) -> crate::Result<NllGradient> {
        self.note(probe)?;
        let [mean, log_scale] = values(p)[..] else { return Err(ad_core::Error::new("two").into()) };
        let n = examples.len() as f64;
        let z: Vec<f64> = examples.points().iter().map(|x| (x - mean) / log_scale.exp()).collect();
        let nll = z.iter().map(|z| 0.5 * z * z).sum::<f64>() / n + log_scale + 0.5 * TAU.ln();
        let bars =
            [-z.iter().sum::<f64>() / n / log_scale.exp(), 1.0 - z.iter().map(|z| z * z).sum::<f64>() / n];
        Ok(NllGradient { nll, gradient: parameters(&bars), statistics: Statistics::default() })
    }

    fn log_prob(&self, p: &Parameters, examples: &Examples, probe: ProbeSeed) -> crate::Result<LogProb> {
        let one = |k| Ok(-self.nll_gradient(p, &examples.select(&[k]), probe)?.nll);
        let log_p = (0..examples.len()).map(one).collect::<crate::Result<Vec<f64>>>()?;
        let outcomes = vec![Ok(()); log_p.len()];
        Ok(LogProb { log_p, base: Vec::new(), outcomes, statistics: Statistics::default() })
    }
}

/// Points around 3 with a deviation of 2.
fn points(n: usize, phase: f64) -> Examples {
    Examples::new(1, (0..n).map(|k| 3.0 + 8f64.sqrt() * (k as f64 * 0.7 + phase).sin()).collect()).unwrap()
}

fn train_normal(
    model: &Normal,
    options: &Options,
    observer: &mut dyn FnMut(&Event<'_>) -> ControlFlow<()>,
) -> Result<Fit, TrainError> {
    let (train, valid) = (points(400, 0.0), points(40, 0.3));
    fit(
        &Task { model, judge: model, train: &train, valid: &valid },
        parameters(&[0.0, 0.0]),
        options,
        observer,
    )
}

const OPTIONS: Options = Options {
    epochs: 60,
    batch_size: 100,
    learning_rate: 0.1,
    final_fraction: 0.01,
    clip: 5.0,
    patience: 60,
    seed: 9,
};

fn onward(_: &Event<'_>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[test]
fn finds_the_optimum() {
    let (model, all) = (Normal::default(), points(400, 0.0));
    let task = Task { model: &model, judge: &model, train: &all, valid: &all };
    let fitted = fit(&task, parameters(&[0.0, 0.0]), &OPTIONS, &mut onward).unwrap();
    let average = |f: &dyn Fn(f64) -> f64| all.points().iter().map(|&x| f(x)).sum::<f64>() / 400.0;
    let mean = average(&|x| x);
    let deviation = average(&|x| (x - mean).powi(2)).sqrt();
    let found = values(&fitted.parameters);
    assert!(
        (found[0] - mean).abs() < 0.01 && (found[1] - deviation.ln()).abs() < 0.01,
        "{found:?} {mean} {deviation}"
    );
    assert!(matches!(fitted.stop, Stop::Epochs) && fitted.history.len() == 60);
}

/// What is returned is what validated best, and what the observer was told to be best.
#[test]
fn keeps_the_best() {
    let mut told = None;
    let options = Options { learning_rate: 0.9, final_fraction: 1.0, ..OPTIONS };
    let fitted = train_normal(&Normal::default(), &options, &mut |event| {
        if let Event::Epoch { epoch, parameters } = event
            && epoch.improved
        {
            told = Some((epoch.number, (*parameters).clone()));
        }
        ControlFlow::Continue(())
    });
    let fitted = fitted.unwrap();
    let least = fitted.history.iter().map(|epoch| epoch.valid).fold(f64::INFINITY, f64::min);
    assert_eq!(fitted.best.valid, least);
    assert!(fitted.best.number < 60, "so large a rate moves away again");
    assert_eq!(told, Some((fitted.best.number, fitted.parameters.clone())));
    let judge = Normal::default();
    let log_p = judge.log_prob(&fitted.parameters, &points(40, 0.3), ProbeSeed::default()).unwrap().log_p;
    assert_eq!(-log_p.iter().sum::<f64>() / 40.0, least);
}

#[test]
fn patience_ends_a_training() {
    let options = Options { learning_rate: 0.9, final_fraction: 1.0, patience: 3, ..OPTIONS };
    let fitted = train_normal(&Normal::default(), &options, &mut onward).unwrap();
    assert!(matches!(fitted.stop, Stop::Patience));
    assert_eq!(fitted.history.len(), fitted.best.number + 3);
}

#[test]
fn the_observer_ends_a_training_after_any_step() {
    for steps in 1..=9 {
        let mut seen = 0;
        let fitted = train_normal(&Normal::default(), &OPTIONS, &mut |event| {
            seen += usize::from(matches!(event, Event::Step { .. }));
            if seen < steps { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        let fitted = fitted.unwrap();
        assert!(matches!(fitted.stop, Stop::Asked));
        assert_eq!((seen, fitted.history.len()), (steps, steps.div_ceil(4)), "four steps make an epoch");
    }
}

/// A probe held through training would be exploited: no two steps, and no two validations, share one.
#[test]
fn every_step_draws_its_own_probes() {
    let model = Normal::default();
    train_normal(&model, &Options { epochs: 5, ..OPTIONS }, &mut onward).unwrap();
    let probes = model.probes.borrow();
    let steps: HashSet<u32> = probes.iter().map(|probe| probe.step).collect();
    assert_eq!(steps.len(), 5 * (4 + 1), "four steps and a validation an epoch");
    assert!(probes.iter().all(|probe| probe.seed == OPTIONS.seed));
}

#[test]
fn a_late_failure_keeps_what_was_reached() {
    const EPOCH: usize = 4 + 40;
    let failing = |fails_at| Normal { fails_at: Some(fails_at), ..Normal::default() };
    let early = train_normal(&failing(2), &OPTIONS, &mut onward).unwrap_err();
    assert_eq!(early.to_string(), "training, epoch 1, step 3: no more");
    let unjudged = train_normal(&failing(EPOCH - 1), &OPTIONS, &mut onward).unwrap_err();
    assert_eq!(unjudged.to_string(), "validation after epoch 1: no more");
    let late = train_normal(&failing(EPOCH + 1), &OPTIONS, &mut onward).unwrap();
    let Stop::Failed(error) = &late.stop else { panic!("{:?}", late.stop) };
    assert_eq!(error.to_string(), "training, epoch 2, step 2: no more");
    let short = train_normal(&Normal::default(), &OPTIONS, &mut |event| match event {
        Event::Step { .. } => ControlFlow::Continue(()),
        Event::Epoch { .. } => ControlFlow::Break(()),
    });
    assert_eq!(late.parameters, short.unwrap().parameters);
}

#[test]
fn a_loss_that_is_no_number_is_an_error() {
    let model = Normal::default();
    let train = Examples::new(1, vec![f64::NAN, 1.0]).unwrap();
    let task = Task { model: &model, judge: &model, train: &train, valid: &train };
    let error = fit(&task, parameters(&[0.0, 0.0]), &OPTIONS, &mut onward).unwrap_err();
    assert!(error.to_string().starts_with("training, epoch 1, step 1: the loss is NaN"), "{error}");
}

#[test]
fn options_and_examples_are_checked() {
    let refusal =
        |options: &Options| train_normal(&Normal::default(), options, &mut onward).unwrap_err().to_string();
    for (options, message) in [
        (Options { epochs: 0, ..OPTIONS }, "training: epochs = 0, should be at least 1"),
        (Options { epochs: 1 << 31, ..OPTIONS }, "training: epochs = 2147483648, should be fewer"),
        (Options { batch_size: 0, ..OPTIONS }, "training: batch_size = 0"),
        (Options { learning_rate: f64::NAN, ..OPTIONS }, "training: learning_rate = NaN"),
        (Options { final_fraction: -0.1, ..OPTIONS }, "training: final_fraction = -0.1"),
        (Options { clip: 0.0, ..OPTIONS }, "training: clip = 0"),
        (Options { patience: 0, ..OPTIONS }, "training: patience = 0"),
    ] {
        assert!(refusal(&options).starts_with(message), "{}", refusal(&options));
    }
    let (model, none, some) = (Normal::default(), Examples::new(1, vec![]).unwrap(), points(3, 0.0));
    for (train, valid, part) in [(&none, &some, "to train on"), (&some, &none, "to validate on")] {
        let task = Task { model: &model, judge: &model, train, valid };
        let error = fit(&task, parameters(&[0.0, 0.0]), &OPTIONS, &mut onward).unwrap_err();
        assert!(error.to_string().starts_with(&format!("there are no examples {part}")), "{error}");
    }
}

#[test]
fn examples_keep_points_and_contexts_together() {
    let points = Examples::new(2, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
    let both = points.clone().with_contexts(1, vec![0.1, 0.3, 0.5]).unwrap();
    let picked = both.select(&[2, 0]);
    assert_eq!((picked.points(), picked.contexts()), (&[5.0, 6.0, 1.0, 2.0][..], &[0.5, 0.1][..]));
    assert_eq!((picked.len(), points.select(&[1]).contexts().len()), (2, 0));
    for error in [
        Examples::new(2, vec![1.0]).unwrap_err(),
        Examples::new(0, vec![]).unwrap_err(),
        points.clone().with_contexts(2, vec![1.0]).unwrap_err(),
        points.with_contexts(1, vec![1.0]).unwrap_err(),
    ] {
        assert!(matches!(error, TrainError::Ragged { .. } | TrainError::Contexts { contexts: 1, points: 3 }));
    }
}

/// A flow of two dimensions with random weights: its own gradient moves it downhill.
#[test]
fn trains_a_flow() {
    let field = crate::layer::mlp_field(2, 0, &[8], crate::layer::Activation::Tanh).unwrap();
    let cnf = Cnf::<f32>::new(&field, &crate::Settings::default()).unwrap();
    let rows = |purpose| crate::data::Builtin::Moons.sample(256, 1, purpose).into_values();
    let train = Examples::new(2, rows(ad_ops::random::Purpose::Data)).unwrap();
    let valid = Examples::new(2, rows(ad_ops::random::Purpose::FreshData)).unwrap();
    let task = Task { model: &cnf, judge: &cnf, train: &train, valid: &valid };
    let options = Options { epochs: 8, batch_size: 64, learning_rate: 0.02, ..OPTIONS };
    let fitted = fit(&task, Parameters::init(field.declarations(), 1), &options, &mut onward).unwrap();
    assert!(fitted.best.valid < fitted.history[0].valid - 0.1, "{:?}", fitted.history);
    assert!(fitted.best.solves.mean(fitted.best.solves.evaluations) > 6.0);
    assert_eq!(fitted.parameters.get("net.0.w").map(|w: &Array| w.shape.clone()), Some(vec![3, 8]));
}
