//! Hutch++ with a new basis at each evaluation, as one tape.

use ad_core::{Elementary, Recorder, Result, Tape, Tracer};

use super::{HutchPp, SKETCH, Sketch, image_of};
use crate::jacobian::with_field;

/// Squared lengths that are less than this of a row's, beside the rows before it, count as rounding errors of `f32`.
const DEPENDENT: [f64; 2] = [1e-5, 0.1];

/// The tape of a field with one more output, [`DIVERGENCE`](crate::DIVERGENCE), by sketch, basis and estimate in one: the
/// field itself is evaluated once for all. Inputs after those of the tape are [`SKETCH`] of shape `[basis, d]` and
/// [`PROBE`](crate::PROBE) of shape `[probes, d]`, independent of each other. No derivative goes through the basis, and none is
/// missed.
///
/// The rows are made orthonormal by Cholesky factors of their inner products, twice (Yamamoto, Nakatsukasa, Yanagisawa, Fukaya:
/// *Roundoff error analysis of the `CholeskyQR2` algorithm*, 2015). A direction whose length beside the others is less than
/// three thousandths of its row's is left to the probes: the tape serves `f32` too. Where the spectrum decays so fast that
/// this matters, [`Sketcher`](super::Sketcher) sees further.
///
/// # Errors
/// Where there is no such input or output, they are not vectors of one length, a name is taken, or a number is zero.
pub fn fresh(tape: &Tape, state: &str, field: &str, settings: HutchPp, sketch: Sketch) -> Result<Tape> {
    settings.check()?;
    with_field(tape, state, field, |f| {
        let s = f.recorder.example(SKETCH, &[settings.basis, f.dim]);
        let (image, shift) = image_of(&f, &s, sketch);
        let mut basis = image.stop_gradient();
        for dependent in DEPENDENT {
            basis = orthonormal(f.recorder, &basis, dependent);
        }
        let probes = settings.probe(&f);
        let [outputs, _] = settings.outputs(f, &basis, &probes, shift.map(|c| c.stop_gradient()).as_ref());
        outputs
    })
}

/// `L^-1 Y` for `L L^T = Y Y^T`; rows that depend on those before them become zero.
fn orthonormal(t: &Recorder, y: &Tracer, dependent: f64) -> Tracer {
    let k = y.shape()[0];
    let products = y.einsum("id,jd->ij", y).reshape(&[k * k]);
    let product = |i: usize, j: usize| products.at(0, i * k + j);
    // The rows of L below the diagonal, the inverse of its diagonal, and the rows of L^-1.
    let (mut lower, mut scales, mut inverse): (Vec<Vec<Tracer>>, Vec<Tracer>, Vec<Tracer>) =
        Default::default();
    for i in 0..k {
        let mut row: Vec<Tracer> = Vec::new();
        for j in 0..i {
            let known = (0..j).map(|l| &row[l] * &lower[j][l]);
            row.push(known.fold(product(i, j), |rest, x| rest - x) * &scales[j]);
        }
        let whole = product(i, i);
        let left = row.iter().fold(whole.clone(), |rest, x| rest - x.square());
        let scale = (whole * dependent).less(&left).select(&left.sqrt().recip(), &t.number(0.0));
        let unit: Vec<f64> = (0..k).map(|j| f64::from(u8::from(i == j))).collect();
        let known = row.iter().zip(&inverse).map(|(l, row)| row * l);
        inverse.push(known.fold(t.constant(&unit, &[k]), |rest, x| rest - x) * &scale);
        lower.push(row);
        scales.push(scale);
    }
    let rows: Vec<Tracer> = inverse.iter().map(|row| row.reshape(&[1, k])).collect();
    rows[0].concat(&rows[1..].iter().collect::<Vec<_>>(), 0).einsum("ij,jd->id", y)
}
