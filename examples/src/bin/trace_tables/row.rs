//! A row of a table, and how errors are averaged.

use std::fmt;

use ad_core::Result;
use ad_ops::random::{Purpose, Stream};
use ad_ops::trace::Estimate;
use rayon::prelude::*;
use serde_json::json;

/// What was published, what is here, and what is accepted.
pub(crate) struct Row {
    pub(crate) table: &'static str,
    pub(crate) spectrum: String,
    pub(crate) products: usize,
    pub(crate) method: String,
    pub(crate) published: f64,
    pub(crate) ours: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Row {
    pub(crate) const HEADER: &'static str = "table         spectrum             m  method                                         published        ours   accepted";

    pub(crate) fn is_ok(&self) -> bool {
        (self.low..=self.high).contains(&self.ours)
    }

    pub(crate) fn json(&self) -> String {
        let Row { table, spectrum, products, method, published, ours, low, high } = self;
        json!({
            "table": table, "spectrum": spectrum, "m": products, "method": method, "published": published,
            "ours": ours, "low": low, "high": high, "ok": self.is_ok(),
        })
        .to_string()
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Row { table, spectrum, products, method, published, ours, low, high } = self;
        let number = |x: &f64| if (1e-2..1e5).contains(x) { format!("{x:.5}") } else { format!("{x:.2e}") };
        let [published, ours, low, high] = [published, ours, low, high].map(number);
        write!(
            f,
            "{table:<13} {spectrum:<17} {products:>4}  {method:<43} {published:>12} {ours:>11}   {low} .. {high}"
        )?;
        if self.is_ok() { Ok(()) } else { write!(f, "  OUTSIDE") }
    }
}

/// The mean of `|estimate / trace - 1|` over runs, and its standard error.
pub(crate) fn mean_relative_error(
    [seed, runs]: [u64; 2],
    trace: f64,
    estimate: impl Fn(&mut Stream) -> Result<Estimate> + Sync,
) -> Result<(f64, f64)> {
    let one = |run| {
        estimate(&mut Purpose::Probe.stream(2024 + seed, run, 0)).map(|e| (e.value / trace - 1.0).abs())
    };
    let errors: Vec<f64> = (0..runs as u32).into_par_iter().map(one).collect::<Result<_>>()?;
    let (mean, variance) = moments(&errors);
    Ok((mean, (variance / runs as f64).sqrt()))
}

/// Mean and variance.
pub(crate) fn moments(samples: &[f64]) -> (f64, f64) {
    let n = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / n;
    (mean, samples.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0))
}
