//! Every kernel against its plain twin, bit for bit, at every instruction level of this machine.

mod chain;
mod lanewise;

use std::cell::Cell;

use pulp::Arch;

use super::matmul::FEW;
use super::*;
use crate::check::reference;
use crate::{Binary, Unary};

/// Lengths around the register sizes.
const LENGTHS: [usize; 12] = [0, 1, 2, 3, 7, 8, 15, 16, 17, 63, 64, 65];

thread_local! {
    static LEVEL: Cell<Arch> = Cell::new(Arch::new());
}

/// The instruction level that this thread is testing.
pub(super) fn level() -> Arch {
    LEVEL.get()
}

fn at_every_level(test: impl Fn()) {
    let mut levels = vec![Arch::Scalar];
    #[cfg(target_arch = "x86_64")]
    levels.extend(pulp::x86::V3::try_new().map(Arch::V3));
    levels.push(Arch::new());
    for level in levels {
        LEVEL.set(level);
        test();
    }
}

/// What the kernels do where they say fused.
fn fused<T: Element>(a: T, b: T, c: T) -> T {
    if matches!(level(), Arch::Scalar) { a * b + c } else { a.mul_add(b, c) }
}

/// `n` numbers in `[-1, 1)`, by a linear congruence; every 29th is not finite where `wild`.
fn numbers<T: Element>(n: usize, seed: u64, wild: bool) -> Vec<T> {
    let mut state = seed;
    let mut next = |i: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        match i % 29 {
            7 if wild => T::infinity(),
            15 if wild => T::nan(),
            23 if wild => -T::zero(),
            _ => T::from_f64((state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0),
        }
    };
    (0..n).map(&mut next).collect()
}

#[track_caller]
fn assert_same<T: Element>(got: &[T], want: &[T], what: &str) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (i, (&got, &want)) in got.iter().zip(want).enumerate() {
        let same = got == want && got.is_sign_negative() == want.is_sign_negative();
        assert!(same || (got.is_nan() && want.is_nan()), "{what}, entry {i}: {got:?} against {want:?}");
    }
}

/// Scratch in which something has been.
fn dirty<T: Element>(length: usize) -> Aligned<T> {
    let mut scratch = Aligned::new(length);
    scratch.fill(T::nan());
    scratch
}

fn matmul_equals_its_twin<T: Element>([m, k, n]: [usize; 3], alpha: f64, old: Old, wild: bool) {
    let goes_on = old == Old::GoesOn && alpha == 1.0;
    let alpha = T::from_f64(alpha);
    let (b_stride, c_stride) = (n + 3, n + 5);
    let [a, b, c] = [2 * m * k + 1, k * b_stride, m * c_stride].map(|n| numbers::<T>(n, n as u64, wild));
    for (row_stride, col_stride) in [(k, 1), (1, m), (2, 2 * m)] {
        let mut want = c.clone();
        for i in 0..m {
            for j in 0..n {
                let term = |sum, p| fused(a[i * row_stride + p * col_stride], b[p * b_stride + j], sum);
                let entry = &mut want[i * c_stride + j];
                let sum = (0..k).fold(if goes_on { *entry } else { T::zero() }, term);
                *entry = if goes_on || old == Old::Dropped { alpha * sum } else { *entry + alpha * sum };
            }
        }
        let mut got = c.clone();
        let left = Strided { data: &a[..], row_stride, col_stride };
        let into = RowsMut { data: &mut got, stride: c_stride };
        let right = Rows { data: &b, stride: b_stride };
        matmul([m, k, n], alpha, left, right, into, old, &mut dirty(5));
        assert_same(&got, &want, &format!("{m} x {k} x {n}, alpha {alpha:?}, {old:?}"));
    }
}

