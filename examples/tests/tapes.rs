//! Gradients of tapes are those of numbers, and those by hand.

use ad_core::{Result, gradient};
use examples::problems::{Gaussians, determinant, integrate, log_sum_exp, recurrent_loss};
use examples::{by_hand, tapes};

/// Numbers between -1 and 1 without a pattern.
fn some(n: usize) -> Vec<f64> {
    (0..n).map(|i| (1.7 * (i + 1) as f64 * (i as f64 + 0.3).sqrt()).sin()).collect()
}

fn assert_same(what: &str, taped: &(f64, Vec<f64>), wanted: &(f64, Vec<f64>)) {
    assert_eq!(taped.1.len(), wanted.1.len(), "{what}");
    let pairs = taped.1.iter().zip(&wanted.1).chain([(&taped.0, &wanted.0)]);
    for (i, (a, b)) in pairs.enumerate() {
        assert!((a - b).abs() <= 1e-11 * (a.abs() + b.abs()).max(1.0), "{what}, {i}: {a}, not {b}");
    }
}

#[test]
fn log_sum_exp_is_that_of_numbers() -> Result<()> {
    for n in [1, 2, 63, 64, 1000] {
        for far in [0.0, 1000.0] {
            let x: Vec<f64> = some(n).iter().map(|x| x + far).collect();
            let taped = tapes::LogSumExp::new(n)?.gradient(&x)?;
            assert_same("lse", &taped, &gradient(log_sum_exp, &x)?);
            assert_same("lse by hand", &taped, &by_hand::log_sum_exp(&x));
        }
    }
    Ok(())
}

#[test]
fn least_squares_are_those_of_numbers() -> Result<()> {
    // With a point at 0 and without.
    for (coefficients, points) in [(1, 2), (16, 64), (17, 65), (128, 99)] {
        let x = some(coefficients);
        let misfit = |x: &[ad_core::Var]| {
            let mut sum = ad_core::Var::fixed(0.0);
            for i in 0..points {
                let t = -1.0 + i as f64 * 2.0 / (points as f64 - 1.0);
                let power = |(j, &x): (usize, &ad_core::Var)| x * t.powi(j as i32);
                let rest = x.iter().enumerate().map(power).sum::<ad_core::Var>()
                    - if t == 0.0 { 0.0 } else { t.signum() };
                sum += rest * rest;
            }
            sum * 0.5
        };
        let taped = tapes::LeastSquares::new(coefficients, points)?.gradient(&x)?;
        assert_same("llsq", &taped, &gradient(misfit, &x)?);
        assert_same("llsq by hand", &taped, &by_hand::least_squares(&x, points));
    }
    Ok(())
}

#[test]
fn mixtures_are_those_of_numbers() -> Result<()> {
    for (d, k, n) in [(1, 1, 1), (1, 3, 70), (3, 4, 64), (5, 7, 130)] {
        let (x, points) = (some(k * (1 + 2 * d + d * (d - 1) / 2)), some(n * d));
        let value = |x: &[ad_core::Var]| {
            let g = Gaussians::new(x, d, k);
            g.log_likelihood(&points) - log_sum_exp(g.logits) * n as f64 - g.penalty(1.3, 2.0)
        };
        let taped = tapes::Mixture::new(d, k, 1.3, 2.0)?.gradient(&x, &points)?;
        assert_same("gmm", &taped, &gradient(value, &x)?);
        assert_same("gmm by hand", &taped, &by_hand::mixture(&x, &points, [d, k], [1.3, 2.0]));
    }
    Ok(())
}

#[test]
fn recurrent_networks_are_those_of_numbers() -> Result<()> {
    // More bits than a block has examples; numbers of steps that no part divides.
    for (layers, bits, characters) in [(1, 1, 2), (2, 3, 9), (3, 8, 30), (1, 70, 11)] {
        let (x, state) = (some(8 * layers * bits + 3 * bits), some(2 * layers * bits));
        let sequence: Vec<f64> =
            some(characters * bits).iter().map(|u| f64::from(u8::from(*u > 0.0))).collect();
        let taped = tapes::Recurrent::new(layers, bits, characters)?.gradient(&x, &state, &sequence)?;
        assert_same("lstm", &taped, &gradient(|x| recurrent_loss(x, &state, &sequence, bits), &x)?);
        assert_same("lstm by hand", &taped, &by_hand::recurrent(&x, &state, &sequence, bits));
    }
    Ok(())
}

#[test]
fn recurrences_are_those_of_numbers() -> Result<()> {
    for steps in [0, 100, 300] {
        let x = [0.99, 0.3, -0.7];
        let taped = tapes::Chain::new(steps)?.gradient(&x)?;
        assert_same("chain", &taped, &gradient(|x| (0..steps).fold(x[2], |y, _| y * x[0] + x[1]), &x)?);
    }
    let refused = tapes::Chain::new(150).err().map(|error| error.to_string());
    assert!(refused.is_some_and(|message| message.contains("150")), "hundreds make no 150 up");
    for (size, steps) in [(1, 1), (2, 5), (65, 9)] {
        let x = some(size);
        let taped = tapes::Oscillators::new(size, steps)?.gradient(&x)?;
        assert_same("ode", &taped, &gradient(|x| integrate(x, steps)[size - 1], &x)?);
    }
    Ok(())
}

#[test]
fn determinants_are_those_of_numbers() -> Result<()> {
    for rows in 1..=6 {
        let a = some(rows * rows);
        let taped = tapes::Determinant::new(rows)?.gradient(&a)?;
        assert_same("det", &taped, &gradient(|a| determinant(a, rows), &a)?);
    }
    Ok(())
}

#[test]
fn clusters_step_as_by_hand() -> Result<()> {
    for (k, d, n) in [(1, 1, 1), (3, 2, 65), (8, 5, 500)] {
        let (centroids, points) = (some(k * d), some(n * d));
        let taped = tapes::Clusters::new(k, n, d)?.step(&centroids, &points)?;
        let wanted = by_hand::clusters(&centroids, &points, d);
        // The coordinates of a centroid to which no point belongs are 0 / 0.
        for (a, b) in taped.iter().zip(&wanted) {
            assert!((a - b).abs() <= 1e-11 || a.is_nan() && b.is_nan(), "{a}, not {b}");
        }
    }
    Ok(())
}

#[test]
fn a_point_between_centroids_belongs_to_each_by_half() -> Result<()> {
    // At a tie the subgradient of least norm: the slopes are halves of `2 (c - x)`, and so are those of the Hessian.
    let step = tapes::Clusters::new(2, 1, 1)?.step(&[-1.0, 1.0], &[0.0])?;
    assert_eq!(step, [-1.0, 1.0]);
    Ok(())
}
