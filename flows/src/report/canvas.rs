//! What all figures share: an SVG drawing, panels with ticks and names, dots, lines and bitmaps.

use std::fmt::Write as _;
use std::io;

use plotters::coord::ranged1d::{Ranged, ValueFormatter};
use plotters::coord::{Shift, cartesian::Cartesian2d};
use plotters::element::{Circle, PathElement, Rectangle};
use plotters::prelude::{
    ChartBuilder, ChartContext, Color, DrawingArea, DrawingAreaErrorKind, FontTransform, IntoDrawingArea,
    IntoFont, RGBColor, SVGBackend, ShapeStyle, TextStyle,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::colour::{GRID, INK, RULE, Ramp};
use super::html::escape;
use super::png::heat_uri;
use super::scale::Scale;
use super::span::{Span, Window};

pub(super) type Fault = DrawingAreaErrorKind<io::Error>;

/// Drawing units in a CSS pixel. The backend rounds to whole units; quarter pixels keep dots and lines in
/// place.
const UNIT: i32 = 4;
const TEXT: i32 = 12;

/// A rectangle in CSS pixels from the figure's upper left corner.
#[derive(Clone, Copy)]
pub(super) struct Rect {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) width: i32,
    pub(super) height: i32,
}

/// A figure being drawn: vector shapes over bitmaps.
pub(super) struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
    bitmaps: String,
}

/// Draws a figure of `size` CSS pixels and returns its SVG element; `label` says to screen readers what it
/// is.
pub(super) fn draw(
    size: (i32, i32),
    label: &str,
    paint: impl FnOnce(&mut Canvas<'_>) -> Result<(), Fault>,
) -> Result<String, Fault> {
    let (width, height) = size;
    let mut shapes = String::new();
    let bitmaps = {
        let area = SVGBackend::with_string(&mut shapes, units(size)).into_drawing_area();
        let mut canvas = Canvas { area, bitmaps: String::new() };
        paint(&mut canvas)?;
        canvas.area.present()?;
        canvas.bitmaps
    };
    Ok(format!(
        "<svg class=\"plot\" role=\"img\" aria-label=\"{}\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {} {}\" xmlns=\"http://www.w3.org/2000/svg\">\n{bitmaps}{shapes}</svg>\n",
        escape(label),
        width * UNIT,
        height * UNIT,
    ))
}

/// Where a panel writes the numbers and the name of its y axis.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Side {
    Left,
    Right,
}

/// A pair of axes around a plot area.
pub(super) struct Panel<'a> {
    /// The plot area; numbers and names stand outside it.
    pub(super) plot: Rect,
    pub(super) window: Window,
    pub(super) title: &'a str,
    /// `None` leaves out numbers and name.
    pub(super) x_name: Option<&'a str>,
    /// `None` leaves out numbers and name.
    pub(super) y_name: Option<&'a str>,
    pub(super) y_side: Side,
    /// The least distance of x's ticks: 1 for whole numbers.
    pub(super) x_step: f64,
    pub(super) grid: bool,
}

impl<'a> Panel<'a> {
    /// A panel with a grid, and its y axis at the left.
    pub(super) fn new(plot: Rect, window: Window) -> Self {
        let (x_name, y_name) = (None, None);
        Self { plot, window, title: "", x_name, y_name, y_side: Side::Left, x_step: 0.0, grid: true }
    }

    pub(super) fn named(self, x_name: &'a str, y_name: &'a str) -> Self {
        Self { x_name: Some(x_name), y_name: Some(y_name), ..self }
    }

    pub(super) fn titled(self, title: &'a str) -> Self {
        Self { title, ..self }
    }

    fn y_scale(&self) -> Scale {
        Scale::fitting(self.window.y, 6, self.plot.height, 0.0, |_| 15)
    }
}

/// Space for the numbers and the name of an axis, in CSS pixels.
pub(super) const LEFT: i32 = 64;
pub(super) const BOTTOM: i32 = 44;
pub(super) const TITLE: i32 = 26;

/// The plot area of a drawn panel.
pub(super) struct Plot<'a, 'b> {
    chart: ChartContext<'a, SVGBackend<'b>, Cartesian2d<Scale, Scale>>,
    window: Window,
}