#[test]
fn matmul_is_a_sum_in_order_from_zero() {
    at_every_level(|| {
        for n in LENGTHS {
            for [m, k] in [[1, 0], [1, 1], [2, 5], [3, 64], [8, 2], [13, 7], [15, 3], [23, 9]] {
                for (alpha, old) in [1.0, -0.7]
                    .into_iter()
                    .flat_map(|alpha| [Old::Dropped, Old::GoesOn, Old::Added].map(|old| (alpha, old)))
                {
                    matmul_equals_its_twin::<f32>([m, k, n], alpha, old, n % 2 == 1);
                    matmul_equals_its_twin::<f64>([m, k, n], alpha, old, n % 2 == 1);
                }
            }
        }
    });
}

fn matmul_lanes_equals_its_twin<T: Element>([m, lanes, n]: [usize; 3]) {
    let stride = lanes + 2;
    let alpha = T::from_f64(0.3);
    let [a, b, g] = [m * stride, n * stride, m * n].map(|n| numbers::<T>(n, n as u64, false));
    let mut want = g.clone();
    for (i, row) in want.chunks_mut(n.max(1)).enumerate() {
        for (j, entry) in row.iter_mut().enumerate() {
            let [a, b] = [&a[i * stride..][..lanes], &b[j * stride..][..lanes]];
            let in_order = || a.iter().zip(b).fold(T::zero(), |sum, (&a, &b)| fused(a, b, sum));
            let sum = if m.min(n) <= FEW { by_sixteen(a, b) } else { in_order() };
            *entry = *entry + alpha * sum;
        }
    }
    // Each operand with its lanes behind each other, and turned.
    let lying = |data, _| Strided { data, row_stride: stride, col_stride: 1 };
    let turned = |data: &[T], rows: usize| {
        let mut turned = vec![T::zero(); lanes * (rows + 3)];
        for e in 0..lanes {
            (0..rows).for_each(|i| turned[e * (rows + 3) + i] = data[i * stride + e]);
        }
        turned
    };
    let ways = if m.min(n) <= FEW { 1 } else { 4 };
    for way in 0..ways {
        let own = [turned(&a, m), turned(&b, n)];
        let standing = |k: usize, rows| Strided { data: &own[k][..], row_stride: 1, col_stride: rows + 3 };
        let left = if way % 2 == 1 { standing(0, m) } else { lying(&a[..], m) };
        let right = if way >= 2 { standing(1, n) } else { lying(&b[..], n) };
        let mut got = g.clone();
        let into = RowsMut { data: &mut got, stride: n };
        matmul_lanes([m, lanes, n], alpha, left, right, into, [&mut dirty(3), &mut dirty(7)]);
        assert_same(&got, &want, &format!("{m} x {lanes} lanes x {n}, way {way}"));
    }
}

/// Sixteen sums side by side, then those by halves.
fn by_sixteen<T: Element>(a: &[T], b: &[T]) -> T {
    let mut sums = [T::zero(); 16];
    a.iter().zip(b).enumerate().for_each(|(e, (&a, &b))| sums[e % 16] = fused(a, b, sums[e % 16]));
    for half in [8, 4, 2, 1] {
        (0..half).for_each(|i| sums[i] = sums[i] + sums[i + half]);
    }
    sums[0]
}

#[test]
fn matmul_over_lanes_is_a_sum_in_order_from_zero_or_sixteen_of_them() {
    at_every_level(|| {
        for lanes in LENGTHS {
            for [m, n] in [[1, 1], [2, 17], [9, 8], [5, 33], [17, 3], [20, 6], [16, 15], [64, 64]] {
                matmul_lanes_equals_its_twin::<f32>([m, lanes, n]);
                matmul_lanes_equals_its_twin::<f64>([m, lanes, n]);
            }
        }
    });
}

fn transposition_moves_every_entry<T: Element>([rows, cols]: [usize; 2], src_stride: usize) {
    let dst_stride = rows + 2;
    // Nothing lies behind the last row.
    let src = numbers::<T>(rows.saturating_sub(1) * src_stride + cols, 1, true);
    let dst = numbers::<T>(cols * dst_stride, 2, true);
    let mut want = dst.clone();
    for i in 0..rows {
        for j in 0..cols {
            want[j * dst_stride + i] = src[i * src_stride + j];
        }
    }
    let mut got = dst;
    let from = Rows { data: &src, stride: src_stride };
    transpose([rows, cols], from, RowsMut { data: &mut got, stride: dst_stride });
    assert_same(&got, &want, &format!("{rows} x {cols}, {src_stride} apart"));
}

