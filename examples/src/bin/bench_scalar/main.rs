//! Measures gradients of scalar code on ten problems: nanoseconds and bytes of each operation of the primal.
//!
//! A row is one crate on one problem. `ns_per_op` is the median time of a whole gradient (recording and the way back,
//! memory kept between calls) over the number of operations of the primal, `ratio` the same time over that of plain
//! numbers, `check` the gradient times fixed weights, and `right` whether that is the number that independent tools agree
//! on; if one of ours is not, that ends the program with an error. `bare_list` is a
//! yardstick without checks; `ours_forward1` and `ours_forward8` are forward mode with as many tangents; `ours_tape` is
//! the problem recorded as a tape, of array operations where it has them, on one thread; `by_hand` is its gradient by hand. All
//! contestants take turns, so that what else a machine does falls on all of them.
//!
//! `examples/bench/instructions.sh` counts instructions.

mod bare;
mod contestants;
#[cfg(feature = "peers")]
mod peers;

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use contestants::{BareList, ByHand, Contestant, Forward, Ours, Outcome, Primal, Tape, weights_of};
use examples::problems::{Problem, Visitor, visit_all};
use serde_json::json;

/// Gradients of scalar code: nanoseconds per operation.
#[derive(Debug, Parser)]
#[command(name = "bench_scalar")]
struct Arguments {
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
    /// Only these problems; all without it.
    #[arg(long, value_name = "PROBLEM", value_delimiter = ',')]
    problem: Vec<String>,
    /// Only these contestants; all without it. The primal always runs.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    peer: Vec<String>,
    /// Seconds for each problem.
    #[arg(long, value_name = "SECONDS", default_value = "1.5")]
    budget: f64,
    /// Exactly so many turns of each contestant, whatever they take.
    #[arg(long, value_name = "TURNS")]
    rounds: Option<usize>,
}

/// How many rounds there are at least, after one that is not counted.
const LEAST_ROUNDS: usize = 7;

/// The tolerance of checks.
const TOLERANCE: f64 = 1e-9;

/// Whether a gradient is what independent tools agree on.
fn is_right<P: Problem>(outcome: &Outcome) -> bool {
    (outcome.check - P::CHECK).abs() <= TOLERANCE * P::CHECK.abs()
}

/// A contestant's times, and what it yielded last.
struct Row {
    name: &'static str,
    seconds: Vec<f64>,
    outcome: Option<Outcome>,
}

impl Row {
    fn median(&mut self) -> f64 {
        self.seconds.sort_by(f64::total_cmp);
        let n = self.seconds.len();
        if n == 0 { f64::NAN } else { 0.5 * (self.seconds[(n - 1) / 2] + self.seconds[n / 2]) }
    }
}

/// One round after another of one problem.
struct Rounds<'a, P> {
    problem: &'a P,
    weights: Vec<f64>,
    arguments: &'a Arguments,
    rows: Vec<Row>,
}

impl<P: Problem> Rounds<'_, P> {
    /// One turn of one contestant.
    fn turn<C: Contestant>(&mut self, contestant: &mut C) -> Result<(), Box<dyn Error>> {
        let wanted = &self.arguments.peer;
        if C::NAME != Primal::NAME && !wanted.is_empty() && !wanted.iter().any(|name| name == C::NAME) {
            return Ok(());
        }
        let start = Instant::now();
        let outcome = contestant.run(self.problem, &self.weights)?;
        let seconds = start.elapsed().as_secs_f64();
        if C::NAME.starts_with("ours") && !is_right::<P>(&outcome) {
            return Err(format!("{} of {}: {}, not {}", P::NAME, C::NAME, outcome.check, P::CHECK).into());
        }
        match self.rows.iter_mut().find(|row| row.name == C::NAME) {
            // The first turn fills caches and lists.
            Some(row) => {
                row.seconds.push(seconds);
                row.outcome = Some(outcome);
            }
            None => self.rows.push(Row { name: C::NAME, seconds: Vec::new(), outcome: Some(outcome) }),
        }
        Ok(())
    }

    fn report(&mut self) {
        let primal = self.rows[0].median();
        for row in &mut self.rows {
            let (median, operations) = (row.median(), P::OPERATIONS as f64);
            let (ns, ratio) = (1e9 * median / operations, median / primal);
            let right = row.outcome.as_ref().is_some_and(is_right::<P>);
            let (check, bytes) = row.outcome.as_ref().map_or((f64::NAN, None), |o| (o.check, o.bytes));
            let bytes = bytes.map(|bytes| bytes as f64 / operations);
            if self.arguments.json {
                let row = json!({
                    "peer": row.name, "problem": P::NAME, "ns_per_op": ns, "ratio": ratio, "bytes_per_op": bytes,
                    "check": check, "right": right, "n": row.seconds.len(),
                });
                println!("{row}");
            } else {
                let wrong = if right { "" } else { " WRONG" };
                let bytes = bytes.map(|bytes| format!("{bytes:.1}")).unwrap_or_default();
                println!(
                    "{:10} {:14} {ns:8.2} {ratio:8.2} {bytes:>8} {check:.12e}{wrong}",
                    P::NAME,
                    row.name
                );
            }
        }
    }
}

impl Visitor for &Arguments {
    type Error = Box<dyn Error>;

    fn visit<P: Problem>(&mut self, problem: &P) -> Result<(), Box<dyn Error>> {
        if !self.problem.is_empty() && !self.problem.iter().any(|name| name == P::NAME) {
            return Ok(());
        }
        let weights = weights_of(problem);
        let mut rounds = Rounds { problem, weights, arguments: self, rows: Vec::new() };
        let (mut bare, begin) = (BareList::default(), Instant::now());
        let budget = Duration::try_from_secs_f64(self.budget)?;
        #[cfg(feature = "peers")]
        let mut reverse = peers::Reverse::default();
        let mut tape = Tape(problem.taped()?);
        let by_hand = problem.by_hand().is_some();
        let mut round = 0;
        let goes_on = |round: usize| match self.rounds {
            Some(rounds) => round < rounds,
            None => round <= LEAST_ROUNDS || begin.elapsed() < budget,
        };
        while goes_on(round) {
            rounds.turn(&mut Primal)?;
            rounds.turn(&mut Ours)?;
            rounds.turn(&mut bare)?;
            rounds.turn(&mut Forward::<1>)?;
            rounds.turn(&mut Forward::<8>)?;
            rounds.turn(&mut tape)?;
            if by_hand {
                rounds.turn(&mut ByHand)?;
            }
            #[cfg(feature = "peers")]
            {
                rounds.turn(&mut peers::NumDual)?;
                rounds.turn(&mut reverse)?;
            }
            round += 1;
        }
        rounds.report();
        Ok(())
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    bare::reserve(1 << 21 | 1 << 20);
    if let Err(error) = rayon::ThreadPoolBuilder::new().num_threads(1).build_global() {
        eprintln!("bench_scalar: {error}");
    }
    if !arguments.json {
        println!("{:10} {:14} {:>8} {:>8} {:>8} check", "problem", "peer", "ns/op", "ratio", "bytes/op");
    }
    examples::exit("bench_scalar", visit_all(&mut &arguments))
}
