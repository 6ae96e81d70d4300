//! Flows in the plane.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::time::Instant;

use ad_ops::hutch_pp::{Refresh, Sketch};
use ad_ops::random::Purpose;
use ad_ops::{Block, Probe, Renewal};
use flows::cnf::{LogProb, NllGradient};
use flows::data::{Builtin, Standardisation};
use flows::layer::{Activation, mlp_field};
use flows::ode::Statistics;
use flows::ode::controller::{Adaptive, Control};
use flows::train::{Event, Examples, KeptBases, Likelihood, Options, Task, fit};
use flows::{Cnf, Divergence, Field, Parameters, ProbeSeed, Settings};

use crate::{Arguments, Result, moments};

/// What the paper prints for each set: Hutchinson, Hutch++.
const PAPER: [(Builtin, [f64; 2]); 3] = [
    (Builtin::TwoSpirals, [2.71, 2.675]),
    (Builtin::Circles, [3.28, 3.28]),
    (Builtin::Checkerboard, [3.555, 3.535]),
];
/// The products of an estimate.
const PRODUCTS: u64 = 2;
const LAW: Block = Block::Independent(Probe::Rademacher);
const HUTCHINSON: Divergence = Divergence::Hutchinson { probes: 2, probe: LAW, renewal: Renewal::PerSolve };
const HUTCH_PP: Divergence = Divergence::HutchPp {
    basis: 1,
    probes: 1,
    probe: LAW,
    renewal: Renewal::PerSolve,
    sketch: Sketch::Jacobian,
};
/// All ways, and when bases are renewed: one product more.
const WAYS: [(&str, Divergence, Option<Refresh>); 6] = [
    ("exact", Divergence::Exact, None),
    ("Hutchinson", HUTCHINSON, None),
    ("Hutch++, new bases", HUTCH_PP, Some(Refresh::Always)),
    ("Hutch++, each 10 visits", HUTCH_PP, Some(Refresh::Every(10))),
    ("Hutch++, each 100 visits", HUTCH_PP, Some(Refresh::Every(100))),
    ("Hutch++, adaptive", HUTCH_PP, Some(Refresh::Adaptive)),
];

/// How much is done.
struct Size {
    rows: usize,
    fresh: usize,
    epochs: usize,
    draws: u32,
    /// The epoch after which gradients are compared, and the ages in epochs of old bases then.
    middle: usize,
    ages: [usize; 2],
}

const FULL: Size = Size { rows: 2048, fresh: 20_000, epochs: 60, draws: 64, middle: 40, ages: [10, 30] };
const QUICK: Size = Size { rows: 256, fresh: 256, epochs: 3, draws: 4, middle: 3, ages: [1, 2] };
const BATCH: usize = 128;
const LEARNING_RATE: f64 = 2e-2;
/// Of the steps of a training, and of those that judge it.
const TOLERANCES: [f64; 2] = [1e-3, 1e-4];

/// One training.
struct Trained {
    nll: f64,
    seconds: f64,
    /// Products for an evaluation of the field, with sketches and measurements shared out.
    products: f64,
    /// Evaluations for a solve.
    evaluations: f64,
    /// The parameters after the middle epoch, and those earlier by the ages.
    parameters: [Parameters; 3],
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let sets: Vec<_> = PAPER.into_iter().filter(|(set, _)| arguments.wants(set.name())).collect();
    if sets.is_empty() {
        return Ok(());
    }
    let size = if arguments.quick { QUICK } else { FULL };
    let seeds = if arguments.quick { 1 } else { arguments.seeds.max(1) };
    println!(
        "{} rows, {} epochs in batches of {BATCH}, {seeds} seeds. The exact NLL of {} fresh rows in nats, with its spread over\n\
         seeds; how much more that is than by the exact divergence from the same seed, with its standard error; products for\n\
         an evaluation of the field; evaluations for a solve; seconds for a training",
        size.rows, size.epochs, size.fresh
    );
    for (set, paper) in sets {
        Toy::new(set, &size)?.compare(paper, seeds)?;
    }
    Ok(())
}

/// A data set, standardised, and a field for it.
struct Toy<'a> {
    set: Builtin,
    size: &'a Size,
    field: Field,
    train: Examples,
    valid: Examples,
    fresh: Examples,
    log_det: f64,
    /// The exact divergence, which judges all ways.
    judge: Cnf<f32>,
}

