//! Rules of the user's own, implicit functions, checkpointed calls, replays with guards, Taylor series.

use ad_core::{
    Checkpointed, Dual, Equation, Implicit, Replay, Rule, Scalar, Segment, Taylor, Unary, call, check_rule,
    derivative, gradient, hessian, taylor,
};
use num_traits::{Float, FloatConst};

/// `(x0 x1, sin x0, x1^2)` with derivatives by hand.
struct Both {
    /// An error in the vjp.
    off: f64,
}

impl Rule for Both {
    fn value<T: Scalar>(&self, x: &[T]) -> Vec<T> {
        vec![x[0] * x[1], x[0].sin(), x[1] * x[1]]
    }
    fn jvp<T: Scalar>(&self, x: &[T], _: &[T], x_dot: &[T]) -> Option<Vec<T>> {
        let (a, b) = (x_dot[0], x_dot[1]);
        Some(vec![x[1] * a + x[0] * b, x[0].cos() * a, T::lift(2.0) * x[1] * b])
    }
    fn vjp<T: Scalar>(&self, x: &[T], _: &[T], y_bar: &[T]) -> Option<Vec<T>> {
        let wrong = T::lift(1.0 + self.off);
        Some(vec![
            x[1] * y_bar[0] + x[0].cos() * wrong * y_bar[1],
            x[0] * y_bar[0] + T::lift(2.0) * x[1] * y_bar[2],
        ])
    }
}

/// The same with one of the two.
struct Only(Both, bool);

impl Rule for Only {
    fn value<T: Scalar>(&self, x: &[T]) -> Vec<T> {
        self.0.value(x)
    }
    fn jvp<T: Scalar>(&self, x: &[T], y: &[T], x_dot: &[T]) -> Option<Vec<T>> {
        self.1.then(|| self.0.jvp(x, y, x_dot)).flatten()
    }
    fn vjp<T: Scalar>(&self, x: &[T], y: &[T], y_bar: &[T]) -> Option<Vec<T>> {
        (!self.1).then(|| self.0.vjp(x, y, y_bar)).flatten()
    }
}

fn through<R: Rule, T: Scalar>(rule: &R, x: &[T]) -> T {
    let y = call(rule, x).expect("the rule is whole");
    y.iter().map(|&y| y * y).sum::<T>() * x[0] + y[0]
}

fn plainly<T: Scalar>(x: &[T]) -> T {
    let y = Both { off: 0.0 }.value(x);
    y.iter().map(|&y| y * y).sum::<T>() * x[0] + y[0]
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-11 * (1.0 + b.abs())
}

fn same_derivatives<R: Rule>(rule: &R) {
    let x = [0.7, -1.3];
    let (want, got) = (hessian(plainly, &x).unwrap(), hessian(|x| through(rule, x), &x).unwrap());
    assert_eq!(want.0, got.0);
    assert!(want.1.iter().zip(&got.1).all(|(&a, &b)| close(a, b)), "{:?} {:?}", want.1, got.1);
    let rows = || want.2.iter().flatten().zip(got.2.iter().flatten());
    assert!(rows().all(|(&a, &b)| close(a, b)), "{:?} {:?}", want.2, got.2);
    let twice = |f: &dyn Fn(&[Dual<Dual>]) -> Dual<Dual>| {
        f(&x.map(|x| Dual::variable(Dual::variable(x)))).tangent[0].tangent[0]
    };
    assert!(close(twice(&|x| through(rule, x)), twice(&|x| plainly(x))));
    let series =
        |f: &dyn Fn(&[Taylor<f64, 5>]) -> Taylor<f64, 5>| *f(&x.map(Taylor::variable)).coefficients();
    let first = &x.map(Taylor::<f64, 2>::variable);
    let pairs = [through(rule, first), plainly(first)].map(|y| *y.coefficients());
    assert!(pairs[0].iter().zip(&pairs[1]).all(|(&a, &b)| close(a, b)), "{pairs:?}");
    let value = &x.map(Taylor::<f64, 1>::variable);
    assert_eq!(through(rule, value).coefficients(), plainly(value).coefficients());
    let (a, b) = (series(&|x| through(rule, x)), series(&|x| plainly(x)));
    assert!(a.iter().zip(&b).all(|(&a, &b)| close(a, b)), "{a:?} {b:?}");
}

#[test]
fn rules_give_the_derivatives_of_what_they_describe() {
    let right = || Both { off: 0.0 };
    for rule in [Only(right(), true), Only(right(), false)] {
        same_derivatives(&rule);
        check_rule(&rule, &[0.7, -1.3]).unwrap();
    }
    same_derivatives(&right());
    check_rule(&right(), &[0.7, -1.3]).unwrap();
}

