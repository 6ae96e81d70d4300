//! `flows fit`.

use std::ops::ControlFlow;
use std::time::Instant;

use ad_core::Element;
use ad_ops::auto::Choice;

use super::args::{FitArgs, defaults};
use super::dataset::Dataset;
use super::folder::Folder;
use super::metrics::{Chosen, Cost, Estimate, Metrics};
use super::{Console, Failure, INTERRUPTED, page};
use crate::data::Table;
use crate::model::{Architecture, Description, Dtype, Flow, Model};
use crate::ode::controller::{Adaptive, Control};
use crate::train::{Batches, Epoch, Event, Fit, KeptBases, Likelihood, Options, Stop, Task};
use crate::{Cnf, Divergence, Field, Parameters, Settings};

/// Training rows whose NLL is computed; more say no more.
const TRAIN_ROWS_JUDGED: usize = 10_000;
/// Training rows at which the field is measured where the divergence is to be chosen; they are in random order.
const TRAIN_ROWS_MEASURED: usize = 16;

/// Trains, and writes model, metrics and report.
pub(super) fn run(args: &FitArgs, console: &mut Console) -> Result<u8, Failure> {
    match args.dtype.into() {
        Dtype::F32 => run_with::<f32>(args, console),
        Dtype::F64 => run_with::<f64>(args, console),
    }
}

/// In elements of type `T`.
fn run_with<T: Element>(args: &FitArgs, console: &mut Console) -> Result<u8, Failure> {
    let clock = Instant::now();
    let run = on_threads(args.threads, || Run::<T>::prepare(args))??;
    run.introduce(console);
    console.interrupt.begin();
    let fit = on_threads(args.threads, || run.train(console))??;
    console.interrupt.end();
    console.finish_bar();
    console.say(&ending(&fit));
    let flow = Flow::new(run.model(&fit.parameters))?;
    let metrics = on_threads(args.threads, || run.judge(&flow, &fit, clock))??;
    run.folder.write_metrics(&metrics.to_json()?)?;
    let page = on_threads(args.threads, || page::render(&run.data, &flow, &fit, &metrics))??;
    run.folder.write_report(&page)?;
    conclude(&metrics, args, console);
    match fit.stop {
        Stop::Epochs | Stop::Patience => Ok(0),
        Stop::Asked => Ok(INTERRUPTED),
        Stop::Failed(error) => Err(error.into()),
    }
}

/// Runs `work` on a pool of this many threads, or on that of the process.
pub(super) fn on_threads<R: Send>(
    threads: Option<usize>,
    work: impl FnOnce() -> R + Send,
) -> Result<R, Failure> {
    let Some(threads) = threads else { return Ok(work()) };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    Ok(pool.map_err(|error| Failure::other(format!("--threads {threads}: {error}")))?.install(work))
}

/// Everything that a training needs, checked.
struct Run<T> {
    data: Dataset,
    description: Description,
    field: Field,
    /// Why the divergence is what it is, where that was left to the program.
    choice: Option<Choice>,
    options: Options,
    /// The density that trains.
    model: Cnf<T>,
    /// The density that validates: that which trains, with the exact divergence.
    judge: Cnf<T>,
    folder: Folder,
}

impl<T: Element> Run<T> {
    /// Makes the folder last, when nothing else can be wrong.
    fn prepare(args: &FitArgs) -> Result<Self, Failure> {
        let smallest = args.rtol.min(args.atol);
        if matches!(args.dtype.into(), Dtype::F32) && args.steps.is_none() && smallest < 1e-6 {
            let message = format!(
                "--rtol and --atol of {smallest:e} are below the rounding of f32: take 1e-6 or more, or --dtype f64."
            );
            return Err(Failure::input(message));
        }
        let data = Dataset::load(&args.data, args.rows, args.seed)?;
        let architecture = Architecture::Mlp {
            dims: data.train.columns(),
            context: 0,
            hidden: args.hidden.clone(),
            activation: args.activation.into(),
        };
        let field = architecture.field()?;
        let measured: Vec<usize> = (0..data.train.rows().min(TRAIN_ROWS_MEASURED)).collect();
        let measured = data.standardised(&data.train.select(&measured))?;
        let (divergence, choice) = args.divergence.resolve(&field, &measured, args.seed)?;
        let description = describe(args, &data, architecture, divergence);
        let settings = description.settings()?;
        let exact = Settings { divergence: Divergence::Exact, ..settings.clone() };
        let (model, judge) = (Cnf::new(&field, &settings)?, Cnf::new(&field, &exact)?);
        let options = options(args);
        let folder = Folder::create(&args.out)?;
        Ok(Self { data, description, field, choice, options, model, judge, folder })
    }

    fn introduce(&self, console: &mut Console) {
        let Dataset { name, train, valid, test, entropy_floor, .. } = &self.data;
        let (columns, train, valid, test) = (train.columns(), train.rows(), valid.rows(), test.rows());
        let fresh = if entropy_floor.is_some() { "fresh ones " } else { "" };
        let d = &self.description;
        let parameters: usize =
            self.field.declarations().iter().map(|d| d.shape.iter().product::<usize>()).sum();
        let (solver, control) = (&d.solver, page::control(&d.control));
        let (divergence, dtype, seed) = (page::divergence(d), page::dtype(d.dtype), d.seed);
        console.say(&format!(
            "data       {name}: {columns} columns; {train} rows to train, {valid} to validate, {test} {fresh}to test\n\
             field      {}, {parameters} parameters\n\
             training   {solver}, {control}; divergence {divergence}; {dtype}; seed {seed}",
            page::field(&d.architecture)
        ));
        if let Some(choice) = &self.choice {
            let indented = choice.to_string().replace('\n', "\n           ");
            console.say(&format!("divergence {indented}"));
        }
    }

