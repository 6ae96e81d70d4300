//! Data of more than two columns: all pairwise marginals.

use super::canvas::{BOTTOM, Canvas, Fault, LEFT, Panel, Rect, Side, draw};
use super::colour::{DATA, Ramp, SAMPLES};
use super::html::{Figure, Key};
use super::line::{column_bars, heights};
use super::rows::{Rows, histogram_2d};
use super::span::{Span, Window};
use super::view::{View, shorten, shown};

const MOST_COLUMNS: usize = 6;
const GAP: i32 = 16;

/// Histograms of one column on the diagonal, of two columns off it: data below, samples above.
pub(super) fn figure(view: &View<'_>) -> Result<Figure, Fault> {
    let columns = view.dims().min(MOST_COLUMNS);
    let spans: Vec<Span> = (0..columns).map(|j| Span::of(view.data.column(j).into_iter())).collect();
    let cell = ((1080 - 2 * LEFT) / columns as i32 - GAP).min(260);
    let side = columns as i32 * (cell + GAP) - GAP;
    let matrix = Matrix { view, spans, cell };
    let svg = draw((side + 2 * LEFT, 8 + side + BOTTOM), "Pairwise marginals", |canvas| {
        for row in 0..columns {
            for column in 0..columns {
                matrix.cell(canvas, row, column)?;
            }
        }
        Ok(())
    })?;
    let which = if columns < view.dims() {
        format!(" The first {columns} of {} columns are shown.", view.dims())
    } else {
        String::new()
    };
    let caption = format!(
        "Diagonal: each column's distribution in the data ({}) and in samples of the model ({}). Below it: \
         two-column histograms of the data; above it: of the samples, mirrored, on the same colour scale; \
         darker is more probable.{which}",
        shown(view.data.len(), view.data.len()),
        shown(view.samples.len(), view.samples.len()),
    );
    let keys = vec![Key::new("bar", DATA, "data"), Key::new("line", SAMPLES, "samples")];
    Ok(Figure { title: "Pairwise marginals".to_owned(), keys, svg, caption })
}

struct Matrix<'a> {
    view: &'a View<'a>,
    spans: Vec<Span>,
    cell: i32,
}

impl Matrix<'_> {
    fn cell(&self, canvas: &mut Canvas<'_>, row: usize, column: usize) -> Result<(), Fault> {
        let pitch = self.cell + GAP;
        let plot = Rect {
            x: LEFT + column as i32 * pitch,
            y: 8 + row as i32 * pitch,
            width: self.cell,
            height: self.cell,
        };
        if row == column { self.marginal(canvas, plot, row) } else { self.joint(canvas, plot, row, column) }
    }

    fn marginal(&self, canvas: &mut Canvas<'_>, plot: Rect, j: usize) -> Result<(), Fault> {
        let bars = |rows: Rows<'_>| column_bars(&rows.column(j), self.spans[j]);
        let (data, samples) = (bars(self.view.data), bars(self.view.samples));
        let window = Window { x: self.spans[j], y: heights(data.iter().chain(&samples).copied()) };
        let name = self.name(j);
        let last = j + 1 == self.spans.len();
        let panel = Panel { x_name: last.then_some(&name), grid: false, ..Panel::new(plot, window) };
        let mut plot = canvas.panel(&panel)?;
        plot.bars(&data, DATA)?;
        plot.steps(&samples, SAMPLES)
    }

    fn joint(&self, canvas: &mut Canvas<'_>, plot: Rect, row: usize, column: usize) -> Result<(), Fault> {
        let window = Window { x: self.spans[column], y: self.spans[row] };
        let points = |rows: Rows<'_>| rows.plane(column, row).collect::<Vec<_>>();
        let (data, samples) = (points(self.view.data), points(self.view.samples));
        let bins = (4.0 * (data.len().max(samples.len()) as f64).powf(0.25)).clamp(8.0, 44.0) as usize;
        let (data, samples) = (histogram_2d(&data, window, bins), histogram_2d(&samples, window, bins));
        let peak = data.iter().chain(&samples).copied().fold(0.0, f64::max);
        let (heights, colour) = if row > column { (data, DATA) } else { (samples, SAMPLES) };
        // An empty cell is left white, not painted in the palest colour.
        let shares: Vec<f64> = heights.iter().map(|h| if *h > 0.0 { h / peak } else { f64::NAN }).collect();
        canvas.bitmap(plot, &shares, bins, &Ramp::tint(colour), false);

        let (x_name, y_name) = (self.name(column), self.name(row));
        let last = self.spans.len() - 1;
        // The first row begins with a histogram, whose height is no coordinate: its axis stands at the far
        // end.
        let outer = if row == 0 { column == last } else { column == 0 };
        canvas.panel(&Panel {
            x_name: (row == last).then_some(&x_name),
            y_name: outer.then_some(&y_name),
            y_side: if row == 0 { Side::Right } else { Side::Left },
            grid: false,
            ..Panel::new(plot, window)
        })?;
        Ok(())
    }

    fn name(&self, column: usize) -> String {
        shorten(self.view.name(column), (self.cell / 8) as usize)
    }
}