impl<'a> Toy<'a> {
    fn new(set: Builtin, size: &'a Size) -> Result<Self> {
        let dims = set.dims();
        let field = mlp_field(dims, 0, &[64, 64], Activation::Sin)?;
        let map = Standardisation::fit(
            &set.sample(size.rows, 1, Purpose::Data),
            &(0..size.rows).collect::<Vec<_>>(),
        )?;
        let rows = |count, seed, purpose| -> Result<Examples> {
            let mut values = set.sample(count, seed, purpose).into_values();
            map.apply(&mut values)?;
            Ok(Examples::new(dims, values)?)
        };
        Ok(Toy {
            set,
            size,
            train: rows(size.rows, 1, Purpose::Data)?,
            valid: rows(size.rows / 4, 2, Purpose::FreshData)?,
            fresh: rows(size.fresh, 3, Purpose::FreshData)?,
            log_det: map.log_det(),
            judge: flow(&field, Divergence::Exact, TOLERANCES[1])?,
            field,
        })
    }

    /// Trains in all ways, and compares gradients in the middle of a training by the exact divergence.
    fn compare(&self, [hutchinson, hutch_pp]: [f64; 2], seeds: u64) -> Result<()> {
        let (name, floor) = (self.set.name(), self.set.entropy_floor());
        println!("\n{name}: entropy {floor:.3}; the paper: Hutchinson {hutchinson}, Hutch++ {hutch_pp}");
        println!(
            "{:>26} {:>17} {:>18} {:>9} {:>12} {:>6}",
            "", "NLL", "beside exact", "products", "evaluations", "s"
        );
        let mut exact: Vec<Trained> = Vec::new();
        for (name, divergence, refresh) in WAYS {
            let runs: Vec<Trained> =
                (0..seeds).map(|seed| self.train(divergence, refresh, seed)).collect::<Result<_>>()?;
            let of = |value: &dyn Fn(&Trained) -> f64| moments(&runs.iter().map(value).collect::<Vec<_>>());
            let ([nll, spread], [seconds, _]) = (of(&|run| run.nll), of(&|run| run.seconds));
            let ([products, _], [evaluations, _]) = (of(&|run| run.products), of(&|run| run.evaluations));
            let differences: Vec<f64> = runs.iter().zip(&exact).map(|(a, b)| a.nll - b.nll).collect();
            let beside = if exact.is_empty() {
                String::new()
            } else {
                let [mean, spread] = moments(&differences);
                format!("{mean:+.3} +- {:.3}", spread / (seeds as f64).sqrt())
            };
            println!(
                "{name:>26} {nll:>8.3} +- {spread:.3} {beside:>18} {products:>9.3} {evaluations:>12.0} {seconds:>6.1}"
            );
            if exact.is_empty() {
                exact = runs;
            }
        }
        exact.first().map_or(Ok(()), |trained| self.gradients(trained))
    }

    fn train(&self, divergence: Divergence, refresh: Option<Refresh>, seed: u64) -> Result<Trained> {
        let Size { epochs, middle, ages, .. } = *self.size;
        let cnf = flow(&self.field, divergence, TOLERANCES[0])?;
        let kept = refresh.map(|refresh| KeptBases::new(&cnf, &self.field, refresh)).transpose()?;
        let counted = Counted::new(match &kept {
            Some(kept) => kept,
            None => &cnf,
        });
        let initial = Parameters::init(self.field.declarations(), seed);
        let mut parameters = [0, ages[0], ages[1]].map(|_| initial.clone());
        let observer = &mut |event: &Event| {
            if let Event::Epoch { epoch, parameters: now } = event {
                for (age, kept) in [0, ages[0], ages[1]].into_iter().zip(&mut parameters) {
                    if epoch.number + age == middle {
                        kept.clone_from(now);
                    }
                }
            }
            ControlFlow::Continue(())
        };
        let task = Task { model: &counted, judge: &self.judge, train: &self.train, valid: &self.valid };
        let options = Options {
            epochs,
            patience: epochs,
            seed,
            batch_size: BATCH,
            learning_rate: LEARNING_RATE,
            ..Options::default()
        };
        let start = Instant::now();
        let fitted = fit(&task, initial, &options, observer)?;
        let seconds = start.elapsed().as_secs_f64();
        let found =
            self.judge.log_prob(&fitted.parameters, self.fresh.points(), &[], ProbeSeed::default())?;
        let [log_p, _] = moments(&found.log_p);
        let total = counted.total.get();
        // An adaptive rule measures at each visit what its basis leaves.
        let measured = if refresh == Some(Refresh::Adaptive) { PRODUCTS * total.examples } else { 0 };
        let more = kept.as_ref().map_or(0, KeptBases::sketches) + measured;
        let products = PRODUCTS as f64 + more as f64 / total.evaluations as f64;
        let evaluations = total.mean(total.evaluations);
        Ok(Trained { nll: self.log_det - log_p, seconds, products, evaluations, parameters })
    }