#[test]
#[should_panic(expected = "out of range")]
fn a_source_that_is_too_short_is_not_transposed() {
    transpose([3, 2], Rows { data: &[0.0_f64; 5], stride: 2 }, RowsMut { data: &mut [0.0; 6], stride: 3 });
}

#[test]
fn transposition_moves_every_entry_and_no_other() {
    at_every_level(|| {
        for rows in LENGTHS {
            for cols in LENGTHS {
                // One row, again and again, and rows with something between.
                for src_stride in [0, cols, cols + 1] {
                    transposition_moves_every_entry::<f32>([rows, cols], src_stride);
                    transposition_moves_every_entry::<f64>([rows, cols], src_stride);
                }
            }
        }
    });
}

fn sums_of_products_equal_their_twins<T: Element>(n: usize, wild: bool) {
    let stride = n + 1;
    let [a, b] = [3, 4].map(|seed| numbers::<T>(5 * stride, seed, wild));
    let old = numbers::<T>(n, 5, wild);
    let check = |want: &dyn Fn(usize) -> T, run: &dyn Fn(&mut [T]), what: &str| {
        let mut got = old.clone();
        run(&mut got);
        assert_same(&got, &(0..n).map(want).collect::<Vec<_>>(), &format!("{what} over {n} lanes"));
    };
    for (alpha, accumulate) in
        [(1.0, false), (1.0, true), (-0.7, false), (-0.7, true)].map(|(x, y)| (T::from_f64(x), y))
    {
        let add = |l: usize, value: T| if accumulate { old[l] + value } else { value };
        let goes_on = accumulate && alpha == T::one();
        check(
            &|l| if goes_on { fused(a[l], b[l], old[l]) } else { add(l, alpha * (a[l] * b[l])) },
            &|y| multiply(alpha, &a[..n], &b[..n], y, accumulate),
            "product",
        );
        let multiple = |l: usize| if accumulate { fused(alpha, a[l], old[l]) } else { alpha * a[l] };
        check(&multiple, &|y| scale(alpha, &a[..n], y, accumulate), "multiple");
        for k in [1, 2, 5] {
            let term = |l: usize, p: usize| (a[p * stride + l], b[p * stride + l]);
            let more = |l: usize, from: usize, sum: T| {
                (from..k).map(|p| term(l, p)).fold(sum, |sum, (a, b)| fused(a, b, sum))
            };
            let sum = |l: usize| more(l, 1, term(l, 0).0 * term(l, 0).1);
            let [a, b] = [&a, &b].map(|data| Rows { data, stride });
            let want = |l: usize| if goes_on { more(l, 0, old[l]) } else { add(l, alpha * sum(l)) };
            check(&want, &|y| dot_lanes(k, alpha, a, Some(b), y, accumulate), "dot product");
            let one = T::one();
            let more = |l: usize, from: usize, sum: T| {
                (from..k).fold(sum, |sum, p| fused(one, a.data[p * stride + l], sum))
            };
            let sum = |l: usize| more(l, 1, a.data[l]);
            let want = |l: usize| if goes_on { more(l, 0, old[l]) } else { add(l, alpha * sum(l)) };
            check(&want, &|y| dot_lanes(k, alpha, a, None, y, accumulate), "sum of rows");
        }
    }
}

#[test]
fn sums_of_products_add_their_terms_in_order() {
    at_every_level(|| {
        for n in LENGTHS {
            sums_of_products_equal_their_twins::<f32>(n, n % 2 == 1);
            sums_of_products_equal_their_twins::<f64>(n, n % 2 == 1);
        }
    });
}

