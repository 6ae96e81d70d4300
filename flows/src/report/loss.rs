use plotters::style::RGBColor;

use super::canvas::{BOTTOM, Fault, LEFT, Panel, Plot, Rect, draw};
use super::colour::{INK, TRAIN, VALID};
use super::html::{Figure, Key};
use super::rows::thinned;
use super::span::{Span, Window, plottable, quantile};
use super::{Epoch, Report};

const MOST_EPOCHS: usize = 2000;

/// The negative log-likelihood by epoch.
pub(super) fn figure(report: &Report) -> Result<Figure, Fault> {
    let Report { losses, entropy_floor, .. } = report;
    let floor = entropy_floor.filter(|f| plottable(*f));
    let best = best(losses);
    let (window, clipped) = window(losses, floor);
    let drawn = thinned(losses.iter().copied(), MOST_EPOCHS);
    let plot = Rect { x: LEFT, y: 8, width: 1000, height: 300 };
    let size = (plot.x + plot.width + 16, plot.y + plot.height + BOTTOM);
    let svg = draw(size, "Loss by epoch", |canvas| {
        let panel = Panel { x_step: 1.0, ..Panel::new(plot, window) };
        let panel = panel.named("epoch", "negative log-likelihood (nats)");
        let mut plot = canvas.panel(&panel)?;
        if let Some(floor) = floor {
            plot.dashes(floor, INK)?;
        }
        curve(&mut plot, &drawn, |e| e.train, TRAIN)?;
        curve(&mut plot, &drawn, |e| e.valid, VALID)?;
        best.map_or(Ok(()), |e| plot.mark((e.epoch as f64, e.valid), VALID))
    })?;

    let mut keys = vec![Key::new("line", TRAIN, "training"), Key::new("line", VALID, "validation")];
    keys.extend(best.map(|e| {
        Key::new("ring", VALID, format!("best validation: {:.4} nats at epoch {}", e.valid, e.epoch))
    }));
    keys.extend(floor.map(|f| Key::new("dash", INK, format!("entropy of the data: {f:.4} nats"))));
    Ok(Figure { title: "Loss".to_owned(), keys, svg, caption: caption(losses, floor, clipped) })
}

fn caption(losses: &[Epoch], floor: Option<f64>, clipped: bool) -> String {
    if losses.is_empty() {
        return "No epoch was completed, so there is no loss to show.".to_owned();
    }
    let mut text =
        "Mean negative log-likelihood per example after each epoch, on the rows trained on and on the \
                    rows held out; lower is better."
            .to_owned();
    if floor.is_some() {
        text += " On fresh data no model's mean can lie below the dashed line, the entropy of the data.";
    }
    if clipped {
        text += " Values above the axis are drawn at its upper end.";
    }
    if losses.iter().any(|e| !plottable(e.train) || !plottable(e.valid)) {
        text += " A line is broken where the loss is not finite.";
    }
    text
}

fn best(losses: &[Epoch]) -> Option<&Epoch> {
    losses.iter().filter(|e| plottable(e.valid)).min_by(|a, b| a.valid.total_cmp(&b.valid))
}

/// The axes, and whether some losses lie above them: a first epoch far off must not flatten all others.
fn window(losses: &[Epoch], floor: Option<f64>) -> (Window, bool) {
    let epochs = losses.iter().map(|e| e.epoch);
    let x = Span::new(epochs.clone().min().unwrap_or(0) as f64, epochs.max().unwrap_or(1) as f64);
    let mut values: Vec<f64> = losses.iter().flat_map(|e| [e.train, e.valid]).chain(floor).collect();
    values.retain(|v| plottable(*v));
    values.sort_unstable_by(f64::total_cmp);
    let (Some(low), Some(bulk), Some(top)) =
        (values.first().copied(), quantile(&values, 0.95), values.last().copied())
    else {
        return (Window { x, y: Span::new(0.0, 1.0) }, false);
    };
    let clipped = top - low > 3.0 * (bulk - low) && bulk > low;
    let high = if clipped { bulk + 0.5 * (bulk - low) } else { top };
    let margin = 0.06 * (high - low);
    (Window { x, y: Span::new(low - margin, high + margin) }, clipped)
}

/// One loss over the epochs, broken where it is not finite.
fn curve(
    plot: &mut Plot<'_, '_>,
    losses: &[Epoch],
    loss: impl Fn(&Epoch) -> f64,
    colour: RGBColor,
) -> Result<(), Fault> {
    for run in losses.split(|e| !plottable(loss(e))) {
        let points = run.iter().map(|e| (e.epoch as f64, loss(e)));
        match run {
            [] => {}
            [_] => plot.dots(points.map(|p| (p, colour)), 2.5, 1.0)?,
            _ => plot.line(points, colour, 1.8)?,
        }
    }
    Ok(())
}
