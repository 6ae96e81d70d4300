//! Reproduces the numbers of a flow trained elsewhere, from its weights: `seed6d FILE [--train]`.
//!
//! FILE is a JSON file with the layout of `examples/data/seed6d.json`: a 6-D data set, the initial and the trained
//! weights of its field, and reference values of that field, its divergence and its log-density. The last line printed
//! is a JSON object of what this program makes of them. With `--train` it also trains from the initial weights, by the
//! recipe that trained the flow: Adam with cosine decay, clipped at norm 5, batches of 256, 10 % held out.

use std::error::Error;
use std::ops::ControlFlow;
use std::process::ExitCode;

use ad_ops::{Estimator, divergence};
use examples::reference::Reference;
use flows::data::{Fractions, split};
use flows::ode::controller::{Adaptive, Control};
use flows::ode::{Ode, System, tableaus::TSIT5};
use flows::train::{Event, Examples, Options, Task, fit};
use flows::{Cnf, ProbeSeed, STATE, Settings};
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let files: Vec<&String> = arguments.iter().filter(|a| !a.starts_with("--")).collect();
    let train = arguments.iter().any(|a| a == "--train");
    let outcome = match files[..] {
        [file] => run(file, train),
        _ => Err("usage: seed6d FILE [--train]".into()),
    };
    examples::exit("seed6d", outcome.map(|line| println!("{line}")))
}

fn run(path: &str, train: bool) -> Result<Value> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("{path}: {e}"))?;
    let seed = Seed(Reference::parse(&text).map_err(|e| format!("{path}: {e}"))?);
    let mut found = json!({});
    seed.field_and_divergence(&mut found)?;
    seed.log_density(&mut found)?;
    seed.probes(&mut found)?;
    if train {
        seed.train(&mut found)?;
    }
    Ok(found)
}

/// The comparisons.
struct Seed(Reference);

impl Seed {
    /// The field and its divergence at time 0.5.
    fn field_and_divergence(&self, found: &mut Value) -> Result<()> {
        let program = divergence(self.0.field.tape(), STATE, "x_dot", Estimator::Exact)?.compile::<f64>()?;
        let time = vec![0.5; self.0.count];
        let parameters = self.0.trained.cast::<f64>();
        let inputs: Vec<&[f64]> =
            [&time[..], self.0.points()].into_iter().chain(parameters.iter().map(|a| &a[..])).collect();
        let out = program.call(self.0.count, &inputs)?;
        found["max_field_error"] = json!(largest_difference(&out[0], &self.0.field_at_half));
        found["max_divergence_error"] = json!(largest_difference(&out[1], &self.0.divergence_at_half));
        Ok(())
    }

    /// The exact log-density, far below the reference's own tolerance.
    fn log_density(&self, found: &mut Value) -> Result<()> {
        let settings =
            Settings { control: Control::Adaptive(Adaptive::i(1e-10, 1e-10)), ..Settings::default() };
        let cnf = Cnf::<f64>::new(&self.0.field, &settings)?;
        let log_p = cnf.log_prob(&self.0.trained, self.0.points(), &[], ProbeSeed::default())?.log_p;
        found["exact_mean_log_p"] = json!(mean(&log_p));
        found["max_log_p_error"] = json!(largest_difference(&log_p, &self.0.exact_log_p));
        Ok(())
    }

    /// The error of log p with one probe that all points share, over the draws of the file.
    fn probes(&self, found: &mut Value) -> Result<()> {
        let tape = divergence(self.0.field.tape(), STATE, "x_dot", Estimator::Hutchinson { probes: 1 })?;
        let ode = Ode::<f64>::new(
            &System::new(tape, &[STATE, "l"])?,
            &TSIT5,
            Control::Adaptive(Adaptive::i(1e-5, 1e-5)),
        )?;
        let parameters = self.0.trained.cast::<f64>();
        let bound = ode.bind(&parameters.iter().map(|a| &a[..]).collect::<Vec<_>>())?;
        let zeros = vec![0.0; self.0.count];
        let mut errors = Vec::new();
        for probe in &self.0.probes {
            let shared = probe.repeat(self.0.count);
            let end = ode.solve(&bound, &[self.0.points(), &zeros], &[&shared], [1.0, 0.0])?;
            let base = end.states[0].chunks_exact(self.0.dims).map(standard_normal);
            let log_p = base.zip(&end.states[1]).map(|(base, l)| base + l);
            errors.extend(log_p.zip(&self.0.exact_log_p).map(|(got, exact)| got - exact));
        }
        let squares: Vec<f64> = errors.iter().map(|e| e * e).collect();
        found["bias"] = json!(mean(&errors));
        found["rmse"] = json!(mean(&squares).sqrt());
        Ok(())
    }

    fn train(&self, found: &mut Value) -> Result<()> {
        let settings =
            Settings { control: Control::Adaptive(Adaptive::i(1e-4, 1e-4)), ..Settings::default() };
        let cnf = Cnf::<f64>::new(&self.0.field, &settings)?;
        let all = Examples::new(self.0.dims, self.0.data.clone())?;
        let parts = split(all.len(), Fractions { valid: 0.1, test: 0.0 }, Options::default().seed)?;
        let (train, valid) = (all.select(&parts.train), all.select(&parts.valid));
        let task = Task { model: &cnf, judge: &cnf, train: &train, valid: &valid };
        let report = &mut |event: &Event| {
            if let Event::Epoch { epoch, .. } = event {
                println!("epoch {:2}  train {:.4}  valid {:.4}", epoch.number, epoch.train, epoch.valid);
            }
            ControlFlow::Continue(())
        };
        let fit = fit(&task, self.0.initial.clone(), &Options::default(), report)?;
        found["epochs"] = json!(fit.history.len());
        found["best_valid_nll"] = json!(fit.best.valid);
        found["final_valid_nll"] = json!(fit.history.last().map(|e| e.valid));
        Ok(())
    }
}

fn standard_normal(z: &[f64]) -> f64 {
    -0.5 * z.iter().map(|x| x * x + std::f64::consts::TAU.ln()).sum::<f64>()
}

fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

fn largest_difference(a: &[f64], b: &[f64]) -> f64 {
    if a.len() != b.len() {
        return f64::INFINITY;
    }
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}
