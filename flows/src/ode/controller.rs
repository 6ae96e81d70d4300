//! Step size control of one example, on plain numbers.
//!
//! Each example of a batch has its own [`StepState`]: where it stands, how long its next step is. The solver
//! tries that step, reduces its error estimate to one number with [`Controller::scaled_error`] and hands it
//! to [`Controller::next`], which accepts or rejects the step and sets the next one.
//!
//! With error `e` (scaled so that one is just too much) and error order `k`, the next step is the last one
//! times
//!
//! ```text
//! safety * e^(-(i + p)/k) * e_previous^(p/k)
//! ```
//!
//! within `[1, factor_max]` if `e < 1` (accepted) and within `[factor_min, safety]` otherwise; `e_previous`
//! is that of the last accepted step, `k` one more than the lower of the tableau's two orders. `i = 1, p = 0`
//! is the elementary controller (Hairer, Norsett, Wanner, *Solving ODEs I*, II.4); with `p > 0` it is a PI
//! controller (Gustafsson, *Control theoretic techniques for stepsize selection in explicit Runge-Kutta
//! methods*, ACM TOMS 17 (1991); Hairer, Wanner, *Solving ODEs II*, IV.2). Norm, factors and clipping are
//! those of diffrax's `PIDController`, so that accepted and rejected steps are the same to rounding.

use thiserror::Error;

use super::tableau::{Tableau, TableauError};

/// An end nearer than this many units in the last place is stepped onto at once, as diffrax does.
const CLIP_ULPS: f64 = 100.0;

/// A rejected step has come down to rounding once its successor would be this many units in the last place
/// (Hairer, Norsett, Wanner's `dopri5` and scipy draw the same line).
const SMALLEST_ULPS: f64 = 10.0;

/// How steps are chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Control {
    /// This many steps of equal length.
    Constant {
        /// The number of steps, at least one.
        steps: usize,
    },
    /// Steps as long as the error estimate allows.
    Adaptive(Adaptive),
}

/// The settings of adaptive control; start from [`Adaptive::i`] or [`Adaptive::pi`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adaptive {
    /// Relative tolerance, at least 0.
    pub rtol: f64,
    /// Absolute tolerance, more than 0.
    pub atol: f64,
    /// `i` above, more than 0.
    pub integral: f64,
    /// `p` above, at least 0.
    pub proportional: f64,
    /// What keeps the predicted error below the tolerance, between 0 and 1; also the mildest shrinking of a
    /// rejected step.
    pub safety: f64,
    /// The strongest shrinking of a rejected step, between 0 and `safety`.
    pub factor_min: f64,
    /// The strongest growth after an accepted step, at least 1.
    pub factor_max: f64,
    /// The first step tried is the span divided by this, at least 1.
    pub first_step_divisor: f64,
    /// How many steps may be tried, accepted and rejected together.
    pub max_steps: usize,
}

impl Adaptive {
    /// The integral controller that is diffrax's default.
    pub const fn i(rtol: f64, atol: f64) -> Self {
        Self {
            rtol,
            atol,
            integral: 1.0,
            proportional: 0.0,
            safety: 0.9,
            factor_min: 0.2,
            factor_max: 10.0,
            first_step_divisor: 64.0,
            max_steps: 4096,
        }
    }

    /// The PI controller with Gustafsson's `i = 0.3`, `p = 0.4`: fewer rejections where the error varies
    /// roughly.
    pub const fn pi(rtol: f64, atol: f64) -> Self {
        Self { integral: 0.3, proportional: 0.4, ..Self::i(rtol, atol) }
    }

