//! Products of values without a common row, of which there are some for each binding and none for each example.

use super::nest::{Axis, for_each};
use crate::kernels::{self, Aligned, Element, Old, Rows, RowsMut, Strided};

/// How many sums run side by side.
const WIDTH: usize = 8;

/// `y = alpha * sum (a * b)` over the axes; an operand that an axis does not move has the step 0 there.
pub(super) fn product<T: Element>(
    alpha: T,
    over: &[Axis],
    summed: &[Axis],
    operands: [&[T]; 2],
    y: &mut [T],
    [scratch, packed]: [&mut Aligned<T>; 2],
) {
    if let (&[m, n], &[k]) = (over, summed)
        && let Some(columns) = columns(m, n)
    {
        return matrix(alpha, [m, k, n], columns, operands, y, [scratch, packed]);
    }
    match (over, summed) {
        (_, &[k]) if k.size >= WIDTH && k.steps[1..3] == [1, 1] => {
            let (&m, outer) = over.split_last().unwrap_or((&Axis::ONCE, &[]));
            for_each(outer, [0; 4], &mut |at| {
                let [a, b] = [1, 2].map(|own| (&operands[own - 1][at[own]..], m.steps[own]));
                dots([m, k], alpha, [a, b], &mut y[at[0]..]);
            });
        }
        (&[m], &[k]) if m.size >= WIDTH && k.size >= 2 * WIDTH => {
            match [1, 2].map(|operand| (m.steps[operand], k.steps[operand])) {
                // One matrix row by row, the other column by column: it is turned.
                [(1, down), (other, 1)] | [(other, 1), (1, down)] if down > 0 => {
                    let turned = usize::from(k.steps[1] == 1);
                    let scratch = scratch.at_least(m.size * k.size);
                    let from = Rows { data: operands[turned], stride: down };
                    kernels::transpose([k.size, m.size], from, RowsMut { data: scratch, stride: k.size });
                    dots([m, k], alpha, [(operands[1 - turned], other), (scratch, k.size)], y);
                }
                _ => by_numbers(alpha, over, summed, operands, y),
            }
        }
        _ => by_numbers(alpha, over, summed, operands, y),
    }
}

/// Which operand has the columns of a result that is a matrix, and the other one its rows.
fn columns(m: Axis, n: Axis) -> Option<usize> {
    let has_columns = |own: &usize| n.steps[2 - own] == 0 && m.steps[own + 1] == 0;
    (0..2).find(has_columns).filter(|_| n.steps[0] == 1 && n.size >= WIDTH)
}

/// `y[i] = alpha * sum_k a[i, k] * b[i, k]`, of two matrices with their strides.
fn dots<T: Element>([m, k]: [Axis; 2], alpha: T, [a, b]: [(&[T], usize); 2], y: &mut [T]) {
    let rows = |(data, stride)| Rows { data, stride };
    (0..m.size).for_each(|i| y[i * m.steps[0]] = T::zero());
    kernels::sums_over_lanes([m.size, k.size], alpha, rows(a), Some(rows(b)), y, m.steps[0]);
}

/// A product of matrices: the operand `columns`, which has the last index of the result, is copied to where it is
/// contiguous along it, if it is not so where it is.
fn matrix<T: Element>(
    alpha: T,
    [m, k, n]: [Axis; 3],
    columns: usize,
    operands: [&[T]; 2],
    y: &mut [T],
    [scratch, packed]: [&mut Aligned<T>; 2],
) {
    let (own, other) = (columns + 1, 2 - columns);
    let data = operands[columns];
    let b = match (k.steps[own], n.steps[own]) {
        (stride, 1) => Rows { data, stride },
        (1, stride) => {
            let scratch = scratch.at_least(k.size * n.size);
            let to = RowsMut { data: scratch, stride: n.size };
            kernels::transpose([n.size, k.size], Rows { data, stride }, to);
            Rows { data: scratch, stride: n.size }
        }
        (down, along) => {
            let scratch = scratch.at_least(k.size * n.size);
            for (row, to) in scratch.chunks_exact_mut(n.size).enumerate() {
                to.iter_mut().enumerate().for_each(|(column, to)| *to = data[row * down + column * along]);
            }
            Rows { data: scratch, stride: n.size }
        }
    };
    let a = Strided { data: operands[1 - columns], row_stride: m.steps[other], col_stride: k.steps[other] };
    let c = RowsMut { data: y, stride: m.steps[0] };
    kernels::matmul([m.size, k.size, n.size], alpha, a, b, c, Old::Dropped, packed);
}

/// Any product, in loops that keep several sums at once.
fn by_numbers<T: Element>(alpha: T, over: &[Axis], summed: &[Axis], [a, b]: [&[T]; 2], y: &mut [T]) {
    let (&inner, outer) = over.split_last().unwrap_or((&Axis::ONCE, &[]));
    let (&last, before) = summed.split_last().unwrap_or((&Axis::ONCE, &[]));
    let [to, left, right, _] = inner.steps;
    for_each(outer, [0; 4], &mut |at| {
        for start in (0..inner.size).step_by(WIDTH) {
            let at = std::array::from_fn(|k| at[k] + start * inner.steps[k]);
            let width = WIDTH.min(inner.size - start);
            let mut sums = [T::zero(); WIDTH];
            for_each(before, at, &mut |at| {
                for r in 0..last.size {
                    let (a, b) = (&a[at[1] + r * last.steps[1]..], &b[at[2] + r * last.steps[2]..]);
                    let mut add = |w: usize| sums[w] = sums[w] + a[w * left] * b[w * right];
                    // A fixed number of sums stays in registers.
                    if width == WIDTH { (0..WIDTH).for_each(add) } else { (0..width).for_each(&mut add) }
                }
            });
            for (w, &sum) in sums[..width].iter().enumerate() {
                y[at[0] + w * to] = alpha * sum;
            }
        }
    });
}
