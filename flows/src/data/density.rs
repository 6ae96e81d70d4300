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
    Warp(Box<warp::Matrix>),
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
    /// Good to 1e-6 or better wherever the set can have rows, less far from them; minus infinity off the
    /// checkerboard's squares and where the pinwheel has less than 1e-20; NaN where a value is NaN.
    ///
    /// # Errors
    ///
    /// [`DataError::NotWholeRows`] if `values` are no whole rows of the set.
    pub fn log_density(&self, values: &[f64]) -> Result<Vec<f64>, DataError> {
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
        let log_density = |x: &[f64; N]| if x.iter().any(|x| x.is_nan()) { f64::NAN } else { f(x) };
        return Ok(rows.iter().map(log_density).collect());
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
    /// Substitutes u = s^2, which makes curves in the square root of u (the spirals) smooth, and puts a panel
    /// of 8 nodes on at most three deviations of an arm.
    fn new(shape: &Shape) -> Self {
        let mut centres = Vec::new();
        for arm in 0..shape.arms {
            // Where du/ds is largest it is 2.
            let panels = 1.0 + (2.0 / 3.0 * shape.length(arm) / shape.sigma).floor();
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

    /// Sums the kernels relative to the nearest, so that nothing underflows however far `x` is from the
    /// curves.
    fn log_density(&self, x: &[f64; 2]) -> f64 {
        /// Kernels smaller than the largest by exp(-40) are below rounding.
        const NEGLIGIBLE: f64 = 40.0;
        let squared =
            |centre: &[f64; 2]| self.gap(x[0] - centre[0]).powi(2) + self.gap(x[1] - centre[1]).powi(2);
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

#[cfg(test)]
mod tests {
    use super::super::Builtin;
    use super::*;
    use ad_ops::random::Purpose;

    #[test]
    fn quadrature_is_exact_for_polynomials() {
        for power in 0..16 {
            let integral: f64 = gauss_legendre().iter().map(|&(x, weight)| weight * x.powi(power)).sum();
            assert!((integral * f64::from(power + 1) - 1.0).abs() < 1e-14, "{power}");
        }
    }

    /// The mass and the entropy of a smooth density by the midpoint rule, which converges faster than any
    /// power once the spacing is below the deviation of the noise.
    fn mass_and_entropy(set: Builtin, half_width: f64, spacing: f64) -> (f64, f64) {
        let cells = (half_width / spacing) as i32;
        let at = |i: i32| (f64::from(i) + 0.5) * spacing;
        let grid: Vec<f64> =
            (-cells..cells).flat_map(|i| (-cells..cells).flat_map(move |j| [at(i), at(j)])).collect();
        let log_p = set.density().log_density(&grid).unwrap();
        let mass = |log_p: f64| log_p.exp() * spacing * spacing;
        let surprise = |log_p: f64| if log_p == f64::NEG_INFINITY { 0.0 } else { -log_p * mass(log_p) };
        (log_p.iter().map(|&l| mass(l)).sum(), log_p.iter().map(|&l| surprise(l)).sum())
    }

    #[test]
    fn densities_integrate_to_one_and_to_the_entropy() {
        for (set, half_width, spacing) in [
            (Builtin::Moons, 5.0, 0.15),
            (Builtin::EightGaussians, 6.0, 0.25),
            (Builtin::Circles, 5.2, 0.2),
            (Builtin::Rings, 3.7, 0.07),
            (Builtin::Checkerboard, 4.0, 0.25),
            (Builtin::TwoSpirals, 4.3, 0.09),
            (Builtin::Pinwheel, 6.0, 0.1),
            (Builtin::SwissRoll, 4.5, 0.15),
        ] {
            let (mass, entropy) = mass_and_entropy(set, half_width, spacing);
            assert!((mass - 1.0).abs() < 1e-5, "{set:?}: mass {mass}");
            assert!((entropy - set.entropy_floor()).abs() < 1e-4, "{set:?}: entropy {entropy}");
        }
    }

    /// Ties what is sampled to the density: a density other than that of the rows has a larger mean.
    #[test]
    fn rows_have_the_entropy_as_mean_surprise() {
        const ROWS: usize = 10_000;
        for set in Builtin::ALL {
            let log_p = set.density().log_density(set.sample(ROWS, 1, Purpose::Data).values()).unwrap();
            let mean = -log_p.iter().sum::<f64>() / ROWS as f64;
            let variance = log_p.iter().map(|l| (l + mean).powi(2)).sum::<f64>() / ROWS as f64;
            let error = (variance / ROWS as f64).sqrt();
            assert!(
                (mean - set.entropy_floor()).abs() < 4.0 * error + 1e-4,
                "{set:?}: {mean} +- {error}, not {}",
                set.entropy_floor()
            );
        }
    }

    /// A thousand deviations and more away the exponent is nearly the squared distance from the middle of the
    /// set.
    #[test]
    fn far_from_the_curves_nothing_underflows() {
        for (set, sigma) in [(Builtin::Moons, 0.2), (Builtin::Rings, 0.08), (Builtin::SwissRoll, 0.2)] {
            let log_p = set.density().log_density(&[1e3, -2e3]).unwrap()[0];
            let ratio = log_p / (-0.5 * 5e6 / (sigma * sigma));
            assert!((ratio - 1.0).abs() < 0.01, "{set:?}: {log_p}");
        }
    }

    #[test]
    fn rows_that_cannot_be() {
        for set in Builtin::ALL {
            let density = set.density();
            assert!(density.log_density(&[0.0; 7]).is_err());
            assert!(density.log_density(&vec![f64::NAN; set.dims()]).unwrap()[0].is_nan());
            for far in [1e300, -f64::MAX, f64::INFINITY] {
                let log_p = density.log_density(&vec![far; set.dims()]).unwrap()[0];
                assert_eq!(log_p, f64::NEG_INFINITY, "{set:?} {far}");
            }
        }
    }
}
