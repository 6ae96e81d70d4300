//! Layers: functions on tracers that declare their parameters.

use ad_core::{Elementary, Result, Tracer, Unary};

use crate::field::{Field, Scope};
use crate::params::Init;

/// `x W + b`: a linear layer from the length of `x` to `out`. Declares `{name}.w` of shape `[in, out]` and `{name}.b`,
/// both uniform within ±1/sqrt(in).
#[track_caller]
pub fn linear(f: &Scope, name: &str, x: &Tracer, out: usize) -> Tracer {
    linear_of(f, name, &[x], out)
}

/// A linear layer on several values as if they were joined. Each meets its own rows of the one matrix `{name}.w`, so
/// nothing is copied together.
#[track_caller]
pub fn linear_of(f: &Scope, name: &str, parts: &[&Tracer], out: usize) -> Tracer {
    let lengths: Vec<usize> = parts.iter().map(|x| x.shape().iter().sum()).collect();
    let init = Init::fan_in(lengths.iter().sum());
    let w = f.parameter(&format!("{name}.w"), &[lengths.iter().sum(), out], init);
    let mut sum = f.parameter(&format!("{name}.b"), &[out], init);
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
pub fn mlp(f: &Scope, name: &str, parts: &[&Tracer], hidden: &[usize], out: usize, activation: Unary) -> Tracer {
    let mut widths = hidden.iter().copied().chain([out]).enumerate();
    let mut layer = |parts: &[&Tracer]| widths.next().map(|(k, width)| linear_of(f, &format!("{name}.{k}"), parts, width));
    let mut h = layer(parts);
    for _ in hidden {
        h = h.and_then(|h| layer(&[&h.unary(activation)]));
    }
    h.unwrap_or_else(|| parts[0].clone())
}

/// The field of many flows: an MLP with tanh on time, state and context, joined.
///
/// Parameters are `net.0.w`, `net.0.b` and so on; `net.0.w` has a row for the time, then one for each number of the
/// state, then of the context.
///
/// # Errors
/// Where a width is 0.
pub fn mlp_field(dims: usize, context: usize, hidden: &[usize]) -> Result<Field> {
    Field::record_conditional(dims, context, |f| {
        if dims == 0 || hidden.contains(&0) {
            return f.time().fail(format!("an MLP of widths {hidden:?} on {dims} numbers: no width may be 0"));
        }
        let time = f.time().reshape(&[1]);
        let parts: Vec<&Tracer> = [&time, f.state()].into_iter().chain(f.context()).collect();
        mlp(f, "net", &parts, hidden, dims, Unary::Tanh)
    })
}
