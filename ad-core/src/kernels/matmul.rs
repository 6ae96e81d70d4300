//! Matrix products.

use super::{Element, Rows, RowsMut, Strided, transpose};

/// `c[i, j] (+)= alpha * sum_p a[i, p] * b[p, j]` for `shape = [m, k, n]`: `a` is `m` by `k`, `b` is `k` by `n`.
pub fn matmul<T: Element>(
    [m, k, n]: [usize; 3],
    alpha: T,
    a: Strided<'_, T>,
    b: Rows<'_, T>,
    c: RowsMut<'_, T>,
    accumulate: bool,
) {
    for i in 0..m {
        for j in 0..n {
            let mut v = T::zero();
            for p in 0..k {
                v = v + a.data[i * a.row_stride + p * a.col_stride] * b.data[p * b.stride + j];
            }
            let c = &mut c.data[i * c.stride + j];
            *c = if accumulate { *c + alpha * v } else { alpha * v };
        }
    }
}

/// `g[i, j] += sum_e a[i, e] * b[j, e]` for `shape = [m, lanes, n]`: `a` is `m` by `lanes`, `b` is `n` by `lanes`.
///
/// `scratch` holds at least `lanes * n` elements.
pub fn matmul_lanes<T: Element>(
    [m, lanes, n]: [usize; 3],
    a: Rows<'_, T>,
    b: Rows<'_, T>,
    g: RowsMut<'_, T>,
    scratch: &mut [T],
) {
    transpose([n, lanes], b, RowsMut { data: scratch, stride: n });
    let a = Strided { data: a.data, row_stride: a.stride, col_stride: 1 };
    matmul([m, lanes, n], T::one(), a, Rows { data: scratch, stride: n }, g, true);
}
