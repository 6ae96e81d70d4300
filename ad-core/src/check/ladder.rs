//! Central differences, extrapolated along a ladder of steps to step zero (Ridders, *Advances in Engineering Software* 4,
//! 1982).

use std::fmt;

/// The largest step; each further one is half as long.
const FIRST: f64 = 1.0 / 64.0;
/// The number of steps.
const STEPS: usize = 9;

/// The steps, the largest first.
pub(super) fn steps() -> impl Iterator<Item = f64> {
    (0..STEPS as i32).map(|k| FIRST * 0.5_f64.powi(k))
}

/// A derivative by differences, and an estimate of its error.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slope {
    pub(super) value: f64,
    pub(super) error: f64,
}

impl Slope {
    /// From the two sides of each step.
    pub(super) fn of(sides: impl Iterator<Item = [f64; 2]>) -> Slope {
        let mut best = Slope { value: f64::NAN, error: f64::INFINITY };
        let mut previous: Vec<f64> = Vec::new();
        for (h, [up, down]) in steps().zip(sides) {
            let mut row = vec![(up - down) / (2.0 * h)];
            for (m, coarse) in previous.iter().enumerate() {
                let gain = 4.0_f64.powi(m as i32 + 1) - 1.0;
                let fine = row[m];
                let value = fine + (fine - coarse) / gain;
                let error = (value - fine).abs().max((value - coarse).abs());
                if error < best.error {
                    best = Slope { value, error };
                }
                row.push(value);
            }
            previous = row;
        }
        best
    }

    /// Whether a derivative is this one, to a tolerance relative to `size`, that of the numbers involved.
    pub(super) fn judge(self, derivative: f64, size: f64, tolerance: f64) -> Result<(), Verdict> {
        let scale = 1.0 + size + self.value.abs().max(derivative.abs());
        let settled = self.error <= tolerance * scale;
        if (derivative - self.value).abs() <= tolerance * scale {
            Ok(())
        } else if !derivative.is_finite() {
            Err(Verdict::NotFinite)
        } else if !settled {
            Err(Verdict::Unsettled(self))
        } else {
            Err(Verdict::Differs(self))
        }
    }
}

/// Why a derivative was refused.
#[derive(Clone, Copy, Debug)]
pub(super) enum Verdict {
    NotFinite,
    Unsettled(Slope),
    Differs(Slope),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::NotFinite => write!(f, "though its value is finite"),
            Verdict::Unsettled(Slope { value, error }) => write!(
                f,
                "differences do not settle ({value} +- {error:e}): is there a kink or a pole nearby?"
            ),
            Verdict::Differs(Slope { value, error }) => write!(f, "{value} +- {error:e} by differences"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each extrapolation takes away one even power of the step.
    #[test]
    fn polynomials_are_differentiated_to_rounding() {
        for n in 1..=6 {
            let at = |h: f64| (1.0 + h).powi(n);
            let slope = Slope::of(steps().map(|h| [at(h), at(-h)]));
            assert!((slope.value - f64::from(n)).abs() < 1e-12, "{n}: {slope:?}");
        }
    }

    #[test]
    fn derivatives_are_judged_by_the_size_of_the_numbers() {
        // The scale is 1 + 4 + 3, and a little.
        let judge = |derivative, error| Slope { value: 3.0, error }.judge(derivative, 4.0, 0.01);
        assert!(judge(3.079, 0.0).is_ok() && judge(2.921, 1.0).is_ok());
        assert!(matches!(judge(3.082, 0.07), Err(Verdict::Differs(_))));
        assert!(matches!(judge(3.082, 0.09), Err(Verdict::Unsettled(_))));
        assert!(matches!(judge(f64::NAN, 0.0), Err(Verdict::NotFinite)));
    }
}
