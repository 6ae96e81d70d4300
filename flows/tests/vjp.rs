//! Gradients of one's own function of the end of a solve.

use ad_core::{Element, Elementary, Tape};
use ad_ops::random::Purpose;
use flows::adjoint::{Adjoint, OdeVjp};
use flows::ode::controller::{Adaptive, Control};
use flows::ode::tableau::Tableau;
use flows::ode::{
    System,
    tableaus::{RK4, TSIT5},
};

const STEPS: Control = Control::Constant { steps: 5 };
const SPAN: [f64; 2] = [0.2, 1.1];

fn numbers(n: usize, name: u32) -> Vec<f64> {
    let mut stream = Purpose::Constant.stream(11, name, 0);
    (0..n).map(|_| stream.standard_normal()).collect()
}

/// Two states that act on each other, with time, an extra and two parameters.
fn system() -> System {
    let tape = Tape::record(|t| {
        let (time, x, z) = (t.example("t", &[]), t.example("x", &[2]), t.example("z", &[3]));
        let (c, w, b) = (t.example("c", &[2]), t.shared("w", &[2, 3]), t.shared("b", &[3]));
        let h = (x.matmul(&w) + &b).tanh() * time.cos();
        [("x_dot", w.matmul(&z).sin() * c), ("z_dot", h - &z * 0.3)]
    });
    System::new(tape.unwrap(), &["x", "z"]).unwrap()
}

/// States, extra, cotangents of the states at the end, and parameters, for `n` examples.
struct Given {
    states: [Vec<f64>; 2],
    extra: Vec<f64>,
    bars: [Vec<f64>; 2],
    parameters: [Vec<f64>; 2],
}

fn given(n: usize) -> Given {
    Given {
        states: [numbers(2 * n, 0), numbers(3 * n, 1)],
        extra: numbers(2 * n, 2),
        bars: [numbers(2 * n, 3), numbers(3 * n, 4)],
        parameters: [numbers(6, 5), numbers(3, 6)],
    }
}

/// `<bars, end of the solve>`, a function whose gradient is what is pulled back.
fn inner_product(vjp: &OdeVjp<f64>, given: &Given) -> f64 {
    let [w, b] = &given.parameters;
    let bound = vjp.bind(&[w, b]).unwrap();
    let [x, z] = &given.states;
    let end =
        vjp.ode().bind(&[w, b]).and_then(|b| vjp.ode().solve(&b, &[x, z], &[&given.extra], SPAN)).unwrap();
    let recorded = vjp.solve(&bound, &[x, z], &[&given.extra], SPAN).unwrap();
    assert_eq!(recorded.solution().states, end.states, "a solve that remembers is another solve");
    end.states.iter().zip(&given.bars).flat_map(|(x, bar)| x.iter().zip(bar)).map(|(x, bar)| x * bar).sum()
}

/// States' and parameters' cotangents.
fn pulled<T: Element>(vjp: &OdeVjp<T>, given: &Given) -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
    let cast = |x: &[f64]| x.iter().map(|&x| T::from_f64(x)).collect::<Vec<T>>();
    let [w, b] = [0, 1].map(|k| cast(&given.parameters[k]));
    let bound = vjp.bind(&[&w, &b]).unwrap();
    let solved = vjp.solve(&bound, &[&given.states[0], &given.states[1]], &[&given.extra], SPAN).unwrap();
    let bars = vjp.pull_back(&bound, solved, &[&given.bars[0], &given.bars[1]]).unwrap();
    let double = |x: Vec<T>| x.into_iter().map(T::to_double).collect();
    (bars.states, bars.parameters.into_iter().map(double).collect())
}

/// With constant steps differences are exact for the gradient, in every state of every example and every parameter.
#[test]
fn equals_central_differences() {
    let h = 1e-5;
    for name in ["tsit5", "heun", "rk4"] {
        let tableau = Tableau::by_name(name).unwrap();
        let vjp = OdeVjp::<f64>::new(&system(), tableau, STEPS, Adjoint::Checkpointed { slots: 2 }).unwrap();
        let mut at = given(67);
        let (states, parameters) = pulled(&vjp, &at);
        let mut check = |place: fn(&mut Given, usize) -> &mut f64, k: usize, got: f64| {
            let mut moved = |step: f64| {
                *place(&mut at, k) += step;
                let value = inner_product(&vjp, &at);
                *place(&mut at, k) -= step;
                value
            };
            let difference = (moved(h) - moved(-h)) / (2.0 * h);
            assert!((difference - got).abs() < 1e-7, "{name}, number {k}: {got} against {difference}");
        };
        for k in [0, 1, 126, 127, 128, 133] {
            check(|g, k| &mut g.states[0][k], k, states[0][k]);
            check(|g, k| &mut g.states[1][k], k, states[1][k]);
        }
        for (k, bar) in parameters[0].iter().enumerate() {
            check(|g, k| &mut g.parameters[0][k], k, *bar);
        }
        for (k, bar) in parameters[1].iter().enumerate() {
            check(|g, k| &mut g.parameters[1][k], k, *bar);
        }
    }
}

/// Whatever is kept, and however many threads there are, the gradient is the same bits.
#[test]
fn strategies_and_threads_agree_bit_for_bit() {
    let at = given(150);
    let controls = [Control::Constant { steps: 37 }, Control::Adaptive(Adaptive::i(1e-7, 1e-7))];
    for control in controls {
        let tableau = Tableau::by_name("heun").unwrap();
        let with = |adjoint, threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                (
                    pulled(&OdeVjp::<f64>::new(&system(), tableau, control, adjoint).unwrap(), &at),
                    pulled(&OdeVjp::<f32>::new(&system(), tableau, control, adjoint).unwrap(), &at),
                )
            })
        };
        let all = with(Adjoint::StoreAll, 1);
        for (slots, threads) in [(2, 1), (3, 2), (8, 3), (36, 1), (1000, 2)] {
            assert_eq!(with(Adjoint::Checkpointed { slots }, threads), all, "{slots} slots, {control:?}");
        }
    }
}

