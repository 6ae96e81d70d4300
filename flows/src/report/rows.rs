use super::span::{Span, Window, plottable};

/// Row-major points, borrowed. What cannot be drawn (NaN, infinities) is skipped by every view.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    values: &'a [f64],
    dims: usize,
}

impl<'a> Rows<'a> {
    pub(super) fn new(values: &'a [f64], dims: usize) -> Self {
        Self { values, dims: dims.max(1) }
    }

    pub(super) fn len(self) -> usize {
        self.values.len() / self.dims
    }

    pub(super) fn column(self, j: usize) -> Vec<f64> {
        self.values.chunks_exact(self.dims).map(|row| row[j]).filter(|v| plottable(*v)).collect()
    }

    /// Two columns side by side.
    pub(super) fn plane(self, i: usize, j: usize) -> impl Iterator<Item = (f64, f64)> + 'a {
        let rows = self.values.chunks_exact(self.dims);
        rows.map(move |row| (row[i], row[j])).filter(|(x, y)| plottable(*x) && plottable(*y))
    }

    /// The first two columns; a single column is paired with itself.
    pub(super) fn leading(self) -> impl Iterator<Item = (f64, f64)> + 'a {
        self.all().filter(|(x, y)| plottable(*x) && plottable(*y))
    }

    /// The first two columns of *every* row, so that the k-th is row k.
    pub(super) fn all(self) -> impl Iterator<Item = (f64, f64)> + 'a {
        let second = 1.min(self.dims - 1);
        self.values.chunks_exact(self.dims).map(move |row| (row[0], row[second]))
    }
}

/// Whether item `index` of `count` belongs to a subset of about `most`.
///
/// Multiples of the golden ratio are equidistributed within every residue class, so unlike a fixed stride this
/// cannot fall into step with data that cycle through their modes.
pub(super) fn kept(index: usize, count: usize, most: usize) -> bool {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    (index as f64 * GOLDEN).fract() * (count as f64) < most as f64
}

/// At most `most` of the points, evenly drawn from all of them.
pub(super) fn thinned<T>(points: impl Iterator<Item = T>, most: usize) -> Vec<T> {
    let all: Vec<T> = points.collect();
    let count = all.len();
    all.into_iter().enumerate().filter(|(i, _)| kept(*i, count, most)).map(|(_, p)| p).take(most).collect()
}

/// A histogram as a density: its area over all values, those outside `span` included, is 1.
pub(super) fn histogram(values: &[f64], span: Span, bins: usize) -> Vec<f64> {
    let mut heights = vec![0.0; bins];
    let share = bins as f64 / (values.len() as f64 * span.length());
    for bin in values.iter().filter_map(|v| span.bin(*v, bins)) {
        heights[bin] += share;
    }
    heights
}

/// A 2-D histogram as a density over `window`, `bins` by `bins`, x running fastest.
pub(super) fn histogram_2d(points: &[(f64, f64)], window: Window, bins: usize) -> Vec<f64> {
    let mut heights = vec![0.0; bins * bins];
    let cell = window.x.length() * window.y.length() / (bins * bins) as f64;
    for (x, y) in points {
        if let (Some(i), Some(j)) = (window.x.bin(*x, bins), window.y.bin(*y, bins)) {
            heights[j * bins + i] += 1.0 / (points.len() as f64 * cell);
        }
    }
    heights
}
