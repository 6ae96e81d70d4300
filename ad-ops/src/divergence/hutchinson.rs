//! The mean of `v^T J v` over random probes.

use ad_core::{Recorder, Tracer};

use super::{PROBE, tangents};

/// Hutchinson's estimate of the trace of the derivative of `y` in `x`, both vectors of length `d`.
pub(super) fn trace(t: &Recorder, x: &Tracer, y: &Tracer, probes: usize, d: usize) -> Tracer {
    if probes == 0 {
        return x.fail("Hutchinson's estimator takes at least one probe");
    }
    let v = t.example(PROBE, &[probes, d]);
    tangents(t, x, y, &v).einsum("kd,kd->", &v) * (1.0 / probes as f64)
}
