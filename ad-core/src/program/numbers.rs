//! Products of values without a common row: number by number, in loops that keep several sums at once.

use super::nest::{Axis, for_each};
use crate::kernels::Element;

/// How many sums run side by side.
const WIDTH: usize = 8;

/// `y = alpha * sum (a * b)` over the axes; an operand that an axis does not move has the step 0 there.
pub(super) fn product<T: Element>(alpha: T, over: &[Axis], summed: &[Axis], [a, b]: [&[T]; 2], y: &mut [T]) {
    let once = Axis { size: 1, steps: [0; 4] };
    let (&inner, outer) = over.split_last().unwrap_or((&once, &[]));
    let (&last, before) = summed.split_last().unwrap_or((&once, &[]));
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
