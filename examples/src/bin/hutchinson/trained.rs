//! The trained flow: its divergence at one time, and its log-density by probes that are given.

use ad_ops::random::Purpose;
use ad_ops::trace::{Jacobian, LinearMap};
use ad_ops::{Estimator, Probe, divergence};
use examples::reference::Reference;
use flows::ode::controller::{Adaptive, Control};
use flows::ode::tableaus::{RK4, TSIT5};
use flows::ode::{Bound, Ode, System};
use flows::{Error, STATE};

use crate::page::Section;
use crate::{Result, mean, rms};

const DRAWS: usize = 400;
/// Points that have a row of their own.
const SHOWN: usize = 4;

/// Section 3.
pub(crate) fn section(flow: &Reference) -> Result<Section> {
    let (d, count) = (flow.dims, flow.count);
    let tape = flow.field.tape();
    let exact = divergence(tape, STATE, "x_dot", Estimator::Exact)?.compile::<f64>()?;
    let one = divergence(tape, STATE, "x_dot", Estimator::Hutchinson { probes: 1 })?.compile::<f64>()?;
    let parameters = flow.trained.cast::<f64>();
    let times = vec![0.5; count];
    let inputs: Vec<&[f64]> =
        [&times[..], flow.points()].into_iter().chain(parameters.iter().map(|a| &a[..])).collect();
    let exact = exact.call(count, &inputs)?.swap_remove(1);

    let mut runner = one.into_runner();
    runner.bind(&inputs[2..])?;
    let mut errors = vec![Vec::new(); count];
    let mut probes = vec![0.0; count * d];
    for draw in 0..DRAWS {
        for (e, v) in (0..).zip(probes.chunks_exact_mut(d)) {
            Probe::Rademacher.fill(&mut Purpose::Probe.stream(3, draw as u32, e), v);
        }
        runner.run(count, &[inputs[0], inputs[1], &probes])?;
        for (errors, (got, exact)) in errors.iter_mut().zip(runner.output(1).iter().zip(&exact)) {
            errors.push(got - exact);
        }
    }

    let jacobian = Jacobian::new(tape, STATE, "x_dot")?;
    let predicted = |e: usize| -> Result<f64> {
        let mut inputs = inputs.clone();
        (inputs[0], inputs[1]) = (&times[..1], &flow.points()[e * d..][..d]);
        let identity: Vec<f64> = (0..d * d).map(|k| f64::from(u8::from(k / d == k % d))).collect();
        let mut columns = vec![0.0; d * d];
        jacobian.at(&inputs)?.apply(&identity, &mut columns)?;
        let off = (0..d * d).filter(|k| k / d != k % d);
        // 2 (|B|^2 - sum B_ii^2) of the symmetric part B.
        Ok(off.map(|k| 0.5 * (columns[k] + columns[k % d * d + k / d]).powi(2)).sum::<f64>().sqrt())
    };
    let predicted: Vec<f64> = (0..count).map(predicted).collect::<Result<_>>()?;

    let row = |e: usize| {
        vec![
            e.to_string(),
            format!("{:.4}", exact[e]),
            format!("{:.4}", flow.divergence_at_half[e]),
            format!("{:.4} +- {:.4}", exact[e] + mean(&errors[e]), predicted[e] / (DRAWS as f64).sqrt()),
            format!("{:.3}", rms(&errors[e])),
            format!("{:.3}", predicted[e]),
        ]
    };
    let mut rows: Vec<Vec<String>> = (0..SHOWN).map(row).collect();
    let all = rms(&errors.concat());
    rows.push(vec![
        format!("all {count}"),
        format!("{:.4}", mean(&exact)),
        format!("{:.4}", mean(&flow.divergence_at_half)),
        format!("{:.4}", mean(&exact) + mean(&errors.concat())),
        format!("{all:.3}"),
        format!("{:.3}", rms(&predicted)),
    ]);
    Ok(Section {
        title: "The estimator in a trained flow",
        text: vec![format!(
            "The divergence of the trained field at t = 0.5, for {count} points; {DRAWS} sign probes for each. The error of one \
             probe is that of the formula, with the Jacobian at that point."
        )],
        head: vec!["point", "exact", "reference", "mean of probes", "error of one", "formula"],
        rows,
        charts: Vec::new(),
    })
}

/// The log-density of the reference points by Hutchinson's estimate, from probes that are given.
pub(crate) struct LogDensity<'a> {
    flow: &'a Reference,
    ode: Ode<f64>,
    bound: Bound<f64>,
}

impl<'a> LogDensity<'a> {
    /// With `probes` probes: at the tolerance of the notebook, or in one step of equal ones.
    pub(crate) fn new(flow: &'a Reference, probes: usize, one_step: bool) -> Result<Self> {
        let tape = divergence(flow.field.tape(), STATE, "x_dot", Estimator::Hutchinson { probes })?;
        let (tableau, control) = if one_step {
            (&RK4, Control::Constant { steps: 1 })
        } else {
            (&TSIT5, Control::Adaptive(Adaptive::i(1e-5, 1e-5)))
        };
        let ode = Ode::new(&System::new(tape, &[STATE, "l"])?, tableau, control)?;
        let parameters = flow.trained.cast::<f64>();
        let bound = ode.bind(&parameters.iter().map(|a| &a[..]).collect::<Vec<_>>())?;
        Ok(LogDensity { flow, ode, bound })
    }

    /// The log-density of each point. `probes` are drawn for each of `solves`, which together go from the data to the base.
    pub(crate) fn log_p(&self, solves: usize, mut probes: impl FnMut(usize) -> Vec<f64>) -> Result<Vec<f64>> {
        let mut states = vec![self.flow.points().to_vec(), vec![0.0; self.flow.count]];
        let time = |k: usize| 1.0 - k as f64 / solves as f64;
        for k in 0..solves {
            let given: Vec<&[f64]> = states.iter().map(|s| &s[..]).collect();
            let end = self.ode.solve(&self.bound, &given, &[&probes(k)], [time(k), time(k + 1)])?;
            Error::check(&end.outcomes)?;
            states = end.states;
        }
        let base = states[0].chunks_exact(self.flow.dims).map(standard_normal);
        Ok(base.zip(&states[1]).map(|(base, l)| base + l).collect())
    }
}

/// The log-density of a standard normal vector.
pub(crate) fn standard_normal(z: &[f64]) -> f64 {
    -0.5 * z.iter().map(|x| x * x + std::f64::consts::TAU.ln()).sum::<f64>()
}

/// `count` sign probes for each of `examples` points of `dims` numbers: of its own, or the same for all.
pub(crate) fn signs(dims: usize, [examples, count]: [usize; 2], draw: u32, shared: bool) -> Vec<f64> {
    let own = |e: u32| {
        let mut stream = Purpose::Probe.stream(4, draw, if shared { 0 } else { e });
        (0..count * dims).map(move |_| stream.sign()).collect::<Vec<f64>>()
    };
    (0..examples as u32).flat_map(own).collect()
}
