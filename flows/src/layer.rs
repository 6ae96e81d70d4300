//! Layers: functions on tracers that declare their parameters.

use ad_core::{Elementary, Result, Tracer, Unary};
use serde::{Deserialize, Serialize};

use crate::field::{Field, Scope};
use crate::params::Init;

/// What stands between the layers of an [`mlp`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// The hyperbolic tangent.
    Tanh,
    /// The sine (Sitzmann et al. 2020, *Implicit neural representations with periodic activation functions*): learns
    /// fine shapes in far fewer steps. The matrix of the first layer begins three times as wide, so that the field
    /// bends within the spread of the data from the start.
    Sin,
}

impl Activation {
    /// All of them.
    pub const ALL: [Activation; 2] = [Activation::Tanh, Activation::Sin];

    /// The name, as users write it.
    pub fn name(self) -> &'static str {
        self.function().name()
    }

    fn function(self) -> Unary {
        match self {
            Activation::Tanh => Unary::Tanh,
            Activation::Sin => Unary::Sin,
        }
    }

    /// How much wider than usual the first matrix begins.
    fn first_scale(self) -> f64 {
        match self {
            Activation::Tanh => 1.0,
            Activation::Sin => 3.0,
        }
    }
}

/// `x W + b`: a linear layer from the length of `x` to `out`. Declares `{name}.w` of shape `[in, out]` and `{name}.b`,
/// both uniform within ±1/sqrt(in).
#[track_caller]
pub fn linear(f: &Scope, name: &str, x: &Tracer, out: usize) -> Tracer {
    linear_of(f, name, &[x], out, 1.0)
}

/// A linear layer on several values as if they were joined. Each meets its own rows of the one matrix `{name}.w`, so
/// nothing is copied together. The matrix begins `scale` times as wide as that of [`linear`].
#[track_caller]
pub fn linear_of(f: &Scope, name: &str, parts: &[&Tracer], out: usize, scale: f64) -> Tracer {
    let lengths: Vec<usize> = parts.iter().map(|x| x.shape().iter().sum()).collect();
    let fan_in: usize = lengths.iter().sum();
    let bound = 1.0 / (fan_in.max(1) as f64).sqrt();
    let w = f.parameter(&format!("{name}.w"), &[fan_in, out], Init::Uniform { bound: scale * bound });
    let mut sum = f.parameter(&format!("{name}.b"), &[out], Init::Uniform { bound });
    let mut start = 0;
    for (x, length) in parts.iter().zip(lengths) {
        if x.shape().len() != 1 {
            return x.fail(format!("linear `{name}`: a vector is wanted, the shape is {:?}", x.shape()));
        }
        sum = x.matmul(&w.slice(0, start..start + length)) + sum;
        start += length;
    }
    sum
}

/// Linear layers of the widths `hidden`, each followed by `activation`, and a last one to `out`, on several values as if
/// they were joined. Layers are named `{name}.0`, `{name}.1` and so on.
#[track_caller]
pub fn mlp(
    f: &Scope,
    name: &str,
    parts: &[&Tracer],
    hidden: &[usize],
    out: usize,
    activation: Activation,
) -> Tracer {
    let width = |k: usize| hidden.get(k).copied().unwrap_or(out);
    let mut h = linear_of(f, &format!("{name}.0"), parts, width(0), activation.first_scale());
    for k in 1..=hidden.len() {
        h = linear(f, &format!("{name}.{k}"), &h.unary(activation.function()), width(k));
    }
    h
}

/// The field of many flows: an MLP on time, state and context, joined.
///
/// Parameters are `net.0.w`, `net.0.b` and so on; `net.0.w` has a row for the time, then one for each number of the
/// state, then of the context.
///
/// # Errors
/// Where a width is 0.
pub fn mlp_field(dims: usize, context: usize, hidden: &[usize], activation: Activation) -> Result<Field> {
    Field::record_conditional(dims, context, |f| {
        if dims == 0 || hidden.contains(&0) {
            return f
                .time()
                .fail(format!("an MLP of widths {hidden:?} on {dims} numbers: no width may be 0"));
        }
        let time = f.time().reshape(&[1]);
        let parts: Vec<&Tracer> = [&time, f.state()].into_iter().chain(f.context()).collect();
        mlp(f, "net", &parts, hidden, dims, activation)
    })
}
