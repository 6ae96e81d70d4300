//! Bundle adjustment: cameras, points, and where the ones see the others.

use ad_core::{Elementary, Program, Result, Runner, Tape, Tracer};

/// Half the sum of squares of the errors of [`Bundle`](crate::problems::Bundle). An example is one observation, with its own
/// copies of the camera and the point.
pub struct Bundle(Runner<f64, Program<f64>>);

/// Numbers of a camera: rotation, centre, focal length, principal point, distortion; of a point; and the weight.
const PARTS: [(&str, &[usize]); 7] = [
    ("axis", &[3]),
    ("centre", &[3]),
    ("focal", &[]),
    ("principal", &[2]),
    ("distortion", &[2]),
    ("point", &[3]),
    ("weight", &[]),
];

impl Bundle {
    /// The tape of an observation by a camera that is turned.
    ///
    /// # Errors
    /// Never, but for a bug.
    pub fn new() -> Result<Self> {
        let tape = Tape::record(|t| {
            let [axis, centre, focal, principal, distortion, point, weight] =
                PARTS.map(|(name, shape)| t.example(name, shape));
            let at = rotated(&axis, &(point - centre));
            let at = at.slice(0, 0..2) / at.at(0, 2);
            let radius2 = at.dot(&at);
            let stretch = distortion.at(0, 0) * &radius2 + distortion.at(0, 1) * radius2.square() + 1.0;
            let errors = (at * (stretch * focal) + principal - t.example("feature", &[2])) * &weight;
            let rest = 1.0 - weight.square();
            [("y", (errors.dot(&errors) + rest.square()) * 0.5)]
        })?;
        Ok(Bundle(tape.vjp(&PARTS.map(|(name, _)| name))?.compile()?.into_runner()))
    }

    /// The value and the gradient by `x`: cameras, points, weights. Observation `i` is by camera `i mod cameras` of point
    /// `i mod points`.
    ///
    /// # Errors
    /// Where sizes do not fit.
    pub fn gradient(
        &mut self,
        x: &[f64],
        [cameras, points]: [usize; 2],
        features: &[f64],
    ) -> Result<(f64, Vec<f64>)> {
        let n = features.len() / 2;
        // Where the numbers of each part of an observation begin.
        let places = |i: usize| {
            let (camera, point) = (11 * (i % cameras), 11 * cameras + 3 * (i % points));
            [camera, camera + 3, camera + 6, camera + 7, camera + 9, point, 11 * cameras + 3 * points + i]
        };
        let sizes = PARTS.map(|(_, shape)| shape.iter().product::<usize>());
        let mut columns = sizes.map(|size| Vec::with_capacity(size * n));
        for i in 0..n {
            for ((column, at), size) in columns.iter_mut().zip(places(i)).zip(sizes) {
                column.extend(&x[at..at + size]);
            }
        }
        let ones = vec![1.0; n];
        let mut inputs: Vec<&[f64]> = columns.iter().map(|column| &column[..]).collect();
        inputs.extend([features, &ones]);
        self.0.call(n, &inputs)?;
        let [value, bars @ ..] = self.0.outputs() else { unreachable!() };
        let mut gradient = vec![0.0; x.len()];
        for i in 0..n {
            for ((bars, at), size) in bars.iter().zip(places(i)).zip(sizes) {
                let own = &bars[i * size..(i + 1) * size];
                gradient[at..at + size].iter_mut().zip(own).for_each(|(total, bar)| *total += bar);
            }
        }
        Ok((value.iter().sum(), gradient))
    }
}

/// A vector turned about an axis by the axis's length (Rodrigues).
fn rotated(axis: &Tracer, d: &Tracer) -> Tracer {
    let angle = axis.dot(axis).sqrt();
    let (cos, sin, w) = (angle.cos(), angle.sin(), axis / &angle);
    let along = w.dot(d) * (1.0 - &cos);
    d * cos + cross(&w, d) * sin + w * along
}

fn cross(a: &Tracer, b: &Tracer) -> Tracer {
    let [next, last] = [[1, 2, 0], [2, 0, 1]];
    a.gather(0, &next) * b.gather(0, &last) - a.gather(0, &last) * b.gather(0, &next)
}
