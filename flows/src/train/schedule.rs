use std::f64::consts::PI;

/// A learning rate that falls along half a cosine from `initial` to `final_fraction * initial`, and stays there
/// (Loshchilov, Hutter, *SGDR*, 2017, without restarts; optax's `cosine_decay_schedule`).
///
/// ```
/// use flows::train::CosineDecay;
/// let schedule = CosineDecay { initial: 2e-3, steps: 100, final_fraction: 0.02 };
/// assert_eq!(schedule.rate(0), 2e-3);
/// assert_eq!(schedule.rate(100), 2e-3 * 0.02);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CosineDecay {
    /// The rate of the first step.
    pub initial: f64,
    /// The number of steps over which it falls.
    pub steps: u64,
    /// The rate at the end, as a part of the rate at the beginning.
    pub final_fraction: f64,
}

impl CosineDecay {
    /// The rate of a step, counted from 0.
    pub fn rate(&self, step: u64) -> f64 {
        let done = if step < self.steps { step as f64 / self.steps as f64 } else { 1.0 };
        let falling = 0.5 * (1.0 + (PI * done).cos());
        self.initial * ((1.0 - self.final_fraction) * falling + self.final_fraction)
    }
}
