//! The loops that a patient person would write without an engine: products of a matrix crate over blocks of rows, and a
//! vectorised `tanh` between them. They are the yardstick of what the engine costs.

mod divergence;
mod exact_gradient;
mod gradient;
mod tanh;

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use pulp::Arch;

use crate::Result;
use crate::case::{Float, cast};
use crate::inputs::Inputs;
use crate::network::{AT, HIDDEN};

pub(crate) use divergence::{DivergenceByHand, Way};
pub(crate) use exact_gradient::ExactGradientByHand;
pub(crate) use gradient::GradientByHand;
pub(crate) use tanh::FastTanh;

/// Rows of a block: what it needs lies in the cache of one core.
const ROWS: usize = 128;
/// The width of both hidden layers.
const WIDTH: usize = HIDDEN[0];

/// The layers in the layout of the field, `[in, out]`, with the row of the time taken out of the first one.
struct Layers<T> {
    time: Vec<T>,
    w: [Vec<T>; 3],
    b: [Vec<T>; 3],
    points: Vec<T>,
    probes: Vec<T>,
    dims: usize,
}

impl<T: Float> Layers<T> {
    fn new(inputs: &Inputs) -> Result<Self> {
        let arrays: Vec<Vec<T>> = inputs.weights.cast();
        let [w0, b0, w1, b1, w2, b2] = arrays.try_into().map_err(|_| "three layers are wanted")?;
        let (time, w0) = w0.split_at(WIDTH);
        Ok(Layers {
            time: time.to_vec(),
            w: [w0.to_vec(), w1, w2],
            b: [b0, b1, b2],
            points: cast(&inputs.points),
            probes: cast(&inputs.probes),
            dims: inputs.field.dims(),
        })
    }

    /// The first bias at the time of the measurement.
    fn first_bias(&self) -> Vec<T> {
        self.time.iter().zip(&self.b[0]).map(|(&w, &b)| w * T::from_f64(AT) + b).collect()
    }

    /// Blocks of points with their probes: `[rows, dims]` each.
    fn blocks(&self) -> impl Iterator<Item = (&[T], &[T])> {
        let size = ROWS * self.dims;
        self.points.chunks(size).zip(self.probes.chunks(size))
    }
}

/// A row-major matrix of `columns`.
fn matrix<T>(data: &[T], columns: usize) -> MatRef<'_, T> {
    MatRef::from_row_major_slice(data, data.len() / columns, columns)
}

/// `c = a b`, or `c += a b`.
fn multiply<T: Float>(c: &mut [T], a: MatRef<T>, b: MatRef<T>, begun: Accum) {
    let c = MatMut::from_row_major_slice_mut(c, a.nrows(), b.ncols());
    matmul(c, begun, a, b, T::from_f64(1.0), Par::Seq);
}

/// `h = tanh(h + b)` and `u = v (1 - h^2)`, row by row.
fn activate<T: Float>(h: &mut [T], u: &mut [T], v: &[T], b: &[T]) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            let one = T::from_f64(1.0);
            let rows = h.chunks_exact_mut(WIDTH).zip(u.chunks_exact_mut(WIDTH)).zip(v.chunks_exact(WIDTH));
            for ((h, u), v) in rows {
                for (((h, u), &v), &b) in h.iter_mut().zip(u).zip(v).zip(b) {
                    *h = (*h + b).fast_tanh();
                    *u = v * (one - *h * *h);
                }
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Batch, Case};
    use crate::network::{directions, divergence_at, exact, hutchinson, mean_gradient};
    use ad_ops::Estimator;

    /// Blocks that are full, and one that is not.
    const POINTS: usize = 2 * ROWS + 1;

    fn close(a: &[f64], b: &[f64]) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12 * (1.0 + b.abs()))
    }

    #[test]
    fn loops_by_hand_compute_what_programs_compute() {
        for d in [1, 3, 20] {
            let inputs = Inputs::from_seeds(d, POINTS).unwrap();
            for (way, estimator) in [(Way::Hutchinson, hutchinson()), (Way::Exact, directions())] {
                let tape = divergence_at(&inputs.field, estimator).unwrap();
                let mut program = Batch::<f64>::new(&tape, &inputs, POINTS).unwrap();
                let mut by_hand = DivergenceByHand::<f64>::new(&inputs, way).unwrap();
                program.call().unwrap();
                by_hand.call().unwrap();
                assert!(close(by_hand.outputs()[0], program.outputs()[0]), "{way:?} in {d} dimensions");
            }
            let hutchinson_by_hand = Box::new(GradientByHand::<f64>::new(&inputs).unwrap());
            let exact_by_hand = Box::new(ExactGradientByHand::<f64>::new(&inputs).unwrap());
            let pairs: [(Estimator, Box<dyn Case<f64>>); 2] =
                [(hutchinson(), hutchinson_by_hand), (exact(POINTS, 1), exact_by_hand)];
            for (estimator, mut by_hand) in pairs {
                let tape =
                    divergence_at(&inputs.field, estimator).and_then(|tape| mean_gradient(&tape)).unwrap();
                let mut program = Batch::<f64>::new(&tape, &inputs, POINTS).unwrap();
                program.call().unwrap();
                // A second call begins anew.
                by_hand.call().unwrap();
                by_hand.call().unwrap();
                let [w1, b1, w2, b2, w3, b3, time] = by_hand.outputs()[..] else { panic!("seven arrays") };
                let joined = [time, w1].concat();
                let got = [&joined[..], b1, w2, b2, w3, b3];
                for (name, (got, want)) in got.iter().zip(program.outputs()).enumerate() {
                    assert!(close(got, want), "{estimator:?}: parameter {name} in {d} dimensions");
                }
            }
        }
    }
}
