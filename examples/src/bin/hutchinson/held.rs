//! Probes that are held: during a solve, and through a training.

use std::ops::ControlFlow;

use ad_core::Element;
use ad_ops::{Estimator, Probe, Renewal, divergence};
use examples::reference::Reference;
use flows::adjoint::{Adjoint, OdeVjp};
use flows::cnf::{LogProb, NllGradient};
use flows::data::{Fractions, split};
use flows::ode::controller::{Adaptive, Control};
use flows::ode::tableaus::TSIT5;
use flows::ode::{Solution, System};
use flows::train::{Event, Examples, Likelihood, Options, Task, fit};
use flows::{Cnf, Divergence, Error, Parameters, ProbeSeed, STATE, Settings};

use crate::chart::{Chart, Line};
use crate::page::Section;
use crate::trained::{LogDensity, signs, standard_normal};
use crate::{Result, rms};

const STEPS: usize = 50;
const DRAWS: u32 = 16;
const EPOCHS: usize = 60;

/// Section 5.
pub(crate) fn section(flow: &Reference) -> Result<Section> {
    let (held, fresh, again) = integrals(flow)?;
    let shared = signs(flow.dims, [1, 1], 0, true);
    let model = HeldProbe::new(flow, shared)?;
    let (probe, renewal) = (Probe::Rademacher.into(), Renewal::PerSolve);
    let drawn = flow_of(flow, Divergence::Hutchinson { probes: 1, probe, renewal })?;
    let (exploited, fair) = (train(flow, &model)?, train(flow, &drawn)?);
    let mut rows = vec![
        vec!["one probe over the solve".to_owned(), format!("{held:.3}"), String::new()],
        vec![format!("a new one in each of {STEPS} steps"), format!("{fresh:.3}"), String::new()],
    ];
    for (name, history) in [("trained on one probe for all", &exploited), ("on new probes", &fair)] {
        let Some(&[_, estimate, exact]) = history.last() else { continue };
        rows.push(vec![name.to_owned(), format!("NLL {estimate:.2}"), format!("{exact:.2}")]);
    }
    let text = vec![
        format!(
            "A probe held over a solve makes the log-density a deterministic function: the same instance twice gives {} bits. A \
             new probe in each of {STEPS} equal steps has {:.0} times less variance at the same cost.",
            if again { "the same" } else { "OTHER" },
            (held / fresh).powi(2)
        ),
        "A probe that is held and shared through a training is exploited: the field turns what the probe sees into a large \
         divergence. The estimated loss falls without end, below what any density can have, while the exact one grows. With \
         probes that are new for each step and each example both agree."
            .to_owned(),
    ];
    let line = |name, history: &[[f64; 3]], k: usize| Line::new(name, history.iter().map(|h| [h[0], h[k]]));
    let chart = |name: [&'static str; 2], history: &[[f64; 3]]| Chart {
        x: "epoch",
        y: "validation, nats",
        log: [false; 2],
        lines: vec![line(name[0], history, 1), line(name[1], history, 2)],
    };
    let charts = vec![
        chart(["estimated with the one probe", "exact"], &exploited),
        chart(["estimated with new probes", "exact"], &fair),
    ];
    let head = vec!["probes", "error of log p, or estimated", "exact"];
    Ok(Section { title: "Probes that are held", text, head, rows, charts })
}

/// The error of log p with one probe held and with a new one in each step; whether the same probes give the same bits.
fn integrals(flow: &Reference) -> Result<(f64, f64, bool)> {
    let density = LogDensity::new(flow, 1, true)?;
    let draw = |draw: u32| signs(flow.dims, [flow.count, 1], 1_000_000 + draw, false);
    let (mut held, mut fresh) = (Vec::new(), Vec::new());
    for k in 0..DRAWS {
        for (renewed, errors) in [(false, &mut held), (true, &mut fresh)] {
            let first = k * STEPS as u32;
            let log_p = density.log_p(STEPS, |step| draw(first + if renewed { step as u32 } else { 0 }))?;
            errors.extend(log_p.iter().zip(&flow.exact_log_p).map(|(a, b)| a - b));
        }
    }
    let adaptive = LogDensity::new(flow, 1, false)?;
    let twice = [adaptive.log_p(1, |_| draw(7))?, adaptive.log_p(1, |_| draw(7))?];
    Ok((rms(&held), rms(&fresh), twice[0] == twice[1]))
}

const CONTROL: Control = Control::Adaptive(Adaptive::i(1e-4, 1e-4));

