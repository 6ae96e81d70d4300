//! Data of two columns: the density as a heat map, and samples beside data.

use plotters::style::RGBColor;

use super::Density;
use super::canvas::{BOTTOM, Canvas, Fault, LEFT, Panel, Rect, Side, TITLE, draw};
use super::colour::{DATA, Ramp, SAMPLES};
use super::html::{Figure, Key};
use super::rows::{Rows, thinned};
use super::span::{Span, Window, plottable};
use super::view::{View, outside, shown};

const WHITE: RGBColor = RGBColor(255, 255, 255);
const MOST_OVER_HEAT: usize = 1000;
const MOST_BESIDE: usize = 1600;

/// The model's density with the data over it.
pub(super) fn density(view: &View<'_>, density: &Density) -> Result<Figure, Fault> {
    let [x, y] = view.names();
    let (width, height) = view.window.fit((620, 460));
    let plot = Rect { x: LEFT, y: 8, width, height };
    let probabilities: Vec<f64> = density.log_p.iter().map(|l| l.exp()).collect();
    let peak = peak(&probabilities);
    let dots = thinned(view.data.plane(0, 1), MOST_OVER_HEAT);
    let count = dots.len();
    let svg = draw((LEFT + width + 36 + LEFT, 8 + height + BOTTOM), "Density of the model", |canvas| {
        let shares: Vec<f64> = probabilities.iter().map(|p| p / peak).collect();
        canvas.bitmap(plot, &shares, density.axes[0].cells, &Ramp::density(), true);
        let panel = Panel { grid: false, ..Panel::new(plot, view.window).named(x, y) };
        canvas.panel(&panel)?.dots(dots.into_iter().map(|p| (p, WHITE)), 1.1, 0.6)?;
        colour_bar(canvas, Rect { x: plot.x + width + 20, width: 16, ..plot }, peak)
    })?;
    let caption = format!(
        "The model's density, the exponential of its log-density, on a grid of {} \u{d7} {} cells; white \
         dots are data ({}). The density integrates to {:.4} over this window.",
        density.axes[0].cells,
        density.axes[1].cells,
        shown(count, view.data.len()),
        density.mass(),
    );
    let keys = vec![Key::new("dot", WHITE, "data")];
    Ok(Figure { title: "Density".to_owned(), keys, svg, caption })
}

fn colour_bar(canvas: &mut Canvas<'_>, at: Rect, peak: f64) -> Result<(), Fault> {
    let shares: Vec<f64> = (0..255).map(|k| f64::from(k) / 254.0).collect();
    canvas.bitmap(at, &shares, 1, &Ramp::density(), true);
    let window = Window { x: Span::new(0.0, 1.0), y: Span { low: 0.0, high: peak } };
    let name = Some("probability per unit area");
    canvas.panel(&Panel { grid: false, y_name: name, y_side: Side::Right, ..Panel::new(at, window) })?;
    Ok(())
}

/// The greatest density that can be drawn; 1 where there is none.
fn peak(probabilities: &[f64]) -> f64 {
    let most = probabilities.iter().copied().filter(|p| plottable(*p)).fold(0.0, f64::max);
    if most > 1e-150 { most } else { 1.0 }
}

/// Data at the left, samples of the model at the right.
pub(super) fn samples(view: &View<'_>) -> Result<Figure, Fault> {
    let [x, y] = view.names();
    let (width, height) = view.window.fit((440, 440));
    let pitch = LEFT + width + 24;
    let svg = draw((2 * pitch, TITLE + height + BOTTOM), "Data and samples", |canvas| {
        let mut scatter = |left: i32, title: &str, rows: Rows<'_>, colour| {
            let plot = Rect { x: left, y: TITLE, width, height };
            let mut plot = canvas.panel(&Panel::new(plot, view.window).named(x, y).titled(title))?;
            plot.dots(thinned(rows.plane(0, 1), MOST_BESIDE).into_iter().map(|p| (p, colour)), 1.4, 0.5)
        };
        scatter(LEFT, "data", view.data, DATA)?;
        scatter(pitch + LEFT, "samples of the model", view.samples, SAMPLES)
    })?;
    let caption = format!(
        "Left: the data ({}). Right: samples drawn from the model ({}). Both panels have the same axes.{}",
        rows(view.data),
        rows(view.samples),
        outside(view),
    );
    let keys = vec![Key::new("dot", DATA, "data"), Key::new("dot", SAMPLES, "samples")];
    Ok(Figure { title: "Samples".to_owned(), keys, svg, caption })
}

fn rows(rows: Rows<'_>) -> String {
    shown(thinned(rows.plane(0, 1), MOST_BESIDE).len(), rows.len())
}