    fn verify(&self) -> Result<(), ControlError> {
        let settings = [
            ("rtol", self.rtol, "at least 0", self.rtol >= 0.0),
            ("atol", self.atol, "more than 0", self.atol > 0.0),
            ("integral", self.integral, "more than 0", self.integral > 0.0),
            ("proportional", self.proportional, "at least 0", self.proportional >= 0.0),
            ("safety", self.safety, "between 0 and 1", self.safety > 0.0 && self.safety < 1.0),
            (
                "factor_min",
                self.factor_min,
                "more than 0 and at most safety",
                self.factor_min > 0.0 && self.factor_min <= self.safety,
            ),
            ("factor_max", self.factor_max, "at least 1", self.factor_max >= 1.0),
            ("first_step_divisor", self.first_step_divisor, "at least 1", self.first_step_divisor >= 1.0),
            ("max_steps", self.max_steps as f64, "at least 1", self.max_steps >= 1),
        ];
        match settings.into_iter().find(|(_, value, _, holds)| !(*holds && value.is_finite())) {
            Some((setting, value, expected, _)) => Err(ControlError::Setting { setting, value, expected }),
            None => Ok(()),
        }
    }
}

/// Why a solve cannot begin.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ControlError {
    /// A setting is outside its range.
    #[error("step control: {setting} = {value}, should be finite and {expected}")]
    Setting {
        /// The setting's name.
        setting: &'static str,
        /// Its value.
        value: f64,
        /// Its range.
        expected: &'static str,
    },
    /// Adaptive control needs an error estimate.
    #[error("tableau {tableau} estimates no error: use constant steps, or a tableau with an embedded method")]
    NoErrorEstimate {
        /// The tableau's name.
        tableau: &'static str,
    },
    /// The tableau itself is wrong.
    #[error(transparent)]
    Tableau(#[from] TableauError),
    /// The times are no interval.
    #[error("cannot integrate from t = {t0} to t = {t1}: both times and their distance should be finite")]
    Span {
        /// The time to start from.
        t0: f64,
        /// The time to reach.
        t1: f64,
    },
}

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It counts: the state moves on to its end.
    Accept,
    /// It is to be tried again with the shorter step that is now set.
    Reject,
}

/// Where an example's integration stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Status {
    /// There is a step to try.
    Running,
    /// The end is reached.
    Done,
    /// No further step makes sense.
    Failed(Failure),
}

/// Why an integration ended early. A value, not an error: other examples of the batch go on.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum Failure {
    /// No step that can be told from rounding meets the tolerance.
    #[error("at t = {t} even a step of {h:e} misses the tolerance: the field is stiff or singular there")]
    StepTooSmall {
        /// Where.
        t: f64,
        /// The step that would be next.
        h: f64,
    },
    /// The limit on tried steps is reached.
    #[error("at t = {t} all {max_steps} steps are used up: allow more, or loosen the tolerance")]
    TooManySteps {
        /// Where.
        t: f64,
        /// The limit.
        max_steps: usize,
    },
    /// However short, a step from here gives infinity or NaN.
    #[error("at t = {t} the field gives infinity or NaN")]
    NotFinite {
        /// Where.
        t: f64,
    },
}

/// Where one example stands, and the step it takes next.
///
/// Times are kept multiplied by the direction of the integration, so that they always increase and a backward
/// solve is the exact mirror image of a forward one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepState {
    direction: f64,
    start: f64,
    end: f64,
    now: f64,
    next: f64,
    /// The error of the last accepted step.
    previous: f64,
    /// The error of the last step tried.
    error: f64,
    accepted: usize,
    rejected: usize,
}

impl StepState {
    /// The time reached.
    pub fn t(&self) -> f64 {
        self.direction * self.now
    }

    /// The step to try from there: negative where time runs backward, zero at the end.
    pub fn h(&self) -> f64 {
        self.direction * (self.next - self.now)
    }

    /// Where that step ends: exactly the next [`t`](Self::t) if it is accepted, which `t() + h()` may miss by rounding.
    pub fn t_next(&self) -> f64 {
        self.direction * self.next
    }

    /// The number of steps accepted so far.
    pub fn accepted(&self) -> usize {
        self.accepted
    }

    /// The number of steps rejected so far.
    pub fn rejected(&self) -> usize {
        self.rejected
    }

    /// The spacing of floats at the larger end of the interval.
    fn ulp(&self) -> f64 {
        let scale = self.start.abs().max(self.end.abs());
        scale - scale.next_down()
    }

