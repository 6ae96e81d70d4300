//! Nystrom++, Hutch++ and its non-adaptive variant at dimension 5000: mean relative errors of 100 runs.

use ad_core::Result;
use ad_ops::Probe;
use ad_ops::trace::{Diagonal, hutch_pp, hutch_pp_non_adaptive, nystrom_pp};

use crate::row::{Row, mean_relative_error};

const DIM: u32 = 5000;
const RUNS: u64 = 100;
/// Published figures are means of 100 runs too.
const FACTOR: f64 = 1.35;

type Spectrum = (&'static str, fn(f64) -> f64);

pub(crate) fn table(seed: u64) -> Result<Vec<Row>> {
    let spectra: [(Spectrum, usize, [f64; 3]); 5] = [
        (("i^-1", |i| i.powi(-1)), 60, [9.9e-3, 8.8e-3, 1.35e-2]),
        (("i^-2", |i| i.powi(-2)), 60, [1.7e-3, 1.6e-3, 4.2e-3]),
        (("i^-2", |i| i.powi(-2)), 300, [7.4e-5, 6.1e-5, 1.6e-4]),
        (("i^-3", |i| i.powi(-3)), 60, [9.2e-5, 8.0e-5, 3.2e-4]),
        (("exp(-i/10)", |i| (-i / 10.0).exp()), 300, [1.4e-7, 2.2e-6, 6.8e-5]),
    ];
    let mut rows = Vec::new();
    for ((spectrum, value), products, published) in spectra {
        let map = Diagonal((1..=DIM).map(|i| value(f64::from(i))).collect());
        let trace: f64 = map.0.iter().sum();
        let law = Probe::Gaussian;
        let found = [
            ("Nystrom++", mean_relative_error([seed, RUNS], trace, |s| nystrom_pp(&map, products, law, s))?),
            ("Hutch++", mean_relative_error([seed, RUNS], trace, |s| hutch_pp(&map, products, law, s))?),
            (
                "NA-Hutch++",
                mean_relative_error([seed, RUNS], trace, |s| hutch_pp_non_adaptive(&map, products, law, s))?,
            ),
        ];
        rows.extend(found.into_iter().zip(published).map(|((method, (ours, _)), published)| Row {
            table: "Persson",
            spectrum: spectrum.to_owned(),
            products,
            method: method.to_owned(),
            published,
            ours,
            low: published / FACTOR,
            high: published * FACTOR,
        }));
    }
    Ok(rows)
}