struct Nothing;
impl Rule for Nothing {
    fn value<T: Scalar>(&self, x: &[T]) -> Vec<T> {
        x.to_vec()
    }
}

struct Short;
impl Rule for Short {
    fn value<T: Scalar>(&self, x: &[T]) -> Vec<T> {
        x.to_vec()
    }
    fn vjp<T: Scalar>(&self, _: &[T], _: &[T], _: &[T]) -> Option<Vec<T>> {
        Some(vec![])
    }
}

#[test]
fn wrong_rules_are_caught() {
    let wrong = Only(Both { off: 1e-5 }, false);
    let error = check_rule(&wrong, &[0.7, -1.3]).unwrap_err().to_string();
    assert!(error.contains("the derivative of y[1] by x[0]") && error.contains("by differences"), "{error}");
    let error = check_rule(&Both { off: 1e-8 }, &[0.7, -1.3]).unwrap_err().to_string();
    assert!(error.contains("the derivative of y[1] by x[0]") && error.contains("by the vjp"), "{error}");

    assert_eq!(call(&Nothing, &[1.5]).unwrap(), [1.5]);
    let error = call(&Nothing, &[Dual::<f64>::variable(1.0)]).unwrap_err().to_string();
    assert!(error.contains("neither a jvp nor a vjp"), "{error}");

    let error = call(&Short, &[Dual::<f64>::variable(1.0)]).unwrap_err().to_string();
    assert!(error.contains("returns 0 numbers, 1 are wanted"), "{error}");
}

/// `y0^3 + y0 = x0`, `y1 exp(y1) = x1 + y0`.
#[derive(Clone, Copy)]
struct Roots;

impl Equation for Roots {
    fn residual<T: Scalar>(&self, x: &[T], y: &[T]) -> Vec<T> {
        vec![y[0] * y[0] * y[0] + y[0] - x[0], y[1] * y[1].exp() - x[1] - y[0]]
    }
    fn solve(&self, x: &[f64]) -> Vec<f64> {
        let newton = |f: &dyn Fn(Dual) -> Dual, start: f64| {
            (0..60).fold(start, |y, _| {
                let (value, slope) = derivative(f, y);
                y - value / slope
            })
        };
        let first = newton(&|y| y * y * y + y - x[0], 0.5);
        vec![first, newton(&|y| y * y.exp() - (x[1] + first), 0.5)]
    }
}

#[test]
fn implicit_functions_differentiate_without_their_solver() {
    let (rule, x) = (Implicit(Roots), [1.3, 0.9]);
    check_rule(&rule, &x).unwrap();
    let f = |x: &[f64]| {
        let y = Roots.solve(x);
        y[0] * y[1] + y[1] * y[1]
    };
    let (value, gradient, rows) = hessian(
        |x| {
            let y = call(&rule, x).unwrap();
            y[0] * y[1] + y[1] * y[1]
        },
        &x,
    )
    .unwrap();
    assert!(close(value, f(&x)));
    let h = 1e-4;
    for i in 0..2 {
        let moved = |i: usize, h: f64| {
            let mut x = x;
            x[i] += h;
            x
        };
        let slope = (f(&moved(i, h)) - f(&moved(i, -h))) / (2.0 * h);
        assert!((gradient[i] - slope).abs() < 1e-7, "{} {slope}", gradient[i]);
        for j in 0..2 {
            let both = |s: f64, t: f64| {
                let mut x = moved(i, s * h);
                x[j] += t * h;
                f(&x)
            };
            let curvature =
                (both(1.0, 1.0) - both(1.0, -1.0) - both(-1.0, 1.0) + both(-1.0, -1.0)) / (4.0 * h * h);
            assert!((rows[i][j] - curvature).abs() < 1e-5, "{} {curvature}", rows[i][j]);
        }
    }
}

/// `A y = x`, where elimination has to exchange rows.
struct Linear;

const A: [[f64; 3]; 3] = [[0.0, 2.0, 1.0], [1e-3, 1.0, 1.0], [4.0, -1.0, 3.0]];

impl Equation for Linear {
    fn residual<T: Scalar>(&self, x: &[T], y: &[T]) -> Vec<T> {
        let row = |i: usize| (0..3).map(|j| T::lift(A[i][j]) * y[j]).sum::<T>() - x[i];
        (0..3).map(row).collect()
    }
    fn solve(&self, x: &[f64]) -> Vec<f64> {
        // By Cramer's rule.
        let det = |m: [[f64; 3]; 3]| {
            let minor = |j: usize, k: usize| m[1][j] * m[2][k] - m[1][k] * m[2][j];
            m[0][0] * minor(1, 2) - m[0][1] * minor(0, 2) + m[0][2] * minor(0, 1)
        };
        let with = |k: usize| {
            let mut m = A;
            (0..3).for_each(|i| m[i][k] = x[i]);
            m
        };
        (0..3).map(|k| det(with(k)) / det(A)).collect()
    }
}

