use faer::Accum;
use pulp::Arch;

use super::{Layers, ROWS, WIDTH, activate, matrix, multiply};
use crate::Result;
use crate::case::{Case, Float};
use crate::inputs::Inputs;
use crate::network::AT;

/// C: the parameter gradient of the mean of the traces `s1 M s2`, `M = W2 o G`, `G = W1^T W3^T`.
pub(crate) struct ExactGradientByHand<T> {
    layers: Layers<T>,
    /// Matrix, bias, matrix, bias ..; the first matrix without its row of the time.
    bars: [Vec<T>; 6],
    time_bar: Vec<T>,
    /// `G`, `M`, and the cotangent of `M`.
    shared: [Vec<T>; 3],
    /// What is active, its slopes and their cotangents, of both layers; and one more of the size.
    rows: [Vec<T>; 7],
}

impl<T: Float> ExactGradientByHand<T> {
    pub(crate) fn new(inputs: &Inputs) -> Result<Self> {
        let layers = Layers::new(inputs)?;
        let zeros = |n| vec![T::from_f64(0.0); n];
        let [w1, w2, w3] = [0, 1, 2].map(|k| layers.w[k].len());
        Ok(ExactGradientByHand {
            bars: [w1, WIDTH, w2, WIDTH, w3, layers.dims].map(zeros),
            time_bar: zeros(WIDTH),
            shared: [(); 3].map(|()| zeros(WIDTH * WIDTH)),
            rows: [(); 7].map(|()| zeros(ROWS * WIDTH)),
            layers,
        })
    }

    /// Adds the blocks up: all but the way through `M`.
    fn examples(&mut self) {
        let Self { layers, bars, shared: [_, m, m_bar], rows, .. } = self;
        let (d, b0, w) = (layers.dims, layers.first_bias(), &layers.w);
        let [w1_bar, b1_bar, w2_bar, b2_bar, ..] = bars;
        let ones = [T::from_f64(1.0); ROWS * WIDTH];
        for (x, _) in layers.blocks() {
            let n = x.len() / d * WIDTH;
            let [h1, s1, s1_bar, h2, s2, s2_bar, back] = rows.each_mut().map(|row| &mut row[..n]);
            multiply(h1, matrix(x, d), matrix(&w[0], WIDTH), Accum::Replace);
            activate(h1, s1, &ones[..n], &b0);
            multiply(h2, matrix(h1, WIDTH), matrix(&w[1], WIDTH), Accum::Replace);
            activate(h2, s2, &ones[..n], &layers.b[1]);
            multiply(s2_bar, matrix(s1, WIDTH), matrix(m, WIDTH), Accum::Replace);
            multiply(s1_bar, matrix(s2, WIDTH), matrix(m, WIDTH).transpose(), Accum::Replace);
            multiply(m_bar, matrix(s1, WIDTH).transpose(), matrix(s2, WIDTH), Accum::Add);

            back.fill(T::from_f64(0.0));
            slope_back(s2_bar, back, s2, h2, b2_bar);
            multiply(w2_bar, matrix(h1, WIDTH).transpose(), matrix(s2_bar, WIDTH), Accum::Add);
            multiply(back, matrix(s2_bar, WIDTH), matrix(&w[1], WIDTH).transpose(), Accum::Replace);
            slope_back(s1_bar, back, s1, h1, b1_bar);
            multiply(w1_bar, matrix(x, d).transpose(), matrix(s1_bar, WIDTH), Accum::Add);
        }
    }
}

impl<T: Float> Case<T> for ExactGradientByHand<T> {
    fn call(&mut self) -> Result<()> {
        let [g, m, m_bar] = &mut self.shared;
        let [w1, w2, w3] = &self.layers.w;
        let d = self.layers.dims;
        self.bars.iter_mut().for_each(|bar| bar.fill(T::from_f64(0.0)));
        m_bar.fill(T::from_f64(0.0));
        multiply(g, matrix(w1, WIDTH).transpose(), matrix(w3, d).transpose(), Accum::Replace);
        m.iter_mut().zip(w2.iter().zip(&*g)).for_each(|(m, (&w, &g))| *m = w * g);
        self.examples();
        let [g, _, m_bar] = &mut self.shared;
        let [w1, w2, w3] = &self.layers.w;
        let [w1_bar, _, w2_bar, _, w3_bar, _] = &mut self.bars;
        for ((w2_bar, &w2), (g, &m_bar)) in w2_bar.iter_mut().zip(w2).zip(g.iter_mut().zip(&*m_bar)) {
            *w2_bar += m_bar * *g;
            *g = m_bar * w2;
        }
        let g_bar = matrix(g, WIDTH).transpose();
        multiply(w1_bar, matrix(w3, d).transpose(), g_bar, Accum::Add);
        multiply(w3_bar, g_bar, matrix(w1, WIDTH).transpose(), Accum::Add);
        let scale = T::from_f64(d as f64 / self.layers.points.len() as f64);
        self.bars.iter_mut().flatten().for_each(|x| *x *= scale);
        self.time_bar.iter_mut().zip(&self.bars[1]).for_each(|(x, &b)| *x = b * T::from_f64(AT));
        Ok(())
    }

    fn outputs(&self) -> Vec<&[T]> {
        self.bars.iter().chain([&self.time_bar]).map(|x| &x[..]).collect()
    }
}

/// From the cotangents of slopes `s = 1 - h^2` and of `h` to that of what went into `tanh`, in place of the first, whose
/// sum over the rows goes to `b_bar`.
fn slope_back<T: Float>(s_bar: &mut [T], h_bar: &[T], s: &[T], h: &[T], b_bar: &mut [T]) {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            let two = T::from_f64(2.0);
            let rows = s_bar.chunks_exact_mut(WIDTH).zip(h_bar.chunks_exact(WIDTH));
            for ((s_bar, h_bar), (s, h)) in rows.zip(s.chunks_exact(WIDTH).zip(h.chunks_exact(WIDTH))) {
                for ((((s_bar, &h_bar), &s), &h), b_bar) in
                    s_bar.iter_mut().zip(h_bar).zip(s).zip(h).zip(&mut *b_bar)
                {
                    *s_bar = (h_bar - two * h * *s_bar) * s;
                    *b_bar += *s_bar;
                }
            }
        },
    );
}
