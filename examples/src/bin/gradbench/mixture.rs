//! The log-likelihood of a mixture of Gaussians with a Wishart prior.

use std::f64::consts::{LN_2, PI};

use examples::problems::{Gaussians, log_sum_exp};
use examples::{by_hand, tapes};
use serde_json::{Value, json};

use crate::input::{count, expect, number, numbers, rows};
use crate::{Job, Result};

struct Mixture {
    d: usize,
    k: usize,
    gamma: f64,
    m: usize,
    /// Logits, means, logarithms of the diagonals, triangles.
    x: Vec<f64>,
    points: Vec<f64>,
}

pub(crate) fn job(function: &str, input: &Value) -> Result<Option<Job>> {
    let [d, k, n] = [count(input, "d")?, count(input, "k")?, count(input, "n")?];
    if d == 0 || k == 0 {
        return Err("`d` and `k` are to be positive".into());
    }
    let l = d * (d - 1) / 2;
    let mut x = Vec::new();
    for (key, wanted) in [("alpha", k), ("mu", k * d), ("q", k * d), ("l", k * l)] {
        let part = numbers(input, key)?;
        expect(key, part.len(), wanted)?;
        x.extend(part);
    }
    let points = numbers(input, "x")?;
    expect("x", points.len(), n * d)?;
    let mixture = Mixture { d, k, gamma: number(input, "gamma")?, m: count(input, "m")?, x, points };
    let show = move |gradient: &[f64]| {
        let (alpha, rest) = gradient.split_at(k);
        let (mu, rest) = rest.split_at(k * d);
        let (q, triangles) = rest.split_at(k * d);
        // A Gaussian in one dimension has no triangle, but a row for it.
        let triangles = if l == 0 { vec![&[][..]; k] } else { rows(triangles, l) };
        json!({"alpha": alpha, "mu": rows(mu, d), "q": rows(q, d), "l": triangles})
    };
    Ok(match function {
        "objective" => Some(Job::number(move || Ok(mixture.value()))),
        "jacobian" => {
            let mut tape = tapes::Mixture::new(d, k, mixture.gamma, mixture.m as f64)?;
            let run = move || Ok(tape.gradient(&mixture.x, &mixture.points)?.1);
            Some(Job { run: Box::new(run), show: Box::new(show) })
        }
        "by_hand" => {
            let prior = [mixture.gamma, mixture.m as f64];
            let run = move || Ok(by_hand::mixture(&mixture.x, &mixture.points, [d, k], prior).1);
            Some(Job { run: Box::new(run), show: Box::new(show) })
        }
        _ => None,
    })
}

impl Mixture {
    fn value(&self) -> f64 {
        let gaussians = Gaussians::new(&self.x, self.d, self.k);
        let n = (self.points.len() / self.d) as f64;
        let likelihood = gaussians.log_likelihood(&self.points) - n * log_sum_exp(gaussians.logits);
        likelihood - gaussians.penalty(self.gamma, self.m as f64) + self.constant()
    }

    fn constant(&self) -> f64 {
        let (d, freedom) = (self.d as f64, self.d + self.m + 1);
        let log_gamma =
            0.25 * d * (d - 1.0) * PI.ln() + (0..self.d).map(|j| log_gamma_of_half(freedom - j)).sum::<f64>();
        let wishart = freedom as f64 * d * (self.gamma.ln() - 0.5 * LN_2) - log_gamma;
        self.k as f64 * wishart - self.points.len() as f64 * 0.5 * (2.0 * PI).ln()
    }
}

/// `ln Gamma(n / 2)`.
fn log_gamma_of_half(n: usize) -> f64 {
    let (start, least) = if n.is_multiple_of(2) { (0.0, 2) } else { (0.5 * PI.ln(), 1) };
    start + (least..n).step_by(2).map(|i| (0.5 * i as f64).ln()).sum::<f64>()
}
