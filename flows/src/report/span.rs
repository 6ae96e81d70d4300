/// Whether a value can be placed on an axis: finite, and far enough from overflow that lengths stay finite.
pub(super) fn plottable(value: f64) -> bool {
    value.abs() < 1e150
}

/// A closed interval of an axis. Always longer than rounding, so that it can be divided into ticks and bins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Span {
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Span {
    /// The shortest drawable interval around `low..high`.
    pub(super) fn new(low: f64, high: f64) -> Self {
        let size = low.abs().max(high.abs());
        let pad = if high - low > (1e-9 * size).max(1e-150) { 0.0 } else { (0.1 * size).max(0.5) };
        Self { low: low - pad, high: high + pad }
    }

    /// Covers the middle 99 % of the values and 15 % of that length on either side: all of any well-behaved
    /// sample, while a few far outliers cannot shrink the rest to a point.
    pub(super) fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = values.filter(|v| plottable(*v)).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        match (quantile(&sorted, 0.005), quantile(&sorted, 0.995)) {
            (Some(low), Some(high)) => {
                let margin = 0.15 * (high - low);
                Self::new(low - margin, high + margin)
            }
            _ => Self::new(-1.0, 1.0),
        }
    }

    pub(super) fn length(self) -> f64 {
        self.high - self.low
    }

    pub(super) fn contains(self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    pub(super) fn clamp(self, value: f64) -> f64 {
        value.clamp(self.low, self.high)
    }

    /// Which of `bins` equal bins holds the value; none if it lies outside.
    pub(super) fn bin(self, value: f64, bins: usize) -> Option<usize> {
        let bin = ((value - self.low) / self.length() * bins as f64) as usize;
        self.contains(value).then_some(bin.min(bins - 1))
    }
}

/// What a panel shows of the plane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Window {
    pub(super) x: Span,
    pub(super) y: Span,
}

impl Window {
    pub(super) fn of(points: impl Iterator<Item = (f64, f64)>) -> Self {
        let (xs, ys): (Vec<f64>, Vec<f64>) = points.unzip();
        Self { x: Span::of(xs.into_iter()), y: Span::of(ys.into_iter()) }
    }

    pub(super) fn contains(self, (x, y): (f64, f64)) -> bool {
        self.x.contains(x) && self.y.contains(y)
    }

    /// The largest size within `most` at which both axes have one scale; the largest square where the axes
    /// are so unlike (another unit, say) that one scale would squeeze one of them flat.
    pub(super) fn fit(self, most: (i32, i32)) -> (i32, i32) {
        let ratio = self.y.length() / self.x.length();
        let ratio = if (0.3..=3.4).contains(&ratio) { ratio } else { 1.0 };
        let width = f64::from(most.0).min(f64::from(most.1) / ratio);
        (width as i32, (width * ratio) as i32)
    }
}

/// The `q`-quantile of sorted values, by the nearest rank; none of none.
pub(super) fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    sorted.get((q * sorted.len().saturating_sub(1) as f64).round() as usize).copied()
}