impl<'b> Canvas<'b> {
    /// Draws axes, grid, names and title.
    pub(super) fn panel(&mut self, panel: &Panel<'_>) -> Result<Plot<'_, 'b>, Fault> {
        let Panel { plot, window, .. } = *panel;
        let below = if panel.x_name.is_some() { BOTTOM } else { 0 };
        let left = if panel.y_name.is_some() && panel.y_side == Side::Left { LEFT } else { 0 };
        let origin = ((plot.x - left) * UNIT, plot.y * UNIT);
        let area = self.area.clone().shrink(origin, units((left + plot.width, plot.height + below)));
        let width = |label: &str| 7 * label.chars().count() as i32;
        let x = Scale::fitting(window.x, 10, plot.width, panel.x_step, width);
        let y = panel.y_scale();
        let mut chart = ChartBuilder::on(&area)
            .x_label_area_size(below * UNIT)
            .y_label_area_size(left * UNIT)
            .build_cartesian_2d(x, y)?;
        let mut mesh = chart.configure_mesh();
        mesh.axis_style(stroke(RULE, 1.0))
            .bold_line_style(stroke(GRID, 1.0))
            .label_style(text(TEXT))
            .axis_desc_style(text(TEXT + 1))
            .set_all_tick_mark_size(4 * UNIT)
            .x_desc(panel.x_name.unwrap_or_default())
            .y_desc(panel.y_name.unwrap_or_default());
        if !panel.grid {
            mesh.disable_mesh();
        }
        mesh.draw()?;
        self.frame(plot)?;
        self.title(panel)?;
        if panel.y_side == Side::Right {
            self.right_axis(panel)?;
        }
        Ok(Plot { chart, window })
    }

    /// The library sets a right axis by a guess of its labels' widths; this one needs none.
    fn right_axis(&self, panel: &Panel<'_>) -> Result<(), Fault> {
        let Some(name) = panel.y_name else { return Ok(()) };
        let (plot, scale) = (panel.plot, panel.y_scale());
        let (edge, bottom) = ((plot.x + plot.width) * UNIT, (plot.y + plot.height) * UNIT);
        let style = text(TEXT).pos(Pos::new(HPos::Left, VPos::Center));
        for tick in scale.key_points(0) {
            let y = scale.map(&tick, (bottom, plot.y * UNIT));
            self.area.draw(&PathElement::new([(edge, y), (edge + 4 * UNIT, y)], stroke(RULE, 1.0)))?;
            self.area.draw_text(&scale.format_ext(&tick), &style, (edge + 7 * UNIT, y))?;
        }
        let middle = (edge + (LEFT - 4) * UNIT, bottom - plot.height * UNIT / 2);
        let style =
            text(TEXT + 1).pos(Pos::new(HPos::Center, VPos::Bottom)).transform(FontTransform::Rotate270);
        self.area.draw_text(name, &style, middle)
    }

    fn title(&self, panel: &Panel<'_>) -> Result<(), Fault> {
        let style = text(TEXT + 1).pos(Pos::new(HPos::Center, VPos::Bottom));
        let middle = (panel.plot.x + panel.plot.width / 2) * UNIT;
        self.area.draw_text(panel.title, &style, (middle, (panel.plot.y - 4) * UNIT))
    }

    fn frame(&self, plot: Rect) -> Result<(), Fault> {
        let (left, top) = (plot.x * UNIT, plot.y * UNIT);
        let (right, bottom) = (left + plot.width * UNIT, top + plot.height * UNIT);
        // A path, since the backend draws rectangles with hairlines only.
        let corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)];
        self.area.draw(&PathElement::new(corners, stroke(RULE, 1.0)))
    }

    /// Puts a bitmap under the shapes: `shares` of the ramp, `columns` wide, from the lower left corner.
    /// `smooth` blends neighbours, else each cell keeps its edges.
    pub(super) fn bitmap(&mut self, at: Rect, shares: &[f64], columns: usize, ramp: &Ramp, smooth: bool) {
        let rendering = if smooth { "auto" } else { "pixelated" };
        // Writing to a String cannot fail.
        let _ = writeln!(
            self.bitmaps,
            "<image x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" preserveAspectRatio=\"none\" \
             style=\"image-rendering:{rendering}\" href=\"{}\"/>",
            at.x * UNIT,
            at.y * UNIT,
            at.width * UNIT,
            at.height * UNIT,
            heat_uri(shares, columns, ramp),
        );
    }
}