    fn model(&self, parameters: &Parameters) -> Model {
        Model { description: self.description.clone(), parameters: parameters.clone() }
    }

    /// Trains, and writes each model that is better than all before.
    fn train(&self, console: &mut Console) -> Result<Fit, Failure> {
        let (train, valid) =
            (self.data.standardised(&self.data.train)?, self.data.standardised(&self.data.valid)?);
        let kept = match self.description.divergence {
            Divergence::HutchPp { .. } => {
                Some(KeptBases::new(&self.model, &self.field, self.description.refresh)?)
            }
            Divergence::Exact | Divergence::Directions | Divergence::Hutchinson { .. } => None,
        };
        let model: &dyn Likelihood = kept.as_ref().map_or(&self.model, |kept| kept);
        let task = Task { model, judge: &self.judge, train: &train, valid: &valid };
        let log_det = self.data.standardisation.log_det();
        console.start_bar(self.options.epochs * Batches::count(train.len(), self.options.batch_size));
        let mut written = Ok(());
        let observe = &mut |event: &Event<'_>| {
            match event {
                Event::Step { .. } => console.advance_bar(),
                Event::Epoch { epoch, parameters } => {
                    console.report(&line(epoch, self.options.epochs, log_det));
                    if epoch.improved {
                        written = self.folder.write_model(&self.model(parameters));
                    }
                }
            }
            let stop = written.is_err() || console.interrupt.is_asked();
            if stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let initial = Parameters::init(self.field.declarations(), self.options.seed);
        let fit = crate::train::fit(&task, initial, &self.options, observe)?;
        written.map(|()| fit)
    }

    /// The NLLs of the three parts in the units of the data, and the costs.
    fn judge(&self, flow: &Flow, fit: &Fit, clock: Instant) -> Result<Metrics, Failure> {
        let nll = |table: &Table, most: usize| -> Result<Estimate, Failure> {
            let rows = table.rows().min(most);
            Ok(Estimate::nll(&flow.log_prob_or_nan(&table.values()[..rows * table.columns()])?))
        };
        Ok(Metrics {
            nll_train: nll(&self.data.train, TRAIN_ROWS_JUDGED)?,
            nll_valid: nll(&self.data.valid, usize::MAX)?,
            nll_test: nll(&self.data.test, usize::MAX)?,
            entropy_floor: self.data.entropy_floor,
            epochs: fit.history.len(),
            seconds: clock.elapsed().as_secs_f64(),
            cost: Cost::from(fit.best.solves),
            parameters: fit.parameters.count(),
            auto: self.choice.as_ref().map(Chosen::from),
        })
    }
}

fn describe(
    args: &FitArgs,
    data: &Dataset,
    architecture: Architecture,
    divergence: Divergence,
) -> Description {
    let control = match args.steps {
        Some(steps) => Control::Constant { steps },
        None => Control::Adaptive(Adaptive::i(args.rtol, args.atol)),
    };
    Description {
        crate_version: env!("CARGO_PKG_VERSION").to_owned(),
        data: data.name.clone(),
        columns: data.train.names().to_vec(),
        standardisation: data.standardisation.clone(),
        architecture,
        solver: args.solver.name.to_owned(),
        control,
        divergence,
        refresh: args.divergence.refresh(),
        dtype: args.dtype.into(),
        seed: args.seed,
    }
}

fn options(args: &FitArgs) -> Options {
    Options {
        epochs: args.epochs,
        batch_size: args.batch_size,
        learning_rate: args.lr,
        final_fraction: defaults::FINAL_FRACTION,
        clip: defaults::CLIP,
        patience: args.patience,
        seed: args.seed,
    }
}

/// An epoch as a line; `log_det` turns its losses into those of the data.
fn line(epoch: &Epoch, epochs: usize, log_det: f64) -> String {
    let (number, train, valid) = (epoch.number, epoch.train + log_det, epoch.valid + log_det);
    let cost = Cost::from(epoch.solves);
    let best = if epoch.improved { "  best" } else { "" };
    format!("epoch {number}/{epochs}  NLL train {train:.4}  valid {valid:.4}  {cost}{best}")
}

fn ending(fit: &Fit) -> String {
    let why = match &fit.stop {
        Stop::Epochs => "all epochs done".to_owned(),
        Stop::Patience => "validation no longer improves".to_owned(),
        Stop::Asked => "interrupted (Ctrl-C again leaves at once, without metrics and report)".to_owned(),
        Stop::Failed(error) => format!("the training failed ({error})"),
    };
    format!("ended      {why}; the best model is that of epoch {}", fit.best.number)
}

fn conclude(metrics: &Metrics, args: &FitArgs, console: &mut Console) {
    let floor =
        metrics.entropy_floor.map_or(String::new(), |floor| format!(" (entropy of the data {floor:.4})"));
    let (nll, out, seconds) = (metrics.nll_test, args.out.display(), metrics.seconds);
    console.say(&format!("NLL test   {nll} nats{floor}"));
    console.say(&format!("written    {out}: model.safetensors, metrics.json, report.html; {seconds:.1} s"));
}
