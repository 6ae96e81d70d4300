use proptest::prelude::*;

use super::*;
use crate::ode::{
    tableau::tests::step,
    tableaus::{DOPRI5, HEUN, RK4, TSIT5},
};

/// A smooth equation with a bump in its way, so that steps are rejected before and after it.
fn bump(t: f64, y: f64) -> f64 {
    y * t.cos() + 50.0 * (-(20.0 * (t - 1.5)).powi(2)).exp()
}

/// Integrates `f` from `y(t0) = 1` and returns the accepted times, the last value and the state at the end.
fn solve(controller: Controller, tableau: &Tableau, f: fn(f64, f64) -> f64, [t0, t1]: [f64; 2]) -> Solve {
    let mut state = controller.begin(t0, t1).unwrap();
    let (mut times, mut y) = (vec![t0], 1.0);
    while controller.status(&state) == Status::Running {
        let [y_next, error] = step(tableau, f, state.t(), y, state.h());
        let error = controller.scaled_error([(y, y_next, error)]);
        if controller.next(&mut state, error) == Verdict::Accept {
            y = y_next;
            times.push(state.t());
        }
    }
    Solve { times, y, state, status: controller.status(&state) }
}

struct Solve {
    times: Vec<f64>,
    y: f64,
    state: StepState,
    status: Status,
}

fn adaptive(adaptive: Adaptive, tableau: &Tableau) -> Controller {
    Controller::new(Control::Adaptive(adaptive), tableau).unwrap()
}

fn constant(steps: usize) -> Controller {
    Controller::new(Control::Constant { steps }, &RK4).unwrap()
}

/// Against diffrax 0.7.2 in float64 (JAX 0.10.2 on a CPU): `diffeqsolve` of `bump` from `y = 1` with
/// `dt0 = (t1 - t0) / 64` and `PIDController(rtol, atol, pcoeff, icoeff)`: accepted and rejected steps, last
/// value.
#[test]
fn step_counts_are_those_of_diffrax() {
    let (forward, backward) = ([0.0, 3.0], [3.0, 0.0]);
    let (i, pi) = (|tol| Adaptive::i(tol, tol), |tol| Adaptive::pi(tol, tol));
    let reference = [
        (&TSIT5, i(1e-5), forward, 21, 11, 3.034_650_909_290_428_4),
        (&TSIT5, i(1e-5), backward, 22, 12, -0.766_840_892_228_813),
        (&TSIT5, pi(1e-5), forward, 26, 6, 3.034_648_440_982_888),
        (&DOPRI5, i(1e-5), forward, 17, 9, 3.034_698_391_369_049),
        (&DOPRI5, i(1e-8), backward, 57, 20, -0.766_851_409_656_247_3),
        (&HEUN, i(1e-4), forward, 283, 42, 3.034_977_607_200_599),
        (&HEUN, pi(1e-4), backward, 379, 37, -0.767_126_101_003_615_4),
    ];
    for (tableau, settings, span, accepted, rejected, y) in reference {
        let solve = solve(adaptive(settings, tableau), tableau, bump, span);
        assert_eq!(
            (solve.state.accepted(), solve.state.rejected()),
            (accepted, rejected),
            "{}",
            tableau.name
        );
        assert!((solve.y - y).abs() < 1e-10, "{}: {} against {y}", tableau.name, solve.y);
        assert_eq!((solve.status, solve.state.t()), (Status::Done, span[1]));
    }
}

/// Heun's error estimate is a plain difference that hardly cancels, so its steps match diffrax's digit by
/// digit; the fifth-order estimates at 1e-5 carry the rounding of their own cancellation, 1e-11, into the
/// times.
#[test]
fn accepted_times_are_those_of_diffrax() {
    for (settings, reference) in [(Adaptive::i(2e-2, 2e-2), HEUN_I), (Adaptive::pi(2e-2, 2e-2), HEUN_PI)] {
        let solve = solve(adaptive(settings, &HEUN), &HEUN, bump, [3.0, 0.0]);
        assert_eq!(solve.times.len(), reference.len());
        for (found, expected) in solve.times.iter().zip(reference) {
            assert!((found - expected).abs() < 1e-12, "{found} against {expected}");
        }
    }
}