    /// Sets the next step; one that would end beyond the end, or just short of it, ends there.
    fn aim(&mut self, h: f64) {
        self.next = self.now + h;
        if self.next > self.end - CLIP_ULPS * self.ulp() {
            self.next = self.end;
        }
    }
}

/// A [`Control`] checked against a tableau: decides on every step of every example.
///
/// ```
/// use flows::ode::{controller::{Adaptive, Control, Controller, Status, Verdict}, tableaus::TSIT5};
///
/// let controller = Controller::new(Control::Adaptive(Adaptive::i(1e-5, 1e-5)), &TSIT5)?;
/// let mut state = controller.begin(0.0, 1.0)?;
/// assert_eq!(state.h(), 1.0 / 64.0);
/// assert_eq!(controller.next(&mut state, 1e-9), Verdict::Accept); // hardly an error: ten times the step
/// assert_eq!((state.t(), state.h()), (1.0 / 64.0, 10.0 / 64.0));
/// assert_eq!(controller.status(&state), Status::Running);
/// # Ok::<(), flows::ode::controller::ControlError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Controller {
    control: Control,
    /// The estimate of a step's error is `O(h^error_order)`.
    error_order: f64,
}

impl Controller {
    /// A controller of steps by `tableau`.
    ///
    /// # Errors
    /// If the tableau does not verify or has no error estimate where one is needed, or a setting is outside
    /// its range.
    pub fn new(control: Control, tableau: &Tableau) -> Result<Self, ControlError> {
        tableau.verify()?;
        let order = match control {
            Control::Constant { steps: 0 } => {
                return Err(ControlError::Setting { setting: "steps", value: 0.0, expected: "at least 1" });
            }
            Control::Constant { .. } => tableau.order(),
            Control::Adaptive(adaptive) => {
                adaptive.verify()?;
                let without = ControlError::NoErrorEstimate { tableau: tableau.name };
                tableau.order().min(tableau.embedded_order().ok_or(without)?)
            }
        };
        Ok(Self { control, error_order: (order + 1) as f64 })
    }

    /// How steps are chosen.
    pub(crate) fn control(&self) -> Control {
        self.control
    }

    /// An example at `t0`, on its way to `t1`, which may lie before `t0`.
    ///
    /// # Errors
    /// If a time, or the distance between them, is not finite.
    pub fn begin(&self, t0: f64, t1: f64) -> Result<StepState, ControlError> {
        if !(t1 - t0).is_finite() {
            return Err(ControlError::Span { t0, t1 });
        }
        let direction = if t0 <= t1 { 1.0 } else { -1.0 };
        let (start, end) = (direction * t0, direction * t1);
        let mut state = StepState {
            direction,
            start,
            end,
            now: start,
            next: end,
            previous: 1.0,
            error: 0.0,
            accepted: 0,
            rejected: 0,
        };
        match self.control {
            Control::Constant { steps } => state.next = grid_time(&state, steps),
            Control::Adaptive(Adaptive { first_step_divisor, .. }) => {
                state.aim((end - start) / first_step_divisor);
            }
        }
        Ok(state)
    }

