//! A chain of linear differential equations.

use ad_core::{Result, Tape, Tracer};

use super::steps::Steps;

/// Where the last number of [`integrate`](crate::problems::integrate) is at time 2, by Runge-Kutta steps.
pub struct Oscillators {
    each: Steps,
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
            let (x, y) = (t.shared("x", &[size]), t.shared("state", &[size]));
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
        Ok(Oscillators { each: Steps::new(&step)?, size, steps })
    }

    /// The value and the gradient.
    ///
    /// # Errors
    /// Where there are more or fewer numbers.
    pub fn gradient(&mut self, x: &[f64]) -> Result<(f64, Vec<f64>)> {
        let mut last_bar = vec![0.0; self.size];
        last_bar[self.size - 1] = 1.0;
        let all = self.each.gradient(x, &vec![0.0; self.size], self.steps, &last_bar)?;
        Ok((all.states[all.states.len() - 1], all.x_bar))
    }
}