#[test]
fn a_linear_equation_is_solved_by_its_derivative() {
    check_rule(&Implicit(Linear), &[0.3, -1.2, 2.0]).unwrap();
}

/// Of the derivatives of a rule that has both, those are asked for that take fewer calls.
#[test]
fn rules_are_asked_as_seldom_as_may_be() {
    struct Counted(usize, std::cell::Cell<usize>);
    impl Rule for Counted {
        fn value<T: Scalar>(&self, x: &[T]) -> Vec<T> {
            vec![x.iter().copied().sum::<T>(); self.0]
        }
        fn jvp<T: Scalar>(&self, _: &[T], _: &[T], x_dot: &[T]) -> Option<Vec<T>> {
            self.1.set(self.1.get() + 1);
            Some(vec![x_dot.iter().copied().sum::<T>(); self.0])
        }
        fn vjp<T: Scalar>(&self, x: &[T], _: &[T], y_bar: &[T]) -> Option<Vec<T>> {
            self.1.set(self.1.get() + 1);
            Some(vec![y_bar.iter().copied().sum::<T>(); x.len()])
        }
    }
    for (from, to) in [(1, 5), (2, 3), (3, 3), (4, 2), (6, 1)] {
        let rule = Counted(to, 0.into());
        gradient(|x| call(&rule, x).unwrap()[0], &vec![1.0; from]).unwrap();
        assert_eq!(rule.1.get(), from.min(to), "from {from} to {to}");
    }
}

/// A long loop from two numbers to two.
struct Spin;

impl Segment for Spin {
    fn run<T: Scalar>(&self, x: &[T]) -> Vec<T> {
        let (mut a, mut b) = (x[0], x[1]);
        for _ in 0..1000 {
            (a, b) = (a + b.sin() * T::lift(1e-3), b - a * T::lift(1e-3));
        }
        vec![a, b]
    }
}

#[test]
fn a_checkpointed_call_leaves_its_jacobian_only() {
    let x = [0.4, 1.1];
    let f = |call: &dyn Fn(&[ad_core::Var]) -> Vec<ad_core::Var>| {
        ad_core::record(|r: &ad_core::Recording| {
            let x = r.variables(&x);
            let y = call(&call(&x));
            (r.pull_back(&[(y[0] * y[1], 1.0)], &x).unwrap(), r.len())
        })
    };
    let (want, long) = f(&|x| Spin.run(x));
    let (got, short) = f(&|x| call(&Checkpointed(Spin), x).unwrap());
    assert!(want.iter().zip(&got).all(|(&a, &b)| close(a, b)), "{want:?} {got:?}");
    assert!(long > 8000 && short < 16, "{long} {short}");
    check_rule(&Checkpointed(Spin), &x).unwrap();
}

fn branching<T: Float + FloatConst>(x: &[T]) -> T {
    let mut y = x[0] * x[1];
    if y > T::one() {
        y = y.ln() + x[0];
    }
    let mut count = 0;
    while y < T::PI() && count < 10 {
        y = y * (T::one() + T::one()) + x[1].abs();
        count += 1;
    }
    if y.is_sign_negative() { -y } else { y.powi(2) / x[0].hypot(x[1]).max(T::one()) }
}

#[test]
fn a_replay_gives_the_same_bits_and_gradients() {
    let at = [1.7, 0.8];
    let replay = Replay::record(&at, |x| branching(x)).unwrap();
    for x in [at, [1.71, 0.79], [1.6, 0.83]] {
        let (value, slopes) = replay.gradient(&x).unwrap();
        assert_eq!(value, branching(&x));
        assert_eq!(replay.call(&x).unwrap(), value);
        let (_, want) = gradient(branching, &x).unwrap();
        assert!(slopes.iter().zip(&want).all(|(&a, &b)| close(a, b)), "{slopes:?} {want:?}");
    }
}

