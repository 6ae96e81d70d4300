//! The program `flows`: its arguments, what it prints, what it writes. The binary only calls [`run`].
//!
//! Exit codes: 0 done, 1 failed, 2 bad input (arguments, data, model files), 130 interrupted; a failure is one message on
//! standard error. Files are written whole or not at all.

mod args;
mod console;
mod dataset;
mod divergence;
mod failure;
mod fit;
mod folder;
mod interrupt;
mod metrics;
mod page;
mod stored;

#[cfg(test)]
mod tests;

use std::ffi::OsString;

use clap::Parser;
use clap::error::ErrorKind;

use args::{Arguments, Command};
use failure::Failure;

pub use console::Console;
pub use interrupt::Interrupt;

/// The exit code of a program that was interrupted: 128 and the number of the signal.
pub const INTERRUPTED: u8 = 130;

/// Runs the program with its arguments, the first of which is its name, and returns its exit code.
///
/// ```
/// use flows::cli::{Console, Interrupt, run};
///
/// let mut console = Console::new(std::io::stdout(), std::io::sink(), Interrupt::default().into());
/// assert_eq!(run(["flows", "help"], &mut console), 0);
/// assert_eq!(run(["flows", "fit", "moon", "--out", "run"], &mut console), 2);
/// ```
pub fn run<I, A>(arguments: I, console: &mut Console) -> u8
where
    I: IntoIterator<Item = A>,
    A: Into<OsString> + Clone,
{
    let command = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments.command,
        Err(error) => return answer(&error, console),
    };
    let done = match &command {
        Command::Fit(args) => fit::run(args, console),
        Command::Sample(args) => stored::sample(args, console),
        Command::LogProb(args) => stored::log_prob(args, console),
    };
    console.interrupt.end();
    match done {
        Ok(code) => code,
        Err(Failure { code, message }) => {
            console.complain(&format!("error: {message}"));
            code
        }
    }
}

/// Help goes to standard output and is no failure.
fn answer(error: &clap::Error, console: &mut Console) -> u8 {
    let text = error.render().to_string();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            console.say(text.trim_end());
            0
        }
        _ => {
            console.complain(text.trim_end());
            failure::INPUT
        }
    }
}
