//! 7. A divergence by chance.
//!
//! For a random vector `v` with covariance one, `E[v^T J v]` is the trace of `J`: one product with the Jacobian instead
//! of `d` (Hutchinson 1990). The probes are an input of the tape, so that whoever runs it decides how they are drawn;
//! [`Probe`] draws them from explicit seeds, each example from a stream of its own.
//!
//! The price is variance, and it depends on the law of the probe. With `B = (J + J^T) / 2` it is `2 |B|^2` for normal
//! probes; signs take the diagonal off; the sphere takes the mean of the diagonal off. Here 40,000 samples are held
//! against the formulas, at a linear field whose Jacobian is known.

use ad_core::Tape;
use ad_ops::random::Purpose;
use ad_ops::{Estimator, Probe, divergence};

const D: usize = 6;
const SAMPLES: usize = 40_000;

fn main() -> ad_core::Result<()> {
    let field = Tape::record(|t| {
        let (x, a) = (t.example("x", &[D]), t.shared("a", &[D, D]));
        [("x_dot", a.matmul(&x))]
    })?;
    let estimate = divergence(&field, "x", "x_dot", Estimator::Hutchinson { probes: 1 })?;
    println!("{estimate}");
    let program = estimate.compile::<f64>()?;

    let a: Vec<f64> =
        (0..D * D).map(|k| (1.0 + k as f64).sin() + if k % (D + 1) == 0 { 1.0 } else { 0.0 }).collect();
    let b = |i: usize, j: usize| 0.5 * (a[i * D + j] + a[j * D + i]);
    let trace: f64 = (0..D).map(|i| b(i, i)).sum();
    let diagonal: f64 = (0..D).map(|i| b(i, i).powi(2)).sum();
    let all: f64 = (0..D * D).map(|k| b(k / D, k % D).powi(2)).sum();
    let d = D as f64;
    let laws = [
        (Probe::Rademacher, 2.0 * (all - diagonal)),
        (Probe::Gaussian, 2.0 * all),
        (Probe::Sphere, 2.0 * d / (d + 2.0) * (all - trace * trace / d)),
    ];

    println!("the trace is {trace:.4}\n");
    println!("{:<12} {:>10} {:>10} {:>12} {:>12}", "probe", "mean", "+-", "variance", "by formula");
    for (law, formula) in laws {
        let mut probes = vec![0.0; SAMPLES * D];
        for (example, v) in (0..).zip(probes.chunks_exact_mut(D)) {
            law.fill(&mut Purpose::Probe.stream(7, 0, example), v);
        }
        let samples = &program.call(SAMPLES, &[&vec![0.0; SAMPLES * D], &a, &probes])?[1];
        let n = SAMPLES as f64;
        let mean = samples.iter().sum::<f64>() / n;
        let squares: Vec<f64> = samples.iter().map(|s| (s - mean).powi(2)).collect();
        let variance = squares.iter().sum::<f64>() / n;
        let error = (formula / n).sqrt();
        println!("{:<12} {mean:>10.4} {error:>10.4} {variance:>12.3} {formula:>12.3}", format!("{law:?}"));

        let spread = (squares.iter().map(|s| (s - variance).powi(2)).sum::<f64>() / n / n).sqrt();
        assert!((mean - trace).abs() < 5.0 * error, "{law:?}: a mean of {mean} for a trace of {trace}");
        assert!(
            (variance - formula).abs() < 5.0 * spread,
            "{law:?}: variance {variance}, by formula {formula}"
        );
    }
    Ok(())
}
