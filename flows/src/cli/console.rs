use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Interrupt;

/// Where the program prints, and how it learns that it is interrupted.
///
/// What cannot be printed is lost: a closed pipe is no reason to lose a training.
pub struct Console {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    on_terminal: bool,
    bar: Option<ProgressBar>,
    pub(super) interrupt: Arc<Interrupt>,
}

impl Console {
    /// A console without a terminal: progress comes as plain lines.
    pub fn new(
        out: impl Write + Send + 'static,
        err: impl Write + Send + 'static,
        interrupt: Arc<Interrupt>,
    ) -> Self {
        Self { out: Box::new(out), err: Box::new(err), on_terminal: false, bar: None, interrupt }
    }

    /// The console of the process, with a progress bar if standard error is a terminal.
    pub fn standard(interrupt: Arc<Interrupt>) -> Self {
        let on_terminal = io::stderr().is_terminal();
        Self { on_terminal, ..Self::new(io::stdout(), io::stderr(), interrupt) }
    }

    /// Prints a line, above the bar if there is one.
    pub(super) fn say(&mut self, line: &str) {
        let out = &mut self.out;
        let mut print = || drop(writeln!(out, "{line}").and_then(|()| out.flush()));
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Prints a message on standard error.
    pub(super) fn complain(&mut self, message: &str) {
        self.finish_bar();
        drop(writeln!(self.err, "{message}"));
    }

    /// Begins to show the progress of `steps` steps.
    pub(super) fn start_bar(&mut self, steps: usize) {
        if !self.on_terminal {
            return;
        }
        let bar = ProgressBar::with_draw_target(Some(steps as u64), ProgressDrawTarget::stderr());
        let template = "{bar:24} {percent:>3} %  {elapsed} of {duration}  {msg}";
        bar.set_style(
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        bar.enable_steady_tick(Duration::from_millis(200));
        self.bar = Some(bar);
    }

    /// One step is done.
    pub(super) fn advance_bar(&self) {
        self.bar.iter().for_each(|bar| bar.inc(1));
    }

    /// Shows `line` beside the bar, or as a line of its own where there is none.
    pub(super) fn report(&mut self, line: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(line.to_owned()),
            None => self.say(line),
        }
    }

    /// Takes the bar away.
    pub(super) fn finish_bar(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}
