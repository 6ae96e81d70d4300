//! Three Jacobians on which different estimators win, and what is chosen on each: standard errors at 12 products, beside
//! those predicted from a measurement.

use ad_core::{Elementary, Result, Tape};
use ad_ops::auto::{Auto, Choice, Method};
use ad_ops::random::Purpose;
use ad_ops::trace::{Dense, Jacobian, Transposable};
use rayon::prelude::*;

use crate::row::{Row, moments};

const DIM: usize = 64;
const PRODUCTS: usize = 12;
const DRAWS: u32 = 2000;
/// How far a sampled standard error may be from the predicted one.
const SHARE: f64 = 0.1;
/// How much worse than the best fixed choice the automatic one may be.
const FACTOR: f64 = 1.1;

pub(crate) fn table(seed: u64) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (spectrum, map) in
        [("random MLP", mlp()?), ("score, 4-dim", score()?), ("rank 3 + rotation", rotation()?)]
    {
        let choice = Auto::new(PRODUCTS, DIM)
            .choose(std::slice::from_ref(&map), &mut Purpose::Constant.stream(9 + seed, 0, 0))?;
        rows.extend(of_one(spectrum, &map, seed, &choice)?);
    }
    Ok(rows)
}

/// All that was considered, the best predicted first, and then what was chosen.
fn of_one(spectrum: &str, map: &Dense, seed: u64, choice: &Choice) -> Result<Vec<Row>> {
    let row = |method: String, published: f64, ours: f64, low: f64, high: f64| Row {
        table: "12 products",
        spectrum: spectrum.to_owned(),
        products: PRODUCTS,
        method,
        published,
        ours,
        low,
        high,
    };
    let (mut rows, mut best, mut chosen) = (Vec::new(), f64::INFINITY, f64::INFINITY);
    for predicted in choice.considered() {
        let (ours, formula) = (standard_error(map, seed, predicted.method)?, predicted.variance.sqrt());
        best = best.min(ours);
        if predicted.method == choice.method() {
            chosen = ours;
        }
        let name = predicted.method.to_string();
        rows.push(row(name, formula, ours, formula * (1.0 - SHARE), formula * (1.0 + SHARE)));
    }
    rows.push(row("chosen, against the best".to_owned(), best, chosen, 0.0, FACTOR * best));
    Ok(rows)
}

fn standard_error(map: &Dense, seed: u64, method: Method) -> Result<f64> {
    let one = |draw| method.estimate(map, &mut Purpose::Probe.stream(77 + seed, draw, 0)).map(|e| e.value);
    let values: Vec<f64> = (0..DRAWS).into_par_iter().map(one).collect::<Result<_>>()?;
    Ok(moments(&values).1.sqrt())
}

fn normals(n: usize, seed: u32) -> Vec<f64> {
    let mut stream = Purpose::Constant.stream(41, seed, 0);
    (0..n).map(|_| stream.standard_normal()).collect()
}

/// The Jacobian of a field with two hidden layers of 64 at a random point, its weights twice as large as at the start of
/// a training.
fn mlp() -> Result<Dense> {
    let field = Tape::record(|t| {
        let x = t.example("x", &[DIM]);
        let w: Vec<_> = ["w0", "w1", "w2"].into_iter().map(|name| t.shared(name, &[DIM, DIM])).collect();
        [("x_dot", x.matmul(&w[0]).tanh().matmul(&w[1]).tanh().matmul(&w[2]))]
    })?;
    let weights = |seed| normals(DIM * DIM, seed).iter().map(|x| x * 2.0 / 8.0).collect::<Vec<f64>>();
    let jacobian = Jacobian::new(&field, "x", "x_dot")?;
    let at = jacobian.at(&[&normals(DIM, 0), &weights(1), &weights(2), &weights(3)])?;
    let mut identity = vec![0.0; DIM * DIM];
    identity.iter_mut().step_by(DIM + 1).for_each(|x| *x = 1.0);
    let mut rows = vec![0.0; DIM * DIM];
    at.apply_transpose(&identity, &mut rows)?;
    Dense::new(DIM, rows)
}

/// The score of normal data in four dimensions, of variance one, in noise of variance 0.02.
fn score() -> Result<Dense> {
    let noise = 0.02;
    low_rank(&[1.0 / noise - 1.0 / (1.0 + noise); 4], 5, |i, j| if i == j { -1.0 / noise } else { 0.0 })
}

/// A rank of 3, a rotation that hides it from products, and a little noise.
fn rotation() -> Result<Dense> {
    let noise = normals(DIM * DIM, 7);
    let skew = |i: usize, j: usize| noise[i * DIM + j] - noise[j * DIM + i];
    low_rank(&[6.0, 4.0, 2.0], 6, |i, j| 0.5 * skew(i, j) + 0.03 * noise[i * DIM + j])
}

/// `sum_k c_k u_k u_k^T` for random orthonormal directions, and more.
fn low_rank(c: &[f64], seed: u32, more: impl Fn(usize, usize) -> f64) -> Result<Dense> {
    let mut u = normals(c.len() * DIM, seed);
    ad_ops::hutch_pp::orthonormalise(&mut u, c.len(), DIM, 1)?;
    let entry = |i: usize, j: usize| {
        c.iter().zip(u.chunks_exact(DIM)).map(|(c, u)| c * u[i] * u[j]).sum::<f64>() + more(i, j)
    };
    Dense::new(DIM, (0..DIM * DIM).map(|ij| entry(ij / DIM, ij % DIM)).collect())
}
