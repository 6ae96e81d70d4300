//! A notebook on Hutchinson's trace estimator: `hutchinson [--out DIR]` prints it, section by section, and writes it with its
//! plots to `DIR/report.html`.
//!
//! | section | shows |
//! |---|---|
//! | 1 | a matrix whose trace is known: unbiased, and an error that falls as `n^-1/2` |
//! | 2 | the laws of probes, with the variance formula of each, and probes that are orthogonal |
//! | 3 | the estimator in a trained flow: the divergence at one time |
//! | 4 | the log-density, with probes of each example's own and with shared ones |
//! | 5 | probes that are held: what integrals and what training make of them |
//! | 6 | the cost against the dimension: the exact divergence is flat too |
//!
//! It follows a notebook on a flow in six dimensions, whose trained weights lie in `examples/data/seed6d.json` and whose
//! numbers stand beside these.

mod chart;
mod cost;
mod density;
mod held;
mod laws;
mod page;
mod trained;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use examples::reference::Reference;
use page::Section;

/// The result of everything here that can fail.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Hutchinson's trace estimator, section by section.
#[derive(Debug, Parser)]
#[command(name = "hutchinson")]
struct Arguments {
    /// The folder of the page.
    #[arg(long, value_name = "DIR", default_value = "run/hutchinson")]
    out: PathBuf,
}

fn main() -> ExitCode {
    examples::exit("hutchinson", run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<()> {
    let flow = Reference::parse(include_str!("../../../data/seed6d.json"))?;
    let makers: [&dyn Fn() -> Result<Section>; 6] = [
        &laws::known_matrix,
        &laws::laws,
        &|| trained::section(&flow),
        &|| density::section(&flow),
        &|| held::section(&flow),
        &cost::section,
    ];
    let mut sections = Vec::new();
    for (number, make) in (1..).zip(makers) {
        let section = make()?;
        section.print(number);
        sections.push(section);
    }
    let page = page::html(&sections)?;
    std::fs::create_dir_all(&arguments.out)
        .and_then(|()| std::fs::write(arguments.out.join("report.html"), &page))
        .map_err(|e| format!("{}: {e}", arguments.out.display()))?;
    println!("\nwrote {}", arguments.out.join("report.html").display());
    Ok(())
}

/// The mean.
fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

/// The root of the mean of squares.
fn rms(x: &[f64]) -> f64 {
    (x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64).sqrt()
}

/// The value below which a share of `x` lies.
fn quantile(x: &[f64], share: f64) -> f64 {
    let mut sorted = x.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}
