//! The commands that use a stored run.

use super::args::{LogProbArgs, SampleArgs};
use super::dataset::{Source, fresh_rows};
use super::folder::Folder;
use super::metrics::{Estimate, unsolved};
use super::{Console, Failure, fit::on_threads};
use crate::data::{Table, read_points, write_csv};
use crate::model::{Flow, Model};

/// `flows sample`.
pub(super) fn sample(args: &SampleArgs, console: &mut Console) -> Result<u8, Failure> {
    let flow = Flow::new(Model::read(Folder::model_of(&args.run))?)?;
    let points = on_threads(args.threads, || flow.sample(args.rows, args.seed))??;
    write_csv(&args.out, &Table::new(flow.model().description.columns.clone(), points)?)?;
    console.say(&format!("{} rows written to {}", args.rows, args.out.display()));
    Ok(0)
}

/// `flows log-prob`.
pub(super) fn log_prob(args: &LogProbArgs, console: &mut Console) -> Result<u8, Failure> {
    let flow = Flow::new(Model::read(Folder::model_of(&args.run))?)?;
    let description = &flow.model().description;
    let table = match Source::parse(&args.data)? {
        Source::Builtin(set) => fresh_rows(set, description.seed),
        Source::File(path) => read_points(path)?,
    };
    check_columns(&args.data, table.names(), &description.columns)?;
    let log_p = on_threads(args.threads, || flow.log_prob_or_nan(table.values()))??;
    let (nll, unsolved) = (Estimate::nll(&log_p), unsolved(&log_p));
    write_csv(&args.out, &Table::new(vec!["log_p".to_owned()], log_p)?)?;
    let (rows, out) = (table.rows(), args.out.display());
    console.say(&format!("NLL {nll} nats, the mean over {rows} rows; their log-densities written to {out}"));
    if unsolved > 0 {
        console.say(&format!(
            "{unsolved} rows are so far from the data that they could not be integrated: NaN there"
        ));
    }
    Ok(0)
}

/// Columns must be those of the training, in order; where either table has no header, their number must be.
fn check_columns(data: &str, found: &[String], expected: &[String]) -> Result<(), Failure> {
    let headless = |names: &[String]| names == Table::default_names(names.len());
    if found.len() == expected.len() && (found == expected || headless(found) || headless(expected)) {
        return Ok(());
    }
    let (found, expected) = (found.join(", "), expected.join(", "));
    Err(Failure::input(format!("{data}: has the columns {found}; the model was trained on {expected}.")))
}
