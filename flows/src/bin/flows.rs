//! The program `flows`; see [`flows::cli`].

use std::process::{ExitCode, exit};
use std::sync::Arc;

use flows::cli::{Console, INTERRUPTED, Interrupt, run};

fn main() -> ExitCode {
    let interrupt = Arc::new(Interrupt::default());
    let pressed = Arc::clone(&interrupt);
    // Where no handler can be set, Ctrl-C ends the program at once, as it does without one.
    let _ = ctrlc::set_handler(move || {
        if pressed.press() {
            exit(INTERRUPTED.into());
        }
    });
    ExitCode::from(run(std::env::args_os(), &mut Console::standard(interrupt)))
}