#[rustfmt::skip]
const HEUN_I: &[f64] = &[
    3.0, 2.953_125, 2.666_638_295_394_179_6, 2.301_533_958_723_088,
    2.007_763_852_821_210_3, 1.771_778_845_865_405_3, 1.723_565_132_435_868_3, 1.679_225_260_073_779_8,
    1.635_492_232_102_934_6, 1.597_769_284_557_662, 1.582_372_165_321_367_6, 1.566_543_853_962_713_7,
    1.553_563_727_988_22, 1.542_327_929_054_881_7, 1.531_002_563_825_635_7, 1.520_864_146_189_014_9,
    1.510_725_728_552_394, 1.499_819_087_788_576_4, 1.486_704_452_180_370_5, 1.476_639_646_525_221_4,
    1.466_574_840_870_072_3, 1.456_510_035_214_923_2, 1.446_445_229_559_774, 1.435_471_205_627_557_6,
    1.422_721_432_615_849, 1.406_723_493_696_626_6, 1.383_975_817_989_435_7, 1.343_045_830_229_575_6,
    1.227_795_661_217_260_7, 0.996_270_198_790_255_9, 0.735_360_967_539_139_4, 0.360_159_662_133_367_8,
    0.076_363_595_528_305_34, 0.0,
];

#[rustfmt::skip]
const HEUN_PI: &[f64] = &[
    3.0, 2.953_125, 2.791_864_401_481_777_5, 2.630_603_802_963_555,
    2.416_943_067_469_855_3, 2.037_249_816_524_122_6, 1.780_325_559_488_304, 1.728_794_183_601_750_6,
    1.676_897_152_019_657_6, 1.603_354_843_887_098_4, 1.583_030_345_853_603, 1.568_358_847_624_379,
    1.553_687_349_395_155, 1.542_084_233_520_092_4, 1.532_071_420_358_339_2, 1.522_058_607_196_586,
    1.512_045_794_034_832_9, 1.502_032_980_873_079_7, 1.490_480_502_683_555_5, 1.481_747_330_036_589,
    1.473_014_157_389_622_7, 1.464_280_984_742_656_3, 1.455_547_812_095_69, 1.446_814_639_448_723_6,
    1.437_815_723_868_426_8, 1.428_243_948_012_191, 1.417_683_243_646_589_2, 1.405_488_410_429_579_3,
    1.390_510_435_071_190_8, 1.370_362_624_894_782_2, 1.339_154_076_441_750_9, 1.283_952_316_400_501_3,
    1.212_055_696_574_605_9, 1.124_579_646_567_761_5, 1.019_224_245_243_199_2, 0.893_781_072_419_614_1,
    0.740_795_464_663_245_9, 0.536_431_700_502_287_4, 0.373_379_030_484_816, 0.210_326_360_467_344_65,
    0.043_012_914_147_915_97, 0.0,
];

#[test]
fn a_field_that_is_not_a_number_fails_where_it_begins_to_be() {
    let root = |t: f64, _: f64| (1.0 - t).sqrt();
    let Status::Failed(Failure::NotFinite { t }) =
        solve(adaptive(Adaptive::i(1e-6, 1e-6), &TSIT5), &TSIT5, root, [0.0, 2.0]).status
    else {
        panic!("steps beyond 1 are not finite")
    };
    assert!((1.0 - t).abs() < 1e-12, "{t}");

    let constant = solve(constant(10), &RK4, root, [0.0, 2.0]);
    assert_eq!(constant.status, Status::Failed(Failure::NotFinite { t: 1.0 }));
    assert_eq!((constant.state.accepted(), constant.state.rejected()), (5, 1));
}

/// `y' = y^2` from 1 is infinite at `t = 1`: the steps come down to rounding there, or run out before.
#[test]
fn a_solution_that_blows_up_fails_in_words() {
    let square = |_: f64, y: f64| y * y;
    let settings = Adaptive { max_steps: 100_000, ..Adaptive::i(1e-6, 1e-6) };
    let blown = solve(adaptive(settings, &TSIT5), &TSIT5, square, [0.0, 2.0]);
    let Status::Failed(failure @ (Failure::StepTooSmall { t, .. } | Failure::NotFinite { t })) = blown.status
    else {
        panic!("{:?}", blown.status)
    };
    assert!((t - 1.0).abs() < 1e-4, "{failure}");

    let settings = Adaptive { max_steps: 20, ..settings };
    let short = solve(adaptive(settings, &TSIT5), &TSIT5, square, [0.0, 2.0]);
    assert_eq!(short.state.accepted() + short.state.rejected(), 20);
    assert_eq!(short.status, Status::Failed(Failure::TooManySteps { t: short.state.t(), max_steps: 20 }));
}

