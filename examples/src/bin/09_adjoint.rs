//! 9. The gradient through a solve.
//!
//! A continuous normalizing flow moves points of a simple density to the data by an equation `x' = f(t, x)`, and tells
//! the log-density of a point by integrating back, the divergence beside it. Its loss is therefore the end of a solve,
//! and [`Cnf::nll_gradient`](flows::Cnf::nll_gradient) is its gradient in all parameters.
//!
//! It transposes the very steps that were taken: the gradient is that of the number computed, not of a limit it
//! approximates. Each example needs the states its steps began from. Either all of them are kept, or a few, and the
//! steps between are taken once more; both give the same gradient, bit for bit.

use flows::layer::{Activation, mlp_field};
use flows::ode::controller::{Adaptive, Control};
use flows::ode::tableaus::HEUN;
use flows::{Adjoint, Cnf, Field, Parameters, ProbeSeed, Settings};

fn nll(field: &Field, settings: &Settings, parameters: &Parameters, rows: &[f64]) -> flows::Result<f64> {
    let found = Cnf::<f64>::new(field, settings)?.log_prob(parameters, rows, &[], ProbeSeed::default())?;
    Ok(-found.log_p.iter().sum::<f64>() / found.log_p.len() as f64)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let field = mlp_field(2, 0, &[16, 16], Activation::Tanh)?;
    let parameters = Parameters::init(field.declarations(), 1);
    let rows: Vec<f64> = (0..400).map(|k| (f64::from(k) * 0.7).sin() * 1.5).collect();

    // With steps held fixed, differences are exact for the gradient.
    let fixed = Settings { control: Control::Constant { steps: 10 }, ..Settings::default() };
    let cnf = Cnf::<f64>::new(&field, &fixed)?;
    let found = cnf.nll_gradient(&parameters, &rows, &[], ProbeSeed::default())?;
    println!("NLL {:.6} nats, gradient of {} parameters\n", found.nll, parameters.count());
    println!("{:<10} {:>14} {:>14}", "parameter", "gradient", "differences");
    let h = 1e-5;
    for (place, (name, bar)) in found.gradient.iter().enumerate() {
        let moved = |step: f64| {
            let mut moved = parameters.clone();
            moved.arrays_mut().skip(place).take(1).for_each(|array| array.data[0] += step);
            nll(&field, &fixed, &moved, &rows)
        };
        let difference = (moved(h)? - moved(-h)?) / (2.0 * h);
        println!("{:<10} {:>14.10} {difference:>14.10}", format!("{name}[0]"), bar.data[0]);
        assert!((bar.data[0] - difference).abs() < 1e-8, "{name}[0]: {} is not {difference}", bar.data[0]);
    }

    // With adaptive steps, many for a method of order 2, each example has its own number of them.
    let gradient = |adjoint| {
        let control = Control::Adaptive(Adaptive::i(1e-5, 1e-5));
        let settings = Settings { tableau: &HEUN, control, adjoint, ..Settings::default() };
        Cnf::<f64>::new(&field, &settings)?.nll_gradient(&parameters, &rows, &[], ProbeSeed::default())
    };
    let all = gradient(Adjoint::StoreAll)?;
    println!("\n{:.1} steps an example on average", all.statistics.mean(all.statistics.accepted));
    for slots in [2, 5, 10] {
        let few = gradient(Adjoint::Checkpointed { slots })?;
        assert_eq!(few.gradient, all.gradient, "keeping {slots} states an example changes the gradient");
        println!("keeping at most {slots} states of each: the same gradient, bit for bit");
    }
    Ok(())
}
