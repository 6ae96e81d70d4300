//! The flow at work: the same points at several times between base and data.

use plotters::style::RGBColor;

use super::Frame;
use super::canvas::{BOTTOM, Canvas, Fault, LEFT, Panel, Rect, TITLE, draw};
use super::colour::{Ramp, SAMPLES};
use super::html::{Figure, Key};
use super::line::{bars, heights};
use super::rows::{Rows, chosen};
use super::span::{Span, Window, plottable};
use super::view::{View, shorten};

const MOST_FRAMES: usize = 6;
const MOST_POINTS: usize = 600;
const GAP: i32 = 16;

/// A row of frames.
pub(super) fn figure(view: &View<'_>, frames: &[Frame]) -> Result<Figure, Fault> {
    let dims = view.dims();
    let frames = spread(frames);
    let rows: Vec<Rows<'_>> = frames.iter().map(|f| Rows::new(&f.points, dims)).collect();
    let window = Window::of(rows.iter().flat_map(|r| r.leading()));
    let count = frames.len() as i32;
    let most = ((1080 - LEFT - 8) / count - GAP).min(300);
    let (width, height) = if dims == 1 { (most, 170) } else { window.fit((most, 320)) };
    let size = (LEFT + count * (width + GAP), TITLE + height + BOTTOM);
    let svg = draw(size, "The flow's path", |canvas| {
        let plot = |k: i32| Rect { x: LEFT + k * (width + GAP), y: TITLE, width, height };
        let titles: Vec<String> = frames.iter().map(|f| title(f.t)).collect();
        let panels = (0..).map(plot).zip(titles.iter().map(String::as_str)).zip(rows.iter().copied());
        if dims == 1 {
            histograms(canvas, view, window.x, panels.collect())
        } else {
            scatters(canvas, view, window, panels.collect())
        }
    })?;
    let keys = if dims == 1 { vec![Key::new("bar", SAMPLES, "points of the flow")] } else { start_keys() };
    let caption = caption(view, rows.first().map_or(0, |r| r.len()));
    Ok(Figure { title: "Path of the flow".to_owned(), keys, svg, caption })
}

fn caption(view: &View<'_>, points: usize) -> String {
    let base = "The flow carries points of the base density at t = 0 to the data's density at t = 1.";
    let first = view.name(0);
    match view.dims() {
        1 => format!("{base} Each panel is a histogram of the same {points} points."),
        2 => format!("{base} Each dot keeps its colour, given by where it starts along {first}."),
        _ => format!(
            "{base} The first two columns are shown; each dot keeps its colour, given by where it starts \
             along {first}."
        ),
    }
}

fn start_keys() -> Vec<Key> {
    let ramp = Ramp::density();
    let key = |(share, text)| Key::new("dot", ramp.at(share), text);
    [(0.0, "starts low"), (0.5 * REACH, "starts in the middle"), (REACH, "starts high")].map(key).into()
}

type Placed<'a> = Vec<((Rect, &'a str), Rows<'a>)>;

fn scatters(
    canvas: &mut Canvas<'_>,
    view: &View<'_>,
    window: Window,
    panels: Placed<'_>,
) -> Result<(), Fault> {
    let [x, y] = view.names().map(|n| shorten(n, 20));
    let colours = colours(panels.first().map(|(_, rows)| *rows));
    let followed = chosen(colours.len(), MOST_POINTS);
    for (k, ((plot, title), rows)) in panels.into_iter().enumerate() {
        let y_name = (k == 0).then_some(y.as_str());
        let panel = Panel { x_name: Some(&x), y_name, title, ..Panel::new(plot, window) };
        let points: Vec<_> = rows.all().zip(colours.iter().copied()).collect();
        canvas.panel(&panel)?.dots(followed.iter().map(|i| points[*i]), 1.3, 0.75)?;
    }
    Ok(())
}

fn histograms(canvas: &mut Canvas<'_>, view: &View<'_>, x: Span, panels: Placed<'_>) -> Result<(), Fault> {
    let name = shorten(view.name(0), 20);
    let all: Vec<Vec<f64>> = panels.iter().map(|(_, rows)| bars(*rows, x)).collect();
    let window = Window { x, y: heights(all.iter().flatten().copied()) };
    for (k, (((plot, title), _), bars)) in panels.into_iter().zip(all).enumerate() {
        let y_name = (k == 0).then_some("probability per unit");
        let panel = Panel { x_name: Some(&name), y_name, title, ..Panel::new(plot, window) };
        canvas.panel(&panel)?.bars(&bars, SAMPLES)?;
    }
    Ok(())
}

/// The lightest yellow cannot be seen on white: dots use the ramp up to here.
const REACH: f64 = 0.85;

/// A colour a point, by the rank of its first coordinate in the first frame.
fn colours(first: Option<Rows<'_>>) -> Vec<RGBColor> {
    let starts: Vec<f64> = first.map_or_else(Vec::new, |rows| rows.all().map(|p| p.0).collect());
    let mut order: Vec<usize> = (0..starts.len()).collect();
    order.sort_unstable_by(|a, b| starts[*a].total_cmp(&starts[*b]));
    let ramp = Ramp::density();
    let mut colours = vec![ramp.at(0.0); starts.len()];
    for (rank, index) in order.into_iter().enumerate() {
        colours[index] = ramp.at(REACH * rank as f64 / starts.len() as f64);
    }
    colours
}

/// At most six frames, the first and the last among them.
fn spread(frames: &[Frame]) -> Vec<&Frame> {
    let count = frames.len().min(MOST_FRAMES);
    (0..count).map(|k| &frames[k * (frames.len() - 1) / (count - 1).max(1)]).collect()
}

fn title(t: f64) -> String {
    match t {
        0.0 => "t = 0 (base)".to_owned(),
        1.0 => "t = 1 (data)".to_owned(),
        t if plottable(t) => format!("t = {t:.2}"),
        t => format!("t = {t}"),
    }
}
