//! A tool for the suite of benchmarks `GradBench`: JSON messages on standard input, one answer a line on standard output.
//!
//! It answers `start`, `define` and `evaluate`, and anything else with its number alone. What is made of arrays is recorded
//! as a tape once for each message, before the time is taken, and differentiated there; besides the suite's functions
//! these answer `by_hand`, the gradient as one writes it by hand: a yardstick. What branches runs on numbers: `Var` where
//! there are few results, `Dual` where there are more results than variables, and both inside each other where derivatives
//! nest. Recordings that would be long are cut: a determinant by its first row, an equation by steps. All runs on one thread.

mod bundle;
mod clusters;
mod descent;
mod hand;
mod input;
mod mixture;
mod recurrent;
mod sums;

use std::io::{BufRead, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// The result of everything here that can fail.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// How the numbers of an output are shown.
type Show = Box<dyn Fn(&[f64]) -> Value>;

/// A function with its input, ready to be timed.
struct Job {
    run: Box<dyn FnMut() -> Result<Vec<f64>>>,
    show: Show,
}

impl Job {
    /// Numbers in a list.
    fn list(run: impl FnMut() -> Result<Vec<f64>> + 'static) -> Job {
        Job { run: Box::new(run), show: Box::new(|numbers| json!(numbers)) }
    }

    /// One number.
    fn number(mut run: impl FnMut() -> Result<f64> + 'static) -> Job {
        Job { run: Box::new(move || Ok(vec![run()?])), show: Box::new(|numbers| json!(numbers[0])) }
    }

    /// Rows of `columns` numbers.
    fn rows(columns: usize, run: impl FnMut() -> Result<Vec<f64>> + 'static) -> Job {
        Job { run: Box::new(run), show: Box::new(move |numbers| json!(input::rows(numbers, columns))) }
    }
}

const MODULES: [&str; 12] =
    ["hello", "llsq", "lse", "det", "ode", "gmm", "lstm", "ba", "ht", "kmeans", "saddle", "particle"];

/// The function of a module with its input.
fn job(module: &str, function: &str, input: &Value) -> Result<Job> {
    let job = match module {
        "hello" => sums::hello(function, input)?,
        "llsq" => sums::least_squares(function, input)?,
        "lse" => sums::log_sum_exp(function, input)?,
        "det" => sums::determinant(function, input)?,
        "ode" => sums::equation(function, input)?,
        "gmm" => mixture::job(function, input)?,
        "lstm" => recurrent::job(function, input)?,
        "ba" => bundle::job(function, input)?,
        "ht" => hand::job(function, input)?,
        "kmeans" => clusters::job(function, input)?,
        "saddle" => descent::saddle(function, input)?,
        "particle" => descent::particle(function, input)?,
        _ => None,
    };
    job.ok_or_else(|| format!("there is no function `{function}` in `{module}`").into())
}

/// Runs a job as often and as long as its input asks for: the output of the last run, and nanoseconds of each.
fn evaluate(job: &mut Job, input: &Value) -> Result<(Value, Vec<u64>)> {
    let runs = input.get("min_runs").and_then(Value::as_u64).unwrap_or(1).max(1);
    let seconds = input.get("min_seconds").and_then(Value::as_f64).unwrap_or(0.0).max(0.0);
    let least = Duration::try_from_secs_f64(seconds)?;
    let (mut total, mut nanoseconds) = (Duration::ZERO, Vec::new());
    loop {
        let start = Instant::now();
        let output = (job.run)()?;
        let elapsed = start.elapsed();
        total += elapsed;
        nanoseconds.push(u64::try_from(elapsed.as_nanos())?);
        if nanoseconds.len() as u64 >= runs && total >= least {
            return Ok(((job.show)(&output), nanoseconds));
        }
    }
}

/// The answer to a message.
fn answer(message: &Value) -> Value {
    let text = |key: &str| message.get(key).and_then(Value::as_str).unwrap_or_default();
    let id = &message["id"];
    match text("kind") {
        "start" => json!({"id": id, "tool": "ad-core"}),
        "define" => json!({"id": id, "success": MODULES.contains(&text("module"))}),
        "evaluate" => {
            let input = &message["input"];
            let outcome =
                job(text("module"), text("function"), input).and_then(|mut job| evaluate(&mut job, input));
            match outcome {
                Ok((output, times)) => {
                    let timing = |ns: &u64| json!({"name": "evaluate", "nanoseconds": ns});
                    let timings: Vec<Value> = times.iter().map(timing).collect();
                    json!({"id": id, "success": true, "output": output, "timings": timings})
                }
                Err(error) => json!({"id": id, "success": false, "error": error.to_string()}),
            }
        }
        _ => json!({"id": id}),
    }
}

fn serve() -> Result<()> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        if !line.trim().is_empty() {
            writeln!(out, "{}", answer(&serde_json::from_str(&line)?))?;
            out.flush()?;
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    // Other tools have one thread.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build_global();
    examples::exit("gradbench", pool.map_err(Into::into).and_then(|()| serve()))
}

#[cfg(test)]
mod tests;
