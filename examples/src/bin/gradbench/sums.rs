//! Evaluations with one result each of a plain list of numbers: hello, llsq, lse, det, ode.

use ad_core::{Dual, Var, derivative, gradient, record};
use examples::problems::{self, minor_term, step};
use examples::{by_hand, tapes};
use serde_json::Value;

use crate::input::{count, expect, numbers};
use crate::{Job, Result};

/// `x^2` and its derivative.
pub(crate) fn hello(function: &str, input: &Value) -> Result<Option<Job>> {
    let x = input.as_f64().ok_or("the input is to be a number")?;
    Ok(match function {
        "square" => Some(Job::number(move || Ok(x * x))),
        "double" => Some(Job::number(move || Ok(derivative(|x: Dual| x * x, x).1))),
        _ => None,
    })
}

/// Half the squared distance of a polynomial from the sign on `n` points of [-1, 1].
fn misfit(x: &[f64], n: usize) -> f64 {
    let mut sum = 0.0;
    for i in 0..n {
        let t = -1.0 + i as f64 * 2.0 / (n as f64 - 1.0);
        let (mut rest, mut power) = (if t == 0.0 { 0.0 } else { t.signum() }, 1.0);
        for x in x {
            rest -= x * power;
            power *= t;
        }
        sum += rest * rest;
    }
    0.5 * sum
}

pub(crate) fn least_squares(function: &str, input: &Value) -> Result<Option<Job>> {
    let (x, n) = (numbers(input, "x")?, count(input, "n")?);
    if x.is_empty() {
        return Err("`x` is to have a number".into());
    }
    Ok(match function {
        "primal" => Some(Job::number(move || Ok(misfit(&x, n)))),
        "gradient" => {
            let mut tape = tapes::LeastSquares::new(x.len(), n)?;
            Some(Job::list(move || Ok(tape.gradient(&x)?.1)))
        }
        "by_hand" => Some(Job::list(move || Ok(by_hand::least_squares(&x, n).1))),
        _ => None,
    })
}

pub(crate) fn log_sum_exp(function: &str, input: &Value) -> Result<Option<Job>> {
    let x = numbers(input, "x")?;
    if x.is_empty() {
        return Err("`x` is to have a number".into());
    }
    Ok(match function {
        "primal" => Some(Job::number(move || Ok(problems::log_sum_exp(&x)))),
        "gradient" => {
            let mut tape = tapes::LogSumExp::new(x.len())?;
            Some(Job::list(move || Ok(tape.gradient(&x)?.1)))
        }
        "by_hand" => Some(Job::list(move || Ok(by_hand::log_sum_exp(&x).1))),
        _ => None,
    })
}

pub(crate) fn determinant(function: &str, input: &Value) -> Result<Option<Job>> {
    let (a, n) = (numbers(input, "A")?, count(input, "ell")?);
    if !(1..=16).contains(&n) {
        return Err("`ell` is to be from 1 to 16".into());
    }
    expect("A", a.len(), n * n)?;
    Ok(match function {
        "primal" => Some(Job::number(move || Ok(problems::determinant(&a, n)))),
        "gradient" => Some(Job::list(move || determinant_gradient(&a, n))),
        _ => None,
    })
}

/// One recording for each entry of the first row.
fn determinant_gradient(a: &[f64], n: usize) -> Result<Vec<f64>> {
    let mut total = vec![0.0; n * n];
    for j in 0..n {
        let sign = if j % 2 == 1 { -1.0 } else { 1.0 };
        let (_, term) = gradient(|a| minor_term(a, n, j), a)?;
        total.iter_mut().zip(term).for_each(|(total, term)| *total += sign * term);
    }
    Ok(total)
}

pub(crate) fn equation(function: &str, input: &Value) -> Result<Option<Job>> {
    let (x, s) = (numbers(input, "x")?, count(input, "s")?);
    if x.is_empty() || s == 0 {
        return Err("`x` is to have a number, and `s` to be positive".into());
    }
    Ok(match function {
        "primal" => Some(Job::list(move || Ok(problems::integrate(&x, s)))),
        "gradient" => Some(Job::list(move || equation_gradient(&x, s))),
        _ => None,
    })
}

/// The gradient of the last number: the states of all steps are kept, and one step at a time is recorded.
fn equation_gradient(x: &[f64], steps: usize) -> Result<Vec<f64>> {
    let (n, h) = (x.len(), 2.0 / steps as f64);
    let mut states = vec![vec![0.0; n]];
    for k in 1..steps {
        let mut y = states[k - 1].clone();
        step(x, &mut y, h);
        states.push(y);
    }
    let (mut x_bar, mut y_bar) = (vec![0.0; n], vec![0.0; n]);
    y_bar[n - 1] = 1.0;
    for y in states.iter().rev() {
        let bars = record(|r| {
            let mut variables = r.variables(x);
            variables.extend(r.variables(y));
            let mut after = variables[n..].to_vec();
            step(&variables[..n], &mut after, h);
            let outputs: Vec<(Var, f64)> = after.into_iter().zip(y_bar.iter().copied()).collect();
            r.pull_back(&outputs, &variables)
        })?;
        x_bar.iter_mut().zip(&bars).for_each(|(total, bar)| *total += bar);
        y_bar.copy_from_slice(&bars[n..]);
    }
    Ok(x_bar)
}
