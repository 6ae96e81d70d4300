//! The field that is measured, and its divergence at one time.

use ad_core::{Tape, Tracer};
use ad_ops::hutch_pp::{HutchPp, Sketch, estimate, fresh};
use ad_ops::{Estimator, Workload, divergence};
use flows::layer::{Activation, mlp_field};
use flows::{Field, STATE, TIME};

/// The widths of the hidden layers.
pub(crate) const HIDDEN: [usize; 2] = [64, 64];
/// The time of A, B and C.
pub(crate) const AT: f64 = 0.5;

/// The field on `d` numbers.
pub(crate) fn field(d: usize) -> ad_core::Result<Field> {
    mlp_field(d, 0, &HIDDEN, Activation::Tanh)
}

/// The cheapest route for so many examples and evaluations of each from parameters that are new.
pub(crate) fn exact(examples: usize, evaluations: usize) -> Estimator {
    Estimator::ExactFor(Workload { examples, evaluations })
}

/// All directions, one after another.
pub(crate) fn directions() -> Estimator {
    Estimator::Directions
}

/// One probe of each example's own.
pub(crate) fn hutchinson() -> Estimator {
    Estimator::Hutchinson { probes: 1 }
}

/// Hutch++ by 12 products: 4 of the sketch, 4 of its basis, 4 for the rest; fewer where there are fewer dimensions.
pub(crate) fn hutchpp(d: usize) -> HutchPp {
    HutchPp { basis: d.min(4), probes: d.min(4) }
}

/// The field at the time [`AT`]. Inputs: state, parameters.
pub(crate) fn field_at(field: &Field) -> ad_core::Result<Tape> {
    at(field.tape(), 0)
}

/// The divergence, without the field, at the time [`AT`]. Inputs: state, parameters, probes if any.
pub(crate) fn divergence_at(field: &Field, estimator: Estimator) -> ad_core::Result<Tape> {
    at(&divergence(field.tape(), STATE, "x_dot", estimator)?, 1)
}

/// As [`divergence_at`] by [`hutchpp`], with a new basis at each call.
pub(crate) fn hutchpp_at(field: &Field) -> ad_core::Result<Tape> {
    at(&fresh(field.tape(), STATE, "x_dot", hutchpp(field.dims()), Sketch::Jacobian)?, 1)
}

/// As [`divergence_at`] by [`hutchpp`], with an old basis: without the products of the sketch, and without its basis.
pub(crate) fn stale_hutchpp_at(field: &Field) -> ad_core::Result<Tape> {
    at(&estimate(field.tape(), STATE, "x_dot", hutchpp(field.dims()))?, 1)
}

/// Output `output` of a tape with the time held.
fn at(tape: &Tape, output: usize) -> ad_core::Result<Tape> {
    Tape::record(|t| {
        let declare = |(name, id): &(String, ad_core::NodeId)| {
            let node = tape.node(*id);
            match node.has_example() {
                _ if name == TIME => t.number(AT),
                true => t.example(name, &node.shape()),
                false => t.shared(name, &node.shape()),
            }
        };
        let inputs: Vec<Tracer> = tape.inputs().iter().map(declare).collect();
        let outputs = t.inline(tape, &inputs.iter().collect::<Vec<_>>());
        [(tape.outputs()[output].0.clone(), outputs[output].clone())]
    })
}

/// The gradient of the mean of a tape's output in all inputs that the examples share.
pub(crate) fn mean_gradient(tape: &Tape) -> ad_core::Result<Tape> {
    Tape::record(|t| {
        let inputs = t.inputs_like(tape);
        let output = &t.inline(tape, &inputs.iter().collect::<Vec<_>>())[0];
        let shared: Vec<&Tracer> = inputs.iter().filter(|x| !x.has_example()).collect();
        // The factor 1 / n goes to the sums, so that no example waits for the count of all.
        let bars = t.pull_back(&[(output, &t.number(1.0))], &shared);
        let names = tape.inputs().iter().filter(|(_, id)| !tape.node(*id).has_example());
        names.zip(bars).map(|((name, _), bar)| (format!("{name}_bar"), bar / t.count())).collect::<Vec<_>>()
    })
}