/// An error that no step lowers: the steps shrink until they are rounding, from wherever they began.
#[test]
fn a_tolerance_never_met_ends_in_a_step_too_small() {
    for [t0, t1] in [[0.0, 1.0], [1.0, 0.0], [-1e9, 3.0], [1.0, 1.0 + 5e-15], [0.0, 1e-300]] {
        let controller = adaptive(Adaptive::i(1e-6, 1e-6), &TSIT5);
        let mut state = controller.begin(t0, t1).unwrap();
        while controller.status(&state) == Status::Running {
            assert_eq!(controller.next(&mut state, 1.5), Verdict::Reject);
        }
        let failure = Status::Failed(Failure::StepTooSmall { t: t0, h: state.h() });
        assert_eq!(controller.status(&state), failure, "from {t0} to {t1}");
    }
}

#[test]
fn what_cannot_run_is_refused_in_words() {
    let refuse = |control, tableau| Controller::new(control, tableau).unwrap_err().to_string();
    let settings = Adaptive::i(1e-5, 1e-5);
    assert_eq!(
        refuse(Control::Adaptive(settings), &RK4),
        "tableau rk4 estimates no error: use constant steps, or a tableau with an embedded method"
    );
    assert_eq!(
        refuse(Control::Constant { steps: 0 }, &RK4),
        "step control: steps = 0, should be finite and at least 1"
    );
    assert_eq!(
        refuse(Control::Adaptive(Adaptive { rtol: f64::NAN, ..settings }), &TSIT5),
        "step control: rtol = NaN, should be finite and at least 0"
    );
    assert_eq!(
        refuse(Control::Adaptive(Adaptive { factor_min: 0.95, ..settings }), &TSIT5),
        "step control: factor_min = 0.95, should be finite and more than 0 and at most safety"
    );
    assert!(refuse(Control::Constant { steps: 1 }, &Tableau { b: &[1.0, 1.0], ..HEUN }).contains("sum of b"));
    for (t0, t1) in [(0.0, f64::INFINITY), (f64::NAN, 0.0), (-f64::MAX, f64::MAX)] {
        assert!(matches!(constant(1).begin(t0, t1), Err(ControlError::Span { .. })));
    }
}

#[test]
fn the_scaled_error_is_a_root_mean_square() {
    let controller = adaptive(Adaptive::i(0.1, 1.0), &TSIT5);
    // Scales 1 + 0.1 * 10 and 1 + 0.1 * 30: (6 / 2)^2 + (16 / 4)^2 over two.
    let error = controller.scaled_error([(-10.0, 5.0, 6.0), (0.0, -30.0, -16.0)]);
    assert_eq!(error, 12.5_f64.sqrt());
    assert_eq!(controller.scaled_error([]), 0.0);
    for (y_next, error) in [(f64::NAN, 0.0), (f64::INFINITY, 0.0), (0.0, f64::NAN), (0.0, f64::INFINITY)] {
        assert_eq!(controller.scaled_error([(0.0, y_next, error)]), f64::INFINITY);
        assert_eq!(constant(3).scaled_error([(0.0, y_next, error)]), f64::INFINITY);
    }
    assert_eq!(constant(3).scaled_error([(1.0, 2.0, 1e300)]), 0.0);
}

/// The step after one of error `error`, over the step before it, far from the end.
fn growth(settings: Adaptive, previous: f64, error: f64) -> f64 {
    let controller = adaptive(Adaptive { first_step_divisor: 1e9, ..settings }, &TSIT5);
    let mut state = controller.begin(0.0, 1.0).unwrap();
    assert_eq!(controller.next(&mut state, previous), Verdict::Accept);
    let h = state.h();
    controller.next(&mut state, error);
    state.h() / h
}

fn settings() -> impl Strategy<Value = Adaptive> {
    prop_oneof![Just(Adaptive::i(1e-5, 1e-5)), Just(Adaptive::pi(1e-5, 1e-5))]
}

fn errors() -> impl Strategy<Value = f64> {
    prop_oneof![
        (-20.0..20.0_f64).prop_map(|exponent| 10.0_f64.powf(exponent)),
        prop::sample::select(vec![0.0, 1.0, 1.0_f64.next_down(), f64::INFINITY, f64::NAN]),
    ]
}

