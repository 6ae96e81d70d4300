use super::Report;
use super::rows::Rows;
use super::span::{Span, Window};

/// What the figures of data and samples have in common.
pub(super) struct View<'a> {
    pub(super) data: Rows<'a>,
    pub(super) samples: Rows<'a>,
    /// The axes of the first two columns: the density's grid where there is one, else around the data.
    pub(super) window: Window,
    names: Vec<String>,
}

impl<'a> View<'a> {
    pub(super) fn of(report: &'a Report) -> Self {
        let dims = report.names.len();
        let (data, samples) = (Rows::new(&report.data, dims), Rows::new(&report.samples, dims));
        let around = Window::of(if data.leading().next().is_some() { data } else { samples }.leading());
        let axes = report.density.as_ref().map_or(&[][..], |d| &d.axes);
        let span = |k: usize| axes.get(k).map(|a| Span::new(a.low, a.high));
        let window = Window { x: span(0).unwrap_or(around.x), y: span(1).unwrap_or(around.y) };
        Self { data, samples, window, names: report.names.iter().map(|n| shorten(n, 32)).collect() }
    }

    pub(super) fn dims(&self) -> usize {
        self.names.len()
    }

    pub(super) fn name(&self, column: usize) -> &str {
        &self.names[column]
    }

    /// The names of the first two columns.
    pub(super) fn names(&self) -> [&str; 2] {
        [self.name(0), self.name(1.min(self.dims() - 1))]
    }
}

/// At most `most` characters of a name, so that it stays beside its axis.
pub(super) fn shorten(name: &str, most: usize) -> String {
    let clean = name.chars().map(|c| if c.is_control() { ' ' } else { c });
    if name.chars().count() <= most {
        clean.collect()
    } else {
        clean.take(most.saturating_sub(1)).chain(['\u{2026}']).collect()
    }
}

/// How many of some rows a picture shows, in words.
pub(super) fn shown(count: usize, all: usize) -> String {
    match (count, all) {
        (1, 1) => "1 row".to_owned(),
        _ if count == all => format!("{all} rows"),
        _ => format!("{count} of {all} rows"),
    }
}

/// A sentence on the rows that lie beyond the axes or are not finite; empty if there are none.
pub(super) fn outside(view: &View<'_>) -> String {
    let missing = |rows: Rows<'_>| rows.len() - rows.leading().filter(|p| view.window.contains(*p)).count();
    match (missing(view.data), missing(view.samples)) {
        (0, 0) => String::new(),
        (data, samples) => {
            format!(" Beyond the axes or not finite: {data} rows of the data, {samples} of the samples.")
        }
    }
}
