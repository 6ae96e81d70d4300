use super::TrainError;
use crate::Parameters;

/// The optimiser Adam with bias correction (Kingma, Ba, *Adam: A Method for Stochastic Optimization*, ICLR 2015,
/// algorithm 1).
///
/// ```text
/// m <- beta1 m + (1 - beta1) g          m_hat = m / (1 - beta1^k)
/// v <- beta2 v + (1 - beta2) g^2        v_hat = v / (1 - beta2^k)
/// x <- x - rate * m_hat / (sqrt(v_hat) + epsilon)
/// ```
///
/// Its whole state is public: stored and put back, it goes on with the same bits.
#[derive(Clone, Debug, PartialEq)]
pub struct Adam {
    /// How slowly the mean of the gradients forgets.
    pub beta1: f64,
    /// How slowly the mean of their squares forgets.
    pub beta2: f64,
    /// Keeps the division finite.
    pub epsilon: f64,
    /// `m`, the mean of the gradients.
    pub first: Parameters,
    /// `v`, the mean of their squares.
    pub second: Parameters,
    /// `k`, the number of steps taken.
    pub steps: u64,
}

impl Adam {
    /// The beginning for parameters of these shapes, with the paper's constants 0.9, 0.999 and 1e-8.
    pub fn new(parameters: &Parameters) -> Self {
        let (first, second) = (parameters.zeros_like(), parameters.zeros_like());
        Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, first, second, steps: 0 }
    }

    /// Moves `parameters` one step down the gradient.
    ///
    /// # Errors
    /// [`TrainError::Shapes`] where the parameters, or the gradient, are not of the shapes this was made for.
    pub fn step(
        &mut self,
        parameters: &mut Parameters,
        gradient: &Parameters,
        rate: f64,
    ) -> Result<(), TrainError> {
        self.check(parameters)?;
        self.check(gradient)?;
        self.steps += 1;
        let correction = |beta: f64| 1.0 - beta.powf(self.steps as f64);
        let (correct1, correct2) = (correction(self.beta1), correction(self.beta2));
        let moments = self.first.arrays_mut().zip(self.second.arrays_mut());
        for (((_, g), (m, v)), x) in gradient.iter().zip(moments).zip(parameters.arrays_mut()) {
            for (((g, m), v), x) in g.data.iter().zip(&mut m.data).zip(&mut v.data).zip(&mut x.data) {
                *m = self.beta1 * *m + (1.0 - self.beta1) * g;
                *v = self.beta2 * *v + (1.0 - self.beta2) * g * g;
                *x -= rate * (*m / correct1) / ((*v / correct2).sqrt() + self.epsilon);
            }
        }
        Ok(())
    }

    fn check(&self, other: &Parameters) -> Result<(), TrainError> {
        let shapes =
            |p: &Parameters| p.iter().map(|(name, a)| format!("{name} {:?}", a.shape)).collect::<Vec<_>>();
        let same = |((a, x), (b, y)): ((&str, &ad_core::Array), (&str, &ad_core::Array))| {
            a == b && x.shape == y.shape
        };
        if self.first.iter().len() == other.iter().len() && self.first.iter().zip(other.iter()).all(same) {
            return Ok(());
        }
        Err(TrainError::Shapes { found: shapes(other).join(", "), expected: shapes(&self.first).join(", ") })
    }
}
