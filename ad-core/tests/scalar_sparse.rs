//! Sparse derivatives: the entries of the dense ones, from few directions.

use ad_core::{
    Dual, Pattern, Rule, Scalar, call, hessian, hessian_pattern, jacobian, jacobian_forward,
    jacobian_pattern, sparse_hessian, sparse_jacobian,
};

fn point(n: usize) -> Vec<f64> {
    (0..n).map(|k| (1.3 * k as f64).sin() * 0.8 + 1.2).collect()
}

/// Neighbours, one far pair, a linear function, a constant, and a branch.
fn functions<T: Scalar>(x: &[T]) -> Vec<T> {
    let mut y: Vec<T> = x.windows(3).map(|w| w[0] * w[1].sin() + w[2] / (w[0] + T::lift(3.0))).collect();
    y.push(x[0].powi(2) - x[x.len() - 1].hypot(x[1]));
    y.push(x[2] + x[3] * T::lift(2.0) - T::one());
    y.push(T::PI());
    y.push(if x[4] > T::zero() { x[4].floor() + x[5] } else { x[6] });
    y
}

/// Rosenbrock's valley and some linear terms.
fn valley<T: Scalar>(x: &[T]) -> T {
    let term = |w: &[T]| (w[1] - w[0] * w[0]).powi(2) * T::lift(100.0) + (T::one() - w[0]).powi(2);
    x.windows(2).map(term).sum::<T>() + x[0] * T::lift(3.0) - x[x.len() - 1]
}

/// Two blocks of three that act together, through division, powers and maxima; the rest is linear.
fn blocks<T: Scalar>(x: &[T]) -> T {
    let block = |x: &[T]| (x[0] / x[1]).exp() + x[2].powf(x[0]) + T::lift(2.0) / x[2] + x[0].max(x[1]);
    block(&x[..3]) * T::lift(0.5) - block(&x[3..6]) + x[6..].iter().copied().sum::<T>()
}

fn check_entries(entries: &[(usize, usize, f64)], dense: &[Vec<f64>], pattern: &Pattern) {
    let mut found = entries.iter();
    for (i, row) in dense.iter().enumerate() {
        for (j, &want) in row.iter().enumerate() {
            if pattern.rows()[i].contains(&j) {
                let &(p, q, got) = found.next().expect("there is an entry for each place of the pattern");
                assert_eq!((p, q), (i, j));
                assert!((got - want).abs() <= 1e-12 * (1.0 + want.abs()), "({i}, {j}): {got} {want}");
            } else {
                assert_eq!(want, 0.0, "({i}, {j}) is not in the pattern");
            }
        }
    }
    assert!(found.next().is_none());
}

#[test]
fn jacobians_have_the_entries_of_dense_ones() {
    for n in [7, 8, 9, 64, 65, 130] {
        let x = point(n);
        let pattern = jacobian_pattern(|x| functions(x), &x);
        let (value, dense) = jacobian(functions, &x).unwrap();
        let (sparse_value, entries) = sparse_jacobian(functions, &x, &pattern).unwrap();
        assert_eq!(value, sparse_value);
        check_entries(&entries, &dense, &pattern);
        // A band of three and one row with both ends.
        assert!(pattern.colours() <= 5, "{} colours", pattern.colours());
        assert_eq!(pattern.rows()[n], Vec::<usize>::new());
        assert_eq!(pattern.rows()[n + 1], [5], "what is constant between jumps counts for nothing");
    }
}

/// As many colours as variables, in several passes.
#[test]
fn a_dense_matrix_is_a_pattern_too() {
    let all = |x: &[Dual<f64, 4>]| vec![x.iter().map(|&x| x * x).product(), x[8]];
    let x = point(9);
    let pattern = jacobian_pattern(|x| vec![x.iter().map(|&x| x * x).product(), x[8]], &x);
    assert_eq!(pattern.colours(), 9);
    check_entries(&sparse_jacobian(all, &x, &pattern).unwrap().1, &jacobian_forward(all, &x).1, &pattern);
}

/// What goes through a rule depends on all that the rule is given; plain numbers depend on nothing.
#[test]
fn rules_and_plain_numbers_have_patterns() {
    struct Product;
    impl Rule for Product {
        fn value<T: Scalar>(&self, x: &[T]) -> Vec<T> {
            vec![x[0] * x[1], x[1]]
        }
    }
    let x = [1.5, 2.5, 3.5];
    let pattern = jacobian_pattern(
        |x| {
            assert!(format!("{:?}", x[1]).contains("value: 2.5, on: [1]"), "{:?}", x[1]);
            let mut y = call(&Product, &x[..2]).unwrap();
            y.extend([1.0 / x[2], 7.0 % x[1], x[0] / 2.0]);
            y
        },
        &x,
    );
    assert_eq!(pattern.rows(), [vec![0, 1], vec![0, 1], vec![2], vec![1], vec![0]]);
    let pattern = hessian_pattern(|x| 1.0 / x[2] + x[1] * 2.0 + call(&Product, &x[..2]).unwrap()[0], &x);
    assert_eq!(pattern.rows(), [vec![0, 1], vec![0, 1], vec![2]]);
}

#[test]
fn hessians_have_the_entries_of_dense_ones() {
    for n in [2, 7, 70] {
        let x = point(n);
        let pattern = hessian_pattern(|x| valley(x), &x);
        let (value, gradient, dense) = hessian(valley, &x).unwrap();
        let sparse = sparse_hessian(valley, &x, &pattern).unwrap();
        assert_eq!((value, &gradient), (sparse.0, &sparse.1));
        check_entries(&sparse.2, &dense, &pattern);
        assert!(pattern.colours() <= 3, "{} colours for three diagonals", pattern.colours());
    }
    let x = point(20);
    let pattern = hessian_pattern(|x| blocks(x), &x);
    let (_, _, dense) = hessian(blocks, &x).unwrap();
    check_entries(&sparse_hessian(blocks, &x, &pattern).unwrap().2, &dense, &pattern);
    assert_eq!((pattern.colours(), pattern.rows()[6].len()), (3, 0));
}

#[test]
fn a_pattern_of_another_matrix_is_refused() {
    let x = point(8);
    let pattern = jacobian_pattern(|x| functions(x), &x);
    let error = sparse_jacobian(functions, &point(9), &pattern).unwrap_err().to_string();
    assert!(error.contains("a pattern of 10 x 8 was given for a matrix of 10 x 9"), "{error}");
    assert!(sparse_jacobian(<[_]>::to_vec, &x, &pattern).is_err());
    assert!(sparse_hessian(valley, &x, &pattern).is_err());
    let nothing = jacobian_pattern(|_| vec![], &[] as &[f64]);
    assert_eq!(sparse_jacobian(|_| vec![], &[], &nothing).unwrap(), (vec![], vec![]));
}
