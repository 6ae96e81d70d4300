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

/// The indices of at most `most` of `count` items, increasing: one from each of `most` equal stretches, at a
/// scrambled place, since a fixed stride could fall into step with data that cycle through their modes.
pub(super) fn chosen(count: usize, most: usize) -> Vec<usize> {
    let most = most.min(count);
    let place = |k: usize| {
        let (start, end) = (k * count / most, (k + 1) * count / most);
        start + (scramble(k as u64) % (end - start) as u64) as usize
    };
    (0..most).map(place).collect()
}

/// The finaliser of `SplitMix64` (Steele, Lea, Flood 2014): neighbours get unrelated bits.
fn scramble(k: u64) -> u64 {
    let z = k.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ z >> 31
}

/// At most `most` of the points, evenly drawn from all of them.
pub(super) fn thinned<T: Copy>(points: impl Iterator<Item = T>, most: usize) -> Vec<T> {
    let all: Vec<T> = points.collect();
    chosen(all.len(), most).into_iter().map(|k| all[k]).collect()
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