    /// The times between which constant steps from `t0` to `t1` go; `None` under adaptive control.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    pub(crate) fn grid(&self, t0: f64, t1: f64) -> Result<Option<Vec<f64>>, ControlError> {
        let mut state = self.begin(t0, t1)?;
        if let Control::Adaptive(_) = self.control {
            return Ok(None);
        }
        let mut times = vec![state.t()];
        while self.status(&state) == Status::Running {
            self.next(&mut state, 0.0);
            times.push(state.t());
        }
        Ok(Some(times))
    }

    /// One number for the error of a step, from `(y, y_next, error)` of each component of the example's
    /// state: the root mean square of `error / (atol + rtol * max(|y|, |y_next|))`, infinite if any of them
    /// is not finite. Under constant control it is zero or infinite.
    pub fn scaled_error(&self, components: impl IntoIterator<Item = (f64, f64, f64)>) -> f64 {
        let (rtol, atol) = match self.control {
            Control::Constant { .. } => (0.0, f64::INFINITY),
            Control::Adaptive(Adaptive { rtol, atol, .. }) => (rtol, atol),
        };
        let (mut sum, mut count) = (0.0, 0_usize);
        for (y, y_next, error) in components {
            if !(y_next.is_finite() && error.is_finite()) {
                return f64::INFINITY;
            }
            sum += (error / (atol + rtol * y.abs().max(y_next.abs()))).powi(2);
            count += 1;
        }
        (sum / count.max(1) as f64).sqrt()
    }

    /// Accepts or rejects the step just tried, by its [`scaled_error`](Self::scaled_error), moves the state
    /// and sets its next step. An error that is not finite rejects the step and shrinks it by `factor_min`;
    /// under constant control that is the only reason to reject.
    pub fn next(&self, state: &mut StepState, error: f64) -> Verdict {
        let verdict = self.verdict(error);
        let tried = state.next - state.now;
        state.error = error;
        match verdict {
            Verdict::Accept => {
                state.accepted += 1;
                state.now = state.next;
            }
            Verdict::Reject => state.rejected += 1,
        }
        match (self.control, verdict) {
            (Control::Constant { steps }, _) => state.next = grid_time(state, steps),
            (Control::Adaptive(adaptive), Verdict::Accept) => {
                let factor = self.growth(&adaptive, state.previous, error).clamp(1.0, adaptive.factor_max);
                state.aim(tried * factor);
                // After a step without error there is no trend to follow.
                state.previous = if error == 0.0 { 1.0 } else { error };
            }
            (Control::Adaptive(adaptive), Verdict::Reject) if error.is_finite() => {
                let factor = self.growth(&adaptive, state.previous, error);
                state.next = state.now + tried * factor.clamp(adaptive.factor_min, adaptive.safety);
            }
            (Control::Adaptive(adaptive), Verdict::Reject) => {
                state.next = state.now + tried * adaptive.factor_min;
            }
        }
        verdict
    }

    fn verdict(&self, error: f64) -> Verdict {
        let accept = match self.control {
            Control::Constant { .. } => error.is_finite(),
            Control::Adaptive(_) => error < 1.0,
        };
        if accept { Verdict::Accept } else { Verdict::Reject }
    }

    /// The factor of the formula above, before it is limited.
    fn growth(&self, adaptive: &Adaptive, previous: f64, error: f64) -> f64 {
        let Adaptive { integral, proportional, safety, .. } = *adaptive;
        let now = error.powf(-(integral + proportional) / self.error_order);
        safety * now * previous.powf(proportional / self.error_order)
    }

    /// Whether the example has a step to try, is done, or cannot go on.
    pub fn status(&self, state: &StepState) -> Status {
        if state.now >= state.end {
            return Status::Done;
        }
        let (t, h) = (state.t(), state.h());
        let rejected = self.verdict(state.error) == Verdict::Reject;
        let (stuck, max_steps) = match self.control {
            Control::Constant { .. } => (rejected, usize::MAX),
            Control::Adaptive(Adaptive { max_steps, .. }) => {
                (rejected && h.abs() <= SMALLEST_ULPS * state.ulp(), max_steps)
            }
        };
        if stuck && !state.error.is_finite() {
            Status::Failed(Failure::NotFinite { t })
        } else if stuck {
            Status::Failed(Failure::StepTooSmall { t, h })
        } else if state.accepted + state.rejected >= max_steps {
            Status::Failed(Failure::TooManySteps { t, max_steps })
        } else {
            Status::Running
        }
    }
}

/// Where the next of `steps` equal steps ends: a fraction of the span rather than a sum, so that rounding
/// does not add up and the last one ends at the end exactly.
fn grid_time(state: &StepState, steps: usize) -> f64 {
    let ended = state.accepted + 1;
    if ended >= steps {
        state.end
    } else {
        state.start + (state.end - state.start) * (ended as f64 / steps as f64)
    }
}

#[cfg(test)]
mod tests;
