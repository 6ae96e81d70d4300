//! Contractions that keep the lanes: elementwise products, sums and dot products.

use super::{Element, Rows};

/// `y[l] (+)= alpha * a[l] * b[l]`.
pub fn multiply<T: Element>(alpha: T, a: &[T], b: &[T], y: &mut [T], accumulate: bool) {
    for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
        let v = alpha * a * b;
        *y = if accumulate { *y + v } else { v };
    }
}

/// `y[l] (+)= alpha * a[l]`.
pub fn scale<T: Element>(alpha: T, a: &[T], y: &mut [T], accumulate: bool) {
    for (y, &a) in y.iter_mut().zip(a) {
        let v = alpha * a;
        *y = if accumulate { *y + v } else { v };
    }
}

/// `y[l] (+)= alpha * sum_k a[k, l] * b[k, l]`, over `y.len()` lanes.
pub fn dot_lanes<T: Element>(k: usize, alpha: T, a: Rows<'_, T>, b: Rows<'_, T>, y: &mut [T], accumulate: bool) {
    for (l, y) in y.iter_mut().enumerate() {
        let mut v = T::zero();
        for p in 0..k {
            v = v + a.data[p * a.stride + l] * b.data[p * b.stride + l];
        }
        *y = if accumulate { *y + alpha * v } else { alpha * v };
    }
}

/// `y[l] = sum_j coefficients[j] * operands[j][l]`.
pub fn linear_combination<T: Element>(coefficients: &[T], operands: &[&[T]], y: &mut [T]) {
    for (l, y) in y.iter_mut().enumerate() {
        *y = coefficients.iter().zip(operands).fold(T::zero(), |sum, (&c, a)| sum + c * a[l]);
    }
}

/// The sum of `x[..n]`.
pub fn sum_lanes<T: Element>(x: &[T], n: usize) -> T {
    x[..n].iter().fold(T::zero(), |sum, &x| sum + x)
}
