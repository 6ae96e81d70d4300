//! Published tables of trace estimators, run again: `trace_tables [--json] [--seed N]`.
//!
//! Each row is an estimator on a spectrum at a number of products, its error as published and as it is here, and the band
//! that it has to lie in. With `--json` a row is a line of JSON. Ends with status 1 if a row is outside its band.
//!
//! Sources: Persson, Cortinovis, Kressner, *Improved variants of the Hutch++ algorithm for trace estimation* (2022), its
//! released results; Epperly, Tropp, Webber, *`XTrace`: Making the most of every sample in stochastic trace estimation*
//! (2024), its matrices. Where the law of the probes does not change under rotations, a diagonal matrix stands for any
//! of its eigenvalues.

mod basis;
mod choice;
mod inverses;
mod persson;
mod row;
mod xtrace;

use std::process::ExitCode;

use clap::Parser;

use row::Row;

/// Published tables of trace estimators, run again beside the published figures.
#[derive(Debug, Parser)]
#[command(name = "trace_tables")]
struct Arguments {
    /// A line of JSON for each row.
    #[arg(long)]
    json: bool,
    /// The seed of all probes. Matrices stay as they are.
    #[arg(long, default_value = "0")]
    seed: u64,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(false) => ExitCode::FAILURE,
        outcome => examples::exit("trace_tables", outcome.map(drop)),
    }
}

/// Prints all tables; whether all rows are in their bands.
fn run(arguments: &Arguments) -> ad_core::Result<bool> {
    let &Arguments { json, seed } = arguments;
    let tables = [
        persson::table,
        xtrace::table,
        inverses::table,
        basis::stale,
        basis::fresh_against_held,
        choice::table,
    ];
    let mut ok = true;
    for table in tables {
        let rows = table(seed)?;
        if !json {
            println!("{}", Row::HEADER);
        }
        for row in &rows {
            println!("{}", if json { row.json() } else { row.to_string() });
        }
        if !json {
            println!();
        }
        ok &= rows.iter().all(Row::is_ok);
    }
    Ok(ok)
}