/// A copy of a solve has the states and not the residuals, which are computed again to the same bits: also where examples take
/// steps of their own, some of which are refused.
#[test]
fn residuals_change_no_bit() {
    let at = given(150);
    for name in ["heun", "tsit5", "rk4"] {
        let tableau = Tableau::by_name(name).unwrap();
        let controls = [STEPS, Control::Adaptive(Adaptive::i(1e-7, 1e-7))];
        for control in controls.into_iter().filter(|c| *c == STEPS || tableau.b_error.is_some()) {
            let vjp = OdeVjp::<f64>::new(&system(), tableau, control, Adjoint::StoreAll).unwrap();
            let bound = vjp.bind(&[&at.parameters[0], &at.parameters[1]]).unwrap();
            let solved = vjp.solve(&bound, &[&at.states[0], &at.states[1]], &[&at.extra], SPAN).unwrap();
            let statistics = solved.solution().statistics;
            assert!(control == STEPS || statistics.rejected > 0, "{name}: {statistics:?}");
            let back = |solved| {
                let bars = vjp.pull_back(&bound, solved, &[&at.bars[0], &at.bars[1]]).unwrap();
                (bars.states, bars.parameters)
            };
            assert_eq!(back(solved.clone()), back(solved), "{name}, {control:?}");
        }
    }
}

/// Where a carried rate is computed again it may be a value that is handed on already: the rate of one state is another
/// state, or two rates are equal.
#[test]
fn residuals_that_are_one_value_are_handed_on_twice() {
    let oscillator = Tape::record(|t| {
        let (x, v, mu) = (t.example("x", &[1]), t.example("v", &[1]), t.shared("mu", &[]));
        [("x_dot", v.clone()), ("v_dot", (-(&x * &x) + 1.0) * &v * &mu - &x)]
    });
    let reaction = Tape::record(|t| {
        let (a, b, k) = (t.example("x", &[1]), t.example("v", &[1]), t.shared("mu", &[]));
        let rate = -(a * b) * &k;
        [("x_dot", rate.clone()), ("v_dot", rate)]
    });
    let (x, v): (Vec<f64>, Vec<f64>) = (0..150).map(|e| (f64::from(e).sin(), f64::from(e).cos())).unzip();
    for tape in [oscillator, reaction] {
        let system = System::new(tape.unwrap(), &["x", "v"]).unwrap();
        let vjp = OdeVjp::<f64>::new(&system, &TSIT5, STEPS, Adjoint::StoreAll).unwrap();
        let bound = vjp.bind(&[&[0.7]]).unwrap();
        let solved = vjp.solve(&bound, &[&x, &v], &[], [0.0, 1.0]).unwrap();
        let back = |solved| {
            let bars = vjp.pull_back(&bound, solved, &[&v, &x]).unwrap();
            (bars.states, bars.parameters)
        };
        assert_eq!(back(solved.clone()), back(solved));
    }
}

/// One forward pass serves several ways back, and together they are the way back of the sum.
#[test]
fn several_ways_back_from_one_solve() {
    let at = given(3);
    let vjp = OdeVjp::<f64>::new(&system(), &RK4, STEPS, Adjoint::StoreAll).unwrap();
    let bound = vjp.bind(&[&at.parameters[0], &at.parameters[1]]).unwrap();
    let solved = vjp.solve(&bound, &[&at.states[0], &at.states[1]], &[&at.extra], [0.0, 1.0]).unwrap();
    let back = |x: &[f64], z: &[f64]| vjp.pull_back(&bound, solved.clone(), &[x, z]).unwrap();
    let (zero_x, zero_z) = (vec![0.0; 6], vec![0.0; 9]);
    let (first, second) = (back(&at.bars[0], &zero_z), back(&zero_x, &at.bars[1]));
    let both = back(&at.bars[0], &at.bars[1]);
    let parts = first.parameters.concat().into_iter().zip(second.parameters.concat());
    for ((a, b), sum) in parts.zip(both.parameters.concat()) {
        assert!((a + b - sum).abs() < 1e-12 * (1.0 + a.abs() + b.abs()));
    }
}

#[test]
fn misuse_is_refused() {
    let at = given(2);
    let vjp = OdeVjp::<f64>::new(&system(), &RK4, STEPS, Adjoint::StoreAll).unwrap();
    let bound = vjp.bind(&[&at.parameters[0], &at.parameters[1]]).unwrap();
    let solve = |x: &[f64]| vjp.solve(&bound, &[x, &at.states[1]], &[&at.extra], SPAN);
    assert!(solve(&at.states[0][1..]).unwrap_err().to_string().contains("whole number of rows"));
    let solved = || solve(&at.states[0]).unwrap();
    let refusal = |bars: &[&[f64]]| vjp.pull_back(&bound, solved(), bars).unwrap_err().to_string();
    assert!(refusal(&[&at.bars[0]]).contains("[2, 3]"));
    assert!(refusal(&[&at.bars[0], &at.bars[1][1..]]).contains("[4, 5]"));
    // An example that is not finite has no gradient, and nothing is made up for it.
    let mut x = at.states[0].clone();
    x[2] = f64::INFINITY;
    let failed = vjp.pull_back(&bound, solve(&x).unwrap(), &[&at.bars[0], &at.bars[1]]);
    assert!(failed.unwrap_err().to_string().contains("example 1"));
}
