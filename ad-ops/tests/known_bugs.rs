//! Bugs that estimators of traces elsewhere have had, each with its name.

use ad_core::{Array, Elementary, Tape};
use ad_ops::hutch_pp::{self, HutchPp};
use ad_ops::random::Purpose;
use ad_ops::trace::{Diagonal, Rescaling, xtrace};
use ad_ops::{Block, Estimator, Probe, divergence, squared_norm_by_probes};

fn numbers(shape: &[usize], seed: u32) -> Array {
    let mut stream = Purpose::Constant.stream(15, seed, 0);
    let n = shape.iter().product();
    Array::new(shape, (0..n).map(|_| stream.standard_normal()).collect()).unwrap()
}

fn field(d: usize) -> Tape {
    Tape::record(|t| {
        let (x, w) = (t.example("x", &[d]), t.shared("w", &[d, d]));
        [("x_dot", x.matmul(&w).tanh() + x.square())]
    })
    .unwrap()
}

/// The division by the number of probes forgotten, or done twice: the same probe several times is that probe once.
#[test]
fn the_mean_over_probes_is_no_sum() {
    let (d, n) = (4, 3);
    let given = [numbers(&[n, d], 0), numbers(&[d, d], 1)];
    let one = numbers(&[n, 1, d], 2);
    let many: Vec<f64> = one.data.chunks_exact(d).flat_map(|v| v.repeat(5)).collect();
    let many = Array::new(&[n, 5, d], many).unwrap();
    let basis = Array::new(&[n, 1, d], [0.6, 0.0, -0.8, 0.0].repeat(n)).unwrap();
    let last = |tape: Tape, more: &[&Array]| {
        let more: Vec<Array> = more.iter().map(|&a| a.clone()).collect();
        tape.eval(n, &[&given[..], &more].concat()).unwrap().pop().unwrap().data
    };
    let plain = |probes| divergence(&field(d), "x", "x_dot", Estimator::Hutchinson { probes }).unwrap();
    let pp = |probes| hutch_pp::estimate(&field(d), "x", "x_dot", HutchPp { basis: 1, probes }).unwrap();
    let norm = |probes| squared_norm_by_probes(&field(d), "x", "x_dot", probes).unwrap();
    for (a, b) in [
        (last(plain(1), &[&one]), last(plain(5), &[&many])),
        (last(pp(1), &[&basis, &one]), last(pp(5), &[&basis, &many])),
        (last(norm(1), &[&one]), last(norm(5), &[&many])),
    ] {
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-12 * (1.0 + a.abs())), "{a:?} {b:?}");
    }
}

/// A derivative twice too large: that of each estimate in the parameters, against differences.
#[test]
fn derivatives_of_estimates_are_not_doubled() {
    let (d, n, h) = (4, 2, 1e-6);
    let given = [numbers(&[n, d], 0), numbers(&[d, d], 1)];
    let (probe, sketch) = (numbers(&[n, 3, d], 2), numbers(&[n, 1, d], 3));
    let basis: Vec<f64> = sketch
        .data
        .chunks_exact(d)
        .flat_map(|v| {
            let length = v.iter().map(|x| x * x).sum::<f64>().sqrt();
            v.iter().map(move |x| x / length)
        })
        .collect();
    let basis = Array::new(&[n, 1, d], basis).unwrap();
    let cases = [
        (
            divergence(&field(d), "x", "x_dot", Estimator::Hutchinson { probes: 3 }).unwrap(),
            vec![probe.clone()],
        ),
        (
            hutch_pp::estimate(&field(d), "x", "x_dot", HutchPp { basis: 1, probes: 3 }).unwrap(),
            vec![basis, probe.clone()],
        ),
        (squared_norm_by_probes(&field(d), "x", "x_dot", 3).unwrap(), vec![probe]),
    ];
    for (tape, more) in cases {
        let given = [&given[..], &more].concat();
        let bars = [Array::new(&[n, d], vec![0.0; n * d]).unwrap(), Array::new(&[n], vec![1.0; n]).unwrap()];
        let gradient =
            tape.vjp(&["w"]).unwrap().eval(n, &[&given[..], &bars].concat()).unwrap().pop().unwrap();
        for (i, slope) in gradient.data.iter().enumerate() {
            let total = |step: f64| {
                let mut moved = given.clone();
                moved[1].data[i] += step;
                tape.eval(n, &moved).unwrap()[1].data.iter().sum::<f64>()
            };
            let difference = (total(h) - total(-h)) / (2.0 * h);
            assert!((slope - difference).abs() < 1e-7 * (1.0 + slope.abs()), "{slope} against {difference}");
        }
    }
}

