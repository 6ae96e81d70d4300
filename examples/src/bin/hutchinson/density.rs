//! The log-density by probes: of each example's own, and shared.

use examples::reference::Reference;

use crate::chart::{Chart, Line};
use crate::page::Section;
use crate::trained::{LogDensity, signs};
use crate::{Result, mean, quantile, rms};

const DRAWS: u32 = 24;
/// The probes, and the error of log p that the notebook printed for so many.
const NOTEBOOK: [(usize, f64); 6] =
    [(1, 2.2566), (2, 0.8920), (4, 1.1628), (8, 0.7785), (16, 0.5187), (32, 0.3847)];

/// Section 4.
pub(crate) fn section(flow: &Reference) -> Result<Section> {
    let (mut rows, mut lines) = (Vec::new(), vec![Vec::new(); 5]);
    let mut first = f64::NAN;
    for (n, notebook) in NOTEBOOK {
        let density = LogDensity::new(flow, n, false)?;
        let tables = |shared: bool| -> Result<[Vec<f64>; 2]> {
            let (mut errors, mut means) = (Vec::new(), Vec::new());
            for draw in 0..DRAWS {
                let log_p =
                    density.log_p(1, |_| signs(flow.dims, [flow.count, n], draw * 64 + n as u32, shared))?;
                let error: Vec<f64> = log_p.iter().zip(&flow.exact_log_p).map(|(a, b)| a - b).collect();
                errors.push(rms(&error));
                means.push(mean(&error));
            }
            Ok([errors, means])
        };
        let ([shared, shared_means], [own, own_means]) = (tables(true)?, tables(false)?);
        if n == 1 {
            first = rms(&own);
        }
        let law = first / (n as f64).sqrt();
        let [low, high] = [0.05, 0.95].map(|share| quantile(&shared, share));
        rows.push(vec![
            n.to_string(),
            format!("{notebook:.4}"),
            format!("{low:.3} .. {high:.3}"),
            format!("{:.3} +- {:.3}", rms(&own), spread(&own)),
            format!("{law:.3}"),
            format!("{:.3}", rms(&shared_means)),
            format!("{:.3}", rms(&own_means)),
        ]);
        let points = [notebook, low, high, rms(&own), law];
        lines.iter_mut().zip(points).for_each(|(line, y)| line.push([n as f64, y]));
    }
    let names = [
        "the notebook",
        "shared, 5 % of draws below",
        "shared, 95 % below",
        "each example its own",
        "n^-1/2",
    ];
    let lines = names.into_iter().zip(lines).map(|(name, points)| Line::new(name, points)).collect();
    let text = vec![
        format!(
            "The exact mean log p of the {} points is {:.4} (the notebook: -7.5548). Errors of log p over the points, in nats; \
             probes are held during a solve.",
            flow.count,
            mean(&flow.exact_log_p)
        ),
        format!(
            "The notebook gave all points the same probes. Their errors then move together, so that each of its rows is one \
             draw out of a wide law ({DRAWS} draws here), and they need not fall: its second error is less than its third. With \
             probes of each point's own the errors are a true n^-1/2, and the mean over the points \
             has less error, for the same work."
        ),
    ];
    let chart = Chart { x: "probes", y: "error of log p, nats", log: [true; 2], lines };
    let head = vec![
        "probes",
        "notebook",
        "shared, 5 .. 95 %",
        "each its own",
        "n^-1/2",
        "error of mean, shared",
        "its own",
    ];
    Ok(Section { title: "The log-density", text, head, rows, charts: vec![chart] })
}

fn spread(x: &[f64]) -> f64 {
    let m = mean(x);
    rms(&x.iter().map(|x| x - m).collect::<Vec<_>>())
}
