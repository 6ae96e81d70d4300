//! D: one training step of a continuous normalizing flow: loss, gradient, Adam.
//!
//! The log-density of a point is that of a standard normal where the flow takes it, from `t = 1` to `t = 0`, and the
//! integral of the divergence on the way; the loss is the mean of its negative. `tsit5` gives each example steps of its own
//! at a tolerance of 1e-4, `rk4` takes 20 equal ones.

use ad_core::Element;
use ad_ops::{Estimator, divergence};
use flows::STATE;
use flows::adjoint::{Adjoint, BoundVjp, OdeVjp};
use flows::ode::controller::{Adaptive, Control};
use flows::ode::tableau::Tableau;
use flows::ode::tableaus::{RK4, TSIT5};
use flows::ode::{Solution, System};
use flows::train::Adam;
use serde_json::json;

use crate::arguments::Arguments;
use crate::clock::{peak_mib, time};
use crate::inputs::Inputs;
use crate::network::{directions, exact, hutchinson};
use crate::{Result, case};

pub(crate) const BATCH: usize = 256;
const SPAN: [f64; 2] = [1.0, 0.0];
/// Of the field in a training step, about, for each example: what the planner of the exact divergence counts on.
pub(crate) const EVALUATIONS: usize = 32;
const RATE: f64 = 1e-3;
const TOLERANCE: f64 = 1e-4;

/// The data sets and their dimensions.
pub(crate) const DATA: [(&str, usize); 2] = [("moons", 2), ("toy6", 6)];
/// The methods.
pub(crate) const METHODS: [(&str, &Tableau, Control); 2] = [
    ("tsit5", &TSIT5, Control::Adaptive(Adaptive::i(TOLERANCE, TOLERANCE))),
    ("rk4", &RK4, Control::Constant { steps: 20 }),
];

/// A flow, its data and its optimiser.
pub(crate) struct Training<T> {
    vjp: OdeVjp<T>,
    inputs: Inputs,
    log_det: Vec<f64>,
    adam: Adam,
    probes: bool,
}

/// What one step gives.
pub(crate) struct Step {
    pub(crate) loss: f64,
    /// Attempted steps of the solver for each example, on average.
    pub(crate) steps: f64,
}

impl<T: Element> Training<T> {
    pub(crate) fn new(
        inputs: Inputs,
        (_, tableau, control): (&str, &Tableau, Control),
        estimator: Estimator,
    ) -> Result<Self> {
        let tape = divergence(inputs.field.tape(), STATE, "x_dot", estimator)?;
        let probes = tape.input(ad_ops::PROBE).is_ok();
        let vjp = OdeVjp::new(&System::new(tape, &[STATE, "l"])?, tableau, control, Adjoint::StoreAll)?;
        let examples = inputs.points.len() / inputs.field.dims();
        let adam = Adam::new(&inputs.weights);
        Ok(Training { vjp, inputs, log_det: vec![0.0; examples], adam, probes })
    }

    /// The loss alone.
    pub(crate) fn loss(&self) -> Result<f64> {
        let parameters = self.inputs.weights.cast::<T>();
        let bound = self.vjp.ode().bind(&parameters.iter().map(|a| &a[..]).collect::<Vec<_>>())?;
        let end = self.vjp.ode().solve(&bound, &self.states(), &self.extras(), SPAN)?;
        Ok(self.mean_nll(&end))
    }

    /// Loss, gradient, and where Adam goes from the same parameters as ever.
    pub(crate) fn step(&self) -> Result<Step> {
        let parameters = self.inputs.weights.cast::<T>();
        let bound: BoundVjp<T> = self.vjp.bind(&parameters.iter().map(|a| &a[..]).collect::<Vec<_>>())?;
        let solved = self.vjp.solve(&bound, &self.states(), &self.extras(), SPAN)?;
        let end = solved.solution();
        let (loss, cost) = (self.mean_nll(end), end.statistics);
        let n = self.log_det.len() as f64;
        let x_bar: Vec<f64> = end.states[0].iter().map(|x| x / n).collect();
        let l_bar = vec![-1.0 / n; self.log_det.len()];
        let bars = self.vjp.pull_back(&bound, solved, &[&x_bar, &l_bar])?;
        let (mut moved, mut gradient) = (self.inputs.weights.clone(), self.inputs.weights.zeros_like());
        for (array, bar) in gradient.arrays_mut().zip(bars.parameters) {
            array.data.iter_mut().zip(bar).for_each(|(x, bar)| *x = bar.to_double());
        }
        self.adam.clone().step(&mut moved, &gradient, RATE)?;
        std::hint::black_box(&moved);
        Ok(Step { loss, steps: cost.mean(cost.accepted + cost.rejected) })
    }

    fn states(&self) -> [&[f64]; 2] {
        [&self.inputs.points, &self.log_det]
    }

    fn extras(&self) -> Vec<&[f64]> {
        if self.probes { vec![&self.inputs.probes] } else { Vec::new() }
    }

    fn mean_nll(&self, end: &Solution) -> f64 {
        let (d, n) = (self.inputs.field.dims() as f64, self.log_det.len() as f64);
        let squares: f64 = end.states[0].iter().map(|x| x * x).sum();
        let log_det: f64 = end.states[1].iter().sum();
        (0.5 * squares - log_det) / n + 0.5 * d * std::f64::consts::TAU.ln()
    }
}

/// The inputs of one data set.
pub(crate) fn inputs(arguments: &Arguments, (name, d): (&str, usize)) -> Result<Inputs> {
    match &arguments.inputs {
        Some(folder) => Inputs::read(folder, name, d, BATCH, &["x", "probe"]),
        None => Inputs::from_seeds(d, BATCH),
    }
}

pub(crate) fn run<T: case::Float>(arguments: &Arguments) -> Result<()> {
    let estimators =
        [("exact", exact(BATCH, EVALUATIONS)), ("exact_directions", directions()), ("hutch", hutchinson())];
    for method in METHODS.into_iter().filter(|(name, ..)| arguments.wants(name)) {
        for data in DATA {
            for (div, estimator) in estimators {
                let training = Training::<T>::new(inputs(arguments, data)?, method, estimator)?;
                let first = training.step()?;
                let timing = time(arguments.budget(), || training.step().map(drop))?;
                let forward = time(arguments.budget(), || training.loss().map(drop))?;
                let own = json!({
                    "data": data.0, "div": div, "d": data.1, "batch": BATCH, "value": first.loss,
                    "step_ms": timing.median * 1e3, "fwd_ms": forward.median * 1e3,
                    "steps_mean": first.steps, "rss_peak": peak_mib()?,
                });
                arguments.print(method.0, own, Some(&timing));
            }
        }
    }
    Ok(())
}
