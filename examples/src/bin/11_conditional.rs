//! 11. A density that depends on something.
//!
//! A field may see a *context*, numbers of each example that are held while its state moves. The flow is then a density
//! `p(x | c)` for every `c`, learned from pairs: a regression that tells its whole distribution, not the mean alone.
//!
//! Here `x` given `c` is normal with the mean `sin 3c` and the deviation `0.1 + 0.2 c^2`. The flow is told neither, and
//! its density at each `c` is held against both.

use std::ops::ControlFlow;

use ad_ops::random::Purpose;
use flows::layer::{Activation, mlp_field};
use flows::model::evaluation;
use flows::train::{Event, Examples, Options, Task, fit};
use flows::{Cnf, Parameters, ProbeSeed, Settings};

fn mean(c: f64) -> f64 {
    (3.0 * c).sin()
}

fn deviation(c: f64) -> f64 {
    0.1 + 0.2 * c * c
}

fn pairs(n: u32, purpose: Purpose) -> Result<Examples, Box<dyn std::error::Error>> {
    let pair = |row| {
        let mut stream = purpose.stream(1, 0, row);
        let c = 2.0 * stream.uniform() - 1.0;
        (mean(c) + deviation(c) * stream.standard_normal(), c)
    };
    let (points, contexts) = (0..n).map(pair).unzip();
    Ok(Examples::new(1, points)?.with_contexts(1, contexts)?)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let field = mlp_field(1, 1, &[32, 32], Activation::Tanh)?;
    let cnf = Cnf::<f32>::new(&field, &Settings::default())?;
    let (train, valid) = (pairs(4000, Purpose::Data)?, pairs(1000, Purpose::FreshData)?);
    let task = Task { model: &cnf, judge: &cnf, train: &train, valid: &valid };
    let options = Options { epochs: 25, batch_size: 128, learning_rate: 1e-2, ..Options::default() };
    let fitted = fit(&task, Parameters::init(field.declarations(), 1), &options, &mut |event| {
        if let Event::Epoch { epoch, .. } = event {
            println!("epoch {:>2}: NLL {:.4} nats on pairs held out", epoch.number, epoch.valid);
        }
        ControlFlow::Continue(())
    })?;

    let judge = Cnf::<f64>::new(&field, &evaluation())?;
    let step = 0.01;
    let grid: Vec<f64> = (-300..=300).map(|k| f64::from(k) * step).collect();
    println!("\n{:>6} {:>8} {:>8} {:>9} {:>10} {:>9}", "c", "mass", "mean", "sin 3c", "deviation", "true");
    for c in [-0.8, -0.4, 0.0, 0.4, 0.8] {
        let contexts = vec![c; grid.len()];
        let log_p = judge.log_prob(&fitted.parameters, &grid, &contexts, ProbeSeed::default())?.log_p;
        let moment = |f: &dyn Fn(f64) -> f64| {
            grid.iter().zip(&log_p).map(|(x, p)| f(*x) * p.exp() * step).sum::<f64>()
        };
        let mass = moment(&|_| 1.0);
        let m = moment(&|x| x);
        let s = moment(&|x| (x - m).powi(2)).sqrt();
        println!("{c:>6} {mass:>8.5} {m:>8.4} {:>9.4} {s:>10.4} {:>9.4}", mean(c), deviation(c));
        assert!((mass - 1.0).abs() < 1e-3, "the density at c = {c} sums to {mass}, not to 1");
        assert!((m - mean(c)).abs() < 0.05, "the mean at c = {c} is {m}, not {}", mean(c));
        assert!(
            (s / deviation(c) - 1.0).abs() < 0.2,
            "the deviation at c = {c} is {s}, not {}",
            deviation(c)
        );
    }
    Ok(())
}
