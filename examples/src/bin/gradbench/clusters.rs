//! One step of clustering by k-means: the gradient of the cost over the diagonal of its Hessian.

use ad_core::{Scalar, hvp};
use serde_json::Value;

use crate::input::{numbers, width};
use crate::{Job, Result};

pub(crate) fn job(function: &str, input: &Value) -> Result<Option<Job>> {
    let d = width(input, "points")?;
    if width(input, "centroids")? != d {
        return Err("`centroids` are to have as many numbers as `points`".into());
    }
    let (points, centroids) = (numbers(input, "points")?, numbers(input, "centroids")?);
    if points.len() % d != 0 || centroids.len() % d != 0 {
        return Err("rows of `points` and `centroids` are to be equally long".into());
    }
    Ok(match function {
        "cost" => Some(Job::number(move || Ok(cost(&points, &centroids, d)))),
        "dir" => Some(Job::rows(d, move || direction(&points, &centroids, d))),
        _ => None,
    })
}

/// The sum of the squared distances of points from the nearest centroid each.
///
/// Which one is nearest is found with plain numbers, so that only distances that count are recorded.
fn cost<T: Scalar<Base = f64>>(points: &[f64], centroids: &[T], d: usize) -> T {
    let plain: Vec<f64> = centroids.iter().map(|c| c.base()).collect();
    let mut total = T::zero();
    for point in points.chunks(d) {
        let nearest = nearest(point, &plain, d);
        let centroid = &centroids[nearest * d..(nearest + 1) * d];
        for (&x, &c) in point.iter().zip(centroid) {
            let apart = c - T::constant(x);
            total += apart * apart;
        }
    }
    total
}

/// The number of the nearest centroid; of the first, where several are.
fn nearest(point: &[f64], centroids: &[f64], d: usize) -> usize {
    let (mut nearest, mut least) = (0, f64::INFINITY);
    for (i, centroid) in centroids.chunks(d).enumerate() {
        let square = |(x, c): (&f64, &f64)| (x - c) * (x - c);
        let distance: f64 = point.iter().zip(centroid).map(square).sum();
        if distance < least {
            (nearest, least) = (i, distance);
        }
    }
    nearest
}

/// Each coordinate of a centroid is in no product with another one: the Hessian is diagonal, and its product with ones is
/// the diagonal.
fn direction(points: &[f64], centroids: &[f64], d: usize) -> Result<Vec<f64>> {
    let ones = vec![1.0; centroids.len()];
    let (_, gradient, diagonal) = hvp(|c| cost(points, c, d), centroids, &ones)?;
    Ok(gradient.iter().zip(diagonal).map(|(g, h)| g / h).collect())
}