    /// How far a gradient of a batch lies from the exact one, in the root of the mean square, and what it takes.
    fn gradients(&self, trained: &Trained) -> Result<()> {
        let Size { middle, ages, draws, .. } = *self.size;
        let batch = self.train.select(&(0..BATCH).collect::<Vec<_>>());
        let [now, before, long_before] = &trained.parameters;
        let flat = |p: &Parameters| p.iter().flat_map(|(_, a)| a.data.clone()).collect::<Vec<f64>>();
        let exact = flat(&self.judge.nll_gradient(now, batch.points(), &[], ProbeSeed::default())?.gradient);
        let length = exact.iter().map(|x| x * x).sum::<f64>().sqrt();
        println!(
            "  one gradient of {BATCH} rows by the parameters of epoch {middle} (exact, seed 0), of length {length:.3}:"
        );
        println!("{:>26} {:>9} {:>9} {:>9}", "", "error", "ms", "of bases");
        let of = |divergence| flow(&self.field, divergence, TOLERANCES[1]);
        let (plain, pp) = (of(HUTCHINSON)?, of(HUTCH_PP)?);
        let ways = [
            ("exact".to_owned(), &self.judge, now),
            ("Hutchinson".to_owned(), &plain, now),
            ("Hutch++, new bases".to_owned(), &pp, now),
            (format!("Hutch++, {} visits old", ages[0]), &pp, before),
            (format!("Hutch++, {} visits old", ages[1]), &pp, long_before),
        ];
        for (name, cnf, parameters) in ways {
            let (mut total, mut seconds) = (0.0, [f64::INFINITY; 2]);
            for step in 0..draws {
                let start = Instant::now();
                let sketch = ProbeSeed { seed: 77, step, first_example: 0 };
                let bases = cnf.bases(parameters, batch.points(), &[], sketch, 1.0)?;
                let made = start.elapsed().as_secs_f64();
                let probe = ProbeSeed { seed: 5, step, first_example: 0 };
                let found = cnf.nll_gradient_with(now, batch.points(), &[], probe, &bases)?;
                let whole = start.elapsed().as_secs_f64();
                seconds = [seconds[0].min(whole - made), seconds[1].min(made)];
                total += flat(&found.gradient).iter().zip(&exact).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
            }
            let error = (total / f64::from(draws)).sqrt();
            let [gradient, bases] = seconds.map(|s| s * 1e3);
            println!("{name:>26} {error:>9.4} {gradient:>9.2} {bases:>9.3}");
        }
        Ok(())
    }
}

/// A likelihood that counts what its gradients cost.
struct Counted<'a> {
    model: &'a dyn Likelihood,
    total: Cell<Statistics>,
}

impl<'a> Counted<'a> {
    fn new(model: &'a dyn Likelihood) -> Self {
        Counted { model, total: Cell::default() }
    }
}

impl Likelihood for Counted<'_> {
    fn nll_gradient(
        &self,
        parameters: &Parameters,
        examples: &Examples,
        probe: ProbeSeed,
    ) -> flows::Result<NllGradient> {
        let found = self.model.nll_gradient(parameters, examples, probe)?;
        let mut total = self.total.get();
        total.add(found.statistics);
        self.total.set(total);
        Ok(found)
    }

    fn log_prob(
        &self,
        parameters: &Parameters,
        examples: &Examples,
        probe: ProbeSeed,
    ) -> flows::Result<LogProb> {
        self.model.log_prob(parameters, examples, probe)
    }
}

fn flow(field: &Field, divergence: Divergence, tolerance: f64) -> Result<Cnf<f32>> {
    let control = Control::Adaptive(Adaptive::i(tolerance, tolerance));
    Ok(Cnf::new(field, &Settings { control, divergence, ..Settings::default() })?)
}