fn flow_of(flow: &Reference, divergence: Divergence) -> Result<Cnf<f32>> {
    Ok(Cnf::new(&flow.field, &Settings { control: CONTROL, divergence, ..Settings::default() })?)
}

/// Trains from the initial weights: after each epoch its number, the estimated and the exact loss of the examples held out.
fn train(flow: &Reference, model: &dyn Likelihood) -> Result<Vec<[f64; 3]>> {
    let all = Examples::new(flow.dims, flow.data.clone())?;
    let options = Options { epochs: EPOCHS, patience: EPOCHS, ..Options::default() };
    let parts = split(all.len(), Fractions { valid: 0.1, test: 0.0 }, options.seed)?;
    let (train, valid) = (all.select(&parts.train), all.select(&parts.valid));
    let exact = flow_of(flow, Divergence::Exact)?;
    let mut history = Vec::new();
    let observer = &mut |event: &Event| {
        if let Event::Epoch { epoch, parameters } = event {
            let log_p = exact.log_prob(parameters, valid.points(), &[], ProbeSeed::default());
            let nll = log_p.map_or(f64::NAN, |found| -crate::mean(&found.log_p));
            history.push([epoch.number as f64, epoch.valid, nll]);
        }
        ControlFlow::Continue(())
    };
    let task = Task { model, judge: model, train: &train, valid: &valid };
    // It may fail in the end, since no field is too stiff for a loss without a floor; what came before counts.
    fit(&task, flow.initial.clone(), &options, observer)?;
    Ok(history)
}

/// A flow whose divergence is estimated with one probe for all examples, for ever.
struct HeldProbe {
    vjp: OdeVjp<f32>,
    probe: Vec<f64>,
}

impl HeldProbe {
    fn new(flow: &Reference, probe: Vec<f64>) -> Result<Self> {
        let tape = divergence(flow.field.tape(), STATE, "x_dot", Estimator::Hutchinson { probes: 1 })?;
        let system = System::new(tape, &[STATE, "l"])?;
        Ok(HeldProbe { vjp: OdeVjp::new(&system, &TSIT5, CONTROL, Adjoint::StoreAll)?, probe })
    }

    fn log_p(&self, end: &Solution) -> Vec<f64> {
        let base = end.states[0].chunks_exact(self.probe.len()).map(standard_normal);
        base.zip(&end.states[1]).map(|(base, l)| base + l).collect()
    }
}

impl Likelihood for HeldProbe {
    fn nll_gradient(
        &self,
        parameters: &Parameters,
        examples: &Examples,
        _: ProbeSeed,
    ) -> flows::Result<NllGradient> {
        let (n, cast) = (examples.len(), parameters.cast::<f32>());
        let bound = self.vjp.bind(&cast.iter().map(|a| &a[..]).collect::<Vec<_>>())?;
        let states: [&[f64]; 2] = [examples.points(), &vec![0.0; n]];
        let solved = self.vjp.solve(&bound, &states, &[&self.probe.repeat(n)], [1.0, 0.0])?;
        let end = solved.solution();
        Error::check(&end.outcomes)?;
        let (nll, statistics) = (-crate::mean(&self.log_p(end)), end.statistics);
        let x_bar: Vec<f64> = end.states[0].iter().map(|x| x / n as f64).collect();
        let bars = self.vjp.pull_back(&bound, solved, &[&x_bar, &vec![-1.0 / n as f64; n]])?;
        let mut gradient = parameters.zeros_like();
        for (array, bar) in gradient.arrays_mut().zip(bars.parameters) {
            array.data.iter_mut().zip(bar).for_each(|(x, bar)| *x = bar.to_double());
        }
        Ok(NllGradient { nll, gradient, statistics })
    }

    fn log_prob(&self, parameters: &Parameters, examples: &Examples, _: ProbeSeed) -> flows::Result<LogProb> {
        let (n, cast) = (examples.len(), parameters.cast::<f32>());
        let ode = self.vjp.ode();
        let bound = ode.bind(&cast.iter().map(|a| &a[..]).collect::<Vec<_>>())?;
        let states: [&[f64]; 2] = [examples.points(), &vec![0.0; n]];
        let end = ode.solve(&bound, &states, &[&self.probe.repeat(n)], [1.0, 0.0])?;
        let (log_p, base) = (self.log_p(&end), end.states[0].clone());
        Ok(LogProb { log_p, base, outcomes: end.outcomes, statistics: end.statistics })
    }
}
