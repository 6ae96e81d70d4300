//! A matrix that is known: the error of the mean of `n` probes, and the variance of each law.

use ad_core::Tape;
use ad_ops::random::Purpose;
use ad_ops::{Block, Estimator, Probe, divergence};

use crate::chart::{Chart, Line};
use crate::page::Section;
use crate::{Result, mean, rms};

const DIMS: usize = 24;
const DRAWS: usize = 4000;
/// What the notebook has for its own symmetric matrix of this kind, in the order of [`LAWS`].
const NOTEBOOK: [Option<f64>; 3] = [Some(483.506), Some(540.290), None];
const LAWS: [Probe; 3] = [Probe::Rademacher, Probe::Gaussian, Probe::Sphere];

/// `(G + G^T) / 2` with normal `G`, and the estimator of its trace as the divergence of `x A`.
struct Known {
    entries: Vec<f64>,
}

impl Known {
    fn new() -> Self {
        let mut stream = Purpose::Constant.stream(24, 0, 0);
        let g: Vec<f64> = (0..DIMS * DIMS).map(|_| stream.standard_normal()).collect();
        let entry = |k: usize| 0.5 * (g[k] + g[k % DIMS * DIMS + k / DIMS]);
        Known { entries: (0..DIMS * DIMS).map(entry).collect() }
    }

    fn trace(&self) -> f64 {
        self.entries.iter().step_by(DIMS + 1).sum()
    }

    /// The variance of one probe by the formulas of [`Probe`].
    fn variance(&self, probe: Probe) -> f64 {
        let square = |x: f64| x * x;
        let all: f64 = self.entries.iter().map(|&x| square(x)).sum();
        let diagonal: f64 = self.entries.iter().step_by(DIMS + 1).map(|&x| square(x)).sum();
        let d = DIMS as f64;
        match probe {
            Probe::Rademacher => 2.0 * (all - diagonal),
            Probe::Gaussian => 2.0 * all,
            Probe::Sphere => 2.0 * d / (d + 2.0) * (all - square(self.trace()) / d),
        }
    }

    /// [`DRAWS`] estimates of `count` probes each: every draw is an example.
    fn estimates(&self, block: Block, count: usize) -> Result<Vec<f64>> {
        let field = Tape::record(|t| {
            let (x, a) = (t.example("x", &[DIMS]), t.shared("a", &[DIMS, DIMS]));
            [("x_dot", x.matmul(&a))]
        })?;
        let tape = divergence(&field, "x", "x_dot", Estimator::Hutchinson { probes: count })?;
        let mut probes = vec![0.0; DRAWS * count * DIMS];
        for (draw, rows) in (0..).zip(probes.chunks_exact_mut(count * DIMS)) {
            block.fill(&mut Purpose::Probe.stream(1, count as u32, draw), DIMS, rows)?;
        }
        let still = vec![0.0; DRAWS * DIMS];
        Ok(tape.compile::<f64>()?.call(DRAWS, &[&still, &self.entries, &probes])?.swap_remove(1))
    }
}

/// Section 1.
pub(crate) fn known_matrix() -> Result<Section> {
    let known = Known::new();
    let (mut rows, mut sampled, mut law) = (Vec::new(), Vec::new(), Vec::new());
    for n in [1, 2, 4, 8, 16, 32, 64] {
        let estimates = known.estimates(Probe::Rademacher.into(), n)?;
        let errors: Vec<f64> = estimates.iter().map(|x| x - known.trace()).collect();
        let formula = (known.variance(Probe::Rademacher) / n as f64).sqrt();
        rows.push(vec![
            n.to_string(),
            format!("{:.3}", mean(&estimates)),
            format!("{:.3}", rms(&errors)),
            format!("{formula:.3}"),
        ]);
        sampled.push([n as f64, rms(&errors)]);
        law.push([n as f64, formula]);
    }
    let text = vec![format!(
        "A symmetric {DIMS} x {DIMS} matrix with trace {:.3}. The mean of v^T A v over n probes has no bias, and its error \
         falls as n^-1/2: {DRAWS} draws, each an example of one tape.",
        known.trace()
    )];
    let lines = vec![Line::new("sampled", sampled), Line::new("sqrt(variance / n)", law)];
    Ok(Section {
        title: "A known matrix",
        text,
        head: vec!["probes", "mean", "error", "formula"],
        rows,
        charts: vec![Chart { x: "probes", y: "root mean square error", log: [true; 2], lines }],
    })
}

/// Section 2.
pub(crate) fn laws() -> Result<Section> {
    let known = Known::new();
    let spread = |estimates: &[f64]| {
        let m = mean(estimates);
        estimates.iter().map(|x| (x - m).powi(2)).sum::<f64>() / (estimates.len() - 1) as f64
    };
    let mut rows = Vec::new();
    for (probe, notebook) in LAWS.into_iter().zip(NOTEBOOK) {
        let got = spread(&known.estimates(probe.into(), 1)?);
        rows.push(vec![
            format!("{probe:?}"),
            format!("{got:.1}"),
            format!("{:.3}", known.variance(probe)),
            notebook.map_or(String::new(), |x| format!("{x:.3}")),
        ]);
    }
    for (block, count) in [(Block::Haar, 12), (Block::Hadamard, 12), (Block::Haar, 24)] {
        let got = spread(&known.estimates(block, count)?);
        let formula = block.factor(DIMS, count) * known.variance(block.marginal());
        let name = format!("{block:?}, {count} orthogonal");
        rows.push(vec![name, format!("{got:.3}"), format!("{formula:.3}"), String::new()]);
    }
    let gap = known.variance(Probe::Gaussian) - known.variance(Probe::Rademacher);
    let text = vec![
        format!(
            "Signs beat normal numbers by 2 sum A_ii^2, here {gap:.3}; in the notebook, whose matrix is another draw of the same \
             kind, by 56.8."
        ),
        "For a matrix that is not symmetric the formulas are those of its symmetric part. k orthogonal probes have (d - k) / \
         (d - 1) of the variance of k independent ones, and none at k = d."
            .to_owned(),
    ];
    let head = vec!["probe", "sampled variance", "formula", "notebook"];
    Ok(Section { title: "Laws of probes, and their variances", text, head, rows, charts: Vec::new() })
}
