//! How a case is timed: single calls, until the budget is spent.

use std::time::{Duration, Instant};

use crate::Result;

/// Seconds of `n` calls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    pub(crate) median: f64,
    pub(crate) p25: f64,
    pub(crate) p75: f64,
    pub(crate) min: f64,
    pub(crate) n: usize,
}

const LEAST_CALLS: usize = 5;
const MOST_CALLS: usize = 200_000;
const WARM_UP: usize = 2;

/// Calls `f` until the budget is spent, a few times at least.
pub(crate) fn time(budget: Duration, mut f: impl FnMut() -> Result<()>) -> Result<Timing> {
    for _ in 0..WARM_UP {
        f()?;
    }
    let (mut seconds, begin) = (Vec::with_capacity(MOST_CALLS), Instant::now());
    while seconds.len() < MOST_CALLS && (seconds.len() < LEAST_CALLS || begin.elapsed() < budget) {
        let start = Instant::now();
        f()?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    let n = seconds.len();
    Ok(Timing {
        median: 0.5 * (seconds[(n - 1) / 2] + seconds[n / 2]),
        p25: seconds[n / 4],
        p75: seconds[3 * n / 4],
        min: seconds[0],
        n,
    })
}
