//! Bundle adjustment: cameras, points, and where the ones see the others.

use super::{Draws, Number, Problem, Taped};
use crate::tapes;

/// Half the sum of squares of 5000 observations of 1000 points by 21 cameras.
///
/// Inputs are 11 numbers of each camera (rotation, centre, focal length, principal point, distortion), the points, and a
/// weight of each observation. Observation `i` is by camera `i mod 21` of point `i mod 1000`.
pub struct Bundle {
    inputs: Vec<f64>,
    features: Vec<f64>,
}

impl Bundle {
    const CAMERAS: usize = 21;
    const POINTS: usize = 1000;
    const OBSERVATIONS: usize = 5000;

    /// The problem.
    #[expect(clippy::new_without_default, reason = "a problem is no default")]
    pub fn new() -> Self {
        let mut draws = Draws::new();
        let mut inputs = Vec::new();
        let camera = [0.3, 0.3, 0.3, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1e-2, 1e-3];
        for _ in 0..Self::CAMERAS {
            inputs.extend(camera.iter().enumerate().map(|(i, width)| {
                let least = if i == 6 { 500.0 } else { 0.0 };
                least + width * draws.next()
            }));
        }
        for _ in 0..Self::POINTS {
            inputs.extend([0.0, 0.0, 4.0].map(|least| least + draws.next()));
        }
        inputs.extend(draws.many(Self::OBSERVATIONS, |u| 1.0 + 0.1 * u));
        Bundle { inputs, features: draws.many(2 * Self::OBSERVATIONS, |u| 10.0 * u) }
    }
}

impl Problem for Bundle {
    const NAME: &'static str = "ba";
    const OPERATIONS: usize = 75 * Self::OBSERVATIONS;
    const CHECK: f64 = 748_376_895.344;

    fn inputs(&self) -> &[f64] {
        &self.inputs
    }

    fn value<T: Number>(&self, x: &[T]) -> T {
        let (cameras, x) = x.split_at(11 * Self::CAMERAS);
        let (points, weights) = x.split_at(3 * Self::POINTS);
        let mut total = T::constant(0.0);
        for (i, (&weight, feature)) in weights.iter().zip(self.features.chunks(2)).enumerate() {
            let camera = &cameras[11 * (i % Self::CAMERAS)..][..11];
            let point = &points[3 * (i % Self::POINTS)..][..3];
            let [u, v] = project(camera, point);
            let e = [weight * (u + -feature[0]), weight * (v + -feature[1])];
            let w = T::less_than(1.0, weight * weight);
            total = total + (e[0] * e[0] + e[1] * e[1] + w * w) * 0.5;
        }
        total
    }

    fn taped(&self) -> ad_core::Result<Taped<'_>> {
        let mut tape = tapes::Bundle::new()?;
        Ok(Box::new(move || tape.gradient(&self.inputs, [Self::CAMERAS, Self::POINTS], &self.features)))
    }
}

/// Where a camera sees a point.
pub fn project<T: Number>(camera: &[T], point: &[T]) -> [T; 2] {
    let d: [T; 3] = std::array::from_fn(|i| point[i] - camera[3 + i]);
    let [x, y, z] = rotate([camera[0], camera[1], camera[2]], d);
    let (x, y) = (x / z, y / z);
    let radius2 = x * x + y * y;
    let stretch = camera[9] * radius2 + 1.0 + camera[10] * radius2 * radius2;
    [x * stretch * camera[6] + camera[7], y * stretch * camera[6] + camera[8]]
}

/// A vector turned about an axis by the axis's length (Rodrigues).
fn rotate<T: Number>(axis: [T; 3], d: [T; 3]) -> [T; 3] {
    let square = axis[0] * axis[0] + axis[1] * axis[1] + axis[2] * axis[2];
    if square.plain() == 0.0 {
        // To first order, which is what derivatives see.
        let turn = cross(axis, d);
        return std::array::from_fn(|i| d[i] + turn[i]);
    }
    let angle = square.sqrt();
    let (cos, sin, inverse) = (angle.cos(), angle.sin(), T::over(1.0, angle));
    let w = axis.map(|a| a * inverse);
    let turn = cross(w, d);
    let along = (w[0] * d[0] + w[1] * d[1] + w[2] * d[2]) * T::less_than(1.0, cos);
    std::array::from_fn(|i| d[i] * cos + turn[i] * sin + w[i] * along)
}

fn cross<T: Number>(a: [T; 3], b: [T; 3]) -> [T; 3] {
    std::array::from_fn(|i| {
        let (j, k) = ((i + 1) % 3, (i + 2) % 3);
        a[j] * b[k] - a[k] * b[j]
    })
}
