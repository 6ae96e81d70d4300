//! 10. A flow from your own closure.
//!
//! Any closure on tracers can be the field of a flow. It declares its parameters where it uses them; derivatives,
//! divergence, solver, adjoint and training follow. Here the field is the gradient of a learned potential, so it takes
//! a derivative inside: the divergence is then of second order in the network, and its gradient of third.
//!
//! The data are a banana whose density has a closed form: `a = 40 + 5 u` and `b = u^2 + v / 2` with `u`, `v` normal. It
//! is a Gaussian, scaled and sheared, and so its entropy is `ln(2 pi e) + ln(5 / 2)`: the floor of any NLL on it.

use std::ops::ControlFlow;

use ad_core::Elementary;
use ad_ops::random::Purpose;
use flows::data::{Fractions, Standardisation, Table, split};
use flows::layer::linear_of;
use flows::model::evaluation;
use flows::train::{Event, Examples, Options, Task, fit};
use flows::{Cnf, Field, Init, Parameters, ProbeSeed, Settings};

fn bananas(n: u32) -> Vec<f64> {
    let banana = |row| {
        let mut normal = Purpose::Data.stream(1, 0, row);
        let (u, v) = (normal.standard_normal(), normal.standard_normal());
        [40.0 + 5.0 * u, u * u + 0.5 * v]
    };
    (0..n).flat_map(banana).collect()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let field = Field::record(2, |f| {
        let (time, x) = (f.time().reshape(&[1]), f.state());
        let features = linear_of(f, "features", &[&time, x], 48, 1.0).tanh();
        let potential = features.square().dot(&f.parameter("weights", &[48], Init::Normal { scale: 0.1 }));
        f.recorder().pull_back(&[(&potential, &f.recorder().number(1.0))], &[x]).remove(0)
    })?;

    // Mean and deviation of each column are fitted on the rows that train, and on no others.
    let table = Table::new(vec!["a".into(), "b".into()], bananas(6000))?;
    let parts = split(table.rows(), Fractions { valid: 0.1, test: 0.4 }, 1)?;
    let units = Standardisation::fit(&table, &parts.train)?;
    let part = |rows: &[usize]| -> Result<Examples, Box<dyn std::error::Error>> {
        let mut points = table.select(rows).into_values();
        units.apply(&mut points)?;
        Ok(Examples::new(2, points)?)
    };
    let (train, valid, test) = (part(&parts.train)?, part(&parts.valid)?, part(&parts.test)?);

    let cnf = Cnf::<f32>::new(&field, &Settings::default())?;
    let task = Task { model: &cnf, judge: &cnf, train: &train, valid: &valid };
    let options = Options { epochs: 25, batch_size: 128, learning_rate: 1e-2, ..Options::default() };
    let fitted = fit(&task, Parameters::init(field.declarations(), 1), &options, &mut |event| {
        if let Event::Epoch { epoch, .. } = event {
            println!(
                "epoch {:>2}: NLL {:.4} nats, {:.4} on rows held out",
                epoch.number, epoch.train, epoch.valid
            );
        }
        ControlFlow::Continue(())
    })?;

    // Judged more exactly than trained. Densities in the units of the data: the map's log-determinant comes off.
    let judge = Cnf::<f64>::new(&field, &evaluation())?;
    let log_p = |points: &[f64]| judge.log_prob(&fitted.parameters, points, &[], ProbeSeed::default());
    let test_log_p = log_p(test.points())?.log_p;
    let nll = units.log_det() - test_log_p.iter().sum::<f64>() / test_log_p.len() as f64;
    let floor = (std::f64::consts::TAU * std::f64::consts::E).ln() + 2.5_f64.ln();
    println!("\nNLL {nll:.4} nats on {} rows never seen; the entropy of the data is {floor:.4}", test.len());

    let step = 0.08;
    let axis = |k: i32| f64::from(k) * step;
    let grid: Vec<f64> = (-75..150).flat_map(|j| (-75..75).flat_map(move |i| [axis(i), axis(j)])).collect();
    let mass = log_p(&grid)?.log_p.into_iter().map(f64::exp).sum::<f64>() * step * step;
    println!("the density sums to {mass:.5} over a grid");

    assert!((mass - 1.0).abs() < 0.01, "the density sums to {mass}, not to 1");
    assert!((nll - floor).abs() < 0.15, "an NLL of {nll} is not near the entropy of the data, {floor}");
    Ok(())
}