fn sums_over_lanes_equal_their_twins<T: Element>(n: usize) {
    // Sixteen are turned together, four are taken together, and one is alone.
    const ROWS: usize = 16 + 4 + 1;
    let (stride, alpha, step) = (n + 16, T::from_f64(0.3), 2);
    let [mut a, mut b] = [3, 4].map(|seed| numbers::<T>(ROWS * stride, seed, false));
    for r in 0..ROWS {
        // What pads a row is never read.
        a[r * stride + n..][..16].fill(T::nan());
        b[r * stride + n..][..16].fill(T::nan());
    }
    let y = numbers::<T>(2 * ROWS, 5, false);
    for both in [true, false] {
        let mut want = y.clone();
        for r in 0..ROWS {
            let [a, b] = [&a, &b].map(|rows| &rows[r * stride..][..n]);
            let ones = vec![T::one(); n];
            want[r * step] = want[r * step] + alpha * by_sixteen(a, if both { b } else { &ones });
        }
        let mut got = y.clone();
        let [a, b] = [&a, &b].map(|data| Rows { data, stride });
        sums_over_lanes([ROWS, n], alpha, a, both.then_some(b), &mut got, step);
        assert_same(&got, &want, &format!("sums over {n} lanes, both: {both}"));
    }
}

#[test]
fn a_sum_over_lanes_sees_no_padding_and_has_one_order() {
    at_every_level(|| {
        for n in LENGTHS {
            sums_over_lanes_equal_their_twins::<f32>(n);
            sums_over_lanes_equal_their_twins::<f64>(n);
        }
    });
}

fn elementwise_functions_are_the_same_everywhere<T: Element>() {
    // Some are beyond the limit of trigonometric kernels; some pairs are equal, or zeros of both signs.
    let scale = |k: usize| T::from_f64(if k % 11 == 3 { 1e12 } else { 9.0 });
    let x: Vec<T> = numbers::<T>(80, 7, true).into_iter().enumerate().map(|(k, x)| x * scale(k)).collect();
    let mut y: Vec<T> = numbers::<T>(81, 8, true)[1..].to_vec();
    for (k, y) in y.iter_mut().enumerate().filter(|(k, _)| k % 4 == 0 || k % 29 == 23) {
        *y = if x[k] == T::zero() { -x[k] } else { x[k] };
    }
    for n in LENGTHS {
        for &f in Unary::ALL {
            let want: Vec<T> = x[..n].iter().map(|&x| mapped(f, &[x])[0]).collect();
            assert_same(&mapped(f, &x[..n]), &want, f.name());
        }
        for &f in Binary::ALL {
            let want: Vec<T> = x.iter().zip(&y).map(|(&a, &b)| f.value(a, b)).collect();
            let mut got = vec![T::zero(); n];
            simd::dispatch(elementwise::Zip { f, a: &x[..n], b: &y[..n], y: &mut got });
            assert_same(&got, &want[..n], f.name());
        }
    }
}

#[test]
fn an_element_does_not_know_its_place() {
    at_every_level(elementwise_functions_are_the_same_everywhere::<f32>);
    at_every_level(elementwise_functions_are_the_same_everywhere::<f64>);
}

fn mapped<T: Element>(f: Unary, x: &[T]) -> Vec<T> {
    let mut y = vec![T::zero(); x.len()];
    simd::dispatch(elementwise::Map { f, x, y: &mut y });
    y
}

/// The error of `got` in units of the last of `digits` binary digits of `want`, for a type with the given range.
fn ulps(got: f64, want: f64, digits: i32, least: f64, greatest: f64) -> f64 {
    let same = got == want && got.is_sign_negative() == want.is_sign_negative();
    if same || (got.is_nan() && want.is_nan()) {
        return 0.0;
    }
    let overflow = want.abs() > greatest && got.abs() > greatest && got.signum() == want.signum();
    let underflow =
        want.abs() < least / 2.0 && got == 0.0 && got.is_sign_negative() == want.is_sign_negative();
    if overflow || underflow {
        return 0.0;
    }
    let mut unit = least;
    while unit * 2.0_f64.powi(digits) <= want.abs() {
        unit *= 2.0;
    }
    (got - want).abs() / unit
}

