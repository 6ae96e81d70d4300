//! Fields to take the divergence of.

use ad_core::{Array, Elementary, Tape};
use ad_ops::random::Purpose;

/// Normal numbers, reproducible.
pub fn numbers(shape: &[usize], seed: u32) -> Array {
    let mut stream = Purpose::Constant.stream(5, seed, 0);
    let n = shape.iter().product();
    Array::new(shape, (0..n).map(|_| stream.standard_normal()).collect()).unwrap()
}

/// Layers of these widths with tanh between them.
pub fn mlp(d: usize, hidden: &[usize]) -> Tape {
    Tape::record(|t| {
        let mut x = t.example("x", &[d]);
        let mut from = d;
        for (k, &to) in hidden.iter().chain([&d]).enumerate() {
            let (w, b) = (t.shared(&format!("w{k}"), &[from, to]), t.shared(&format!("b{k}"), &[to]));
            x = x.matmul(&w) + b;
            if k < hidden.len() {
                x = x.tanh();
            }
            from = to;
        }
        [("x_dot", x)]
    })
    .unwrap()
}
