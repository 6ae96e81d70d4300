//! A step of clustering by k-means.

use ad_core::{Elementary, Program, Result, Runner, Tape, Tracer};

use super::folded;

/// The gradient of the sum of squared distances of points from the nearest centroid each, over the diagonal of its Hessian.
///
/// An example is a group of points, so that a line of the tape has enough to do.
pub struct Clusters {
    runner: Runner<f64, Program<f64>>,
    groups: usize,
}

/// About so many distances an example has.
const DISTANCES: usize = 128;

impl Clusters {
    /// Of `k` centroids and `n` points in `d` dimensions.
    ///
    /// # Errors
    /// Where there are too many for an address.
    pub fn new(k: usize, n: usize, d: usize) -> Result<Self> {
        let group =
            (1..=(DISTANCES / k.max(1)).max(1)).rev().find(|&group| n.is_multiple_of(group)).unwrap_or(1);
        let tape = Tape::record(|t| {
            let c = t.shared("c", &[k, d]);
            let cost = costs(&c, &t.example("x", &[group, d])).sum().sum_examples();
            let gradient = &t.pull_back(&[(&cost, &t.number(1.0))], &[&c])[0];
            // Each coordinate of a centroid is in no product with another one: the Hessian is diagonal, and its product
            // with ones is the diagonal.
            let diagonal = &t.push_forward(&[(&c, &t.full(&[k, d], 1.0))], &[gradient])[0];
            [("step", gradient / diagonal)]
        })?;
        Ok(Clusters { runner: tape.compile()?.into_runner(), groups: n / group })
    }

    /// The step at centroids and points that follow one another.
    ///
    /// # Errors
    /// Where there are more or fewer numbers.
    pub fn step(&mut self, centroids: &[f64], points: &[f64]) -> Result<Vec<f64>> {
        self.runner.call(self.groups, &[centroids, points])?;
        Ok(self.runner.output(0).to_vec())
    }
}

/// The squared distances of points from the nearest centroid each.
fn costs(c: &Tracer, x: &Tracer) -> Tracer {
    let distances = c.einsum("kd,kd->k", c) - x.einsum("pd,kd->pk", c) * 2.0;
    // Which one is nearest does not move with them; where several are, each has its share.
    let nearest = folded(&distances, Tracer::min);
    let shares = nearest.less(&distances).select(&distances.lift(0.0), &distances.lift(1.0));
    let shares = shares.einsum("pk,p->pk", &shares.sum_axis(1).recip()).stop_gradient();
    shares.einsum("pk,pk->p", &distances) + x.einsum("pd,pd->p", x)
}