proptest! {
    #[test]
    fn a_step_counts_exactly_if_its_error_is_below_one(settings in settings(), error in errors()) {
        let controller = adaptive(settings, &TSIT5);
        let begun = controller.begin(0.0, 1.0).unwrap();
        let mut state = begun;
        let verdict = controller.next(&mut state, error);
        prop_assert_eq!(verdict == Verdict::Accept, error < 1.0);
        let (t, h) = (begun.t() + begun.h(), begun.h());
        match verdict {
            Verdict::Accept => {
                prop_assert_eq!((state.t(), state.accepted(), state.rejected()), (t, 1, 0));
                prop_assert!(state.h() >= h);
            }
            Verdict::Reject => {
                prop_assert_eq!((state.t(), state.accepted(), state.rejected()), (0.0, 0, 1));
                prop_assert!(state.h() < h);
            }
        }
    }

    #[test]
    fn growth_is_bounded(settings in settings(), previous in 0.0..0.99_f64, error in errors()) {
        let growth = growth(settings, previous, error);
        let (low, high) = if error < 1.0 { (1.0, 10.0) } else { (0.2, 0.9) };
        // The growth of a step is seen in times, which are rounded.
        prop_assert!(growth > low - 1e-6 && growth < high + 1e-6, "{}", growth);
        if !error.is_finite() {
            prop_assert!((growth - 0.2).abs() < 1e-6);
        }
    }

    #[test]
    fn more_error_means_no_longer_a_step(
        settings in settings(),
        previous in 0.0..0.99_f64,
        errors in prop::array::uniform2(0.0..50.0_f64),
    ) {
        let [less, more] = [errors[0].min(errors[1]), errors[0].max(errors[1])];
        prop_assert!(growth(settings, previous, less) >= growth(settings, previous, more));
    }

    #[test]
    fn mirrored_time_gives_mirrored_steps(
        settings in settings(),
        t0 in -10.0..10.0_f64,
        span in 1e-3..10.0_f64,
        errors in prop::collection::vec(errors(), 1..40),
    ) {
        let controller = adaptive(settings, &TSIT5);
        let t1 = t0 + span;
        let (mut ahead, mut back) = (controller.begin(t0, t1).unwrap(), controller.begin(-t0, -t1).unwrap());
        for error in errors {
            prop_assert_eq!(controller.next(&mut ahead, error), controller.next(&mut back, error));
            prop_assert_eq!((ahead.t(), ahead.h()), (-back.t(), -back.h()));
        }
    }

    /// Whatever the errors, no step leaves the interval, and the end is reached exactly.
    #[test]
    fn every_solve_ends_on_the_end(
        settings in settings(),
        t0 in -10.0..10.0_f64,
        t1 in -10.0..10.0_f64,
        errors in prop::collection::vec(0.0..3.0_f64, 1..40),
    ) {
        let controller = adaptive(settings, &TSIT5);
        let mut state = controller.begin(t0, t1).unwrap();
        let mut errors = errors.into_iter();
        while controller.status(&state) == Status::Running {
            let (from, to) = (t0.min(t1), t0.max(t1));
            prop_assert!((from - 1e-14..=to + 1e-14).contains(&(state.t() + state.h())));
            controller.next(&mut state, errors.next().unwrap_or(0.0));
        }
        prop_assert_eq!((state.t(), state.h()), (t1, 0.0));
        prop_assert_eq!(controller.status(&state), Status::Done);
    }

    #[test]
    fn constant_steps_divide_the_span(t0 in -10.0..10.0_f64, t1 in -10.0..10.0_f64, steps in 1_usize..500) {
        let controller = constant(steps);
        let mut state = controller.begin(t0, t1).unwrap();
        let h = (t1 - t0) / steps as f64;
        while controller.status(&state) == Status::Running {
            prop_assert!((state.h() - h).abs() < 1e-14);
            controller.next(&mut state, 0.0);
        }
        prop_assert_eq!((state.t(), state.h(), state.accepted()), (t1, 0.0, steps));
    }
}

/// What a gradient keeps of a solve by constant steps: the very times that the solve goes through.
#[test]
fn the_grid_of_constant_steps_is_that_of_a_solve() {
    for (steps, [t0, t1]) in [(1, [0.0, 1.0]), (7, [0.2, 1.1]), (10, [1.0, -0.3]), (3, [2.0, 2.0])] {
        let controller = Controller::new(Control::Constant { steps }, &RK4).unwrap();
        let solved = solve(controller, &RK4, |t, y| t - y, [t0, t1]);
        assert_eq!(controller.grid(t0, t1), Ok(Some(solved.times)), "{steps} steps from {t0} to {t1}");
    }
    let controller = Controller::new(Control::Adaptive(Adaptive::i(1e-5, 1e-5)), &TSIT5).unwrap();
    assert_eq!(controller.grid(0.0, 1.0), Ok(None));
    assert!(controller.grid(0.0, f64::INFINITY).is_err());
}