impl Plot<'_, '_> {
    /// Dots of `radius` CSS pixels; those outside the window are left out.
    pub(super) fn dots(
        &mut self,
        points: impl IntoIterator<Item = ((f64, f64), RGBColor)>,
        radius: f64,
        opacity: f64,
    ) -> Result<(), Fault> {
        let size = (radius * f64::from(UNIT)).round() as i32;
        let window = self.window;
        let inside = points.into_iter().filter(|(point, _)| window.contains(*point));
        self.chart.draw_series(inside.map(|(p, c)| Circle::new(p, size, c.mix(opacity).filled()))).map(|_| ())
    }

    /// A line of `width` CSS pixels through points, held within the window.
    pub(super) fn line(
        &mut self,
        points: impl IntoIterator<Item = (f64, f64)>,
        colour: RGBColor,
        width: f64,
    ) -> Result<(), Fault> {
        let window = self.window;
        let path: Vec<_> = points.into_iter().map(|(x, y)| (window.x.clamp(x), window.y.clamp(y))).collect();
        self.chart.plotting_area().draw(&PathElement::new(path, stroke(colour, width)))
    }

    /// A dashed horizontal line over the whole width.
    pub(super) fn dashes(&mut self, y: f64, colour: RGBColor) -> Result<(), Fault> {
        let Span { low, high } = self.window.x;
        let dashes = f64::from(self.chart.plotting_area().dim_in_pixel().0) / f64::from(10 * UNIT);
        let step = (high - low) / dashes;
        for k in 0..dashes as usize {
            let start = low + k as f64 * step;
            self.line([(start, y), (start + 0.6 * step, y)], colour, 1.3)?;
        }
        Ok(())
    }

    /// A circle's outline that marks one point.
    pub(super) fn mark(&mut self, point: (f64, f64), colour: RGBColor) -> Result<(), Fault> {
        self.chart.draw_series([Circle::new(point, 5 * UNIT, stroke(colour, 1.6))]).map(|_| ())
    }

    /// Bars over equal bins of the x axis.
    pub(super) fn bars(&mut self, heights: &[f64], colour: RGBColor) -> Result<(), Fault> {
        let Window { x, y } = self.window;
        let edge = |k: usize| x.low + x.length() * k as f64 / heights.len() as f64;
        let bar = |(k, h): (usize, &f64)| {
            Rectangle::new([(edge(k), 0.0), (edge(k + 1), y.clamp(*h))], colour.mix(0.35).filled())
        };
        self.chart.draw_series(heights.iter().enumerate().filter(|(_, h)| **h > 0.0).map(bar)).map(|_| ())
    }

    /// The outline of such bars.
    pub(super) fn steps(&mut self, heights: &[f64], colour: RGBColor) -> Result<(), Fault> {
        let x = self.window.x;
        let edge = |k: usize| x.low + x.length() * k as f64 / heights.len() as f64;
        let outline = heights.iter().enumerate().flat_map(|(k, h)| [(edge(k), *h), (edge(k + 1), *h)]);
        self.line(outline, colour, 1.6)
    }
}

fn units((width, height): (i32, i32)) -> (u32, u32) {
    let scaled = |length: i32| (length * UNIT).max(0) as u32;
    (scaled(width), scaled(height))
}

fn stroke(colour: RGBColor, width: f64) -> ShapeStyle {
    ShapeStyle::from(colour).stroke_width((width * f64::from(UNIT)).round() as u32)
}

/// Text of `size` CSS pixels; the backend divides font sizes by 1.24.
fn text(size: i32) -> TextStyle<'static> {
    ("sans-serif", f64::from(size * UNIT) * 1.24).into_font().color(&INK)
}
