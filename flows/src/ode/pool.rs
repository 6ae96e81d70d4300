//! Memory of blocks that are done, to be used again.

use std::sync::Mutex;

/// Things that threads take and give back.
#[derive(Debug)]
pub(crate) struct Pool<M>(Mutex<Vec<M>>);

impl<M> Default for Pool<M> {
    fn default() -> Self {
        Pool(Mutex::default())
    }
}

impl<M> Pool<M> {
    /// One that was given back, or a new one.
    pub(crate) fn take(&self, make: impl FnOnce() -> M) -> M {
        let used = self.0.lock().ok().and_then(|mut pool| pool.pop());
        used.unwrap_or_else(make)
    }

    pub(crate) fn put_back(&self, memory: M) {
        if let Ok(mut pool) = self.0.lock() {
            pool.push(memory);
        }
    }
}
