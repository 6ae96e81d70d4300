//! Measures the elementary functions as programs compute them, in units in the last place: `ulps [--all] [--json]`.
//!
//! Each function of the table runs as a compiled program of one line, in `f32` and in `f64`. Its error is the distance to
//! the true value, in units in the last place of that value: half a unit is what correct rounding leaves.
//!
//! | type | arguments | truth |
//! |---|---|---|
//! | `f32` | every 1021st bit pattern; all of them with `--all`, which takes half an hour or so | the same in `f64` |
//! | `f64` | a million, spread evenly over the exponents; 16 million with `--all` | 128 bits; see below |
//!
//! Both also take the neighbours of hard places: multiples of `pi/2`, ends of overflow, seams of the kernels. Truth in 128
//! bits takes a tenth of a millisecond, so that in `f64` it is asked for the arguments where program and
//! [`ad_core::check::reference`] differ most, and for arguments by chance where they do not differ. The reference itself
//! errs by up to three units, and can hide no more.

mod double;
mod finding;
mod points;
mod single;

use std::process::ExitCode;

use ad_core::{Element, Elementary, Program, Tape, Unary};
use clap::Parser;
use finding::Finding;

/// The result of everything here that can fail.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Measures the elementary functions as programs compute them, in units in the last place.
#[derive(Debug, Parser)]
#[command(name = "ulps")]
struct Arguments {
    /// Every `f32`, and more of `f64`.
    #[arg(long)]
    all: bool,
    /// A JSON object a line in place of a table.
    #[arg(long)]
    json: bool,
    /// Only the functions of these names.
    #[arg(value_name = "FUNCTION")]
    functions: Vec<String>,
}

fn main() -> ExitCode {
    examples::exit("ulps", run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<()> {
    let named = |f: Unary| arguments.functions.iter().any(|name| name == f.name());
    if let Some(name) = arguments.functions.iter().find(|&name| !Unary::ALL.iter().any(|f| f.name() == name))
    {
        return Err(format!("there is no function '{name}'").into());
    }
    if !arguments.json {
        println!("{}", Finding::HEAD);
    }
    for &f in Unary::ALL.iter().filter(|&&f| arguments.functions.is_empty() || named(f)) {
        for finding in [single::measure(f, arguments.all)?, double::measure(f, arguments.all)?] {
            println!("{}", if arguments.json { finding.json() } else { finding.row() });
        }
    }
    Ok(())
}

/// The function as a program.
fn program<T: Element>(f: Unary) -> Result<Program<T>> {
    Ok(Tape::record(|t| [("y", t.example("x", &[]).unary(f))])?.compile()?)
}

/// The function at each `x`, as programs compute it.
fn values<T: Element>(program: &Program<T>, x: &[T]) -> Result<Vec<T>> {
    Ok(program.call(x.len(), &[x])?.swap_remove(0))
}
