use super::builtin::Recipe;
use super::shape::Shape;
use super::{DataError, checkerboard, pinwheel, warp};
use std::f64::consts::TAU;

/// The exact density of a [`Builtin`](super::Builtin) set, prepared for many evaluations.
pub struct Density(Form);

enum Form {
    Mixture(Mixture),
    Checkerboard,
    Pinwheel,
    Warp(warp::Matrix),
}

impl Density {
    pub(super) fn new(recipe: Recipe) -> Self {
        Self(match recipe {
            Recipe::Shape(shape) => Form::Mixture(Mixture::new(&shape)),
            Recipe::Checkerboard => Form::Checkerboard,
            Recipe::Pinwheel => Form::Pinwheel,
            Recipe::Warp(matrix) => Form::Warp(matrix),
        })
    }

    /// The log-density in nats of each row of `values`.
    ///
    /// Good to 1e-6 or better where the set has rows; minus infinity off the checkerboard's squares and where the
    /// pinwheel has less than 1e-20.
    ///
    /// # Errors
    ///
    /// [`DataError::NotWholeRows`] if `values` are no whole rows of the set.
    pub fn log(&self, values: &[f64]) -> Result<Vec<f64>, DataError> {
        match &self.0 {
            Form::Mixture(mixture) => each_row(values, |x| mixture.log_density(x)),
            Form::Checkerboard => each_row(values, checkerboard::log_density),
            Form::Pinwheel => each_row(values, pinwheel::log_density),
            Form::Warp(matrix) => each_row(values, |x| warp::log_density(matrix, x)),
        }
    }
}

fn each_row<const N: usize>(values: &[f64], f: impl Fn(&[f64; N]) -> f64) -> Result<Vec<f64>, DataError> {
    let (rows, rest) = values.as_chunks();
    if rest.is_empty() {
        return Ok(rows.iter().map(f).collect());
    }
    Err(DataError::NotWholeRows { values: values.len(), columns: N })
}

/// Nodes and weights of the Gauss-Legendre rule of 8 points on [0, 1].
fn gauss_legendre() -> [(f64, f64); 8] {
    const HALF: [(f64, f64); 4] = [
        (0.183_434_642_495_649_8, 0.362_683_783_378_362),
        (0.525_532_409_916_329, 0.313_706_645_877_887_3),
        (0.796_666_477_413_626_7, 0.222_381_034_453_374_5),
        (0.960_289_856_497_536_3, 0.101_228_536_290_376_3),
    ];
    std::array::from_fn(|i| {
        let (node, weight) = HALF[i / 2];
        (if i % 2 == 0 { 0.5 - 0.5 * node } else { 0.5 + 0.5 * node }, 0.5 * weight)
    })
}

/// A [`Shape`] as a finite mixture: its curves become the nodes of a quadrature along them.
struct Mixture {
    centres: Vec<([f64; 2], f64)>,
    /// The points and weights of the uniform noise in one coordinate.
    offsets: Vec<(f64, f64)>,
    width: f64,
    variance: f64,
}

impl Mixture {
    /// Substitutes u = s^2, which makes curves in the square root of u (the spirals) smooth, and puts a panel of 8
    /// nodes on at most two deviations of an arm.
    fn new(shape: &Shape) -> Self {
        let mut centres = Vec::new();
        for arm in 0..shape.arms {
            // Where du/ds is largest it is 2.
            let panels = 1.0 + (shape.length(arm) / shape.sigma).floor();
            for panel in 0..panels as u32 {
                centres.extend(gauss_legendre().map(|(node, weight)| {
                    let s = (f64::from(panel) + node) / panels;
                    ((shape.curve)(arm, s * s), 2.0 * s * weight / (panels * f64::from(shape.arms)))
                }));
            }
        }
        let square = gauss_legendre().map(|(node, weight)| (node * shape.width, weight));
        let offsets = if shape.width == 0.0 { vec![(0.0, 1.0)] } else { square.to_vec() };
        Self { centres, offsets, width: shape.width, variance: shape.sigma * shape.sigma }
    }

    /// Sums the kernels relative to the nearest, so that nothing underflows however far `x` is from the curves.
    fn log_density(&self, x: &[f64; 2]) -> f64 {
        /// Kernels smaller than the largest by exp(-40) are below rounding.
        const NEGLIGIBLE: f64 = 40.0;
        let squared = |centre: &[f64; 2]| self.gap(x[0] - centre[0]).powi(2) + self.gap(x[1] - centre[1]).powi(2);
        let nearest = self.centres.iter().map(|(centre, _)| squared(centre)).fold(f64::INFINITY, f64::min);
        let mut sum = 0.0;
        for (centre, weight) in &self.centres {
            let exponent = (squared(centre) - nearest) / (2.0 * self.variance);
            if exponent < NEGLIGIBLE {
                let kernels = self.kernel(x[0] - centre[0]) * self.kernel(x[1] - centre[1]);
                sum += weight * kernels * (-exponent).exp();
            }
        }
        sum.ln() - nearest / (2.0 * self.variance) - (TAU * self.variance).ln()
    }

    /// The distance of `a` from the interval [0, width] of the uniform noise.
    fn gap(&self, a: f64) -> f64 {
        (a - self.width).max(-a).max(0.0)
    }

    /// The density of the noise in one coordinate at `a`, relative to that of a Gaussian at `gap(a)`.
    fn kernel(&self, a: f64) -> f64 {
        let largest = self.gap(a).powi(2);
        let term = |&(offset, weight): &(f64, f64)| {
            weight * ((largest - (a - offset).powi(2)) / (2.0 * self.variance)).exp()
        };
        self.offsets.iter().map(term).sum()
    }
}
