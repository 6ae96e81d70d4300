//! Matrix products in each lane against their plain twin.

use super::*;

/// Rows of each matrix lie further apart than they are long, and matrices are read by rows and by columns.
fn products_of_each_lane_equal_their_twins<T: Element>([m, k, n]: [usize; 3], lanes: usize) {
    let (row, places) = (lanes + 3, |a: usize, b: usize| (a * b).max(1));
    let [a, b, old] = [(3, places(m, k)), (4, places(k, n)), (5, places(m, n))]
        .map(|(seed, count)| numbers::<T>(count * row, seed, lanes % 2 == 1));
    for (alpha, accumulate, by_rows) in
        [(1.0, false, true), (1.0, true, false), (-0.7, false, false), (-0.7, true, true)]
    {
        let alpha = T::from_f64(alpha);
        let strides = |rows: usize, cols: usize| if by_rows { [cols * row, row] } else { [row, rows * row] };
        let [of_a, of_b, of_y] = [strides(m, k), strides(k, n), strides(m, n)];
        let place =
            |strides: [usize; 2], at: [usize; 2], l: usize| strides[0] * at[0] + strides[1] * at[1] + l;
        let mut want = old.clone();
        for (i, j, l) in (0..m).flat_map(|i| (0..n).flat_map(move |j| (0..lanes).map(move |l| (i, j, l)))) {
            let term = |p: usize| (a[place(of_a, [i, p], l)], b[place(of_b, [p, j], l)]);
            let y = &mut want[place(of_y, [i, j], l)];
            let more = |sum: T, from: usize| (from..k).map(term).fold(sum, |sum, (a, b)| fused(a, b, sum));
            *y = match (accumulate, alpha == T::one()) {
                (true, true) => more(*y, 0),
                (true, false) => *y + alpha * more(term(0).0 * term(0).1, 1),
                _ => alpha * more(term(0).0 * term(0).1, 1),
            };
        }
        let mut got = old.clone();
        let view = |data, [row_stride, col_stride]: [usize; 2]| Strided { data, row_stride, col_stride };
        let [row_stride, col_stride] = of_y;
        let y = Strided { data: &mut got[..], row_stride, col_stride };
        matmul_lanewise([m, k, n], lanes, alpha, [view(&a[..], of_a), view(&b[..], of_b)], y, accumulate);
        assert_same(&got, &want, &format!("products of {m} x {k} x {n} in {lanes} lanes"));
    }
}

#[test]
fn products_of_each_lane_are_sums_in_order_from_the_first_term() {
    at_every_level(|| {
        let sizes = [[4, 128, 4], [1, 5, 13], [13, 5, 1], [7, 3, 9], [4, 4, 128], [2, 1, 2], [3, 2, 3]];
        for (shape, lanes) in sizes.into_iter().flat_map(|shape| [1, 16, 37, 131].map(|lanes| (shape, lanes)))
        {
            products_of_each_lane_equal_their_twins::<f32>(shape, lanes);
            products_of_each_lane_equal_their_twins::<f64>(shape, lanes);
        }
    });
}
