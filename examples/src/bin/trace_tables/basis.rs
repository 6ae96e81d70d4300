//! What an old basis costs, and what fresh probes save.

use ad_core::{Result, Tape};
use ad_ops::hutch_pp::{HutchPp, Sketch, Sketcher, estimate};
use ad_ops::random::Purpose;
use ad_ops::{Probe, Probes, Renewal};

use crate::row::{Row, moments};

/// Accepted errors of sampled variances, in their standard errors.
const DEVIATIONS: f64 = 4.0;
const DIM: usize = 24;
const BASIS: usize = 4;
const PROBES: usize = 4;
const DRAWS: usize = 20_000;

/// `(2 / m) |P B P|^2` against the sampled variance, where the basis is of a Jacobian that has drifted since.
pub(crate) fn stale(seed: u64) -> Result<Vec<Row>> {
    let field = Tape::record(|t| {
        let (x, a) = (t.example("x", &[DIM]), t.shared("a", &[DIM, DIM]));
        [("x_dot", a.matmul(&x))]
    })?;
    let sketcher = Sketcher::<f64>::new(&field, "x", "x_dot", BASIS, Sketch::Jacobian)?;
    let program =
        estimate(&field, "x", "x_dot", HutchPp { basis: BASIS, probes: PROBES })?.compile::<f64>()?;
    let mut draw = Purpose::Constant.stream(3, 0, 0);
    let mut normals = |n: usize| (0..n).map(|_| draw.standard_normal()).collect::<Vec<f64>>();
    // Columns that decay: a few directions carry most, and the matrix is not symmetric.
    let decaying = |entries: Vec<f64>| -> Vec<f64> {
        entries.iter().enumerate().map(|(ij, x)| x * 0.6_f64.powi((ij % DIM) as i32)).collect()
    };
    let (old, change) = (decaying(normals(DIM * DIM)), decaying(normals(DIM * DIM)));
    let zeros = vec![0.0; DIM];
    let basis = sketcher.bases(1, &[&zeros, &old, &normals(BASIS * DIM)])?.basis;
    let mut draw = Purpose::Probe.stream(3 + seed, 0, 0);
    let probes: Vec<f64> = (0..DRAWS * PROBES * DIM).map(|_| draw.standard_normal()).collect();
    let mut rows = Vec::new();
    for drift in [0.0, 0.03, 0.1, 0.3, 1.0] {
        let a: Vec<f64> = old.iter().zip(&change).map(|(a, c)| a + drift * c).collect();
        let inputs: [&[f64]; 4] = [&zeros.repeat(DRAWS), &a, &basis.repeat(DRAWS), &probes];
        let samples = program.call(DRAWS, &inputs)?.swap_remove(1);
        let (mean, variance) = moments(&samples);
        let squares: Vec<f64> = samples.iter().map(|x| (x - mean).powi(2)).collect();
        let width = DEVIATIONS * (moments(&squares).1 / DRAWS as f64).sqrt();
        let formula = 2.0 / PROBES as f64 * square_beside(&a, &basis);
        rows.push(Row {
            table: "stale basis",
            spectrum: format!("drift {drift}"),
            products: BASIS + PROBES,
            method: "variance".to_owned(),
            published: formula,
            ours: variance,
            low: formula - width,
            high: formula + width,
        });
    }
    Ok(rows)
}

/// `|P B P|^2` for the symmetric part `B` of `a` and `P = I - Q^T Q`.
fn square_beside(a: &[f64], q: &[f64]) -> f64 {
    let d = DIM;
    let p = |i: usize, j: usize| {
        f64::from(u8::from(i == j)) - q.chunks_exact(d).map(|q| q[i] * q[j]).sum::<f64>()
    };
    let pb: Vec<f64> = (0..d * d)
        .map(|ij| (0..d).map(|k| p(ij / d, k) * 0.5 * (a[k * d + ij % d] + a[ij % d * d + k])).sum())
        .collect();
    (0..d * d).map(|ij| (0..d).map(|k| pb[ij / d * d + k] * p(k, ij % d)).sum::<f64>().powi(2)).sum()
}

/// The variance of an integral over 50 steps of a form that turns, with one probe held against a fresh one each step.
pub(crate) fn fresh_against_held(seed: u64) -> Result<Vec<Row>> {
    const STEPS: u32 = 50;
    const SOLVES: u32 = 40_000;
    /// The angle in radians through which the form turns.
    const SWING: f64 = 0.86;
    let form = |step: u32, v: &[f64]| {
        let (s, c) = (SWING * (f64::from(step) + 0.5) / f64::from(STEPS)).sin_cos();
        c * (v[0] * v[0] - v[1] * v[1]) + 2.0 * s * v[0] * v[1]
    };
    let variance = |renewal| -> Result<f64> {
        let probes = Probes { renewal, ..Probes::new(5 + seed, Probe::Gaussian) };
        let mut integrals = Vec::new();
        for solve in 0..SOLVES {
            let mut integral = 0.0;
            for step in 0..STEPS {
                let mut v = [0.0; 2];
                probes.fill([solve, step], 0, 2, &mut v)?;
                integral += form(step, &v) / f64::from(STEPS);
            }
            integrals.push(integral);
        }
        Ok(moments(&integrals).1)
    };
    let ours = variance(Renewal::PerSolve)? / variance(Renewal::PerStep)?;
    Ok(vec![Row {
        table: "fresh/held",
        spectrum: format!("{STEPS} steps"),
        products: STEPS as usize,
        method: "variance ratio".to_owned(),
        published: 47.0,
        ours,
        low: 44.0,
        high: 50.0,
    }])
}
