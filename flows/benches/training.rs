//! One training step of a flow on 256 points of the plane: the negative log-likelihood and its gradient.

use std::hint::black_box;

use ad_ops::random::Purpose;
use ad_ops::{Probe, Renewal};
use criterion::{Criterion, criterion_group, criterion_main};
use flows::data::Builtin;
use flows::layer::{Activation, mlp_field};
use flows::ode::controller::{Adaptive, Control};
use flows::ode::tableau::Tableau;
use flows::ode::tableaus::{RK4, TSIT5};
use flows::{Cnf, Divergence, Parameters, ProbeSeed, Settings};

fn training(c: &mut Criterion) {
    let field = mlp_field(2, 0, &[64, 64], Activation::Tanh).expect("a field");
    let parameters = Parameters::init(field.declarations(), 1);
    let rows = Builtin::Moons.sample(256, 1, Purpose::Data).into_values();
    let methods: [(&str, &'static Tableau, Control); 2] = [
        ("tsit5 at 1e-4", &TSIT5, Control::Adaptive(Adaptive::i(1e-4, 1e-4))),
        ("rk4, 20 steps", &RK4, Control::Constant { steps: 20 }),
    ];
    let hutchinson = |renewal| Divergence::Hutchinson { probes: 1, probe: Probe::Rademacher.into(), renewal };
    let divergences = [
        ("exact", Divergence::Exact),
        ("one probe", hutchinson(Renewal::PerSolve)),
        ("one probe a step", hutchinson(Renewal::PerStep)),
    ];
    for (method, tableau, control) in methods {
        for (name, divergence) in divergences {
            let settings = Settings { tableau, control, divergence, ..Settings::default() };
            let cnf = Cnf::<f32>::new(&field, &settings).expect("a flow");
            c.bench_function(&format!("gradient, {method}, {name}"), |b| {
                b.iter(|| black_box(cnf.nll_gradient(&parameters, &rows, &[], ProbeSeed::default())));
            });
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).warm_up_time(std::time::Duration::from_millis(200))
        .measurement_time(std::time::Duration::from_secs(1));
    targets = training
}
criterion_main!(benches);
