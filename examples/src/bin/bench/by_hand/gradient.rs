use faer::Accum;
use pulp::Arch;

use super::{Layers, ROWS, WIDTH, activate, matrix, multiply};
use crate::Result;
use crate::case::{Case, Float};
use crate::inputs::Inputs;
use crate::network::AT;

/// C: the parameter gradient of the mean of Hutchinson's estimates.
pub(crate) struct GradientByHand<T> {
    layers: Layers<T>,
    /// Matrix, bias, matrix, bias ..; the first matrix without its row of the time.
    bars: [Vec<T>; 6],
    time_bar: Vec<T>,
    /// Of both layers, tangents and points stacked: before the activation, and after it.
    before: [Vec<T>; 2],
    after: [Vec<T>; 2],
    bar: Vec<T>,
    after_bar: Vec<T>,
}

impl<T: Float> GradientByHand<T> {
    pub(crate) fn new(inputs: &Inputs) -> Result<Self> {
        let layers = Layers::new(inputs)?;
        let zeros = |n| vec![T::from_f64(0.0); n];
        let buffer = || zeros(2 * ROWS * WIDTH);
        let [w1, w2, w3] = [0, 1, 2].map(|k| layers.w[k].len());
        Ok(GradientByHand {
            bars: [w1, WIDTH, w2, WIDTH, w3, layers.dims].map(zeros),
            time_bar: zeros(WIDTH),
            before: [buffer(), buffer()],
            after: [buffer(), buffer()],
            bar: buffer(),
            after_bar: buffer(),
            layers,
        })
    }
}

impl<T: Float> Case<T> for GradientByHand<T> {
    fn call(&mut self) -> Result<()> {
        let Self { layers, bars, time_bar, before: [p1, p2], after: [a1, a2], bar, after_bar } = self;
        let (d, b0, [w1, w2, w3]) = (layers.dims, layers.first_bias(), &layers.w);
        for bar in bars.iter_mut() {
            bar.fill(T::from_f64(0.0));
        }
        let [w1_bar, b1_bar, w2_bar, b2_bar, w3_bar, _] = bars;
        for (x, e) in layers.blocks() {
            let n = x.len() / d * WIDTH;
            // Tangents in the first half, points in the second.
            multiply(&mut p1[..n], matrix(e, d), matrix(w1, WIDTH), Accum::Replace);
            multiply(&mut a1[n..2 * n], matrix(x, d), matrix(w1, WIDTH), Accum::Replace);
            let (u1, h1) = a1[..2 * n].split_at_mut(n);
            activate(h1, u1, &p1[..n], &b0);
            multiply(&mut p2[..2 * n], matrix(&a1[..2 * n], WIDTH), matrix(w2, WIDTH), Accum::Replace);
            let (v2, h2) = p2[..2 * n].split_at_mut(n);
            activate(h2, &mut a2[..n], v2, &layers.b[1]);
            multiply(&mut a2[n..2 * n], matrix(e, d), matrix(w3, d).transpose(), Accum::Replace);

            multiply(w3_bar, matrix(&a2[..n], WIDTH).transpose(), matrix(e, d), Accum::Add);
            let (v_bar, z_bar) = bar[..2 * n].split_at_mut(n);
            v_bar.copy_from_slice(&a2[n..2 * n]);
            z_bar.fill(T::from_f64(0.0));
            slope_back(v_bar, z_bar, v2, h2, b2_bar);
            let stacked = matrix(&bar[..2 * n], WIDTH);
            multiply(w2_bar, matrix(&a1[..2 * n], WIDTH).transpose(), stacked, Accum::Add);
            multiply(&mut after_bar[..2 * n], stacked, matrix(w2, WIDTH).transpose(), Accum::Replace);
            let (v_bar, z_bar) = after_bar[..2 * n].split_at_mut(n);
            slope_back(v_bar, z_bar, &p1[..n], &a1[n..2 * n], b1_bar);
            multiply(w1_bar, matrix(e, d).transpose(), matrix(v_bar, WIDTH), Accum::Add);
            multiply(w1_bar, matrix(x, d).transpose(), matrix(z_bar, WIDTH), Accum::Add);
        }
        let scale = T::from_f64(d as f64 / layers.points.len() as f64);
        bars.iter_mut().flatten().for_each(|x| *x *= scale);
        time_bar.iter_mut().zip(&bars[1]).for_each(|(x, &b)| *x = b * T::from_f64(AT));
        Ok(())
    }

    fn outputs(&self) -> Vec<&[T]> {
        self.bars.iter().chain([&self.time_bar]).map(|x| &x[..]).collect()
    }
}

/// Back through [`activate`]: `u_bar` and `h_bar` become `v_bar` and `z_bar`, whose sum over the rows goes to `b_bar`.
fn slope_back<T: Float>(u_bar: &mut [T], h_bar: &mut [T], v: &[T], h: &[T], b_bar: &mut [T]) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            let (one, two) = (T::from_f64(1.0), T::from_f64(2.0));
            let bars = u_bar.chunks_exact_mut(WIDTH).zip(h_bar.chunks_exact_mut(WIDTH));
            for ((u_bar, h_bar), (v, h)) in bars.zip(v.chunks_exact(WIDTH).zip(h.chunks_exact(WIDTH))) {
                for ((((u_bar, h_bar), &v), &h), b_bar) in
                    u_bar.iter_mut().zip(h_bar).zip(v).zip(h).zip(&mut *b_bar)
                {
                    let slope = one - h * h;
                    *h_bar = (*h_bar - two * h * v * *u_bar) * slope;
                    *u_bar *= slope;
                    *b_bar += *h_bar;
                }
            }
        },
    );
}
