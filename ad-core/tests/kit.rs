//! The kit finds what is wrong and accepts what is right, in functions, formulas, rules.

use ad_core::check::{self, Choices, Formula, Tester};
use ad_core::{
    Binary, Elementary, Equation, Implicit, Result, Rule, Scalar, Segment, Unary, check_formula,
    check_function,
};
use num_traits::Float;

fn message(result: Result<()>) -> String {
    result.expect_err("the law is broken").to_string()
}

/// Somewhere where a function is smooth.
fn inside(f: Unary) -> f64 {
    match f {
        Unary::Acosh => 1.7,
        _ => 0.55,
    }
}

struct One(Unary);
impl Formula for One {
    fn run<E: Elementary>(&self, x: &[E]) -> Vec<E> {
        vec![x[0].unary(self.0), x[0].unary(self.0) * x[0].clone()]
    }
}

struct Two(Binary);
impl Formula for Two {
    fn run<E: Elementary>(&self, x: &[E]) -> Vec<E> {
        vec![x[0].binary(self.0, &x[1])]
    }
}

#[test]
fn every_elementary_function_in_all_modes_as_a_tape_and_by_a_complex_step() {
    for &f in Unary::ALL {
        check::formula(&One(f), &[inside(f)]).unwrap_or_else(|error| panic!("{}: {error}", f.name()));
    }
    for &f in Binary::ALL {
        for point in [[0.7, 1.9], [2.3, 0.4], [1.1, 0.8]] {
            check::formula(&Two(f), &point).unwrap_or_else(|error| panic!("{}: {error}", f.name()));
        }
    }
}

#[test]
fn closures_in_one_line() {
    check_function!(|x| [x[0].sin() * x[1], (x[0] / x[1]).exp(), x[1].powi(3)], &[0.3, -1.2]).unwrap();
    check_formula!(|x| [x[0].less(&x[1]).select(&x[0].exp(), &x[1].sin())], &[0.3, 1.2]).unwrap();
    check_function!(|x| if x[0] > x[1] { vec![x[0]] } else { vec![x[1] * x[1]] }, &[1e-6, 2e6]).unwrap();
}

#[test]
fn values_outside_of_the_domain_are_those_of_plain_numbers() {
    struct Edge;
    impl Segment for Edge {
        fn run<T: Scalar>(&self, x: &[T]) -> Vec<T> {
            vec![x[0].sqrt(), x[0].ln(), T::one() / x[1], x[0].powf(x[1]), x[0].max(x[1]), x[1].atan2(x[1])]
        }
    }
    struct Narrow;
    impl Segment for Narrow {
        fn run<T: Scalar>(&self, x: &[T]) -> Vec<T> {
            vec![if size_of::<T>() == 8 { x[0].sqrt() } else { x[0].abs().sqrt() }]
        }
    }
    for point in [[-1.0, 0.0], [0.0, -0.0], [f64::NAN, 1.0], [f64::INFINITY, f64::NEG_INFINITY]] {
        check::values(&Edge, &point).unwrap();
    }
    check::values(&Narrow, &[1.0]).unwrap();
    assert!(message(check::values(&Narrow, &[-1.0])).contains("on Dual, NaN on plain numbers"));
    let text = message(check::function(&Edge, &[-1.0, 2.0]));
    assert!(text.contains("y[0] is NaN") && text.contains("[-1.0, 2.0]"), "{text}");
}

#[test]
fn a_path_that_is_cut_is_found_by_differences() {
    let text = message(check_function!(|x| [T::constant(x[0].base()) * x[1]], &[0.3, -1.2]));
    assert!(text.contains("the derivative of y[0]") && text.contains("by differences"), "{text}");
    assert!(text.contains("x = [0.3, -1.2]") && text.contains("x_dot = ["), "{text}");
}

#[test]
fn other_values_on_other_numbers_are_found() {
    let text = message(check_function!(
        |x| [if size_of::<T>() == 8 { x[0] } else { x[0] * T::lift(1.0 + f64::EPSILON) }],
        &[0.3]
    ));
    assert!(text.contains("on Dual") && text.contains("on plain numbers"), "{text}");
}

