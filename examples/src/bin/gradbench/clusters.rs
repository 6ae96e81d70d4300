//! One step of clustering by k-means: the gradient of the cost over the diagonal of its Hessian.

use examples::{by_hand, tapes};
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
        "cost" => {
            let cost = move || points.chunks(d).map(|point| by_hand::nearest(point, &centroids).1).sum();
            Some(Job::number(move || Ok(cost())))
        }
        "dir" => {
            let mut tape = tapes::Clusters::new(centroids.len() / d, points.len() / d, d)?;
            Some(Job::rows(d, move || Ok(tape.step(&centroids, &points)?)))
        }
        "by_hand" => Some(Job::rows(d, move || Ok(by_hand::clusters(&centroids, &points, d)))),
        _ => None,
    })
}
