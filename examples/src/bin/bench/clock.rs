//! How a case is timed: single calls, until the budget is spent. And how much memory the process has, on Linux.

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

/// The most memory that this process has had, in MiB.
pub(crate) fn peak_mib() -> Result<f64> {
    status("VmHWM")
}

/// The memory that this process has, in MiB; the peak begins anew from there where the system allows it.
pub(crate) fn resident_mib() -> Result<f64> {
    // 5 resets the peak; where it cannot be, the peak before counts too.
    if std::fs::write("/proc/self/clear_refs", "5").is_ok() { status("VmRSS") } else { peak_mib() }
}

fn status(key: &str) -> Result<f64> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix(':'));
    let kib: f64 = line.and_then(|l| l.split_whitespace().next()).ok_or("no such line")?.parse()?;
    Ok(kib / 1024.0)
}