/// "Spherical" probes of radius one, which estimate `tr / d`: on a multiple of the identity they are exact.
#[test]
fn spherical_probes_estimate_the_trace() {
    let (d, n) = (6, 5);
    let field = Tape::record(|t| [("x_dot", t.example("x", &[d]) * 3.0)]).unwrap();
    let tape = divergence(&field, "x", "x_dot", Estimator::Hutchinson { probes: 2 }).unwrap();
    for block in [Block::from(Probe::Sphere), Block::Haar] {
        let mut probes = vec![0.0; n * 2 * d];
        for (example, rows) in (0..).zip(probes.chunks_exact_mut(2 * d)) {
            block.fill(&mut Purpose::Probe.stream(1, 0, example), d, rows).unwrap();
        }
        let inputs = [numbers(&[n, d], 4), Array::new(&[n, 2, d], probes).unwrap()];
        let got = &tape.eval(n, &inputs).unwrap()[1].data;
        assert!(got.iter().all(|x| (x - 18.0).abs() < 1e-12), "{block:?}: {got:?}");
    }
}

/// `XTrace` without a guard for lost rank: 170.6 for the identity of 200.
#[test]
fn xtrace_of_the_identity_of_200() {
    let identity = Diagonal(vec![1.0; 200]);
    for products in [40, 398, 400, 402, 800] {
        let mut stream = Purpose::Probe.stream(2, products as u32, 0);
        let found = xtrace(&identity, products, Rescaling::Resphered, &mut stream).unwrap();
        assert!((found.value - 200.0).abs() < 1e-6, "{products}: {found}");
    }
}

/// Perturbation confusion: a field that is itself a derivative, whose inner direction must not be taken for the outer
/// one. With `f(x) = x D_y[x y^2]` at `y = x`, `f = 2 x^3`, and the divergence is `6 x^2`.
#[test]
fn perturbations_are_not_confused() {
    let d = 3;
    let field = Tape::record(|t| {
        let x = t.example("x", &[d]);
        // A value equal to x that is another line of the tape.
        let y = &x * &t.full(&[d], 1.0).sin() / t.full(&[d], 1.0).sin();
        let inner = &x * &y.square();
        let slope = t.push_forward(&[(&y, &t.full(&[d], 1.0))], &[&inner]).remove(0);
        [("x_dot", x * slope)]
    })
    .unwrap();
    let x = numbers(&[1, d], 5);
    let exact = 6.0 * x.data.iter().map(|x| x * x).sum::<f64>();
    let got = divergence(&field, "x", "x_dot", Estimator::Exact)
        .unwrap()
        .eval(1, std::slice::from_ref(&x))
        .unwrap();
    assert!((got[1].data[0] - exact).abs() < 1e-12 * exact, "{} of {exact}", got[1].data[0]);
    let identity = (0..d * d).map(|k| if k % (d + 1) == 0 { 1.0 } else { 0.0 }).collect();
    let identity = Array::new(&[1, d, d], identity).unwrap();
    let full = hutch_pp::estimate(&field, "x", "x_dot", HutchPp { basis: d, probes: 1 }).unwrap();
    let got = full.eval(1, &[x, identity, numbers(&[1, 1, d], 6)]).unwrap();
    assert!((got[1].data[0] - exact).abs() < 1e-12 * exact, "{} of {exact}", got[1].data[0]);
}
