//! One self-contained page about a training run: `report.html`.
//!
//! A [`Report`] is plain data and knows nothing of models; [`Report::render`] turns it into a single HTML
//! file with inline SVG and no outside references, to be opened offline or printed. Values that are not
//! finite are skipped.
//!
//! ```
//! use flows::report::{Epoch, Report};
//!
//! let report = Report {
//!     title: "moons".to_owned(),
//!     names: vec!["x".to_owned(), "y".to_owned()],
//!     losses: vec![Epoch { epoch: 1, train: 3.1, valid: 3.0 }, Epoch { epoch: 2, train: 2.6, valid: 2.7 }],
//!     entropy_floor: Some(2.389),
//!     data: vec![0.1, 0.5, 1.2, -0.3, -0.8, 0.6],
//!     samples: vec![0.0, 0.4, 1.1, -0.2],
//!     ..Report::default()
//! };
//! let html = report.render()?;
//! assert!(html.starts_with("<!DOCTYPE html>"));
//! # Ok::<(), flows::report::ReportError>(())
//! ```

mod canvas;
mod colour;
mod grid;
mod html;
mod line;
mod loss;
mod pairs;
mod path;
mod plane;
mod png;
mod rows;
mod scale;
mod span;
mod view;

#[cfg(test)]
mod tests;

use thiserror::Error;

pub use grid::{Axis, Density};

/// What a report shows. Points are row-major, with one column a name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// The heading.
    pub title: String,
    /// Facts about the run (data, architecture, solver, seed ...), shown in this order under the heading.
    pub settings: Vec<(String, String)>,
    /// Results with their units, shown in this order as a table.
    pub metrics: Vec<(String, String)>,
    /// The losses, by increasing epoch.
    pub losses: Vec<Epoch>,
    /// The entropy of the data in nats, where known: the least mean negative log-likelihood any model can
    /// have.
    pub entropy_floor: Option<f64>,
    /// The names of the columns; their number is the dimension of the data.
    pub names: Vec<String>,
    /// Rows of the data.
    pub data: Vec<f64>,
    /// Rows drawn from the model.
    pub samples: Vec<f64>,
    /// The model's density on a grid, for data of one or two columns.
    pub density: Option<Density>,
    /// The flow's path, by increasing time. Row k is the same particle in every frame.
    pub frames: Vec<Frame>,
}

/// The mean losses after one epoch, in nats per example.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Epoch {
    /// The epoch's number.
    pub epoch: usize,
    /// Negative log-likelihood of the rows trained on.
    pub train: f64,
    /// Negative log-likelihood of the validation rows.
    pub valid: f64,
}

/// Where the particles of a flow are at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// Time: 0 at the base density, 1 at the data.
    pub t: f64,
    /// Row-major points with the report's columns; of more than two, the first two are drawn.
    pub points: Vec<f64>,
}

/// Why a report cannot be rendered.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum ReportError {
    /// `names` is empty.
    #[error("the report names no columns; give one name for each dimension of the data")]
    NoColumns,
    /// Values that do not fill whole rows.
    #[error("{what}: {values} values do not fill rows of {columns} columns")]
    Ragged {
        /// Which points: `data`, `samples` or a frame.
        what: String,
        /// How many values there are.
        values: usize,
        /// How many columns the report has.
        columns: usize,
    },
    /// Frames of different lengths.
    #[error(
        "frames[{frame}] has {rows} rows; the first frame has {expected}, and each row follows one particle"
    )]
    Frames {
        /// Which frame, from 0.
        frame: usize,
        /// Its rows.
        rows: usize,
        /// The rows of the first frame.
        expected: usize,
    },
    /// A density over the wrong number of axes.
    #[error("the density has {axes} axes, the data {columns} columns; they must be equal, and at most 2")]
    DensityAxes {
        /// The density's axes.
        axes: usize,
        /// The report's columns.
        columns: usize,
    },
    /// An axis that is no grid.
    #[error(
        "density axis {axis} is {low} .. {high} in {cells} cells; it needs finite low < high, 1 to 512 cells"
    )]
    Axis {
        /// Which axis, from 0.
        axis: usize,
        /// Its lower end.
        low: f64,
        /// Its upper end.
        high: f64,
        /// Its cells.
        cells: usize,
    },
    /// A density with too few or too many values.
    #[error("the density has {values} values for a grid of {cells} cells")]
    DensityValues {
        /// The values given.
        values: usize,
        /// The cells of the grid.
        cells: usize,
    },
    /// The drawing library failed.
    #[error("cannot draw: {0}")]
    Draw(String),
}

impl From<canvas::Fault> for ReportError {
    fn from(fault: canvas::Fault) -> Self {
        Self::Draw(fault.to_string())
    }
}

impl Report {
    /// Renders the page: settings, metrics, the loss curve; for one column histograms and the density's
    /// curve; for two the density's heat map and samples beside data; for more all pairwise marginals of the
    /// first six; and the flow's path if there are frames. Large sets are thinned evenly, and the captions
    /// say so.
    ///
    /// # Errors
    /// If there are no columns, if the rows, frames or density do not fit the columns or each other, or if a
    /// density's axis is no grid.
    pub fn render(&self) -> Result<String, ReportError> {
        self.check_rows()?;
        if let Some(density) = &self.density {
            density.check(self.names.len())?;
        }
        let view = view::View::of(self);
        let mut figures = vec![loss::figure(self)?];
        match (view.dims(), &self.density) {
            (1, density) => figures.push(line::figure(&view, density.as_ref())?),
            (2, density) => {
                if let Some(density) = density {
                    figures.push(plane::density(&view, density)?);
                }
                figures.push(plane::samples(&view)?);
            }
            _ => figures.push(pairs::figure(&view)?),
        }
        if !self.frames.is_empty() {
            figures.push(path::figure(&view, &self.frames)?);
        }
        Ok(html::page(&self.title, &self.settings, &self.metrics, &figures))
    }

    fn check_rows(&self) -> Result<(), ReportError> {
        let columns = self.names.len();
        if columns == 0 {
            return Err(ReportError::NoColumns);
        }
        let named = [("data".to_owned(), &self.data), ("samples".to_owned(), &self.samples)];
        let frames = self.frames.iter().enumerate().map(|(k, f)| (format!("frames[{k}]"), &f.points));
        for (what, points) in named.into_iter().chain(frames) {
            if points.len() % columns != 0 {
                return Err(ReportError::Ragged { what, values: points.len(), columns });
            }
        }
        let rows = |frame: &Frame| frame.points.len() / columns;
        let expected = self.frames.first().map_or(0, rows);
        match self.frames.iter().position(|f| rows(f) != expected) {
            Some(frame) => Err(ReportError::Frames { frame, rows: rows(&self.frames[frame]), expected }),
            None => Ok(()),
        }
    }
}