/// The functions with kernels of their own, and what their errors stay below in units in the last place, in either type;
/// all others, and all where there are no vectors, have the bits of `Unary::value`.
const VECTORISED: [(Unary, f64); 12] = [
    (Unary::Exp, 1.0),
    (Unary::ExpM1, 1.9),
    (Unary::Tanh, 2.5),
    (Unary::Sigmoid, 2.5),
    (Unary::Softplus, 2.0),
    (Unary::Ln, 1.0),
    (Unary::Ln1p, 1.7),
    (Unary::Asinh, 1.7),
    (Unary::Acosh, 1.7),
    (Unary::Atanh, 1.7),
    (Unary::Sin, 1.8),
    (Unary::Cos, 1.8),
];

/// The errors of all kernels at `x` are below their bounds and `more`, for a type with the given digits and range.
fn errors_are_small<T: Element>(x: &[T], more: f64, digits: i32, least: f64, greatest: f64) {
    at_every_level(|| {
        for (f, bound) in VECTORISED.into_iter().filter(|_| !matches!(level(), Arch::Scalar)) {
            for (&x, &y) in x.iter().zip(&mapped(f, x)) {
                let (x, y) = (x.to_double(), y.to_double());
                let error = ulps(y, reference(f, x), digits, least, greatest);
                assert!(error <= bound + more, "{}({x:e}) = {y:e}: {error} ulps", f.name());
            }
        }
    });
}

/// Where values begin to overflow, vanish, saturate or change their formula.
const PLACES: [f64; 13] = [
    0.0,
    1.0,
    1.0 - 6e-8,
    1.0 - 2e-16,
    1.0 + 2e-7,
    1.0 + 3e-16,
    88.72284,
    103.97208,
    709.79,
    745.2,
    1.7e38,
    1.7e308,
    f64::INFINITY,
];

#[test]
fn single_functions_are_within_their_bounds() {
    // Every 5003rd bit pattern of all: both signs, subnormal numbers, infinities and NaN among them.
    let mut x: Vec<f32> = (0..u32::MAX / 5003).map(|i| f32::from_bits(i * 5003)).collect();
    x.extend(PLACES.iter().flat_map(|&x| [x as f32, -x as f32]));
    errors_are_small(&x, 0.0, 24, f64::from(f32::from_bits(1)), f32::MAX.into());
}

#[test]
fn double_functions_are_within_their_bounds() {
    let spread = numbers::<f64>(30_000, 9, false);
    let mut x: Vec<f64> =
        [1.0, 40.0, 760.0, 2e6].iter().flat_map(|&scale| spread.iter().map(move |x| x * scale)).collect();
    x.extend(spread.iter().map(|x| f64::from_bits((x.abs() * u64::MAX as f64) as u64)));
    x.extend(spread.iter().map(|x| 1.0 + x.powi(12)));
    x.extend(PLACES.iter().flat_map(|&x| [x, -x]).chain([f64::NAN, 5e-324, -5e-324]));
    // The reference itself may err by one and a half.
    errors_are_small(&x, 1.5, 53, f64::from_bits(1), f64::MAX);
}

#[test]
fn functions_without_a_kernel_have_the_bits_of_the_table() {
    let x: Vec<f32> =
        (0..u32::MAX / 500_009).map(|i| f32::from_bits(i * 500_009)).chain([0.0, -0.0]).collect();
    at_every_level(|| {
        let from_table = |f: Unary| {
            matches!(level(), Arch::Scalar) || VECTORISED.iter().all(|&(vectorised, _)| f != vectorised)
        };
        for &f in Unary::ALL.iter().filter(|&&f| from_table(f)) {
            let want: Vec<f32> = x.iter().map(|&x| f.value(x)).collect();
            assert_same(&mapped(f, &x), &want, f.name());
        }
    });
}
