//! Flows in the plane.

use std::ops::ControlFlow;
use std::time::Instant;

use ad_ops::Probe;
use ad_ops::hutch_pp::{Refresh, Sketch};
use ad_ops::random::Purpose;
use flows::data::{Builtin, Standardisation};
use flows::layer::{Activation, mlp_field};
use flows::ode::controller::{Adaptive, Control};
use flows::train::{Event, Examples, KeptBases, Likelihood, Options, Task, fit};
use flows::{Cnf, Divergence, Field, Parameters, ProbeSeed, Settings};

use crate::{Arguments, Result, moments};

const SETS: [Builtin; 3] = [Builtin::TwoSpirals, Builtin::Circles, Builtin::Checkerboard];
/// What the paper prints for each set: Hutchinson, Hutch++.
const PAPER: [[f64; 2]; 3] = [[2.71, 2.675], [3.28, 3.28], [3.555, 3.535]];
const HUTCHINSON: Divergence = Divergence::Hutchinson { probes: 2, probe: Probe::Rademacher };
const HUTCH_PP: Divergence =
    Divergence::HutchPp { basis: 1, probes: 1, probe: Probe::Rademacher, sketch: Sketch::Jacobian };
/// All ways, and when bases are renewed. An estimate takes two products; a sketch is one more.
const WAYS: [(&str, Divergence, Option<Refresh>); 6] = [
    ("exact", Divergence::Exact, None),
    ("Hutchinson, 2 probes", HUTCHINSON, None),
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
    seeds: u64,
    draws: u32,
}

/// One training.
struct Trained {
    nll: f64,
    seconds: f64,
    sketches: u64,
    /// The first and the last parameters, and those of ten epochs before the end.
    parameters: [Parameters; 3],
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let seeds = arguments.seeds.max(1);
    let size = if arguments.quick {
        Size { rows: 256, fresh: 256, epochs: 2, seeds: 1, draws: 4 }
    } else {
        Size { rows: 1024, fresh: 4096, epochs: 100, seeds, draws: 64 }
    };
    println!(
        "{} rows, {} epochs, {} seeds; NLL in nats on {} fresh rows",
        size.rows, size.epochs, size.seeds, size.fresh
    );
    for (set, paper) in SETS.into_iter().zip(PAPER) {
        let [a, b] = paper;
        println!(
            "\n{}: entropy {:.3}; the paper: Hutchinson {a}, Hutch++ {b}",
            set.name(),
            set.entropy_floor()
        );
        println!("{:>26} {:>18} {:>9} {:>9}", "", "NLL", "sketches", "s");
        let toy = Toy::new(set, &size)?;
        let mut last = None;
        for (name, divergence, refresh) in WAYS {
            let runs: Vec<Trained> = (0..size.seeds)
                .map(|seed| toy.train(&size, divergence, refresh, seed))
                .collect::<Result<_>>()?;
            let [nll, spread] = moments(&runs.iter().map(|run| run.nll).collect::<Vec<_>>());
            let [seconds, _] = moments(&runs.iter().map(|run| run.seconds).collect::<Vec<_>>());
            println!("{name:>26} {nll:>9.3} +- {spread:.3} {:>9} {seconds:>9.2}", runs[0].sketches);
            last = runs.into_iter().next();
        }
        if let Some(trained) = last {
            toy.gradients(&size, &trained)?;
        }
    }
    Ok(())
}

/// A data set, standardised, and a field for it.
struct Toy {
    field: Field,
    train: Examples,
    valid: Examples,
    fresh: Examples,
    log_det: f64,
    exact: Cnf<f32>,
}

impl Toy {
    fn new(set: Builtin, size: &Size) -> Result<Self> {
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
            train: rows(size.rows, 1, Purpose::Data)?,
            valid: rows(256, 2, Purpose::FreshData)?,
            fresh: rows(size.fresh, 3, Purpose::FreshData)?,
            log_det: map.log_det(),
            exact: flow(&field, Divergence::Exact)?,
            field,
        })
    }

    fn train(
        &self,
        size: &Size,
        divergence: Divergence,
        refresh: Option<Refresh>,
        seed: u64,
    ) -> Result<Trained> {
        let cnf = flow(&self.field, divergence)?;
        let kept = refresh.map(|refresh| KeptBases::new(&cnf, &self.field, refresh)).transpose()?;
        let model: &dyn Likelihood = match &kept {
            Some(kept) => kept,
            None => &cnf,
        };
        let initial = Parameters::init(self.field.declarations(), seed);
        let (mut before, mut last) = (initial.clone(), initial.clone());
        let observer = &mut |event: &Event| {
            if let Event::Epoch { epoch, parameters } = event {
                last.clone_from(parameters);
                if epoch.number + 10 == size.epochs {
                    before.clone_from(parameters);
                }
            }
            ControlFlow::Continue(())
        };
        let task = Task { model, judge: &self.exact, train: &self.train, valid: &self.valid };
        let options = Options { epochs: size.epochs, patience: size.epochs, seed, ..Options::default() };
        let start = Instant::now();
        let fitted = fit(&task, initial.clone(), &options, observer)?;
        let seconds = start.elapsed().as_secs_f64();
        let found =
            self.exact.log_prob(&fitted.parameters, self.fresh.points(), &[], ProbeSeed::default())?;
        let [log_p, _] = moments(&found.log_p);
        Ok(Trained {
            nll: self.log_det - log_p,
            seconds,
            sketches: kept.map_or(0, |kept| kept.sketches()),
            parameters: [initial, before, last],
        })
    }

    /// How far a gradient of a batch lies from the exact one, by the last parameters of a training.
    fn gradients(&self, size: &Size, trained: &Trained) -> Result<()> {
        let batch = self.train.select(&(0..256).collect::<Vec<_>>());
        let [initial, before, last] = &trained.parameters;
        let flat = |p: &Parameters| p.iter().flat_map(|(_, a)| a.data.clone()).collect::<Vec<f64>>();
        let exact = flat(&self.exact.nll_gradient(last, batch.points(), &[], ProbeSeed::default())?.gradient);
        let length = exact.iter().map(|x| x * x).sum::<f64>().sqrt();
        println!("  the error of one gradient of 256 rows, its exact length being {length:.3}:");
        let pp = flow(&self.field, HUTCH_PP)?;
        let plain = flow(&self.field, HUTCHINSON)?;
        let old = |parameters: &Parameters| {
            pp.bases(parameters, batch.points(), &[], ProbeSeed { seed: 77, ..ProbeSeed::default() }, 1.0)
        };
        let ways = [
            ("Hutchinson, 2 probes", &plain, old(last)?),
            ("Hutch++, new bases", &pp, old(last)?),
            ("Hutch++, 10 visits old", &pp, old(before)?),
            ("Hutch++, of the beginning", &pp, old(initial)?),
        ];
        for (name, cnf, bases) in ways {
            let mut total = 0.0;
            for step in 0..size.draws {
                let probe = ProbeSeed { seed: 5, step, first_example: 0 };
                let found = cnf.nll_gradient_with(last, batch.points(), &[], probe, &bases)?;
                total += flat(&found.gradient).iter().zip(&exact).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
            }
            println!("{name:>26} {:>9.4}", (total / f64::from(size.draws)).sqrt());
        }
        Ok(())
    }
}

fn flow(field: &Field, divergence: Divergence) -> Result<Cnf<f32>> {
    let control = Control::Adaptive(Adaptive::i(1e-4, 1e-4));
    Ok(Cnf::new(field, &Settings { control, divergence, ..Settings::default() })?)
}