#[test]
fn a_replay_that_would_branch_otherwise_is_an_error() {
    let replay = Replay::record(&[1.7, 0.8], |x| branching(x)).unwrap();
    let mut found = 0;
    for i in 0..60 {
        for j in 0..60 {
            let x = [f64::from(i) * 0.05, f64::from(j) * 0.05 - 1.0];
            // Whatever it gives is right; else it says which line branches.
            match replay.call(&x) {
                Ok(value) => assert_eq!(value.to_bits(), branching(&x).to_bits()),
                Err(error) => {
                    assert!(error.place().is_some_and(|p| p.file().ends_with("scalar_rules.rs")), "{error}");
                    found += 1;
                }
            }
        }
    }
    assert!(found > 0);
    let replay = Replay::record(&[2.0], |x| if x[0] > 1.0 { x[0] } else { -x[0] }).unwrap();
    let error = replay.call(&[0.5]).unwrap_err();
    assert!(error.to_string().contains("`>`") && error.place().unwrap().line() == line!() - 2, "{error}");
    assert!(replay.call(&[]).unwrap_err().to_string().contains("of 1 inputs was given 0"));
    // Conversions are branches too.
    let replay = Replay::record(&[2.5], |x| x[0] * x[0].to_i32_or_zero()).unwrap();
    assert!(replay.call(&[2.6]).is_ok() && replay.call(&[3.6]).is_err());
}

trait ToInteger {
    fn to_i32_or_zero(self) -> f64;
}

impl<T: num_traits::ToPrimitive> ToInteger for T {
    fn to_i32_or_zero(self) -> f64 {
        self.to_i32().map_or(0.0, f64::from)
    }
}

fn mixed<T: Float>(x: T) -> T {
    let two = T::one() + T::one();
    (x.powf(x + two) / (x * x + two)).atan2(x.exp()) + x.powf(two) * x.sqrt() - two / x
        + x.hypot(two) * x.ln().tanh()
}

/// The `k`th derivative by nesting duals, against the series.
#[test]
fn taylor_series_are_nested_derivatives() {
    type D3 = Dual<Dual<Dual>>;
    for &f in Unary::ALL {
        let x = if f == Unary::Acosh { 1.7 } else { 0.37 };
        let series = taylor::<4>(|x| ad_core::Elementary::unary(&x, f), x);
        let nested: D3 = Dual::variable(Dual::variable(Dual::variable(x)));
        let y = ad_core::Elementary::unary(&nested, f);
        let want = [
            y.value.value.value,
            y.value.value.tangent[0],
            y.value.tangent[0].tangent[0] / 2.0,
            y.tangent[0].tangent[0].tangent[0] / 6.0,
        ];
        assert!(series.iter().zip(&want).all(|(&a, &b)| close(a, b)), "{}: {series:?} {want:?}", f.name());
    }
    let series = taylor::<4>(mixed, 0.8);
    let y = mixed::<D3>(Dual::variable(Dual::variable(Dual::variable(0.8))));
    assert_eq!(series[0], mixed(0.8));
    assert!(close(series[3], y.tangent[0].tangent[0].tangent[0] / 6.0));
    let sin = taylor::<12>(|x| x.sin(), 0.0);
    let factorial = |n: usize| (1..=n).map(|k| k as f64).product::<f64>();
    for (k, &c) in sin.iter().enumerate() {
        let want = [0.0, 1.0, 0.0, -1.0][k % 4] / factorial(k);
        assert!((c - want).abs() < 1e-16, "{k}: {c} {want}");
    }
    assert_eq!(taylor::<1>(|x| x * x, 3.0), [9.0]);
}

/// All operators, with plain numbers on either side.
macro_rules! operators {
    ($x:expr) => {{
        let (a, b) = ($x[0], $x[1]);
        let sums = (a + 2.0) * (3.0 + b) + (a - 0.5) / (4.0 - b) - (-(b - a)).sin();
        let products = (a * 1.5) * (2.5 * b) + a / 2.0 + 7.0 / b + a % 0.7 + 7.0 % b;
        sums * products + a.mul_add(b, a) + b.log(a) + a.powi(3)
    }};
}

#[test]
fn a_replay_of_all_operators_is_what_code_gives() {
    let recorded = |x: [f64; 2]| {
        Replay::record(&x, |moving| {
            let y = operators!(moving);
            let want: f64 = operators!(x);
            assert_eq!(y.value(), want);
            assert!(format!("{y:?}").contains(&format!("value: {want:?}")), "{y:?}");
            y
        })
        .unwrap()
    };
    let replay = recorded([0.3, 1.2]);
    assert!(format!("{replay:?}").contains("from 2 inputs, with 0 guards"), "{replay:?}");
    for x in [[0.3, 1.2], [0.5, 2.7], [1.9, 0.4]] {
        let (value, slopes) = gradient(|x| operators!(x), &x).unwrap();
        let (got, replayed) = replay.gradient(&x).unwrap();
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-13 * (1.0 + a.abs());
        assert!(near(got, value), "{got} {value}");
        assert!(near(slopes[0], replayed[0]) && near(slopes[1], replayed[1]), "{slopes:?} {replayed:?}");
    }
    let _ = Replay::record(&[0.3, 1.2], |x| {
        assert!(call(&Both { off: 0.0 }, x).unwrap_err().to_string().contains("for a replay"));
        x[0]
    });
}
