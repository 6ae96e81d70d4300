use super::ReportError;
use super::rows::Rows;
use super::span::{Span, Window, plottable};

/// Cells along an axis; 512 x 512 make 350 kB of picture.
const MOST_CELLS: usize = 512;

/// Equal cells along one coordinate; a density is evaluated at their centres.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Axis {
    /// Lower edge of the first cell.
    pub low: f64,
    /// Upper edge of the last cell; greater than `low`.
    pub high: f64,
    /// Number of cells, 1 to 512.
    pub cells: usize,
}

impl Axis {
    /// The length of one cell, in the coordinate's unit.
    pub fn step(&self) -> f64 {
        (self.high - self.low) / self.cells as f64
    }

    /// The centre of a cell, counted from 0.
    pub fn centre(&self, cell: usize) -> f64 {
        self.low + (cell as f64 + 0.5) * self.step()
    }
}

/// A model's log-density at the cell centres of a grid, for data of one or two dimensions.
#[derive(Debug, Clone, PartialEq)]
pub struct Density {
    /// One axis a dimension.
    pub axes: Vec<Axis>,
    /// ln p in nats, the first axis running fastest: in 2-D, cell (i, j) is `log_p[j * axes[0].cells + i]`.
    /// NaN leaves its cell blank.
    pub log_p: Vec<f64>,
}

impl Density {
    /// Evaluates a log-density on a grid that covers the bulk of `rows` (row-major, `dims` columns) with a
    /// margin: one axis if `dims` is 1, else two, over the first two columns, each of `cells` cells (held
    /// within 1 to 512).
    ///
    /// `log_p` is called once with all cell centres, row-major, and returns one value a centre.
    ///
    /// ```
    /// use flows::report::Density;
    /// let rows = [-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0];
    /// let normal = |x: &f64| -0.5 * (x * x + (2.0 * std::f64::consts::PI).ln());
    /// let density = Density::over(&rows, 1, 100, |xs| Ok::<_, ()>(xs.iter().map(normal).collect()))?;
    /// assert!((density.mass() - 0.99).abs() < 0.01);
    /// # Ok::<(), ()>(())
    /// ```
    ///
    /// # Errors
    /// Whatever `log_p` returns.
    pub fn over<E>(
        rows: &[f64],
        dims: usize,
        cells: usize,
        log_p: impl FnOnce(&[f64]) -> Result<Vec<f64>, E>,
    ) -> Result<Self, E> {
        let cells = cells.clamp(1, MOST_CELLS);
        let window = Window::of(Rows::new(rows, dims).leading());
        let spans = if dims == 1 { vec![window.x] } else { vec![window.x, window.y] };
        let axes: Vec<_> = spans.iter().map(|s| Axis { low: s.low, high: s.high, cells }).collect();
        let log_p = log_p(&centres(&axes))?;
        Ok(Self { axes, log_p })
    }

    /// The probability on the grid by the midpoint rule: close to 1 where the grid covers the model's
    /// support. Cells without a finite density count as empty.
    pub fn mass(&self) -> f64 {
        let cell: f64 = self.axes.iter().map(Axis::step).product();
        self.log_p.iter().map(|l| l.exp()).filter(|p| p.is_finite()).sum::<f64>() * cell
    }

    pub(super) fn check(&self, columns: usize) -> Result<(), ReportError> {
        if self.axes.len() != columns || columns > 2 {
            return Err(ReportError::DensityAxes { axes: self.axes.len(), columns });
        }
        for (axis, &Axis { low, high, cells }) in self.axes.iter().enumerate() {
            // What a span would have to widen is too thin to be divided into cells.
            let drawable = plottable(low) && plottable(high) && Span::new(low, high) == Span { low, high };
            if !drawable || !(1..=MOST_CELLS).contains(&cells) {
                return Err(ReportError::Axis { axis, low, high, cells });
            }
        }
        let cells = self.axes.iter().map(|a| a.cells).product();
        match self.log_p.len() {
            values if values != cells => Err(ReportError::DensityValues { values, cells }),
            _ => Ok(()),
        }
    }
}

/// All cell centres, row-major, the first axis running fastest.
fn centres(axes: &[Axis]) -> Vec<f64> {
    let total: usize = axes.iter().map(|a| a.cells).product();
    let mut points = Vec::with_capacity(total * axes.len());
    for mut cell in 0..total {
        for axis in axes {
            points.push(axis.centre(cell % axis.cells));
            cell /= axis.cells;
        }
    }
    points
}
