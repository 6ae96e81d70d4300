//! Data of one column: histograms and the density's curve.

use super::Density;
use super::canvas::{BOTTOM, Fault, LEFT, Panel, Rect, draw};
use super::colour::{DATA, INK, SAMPLES};
use super::html::{Figure, Key};
use super::rows::{Rows, histogram};
use super::span::{Span, Window, plottable};
use super::view::{View, outside, shown};

/// Histograms of data and samples, and the model's density where it is known.
pub(super) fn figure(view: &View<'_>, density: Option<&Density>) -> Result<Figure, Fault> {
    let x = view.window.x;
    let (data, samples) = (bars(view.data, x), bars(view.samples, x));
    let curve: Vec<(f64, f64)> = density.map_or_else(Vec::new, |d| {
        let points = d.log_p.iter().enumerate().map(|(k, l)| (d.axes[0].centre(k), l.exp()));
        points.filter(|(_, p)| plottable(*p)).collect()
    });
    let window =
        Window { x, y: heights(data.iter().chain(&samples).copied().chain(curve.iter().map(|c| c.1))) };
    let plot = Rect { x: LEFT, y: 8, width: 820, height: 340 };
    let size = (plot.x + plot.width + 16, plot.y + plot.height + BOTTOM);
    let y_name = "probability per unit";
    let svg = draw(size, "Density of data, samples and model", |canvas| {
        let mut plot = canvas.panel(&Panel::new(plot, window).named(view.name(0), y_name))?;
        plot.bars(&data, DATA)?;
        plot.steps(&samples, SAMPLES)?;
        plot.line(curve.iter().copied(), INK, 1.8)
    })?;
    let mut keys = vec![Key::new("bar", DATA, "data"), Key::new("line", SAMPLES, "samples")];
    keys.extend(density.map(|_| Key::new("line", INK, "density of the model")));
    let mass = density.map_or_else(String::new, |d| {
        format!(" The model's density integrates to {:.4} over this window.", d.mass())
    });
    let caption = format!(
        "Histograms of the data ({}) and of samples of the model ({}), each of area 1.{mass}{}",
        shown(view.data.len(), view.data.len()),
        shown(view.samples.len(), view.samples.len()),
        outside(view),
    );
    Ok(Figure { title: "Density and samples".to_owned(), keys, svg, caption })
}

/// A histogram of the first column with as many bins as its rows can fill.
pub(super) fn bars(rows: Rows<'_>, span: Span) -> Vec<f64> {
    column_bars(&rows.column(0), span)
}

/// A histogram with as many bins as its values can fill (Rice's rule, and half as many again for the
/// margins).
pub(super) fn column_bars(values: &[f64], span: Span) -> Vec<f64> {
    histogram(values, span, (3.0 * (values.len() as f64).cbrt()).clamp(12.0, 80.0) as usize)
}

/// An axis from 0 over all heights of histograms and curves.
pub(super) fn heights(values: impl Iterator<Item = f64>) -> Span {
    let top = values.filter(|v| plottable(*v)).fold(0.0, f64::max);
    if top > 1e-150 { Span { low: 0.0, high: 1.08 * top } } else { Span { low: 0.0, high: 1.0 } }
}
