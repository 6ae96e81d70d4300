//! Lines over an axis, as SVG.

use plotters::chart::ChartBuilder;
use plotters::element::{Circle, PathElement};
use plotters::prelude::{Color, IntoDrawingArea, IntoFont, RGBColor, SVGBackend};
use plotters::style::ShapeStyle;

use crate::Result;
use crate::page::escape;

const SIZE: (u32, u32) = (860, 380);
const COLOURS: [RGBColor; 5] = [
    RGBColor(31, 119, 180),
    RGBColor(214, 80, 30),
    RGBColor(44, 140, 60),
    RGBColor(130, 90, 170),
    RGBColor(120, 120, 120),
];

/// A line by its points, with a name.
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) points: Vec<[f64; 2]>,
}

impl Line {
    pub(crate) fn new(name: &str, points: impl IntoIterator<Item = [f64; 2]>) -> Self {
        Line { name: name.to_owned(), points: points.into_iter().collect() }
    }
}

/// Some lines over the same axes.
pub(crate) struct Chart {
    pub(crate) x: &'static str,
    pub(crate) y: &'static str,
    /// Which axes are logarithmic.
    pub(crate) log: [bool; 2],
    pub(crate) lines: Vec<Line>,
}

impl Chart {
    /// The figure with its key, as HTML.
    pub(crate) fn figure(&self) -> Result<String> {
        let keys: String =
            self.lines.iter().zip(COLOURS.iter().cycle()).fold(String::new(), |keys, (line, c)| {
                let RGBColor(r, g, b) = c;
                keys + &format!(
                    "<span class=\"key\" style=\"color:rgb({r},{g},{b})\">&#9679; {}</span>",
                    escape(&line.name)
                )
            });
        Ok(format!("<figure>\n<p>{keys}</p>\n{}</figure>\n", self.svg()?))
    }

    fn svg(&self) -> Result<String> {
        let place = |axis: usize, x: f64| if self.log[axis] { x.log10() } else { x };
        let lines: Vec<Vec<(f64, f64)>> = self
            .lines
            .iter()
            .map(|line| {
                let points = line.points.iter().map(|p| (place(0, p[0]), place(1, p[1])));
                points.filter(|(x, y)| x.is_finite() && y.is_finite()).collect()
            })
            .collect();
        let span = |pick: fn(&(f64, f64)) -> f64| {
            let values = || lines.iter().flatten().map(pick);
            let (low, high) =
                (values().fold(f64::INFINITY, f64::min), values().fold(-f64::INFINITY, f64::max));
            let margin = 0.05 * (high - low).max(1e-9);
            low - margin..high + margin
        };
        let label = |axis: usize| move |x: &f64| short(if self.log[axis] { 10_f64.powf(*x) } else { *x });
        let mut svg = String::new();
        {
            let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
            let mut builder = ChartBuilder::on(&area);
            builder.margin(10).x_label_area_size(44).y_label_area_size(70);
            let mut chart = builder.build_cartesian_2d(span(|p| p.0), span(|p| p.1))?;
            chart
                .configure_mesh()
                .x_desc(self.x)
                .y_desc(self.y)
                .x_label_formatter(&label(0))
                .y_label_formatter(&label(1))
                .label_style(("sans-serif", 15).into_font())
                .draw()?;
            for (points, &colour) in lines.iter().zip(COLOURS.iter().cycle()) {
                let stroke = ShapeStyle::from(colour).stroke_width(2);
                chart.plotting_area().draw(&PathElement::new(points.clone(), stroke))?;
                chart.draw_series(points.iter().map(|&p| Circle::new(p, 3, colour.filled())))?;
            }
            area.present()?;
        }
        Ok(svg)
    }
}

/// A number in few characters.
fn short(x: f64) -> String {
    if x == 0.0 || (0.01..10_000.0).contains(&x.abs()) {
        let text = format!("{x:.3}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        format!("{x:.1e}")
    }
}