/// What is another formula on one kind of numbers is found by the check that uses that kind.
#[test]
fn other_formulas_on_other_numbers_are_found() {
    struct Other(&'static str, f64);
    impl Formula for Other {
        fn run<E: Elementary>(&self, x: &[E]) -> Vec<E> {
            let y = x[0].sin() * x[1].clone();
            // A part more, which is nothing at the point of the check, or is nothing but there.
            let more = (x[0].clone() - x[0].lift(0.3)) + x[0].lift(self.1);
            vec![if std::any::type_name::<E>().contains(self.0) { y + more * x[0].lift(1e-4) } else { y }]
        }
    }
    check::formula(&Other("no number", 1.0), &[0.3, -1.2]).unwrap();
    let found = |kind, more| message(check::formula(&Other(kind, more), &[0.3, -1.2]));
    assert!(found("Dual", 1.0).contains("on Dual, "));
    assert!(found("Complex", 0.0).contains("by a complex step"));
    assert!(found("Tracer", 1.0).contains("y[0] is ") && found("Tracer", 1.0).contains(" by the tape, "));
    assert!(
        found("Tracer", 0.0).contains("x_bar[0] is ")
            && found("Tracer", 0.0).contains(" by the vjp of the tape, ")
    );
}

/// The numbers of `SplitMix64`, and of bytes one each.
#[test]
fn choices_are_those_of_a_seed_or_of_bytes() {
    let mut seed = Choices::from_seed(0);
    let known = [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4, 0x06c4_5d18_8009_454f];
    assert_eq!([(); 3].map(|()| seed.word()), known);
    let mut bytes = Choices::from_bytes(&[200, 3, 128, 5]);
    assert_eq!([bytes.below(7), bytes.below(0), bytes.below(2)], [200 % 7, 0, 1]);
    assert_eq!(bytes.between(-1.0, 3.0), 1.0);
    assert_eq!([bytes.pick(&[10, 11, 12]), bytes.pick(&[10, 11, 12])], [&12, &10]);
    let unit = (0xe220_a839_7b1d_cdaf_u64 >> 11) as f64 * 0.5_f64.powi(53);
    assert_eq!(Choices::from_seed(0).between(-1.0, 3.0), -1.0 + 4.0 * unit);
}

#[test]
fn a_kink_is_named() {
    let text = message(check_function!(|x| [Float::abs(x[0])], &[0.0]));
    assert!(text.contains("is there a kink") && text.contains("x = [0.0]"), "{text}");
    check_function!(|x| [Float::abs(x[0])], &[-0.1]).unwrap();
}

/// `x0^2 x1`, with a factor on the vjp and one on the second derivative of the jvp.
struct Cubic {
    vjp: f64,
    curvature: f64,
}

impl Rule for Cubic {
    fn value<T: Scalar>(&self, x: &[T]) -> Vec<T> {
        vec![x[0] * x[0] * x[1]]
    }
    fn jvp<T: Scalar>(&self, x: &[T], _: &[T], x_dot: &[T]) -> Option<Vec<T>> {
        let frozen = T::constant(x[0].base());
        let x0 = x[0] + T::lift(self.curvature) * (x[0] - frozen);
        Some(vec![T::lift(2.0) * x0 * x[1] * x_dot[0] + x[0] * x[0] * x_dot[1]])
    }
    fn vjp<T: Scalar>(&self, x: &[T], y: &[T], y_bar: &[T]) -> Option<Vec<T>> {
        let column =
            |a: f64, b: f64| self.jvp(x, y, &[T::lift(a), T::lift(b)]).map(|y_dot| y_dot[0] * y_bar[0]);
        Some(vec![column(1.0, 0.0)? * T::lift(self.vjp), column(0.0, 1.0)?])
    }
}

#[test]
fn rules_are_checked_to_second_order() {
    let x = [0.7, -1.3];
    check::rule(&Cubic { vjp: 1.0, curvature: 0.0 }, &x).unwrap();
    let text = message(check::rule(&Cubic { vjp: 1.0 + 1e-7, curvature: 0.0 }, &x));
    assert!(text.contains("y[0] by x[0]") && text.contains("x = [0.7, -1.3]"), "{text}");
    let text = message(check::rule(&Cubic { vjp: 1.0, curvature: 1e-3 }, &x));
    assert!(text.contains("gradient of <y_bar, y>") && text.contains("by differences"), "{text}");
    let first = Tester { order: 1, ..Tester::default() };
    first.rule(&Cubic { vjp: 1.0, curvature: 1e-3 }, &x).unwrap();
}

/// The root of `y^3 + x0 y = x1`.
struct Root;
impl Equation for Root {
    fn residual<T: Scalar>(&self, x: &[T], y: &[T]) -> Vec<T> {
        vec![y[0] * y[0] * y[0] + x[0] * y[0] - x[1]]
    }
    fn solve(&self, x: &[f64]) -> Vec<f64> {
        let newton = |y: f64, _| y - (y * y * y + x[0] * y - x[1]) / (3.0 * y * y + x[0]);
        vec![(0..60).fold(1.0, newton)]
    }
}

#[test]
fn implicit_functions_are_rules() {
    check::rule(&Implicit(Root), &[1.5, 0.8]).unwrap();
}
