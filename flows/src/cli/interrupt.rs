use std::sync::atomic::{AtomicU8, Ordering};

/// What Ctrl-C does: while a training runs, the first press asks it to end and the second ends the program; at all other
/// times the first one does. Every file is written whole or not at all, so ending at once harms nothing.
#[derive(Debug, Default)]
pub struct Interrupt(AtomicU8);

const ENDS: u8 = 0;
const ASKS: u8 = 1;
const ASKED: u8 = 2;

impl Interrupt {
    /// Ctrl-C was pressed. Says whether the program should end at once.
    pub fn press(&self) -> bool {
        self.0.compare_exchange(ASKS, ASKED, Ordering::SeqCst, Ordering::SeqCst).is_err()
    }

    /// From now on the first press asks.
    pub(super) fn begin(&self) {
        self.0.store(ASKS, Ordering::SeqCst);
    }

    /// Whether to stop.
    pub(super) fn is_asked(&self) -> bool {
        self.0.load(Ordering::SeqCst) == ASKED
    }

    /// From now on every press ends the program.
    pub(super) fn end(&self) {
        self.0.store(ENDS, Ordering::SeqCst);
    }
}
