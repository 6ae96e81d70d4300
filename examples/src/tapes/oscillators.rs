//! A chain of linear differential equations.

use ad_core::{Program, Result, Runner, Tape, Tracer};

/// Where the last number of [`integrate`](crate::problems::integrate) is at time 2. The tape is one Runge-Kutta step; its
/// transpose goes back through the states before the steps.
pub struct Oscillators {
    forward: Runner<f64, Program<f64>>,
    back: Runner<f64, Program<f64>>,
    size: usize,
    steps: usize,
}

impl Oscillators {
    /// Of so many equations in so many steps.
    ///
    /// # Errors
    /// Where there are too many for an address.
    pub fn new(size: usize, steps: usize) -> Result<Self> {
        let h = 2.0 / steps as f64;
        let step = Tape::record(|t| {
            let (x, y) = (t.shared("x", &[size]), t.shared("y", &[size]));
            let velocity = |y: &Tracer| {
                let driven = x.slice(0, 1..size) * y.slice(0, 0..size - 1);
                x.slice(0, 0..1).concat(&[&driven], 0)
            };
            let k1 = velocity(&y);
            let k2 = velocity(&(&y + &k1 * (0.5 * h)));
            let k3 = velocity(&(&y + &k2 * (0.5 * h)));
            let k4 = velocity(&(&y + &k3 * h));
            [("after", y + (k1 + k2 * 2.0 + k3 * 2.0 + k4) * (h / 6.0))]
        })?;
        let back = step.vjp(&["x", "y"])?.compile()?.into_runner();
        Ok(Oscillators { forward: step.compile()?.into_runner(), back, size, steps })
    }

    /// The value and the gradient.
    ///
    /// # Errors
    /// Where there are more or fewer numbers.
    pub fn gradient(&mut self, x: &[f64]) -> Result<(f64, Vec<f64>)> {
        let n = self.size;
        let mut states = vec![0.0; (self.steps + 1) * n];
        for k in 0..self.steps {
            let (before, after) = states.split_at_mut((k + 1) * n);
            self.forward.call(0, &[x, &before[k * n..]])?;
            after[..n].copy_from_slice(self.forward.output(0));
        }
        let (mut x_bar, mut y_bar) = (vec![0.0; n], vec![0.0; n]);
        y_bar[n - 1] = 1.0;
        for state in states[..self.steps * n].chunks(n).rev() {
            self.back.call(0, &[x, state, &y_bar])?;
            x_bar.iter_mut().zip(self.back.output(1)).for_each(|(total, bar)| *total += bar);
            y_bar.copy_from_slice(self.back.output(2));
        }
        Ok((states[states.len() - 1], x_bar))
    }
}
