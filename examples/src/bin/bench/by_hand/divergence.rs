use faer::Accum;
use pulp::Arch;

use super::{Layers, ROWS, WIDTH, activate, matrix, multiply};
use crate::Result;
use crate::case::{Case, Float};
use crate::inputs::Inputs;

/// How a divergence is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// `v^T J v`.
    Hutchinson,
    /// The trace, by what can be multiplied without the examples.
    Exact,
}

/// B: the divergence at each point.
pub(crate) struct DivergenceByHand<T> {
    layers: Layers<T>,
    way: Way,
    out: Vec<T>,
    /// Of both layers: what is active, and its tangent before and after the slope.
    h: Vec<T>,
    v: Vec<T>,
    u: Vec<T>,
}

impl<T: Float> DivergenceByHand<T> {
    pub(crate) fn new(inputs: &Inputs, way: Way) -> Result<Self> {
        let buffer = || vec![T::from_f64(0.0); 2 * ROWS * WIDTH];
        let layers = Layers::new(inputs)?;
        Ok(DivergenceByHand {
            out: vec![T::from_f64(0.0); layers.points.len() / layers.dims],
            layers,
            way,
            h: buffer(),
            v: buffer(),
            u: buffer(),
        })
    }

    /// `probe W1 s1 W2 s2 . W3 probe`: products of points and probes side by side.
    fn hutchinson(&mut self) {
        let Self { layers, out, h, v, u, .. } = self;
        let (d, b0, [w1, w2, w3]) = (layers.dims, layers.first_bias(), &layers.w);
        for (first, (x, e)) in (0..).step_by(ROWS).zip(layers.blocks()) {
            let n = x.len() / d * WIDTH;
            multiply(&mut h[..n], matrix(x, d), matrix(w1, WIDTH), Accum::Replace);
            multiply(&mut v[..n], matrix(e, d), matrix(w1, WIDTH), Accum::Replace);
            activate(&mut h[..n], &mut u[..n], &v[..n], &b0);
            multiply(&mut v[..n], matrix(&h[..n], WIDTH), matrix(w2, WIDTH), Accum::Replace);
            multiply(&mut h[..n], matrix(&u[..n], WIDTH), matrix(w2, WIDTH), Accum::Replace);
            activate(&mut v[..n], &mut u[..n], &h[..n], &layers.b[1]);
            multiply(&mut v[..n], matrix(e, d), matrix(w3, d).transpose(), Accum::Replace);
            row_dots(&mut out[first..], &v[..n], &u[..n]);
        }
    }

    /// `s1 M s2` with `M = W2 o (W1^T W3^T)`, made once.
    fn exact(&mut self) {
        let Self { layers, out, h, v, u, .. } = self;
        let (d, b0, [w1, w2, w3]) = (layers.dims, layers.first_bias(), &layers.w);
        let mut m = vec![T::from_f64(0.0); WIDTH * WIDTH];
        multiply(&mut m, matrix(w1, WIDTH).transpose(), matrix(w3, d).transpose(), Accum::Replace);
        m.iter_mut().zip(w2).for_each(|(m, &w)| *m *= w);
        let ones = [T::from_f64(1.0); ROWS * WIDTH];
        for (first, (x, _)) in (0..).step_by(ROWS).zip(layers.blocks()) {
            let n = x.len() / d * WIDTH;
            multiply(&mut h[..n], matrix(x, d), matrix(w1, WIDTH), Accum::Replace);
            activate(&mut h[..n], &mut u[..n], &ones[..n], &b0);
            multiply(&mut v[..n], matrix(&u[..n], WIDTH), matrix(&m, WIDTH), Accum::Replace);
            multiply(&mut u[..n], matrix(&h[..n], WIDTH), matrix(w2, WIDTH), Accum::Replace);
            activate(&mut u[..n], &mut h[..n], &ones[..n], &layers.b[1]);
            row_dots(&mut out[first..], &v[..n], &h[..n]);
        }
    }
}

impl<T: Float> Case<T> for DivergenceByHand<T> {
    fn call(&mut self) -> Result<()> {
        match self.way {
            Way::Hutchinson => self.hutchinson(),
            Way::Exact => self.exact(),
        }
        Ok(())
    }

    fn outputs(&self) -> Vec<&[T]> {
        vec![&self.out]
    }
}

/// The inner product of each row of `a` and `b`.
fn row_dots<T: Float>(out: &mut [T], a: &[T], b: &[T]) {
    const LANES: usize = 16;
    Arch::new().dispatch(
        #[inline(always)]
        || {
            for (out, (a, b)) in out.iter_mut().zip(a.chunks_exact(WIDTH).zip(b.chunks_exact(WIDTH))) {
                let mut lanes = [T::from_f64(0.0); LANES];
                for (a, b) in a.as_chunks::<LANES>().0.iter().zip(b.as_chunks::<LANES>().0) {
                    for k in 0..LANES {
                        lanes[k] += a[k] * b[k];
                    }
                }
                let mut half = LANES / 2;
                while half > 0 {
                    for k in 0..half {
                        lanes[k] += lanes[k + half];
                    }
                    half /= 2;
                }
                *out = lanes[0];
            }
        },
    );
}
