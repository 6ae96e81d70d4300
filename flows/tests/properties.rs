//! Gradients of random flows: any shape, method, divergence, adjoint and number of rows.

use ad_ops::random::Purpose;
use ad_ops::{Block, Probe, Renewal};
use flows::layer::{Activation, mlp_field};
use flows::ode::controller::{Adaptive, Control};
use flows::ode::{System, tableaus};
use flows::{Adjoint, Cnf, Divergence, Field, Parameters, ProbeSeed, Settings};
use proptest::prelude::*;

fn normal(count: usize, seed: u32) -> Vec<f64> {
    let mut stream = Purpose::Constant.stream(u64::from(seed), 1, 2);
    (0..count).map(|_| stream.standard_normal()).collect()
}

fn settings() -> impl Strategy<Value = Settings> {
    let divergence = prop_oneof![
        Just(Divergence::Exact),
        Just(Divergence::Directions),
        (
            1_usize..3,
            prop_oneof![Just(Probe::Rademacher.into()), Just(Probe::Gaussian.into()), Just(Block::Haar)],
            prop_oneof![Just(Renewal::PerSolve), Just(Renewal::PerStep)],
        )
            .prop_map(|(probes, probe, renewal)| Divergence::Hutchinson { probes, probe, renewal }),
    ];
    let adjoint =
        prop_oneof![Just(Adjoint::StoreAll), (2_usize..5).prop_map(|slots| Adjoint::Checkpointed { slots })];
    let fixed = (0..tableaus::ALL.len(), 1_usize..8)
        .prop_map(|(k, steps)| (tableaus::ALL[k], Control::Constant { steps }));
    // So tight that the steps chosen do not show in the solution.
    let adaptive = (0_usize..2).prop_map(|k| {
        let control = if k == 0 { Adaptive::i(1e-11, 1e-11) } else { Adaptive::pi(1e-11, 1e-11) };
        (&tableaus::TSIT5, Control::Adaptive(control))
    });
    (divergence, adjoint, prop_oneof![fixed, adaptive]).prop_map(
        |(mut divergence, adjoint, (tableau, control))| {
            // Where each step draws its own probes, the steps chosen do show.
            if let (Divergence::Hutchinson { renewal, .. }, Control::Adaptive(_)) = (&mut divergence, control)
            {
                *renewal = Renewal::PerSolve;
            }
            Settings { tableau, control, divergence, adjoint }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Along a random direction of the parameters the gradient is the central difference of the log-likelihood.
    #[test]
    fn gradients_equal_differences(
        settings in settings(),
        dims in 1_usize..4,
        hidden in proptest::collection::vec(1_usize..9, 0..3),
        sine: bool,
        rows in prop_oneof![Just(1_usize), 2_usize..9, 63_usize..67],
        seed in 0_u32..1000,
    ) {
        let activation = if sine { Activation::Sin } else { Activation::Tanh };
        let field = mlp_field(dims, 0, &hidden, activation).unwrap();
        let parameters = Parameters::init(field.declarations(), u64::from(seed));
        let rows = normal(rows * dims, seed);
        let cnf = Cnf::<f64>::new(&field, &settings).unwrap();
        let probe = ProbeSeed { seed: 1, step: seed, first_example: 0 };
        let found = cnf.nll_gradient(&parameters, &rows, &[], probe).unwrap();
        let direction = normal(parameters.count(), seed + 1);
        let nll = |step: f64| {
            let mut moved = parameters.clone();
            let elements = moved.arrays_mut().flat_map(|a| a.data.iter_mut());
            elements.zip(&direction).for_each(|(x, v)| *x += step * v);
            let log_p = cnf.log_prob(&moved, &rows, &[], probe).unwrap().log_p;
            -log_p.iter().sum::<f64>() / log_p.len() as f64
        };
        let h = 1e-4;
        // Two differences, extrapolated (Richardson): the error falls with h^4.
        let difference = (8.0 * (nll(h) - nll(-h)) - (nll(2.0 * h) - nll(-2.0 * h))) / (12.0 * h);
        let gradient = found.gradient.iter().flat_map(|(_, a)| &a.data);
        let products: Vec<f64> = gradient.zip(&direction).map(|(g, v)| g * v).collect();
        let along: f64 = products.iter().sum();
        let scale: f64 = products.iter().map(|p| p.abs()).sum();
        prop_assert!((along - difference).abs() <= 1e-6 * (scale + 1e-3), "{along} against {difference}");
        prop_assert!((found.nll - nll(0.0)).abs() <= 1e-12 * (1.0 + found.nll.abs()));
    }
}

/// Found in review: sums over examples would have mixed examples that step apart.
#[test]
fn a_field_that_sees_other_examples_is_refused() {
    let field = Field::record(2, |f| f.state() - f.state().mean_examples()).unwrap();
    let refusal = System::new(field.tape().clone(), &["x"]).unwrap_err();
    assert!(refusal.to_string().contains("sums over examples"), "{refusal}");
    assert!(Cnf::<f64>::new(&field, &Settings::default()).is_err());
}
