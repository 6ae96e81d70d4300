//! Functions with derivatives of the user's own, on tapes.
//!
//! A call records the function as ordinary lines and marks each of its values `v` by a line
//! [`Op::Rule`](super::Op::Rule), which is `v` itself but has the derivative of the rule. Forward differentiation writes the product of the rule, as ordinary lines of
//! the arguments and their tangents, where it meets such a line. So second derivatives are those of the rule,
//! differentiated, and reverse mode is the product transposed, as in JAX's `custom_jvp`. What runs has no marks any more.

mod lower;
mod tape;

use std::cell::RefCell;
use std::panic::Location;
use std::sync::Arc;

use self::tape::numbered;
use super::verify::MAX_LABELS;
use super::{Dims, Extent, NodeId, Recorder, Tape, Tracer, shape_of};
use crate::error::{Error, Result};
use crate::transform::Linear;

pub use self::tape::RuleTape;

/// A function of arrays with derivatives of its own: what is inside it is not differentiated. [`Recorder::call`] calls it.
///
/// Give [`ArrayRule::jvp`] or [`ArrayRule::vjp`]; each serves both modes, since one is the other transposed. Where there are
/// both, the jvp is what counts. They are recorded like all else, so that second derivatives are those of the rule,
/// differentiated; all at once, so that a rule may call others, and not itself.
/// [`check::derivatives`](crate::check::derivatives) holds the jvp against differences of the values, and the vjp against it.
///
/// All of it is written for one example. `x`, `y`, `x_dot`, `y_bar` are arguments, values, tangents of the arguments and
/// cotangents of the values; the last two have the shapes of what they belong to. The cotangent of an argument that the
/// examples share is summed over them.
///
/// ```
/// use ad_core::{Array, ArrayRule, Elementary, Recorder, Tape, Tracer, check};
///
/// /// The logarithm of a sum of exponentials, with a derivative that cannot overflow either.
/// struct LogSumExp;
/// impl ArrayRule for LogSumExp {
///     fn name(&self) -> &str {
///         "logsumexp"
///     }
///     fn value(&self, _: &Recorder, x: &[Tracer]) -> Vec<Tracer> {
///         let top = (1..x[0].shape()[0]).fold(x[0].at(0, 0), |top, k| top.max(&x[0].at(0, k)));
///         vec![(&x[0] - &top).exp().sum().ln() + top]
///     }
///     fn vjp(&self, _: &Recorder, x: &[Tracer], y: &[Tracer], y_bar: &[Tracer]) -> Option<Vec<Tracer>> {
///         Some(vec![(&x[0] - &y[0]).exp() * &y_bar[0]]) // the softmax
///     }
/// }
///
/// let tape = Tape::record(|t| [("y", t.call(&LogSumExp, &[&t.example("x", &[3])]).remove(0))])?;
/// let x = Array::new(&[2, 3], vec![0.1, -0.4, 0.7, 800.0, 0.0, 801.0])?;
/// let gradient = tape.vjp(&["x"])?.eval(2, &[x, Array::new(&[2], vec![1.0; 2])?])?;
/// assert!((gradient[1].data[..3].iter().sum::<f64>() - 1.0).abs() < 1e-15); // a softmax sums to 1
/// assert!((gradient[1].data[3] - 1.0 / (1.0 + 1_f64.exp())).abs() < 1e-13); // the value 801.3 is rounded to so much
/// check::derivatives(&tape, 1, &[Array::new(&[1, 3], vec![0.1, -0.4, 0.7])?])?; // the rule is right, to second order
/// # Ok::<(), ad_core::Error>(())
/// ```
///
/// An implicit function: `y` solves `g(x, y) = 0`, found by Newton's method, which is not differentiated.
///
/// ```
/// # use ad_core::{Array, ArrayRule, Elementary, Recorder, Tape, Tracer, check};
/// struct Kepler; // y - x[1] sin y = x[0]
/// fn residual(x: &[Tracer], y: &Tracer) -> Tracer {
///     y - y.sin() * &x[1] - &x[0]
/// }
/// impl ArrayRule for Kepler {
///     fn name(&self) -> &str {
///         "kepler"
///     }
///     fn value(&self, t: &Recorder, x: &[Tracer]) -> Vec<Tracer> {
///         let newton = |y: Tracer, _| {
///             let g = residual(x, &y);
///             let slope = t.push_forward(&[(&y, &t.full(&y.shape(), 1.0))], &[&g]).remove(0);
///             y - g / slope
///         };
///         vec![(0..6).fold(x[0].exp().ln(), newton)] // begins at x[0]
///     }
///     fn jvp(&self, t: &Recorder, x: &[Tracer], y: &[Tracer], x_dot: &[Tracer]) -> Option<Vec<Tracer>> {
///         let g = residual(x, &y[0]); // dg/dx x_dot + dg/dy y_dot = 0
///         let along = t.push_forward(&[(&x[0], &x_dot[0]), (&x[1], &x_dot[1])], &[&g]).remove(0);
///         let slope = t.push_forward(&[(&y[0], &t.full(&y[0].shape(), 1.0))], &[&g]).remove(0);
///         Some(vec![-(along / slope)])
///     }
/// }
/// let tape = Tape::record(|t| [("y", t.call(&Kepler, &[&t.example("x", &[2]), &t.shared("c", &[])]).remove(0))])?;
/// check::derivatives(&tape, 1, &[Array::new(&[1, 2], vec![0.4, 1.1])?, Array::new(&[], vec![0.3])?])?;
/// # Ok::<(), ad_core::Error>(())
/// ```
pub trait ArrayRule {
    /// What messages and the text form of a tape call it: letters, digits, `_` and `.`, not a digit first.
    fn name(&self) -> &str;

    /// The values at `x`.
    fn value(&self, t: &Recorder, x: &[Tracer]) -> Vec<Tracer>;

    /// The tangents of the values when `x` moves along `x_dot`: lines that are linear in `x_dot`.
    fn jvp(&self, _t: &Recorder, _x: &[Tracer], _y: &[Tracer], _x_dot: &[Tracer]) -> Option<Vec<Tracer>> {
        None
    }

    /// The cotangents of `x` that belong to those of the values: lines that are linear in `y_bar`.
    fn vjp(&self, _t: &Recorder, _x: &[Tracer], _y: &[Tracer], _y_bar: &[Tracer]) -> Option<Vec<Tracer>> {
        None
    }
}

impl Recorder {
    /// Calls a function with a derivative of its own, and returns its values: those of [`ArrayRule::value`], to the bit. The
    /// rule is recorded once for each call, on inputs of the shapes of `x`.
    ///
    /// A recording in which the rule breaks off, has neither a jvp nor a vjp, returns too few or too many arrays or such of
    /// other shapes, or is not linear in what it has to be linear in, ends with an error that names the rule.
    #[track_caller]
    pub fn call(&self, rule: &impl ArrayRule, x: &[&Tracer]) -> Vec<Tracer> {
        let place = Location::caller();
        let mut count = 1;
        match self.try_call(rule, x, &mut count) {
            Ok(values) => values,
            Err(error) => {
                let error = Error::new(format!("rule `{}`: {error}", rule.name()));
                vec![self.fail(error.at(place)); count]
            }
        }
    }

    fn try_call(&self, rule: &impl ArrayRule, x: &[&Tracer], count: &mut usize) -> Result<Vec<Tracer>> {
        x.iter().try_for_each(|x| x.check_same_recording(self))?;
        let dims: Vec<Dims> = x.iter().map(|x| x.dims()).collect();
        let rule = record(rule, &dims, count)?;
        let axes = rule.axes();
        if axes >= MAX_LABELS {
            return Err(Error::new(format!(
                "arguments and values have {axes} axes, {MAX_LABELS} are too many"
            )));
        }
        let x: Vec<NodeId> = x.iter().map(|x| x.node()).collect();
        Ok(Arc::new(rule).call(&self.builder, &x).into_iter().map(|id| self.tracer(id)).collect())
    }
}

/// How many rules may stand in each other: one in a product of the other.
pub(super) const MAX_NESTED: usize = 8;

thread_local! {
    /// The names of the rules that are being recorded.
    static OPEN: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// A rule that is being recorded, until it is dropped.
struct Open;

impl Open {
    /// # Errors
    /// Where the rule is being recorded already, so that there would be no end.
    fn new(name: &str) -> Result<Open> {
        OPEN.with_borrow_mut(|open| {
            if open.len() == MAX_NESTED || open.iter().any(|other| other == name) {
                let message =
                    format!("rules call each other without end: {} calls {name}", open.join(" calls "));
                return Err(Error::new(message));
            }
            open.push(name.to_owned());
            Ok(Open)
        })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        OPEN.with_borrow_mut(Vec::pop);
    }
}

/// Arrays of a rule that belong to its arguments or to its values: `x0_dot`, `x1_dot`, ..
#[derive(Clone, Copy)]
struct Group<'a> {
    stem: &'static str,
    end: &'static str,
    dims: &'a [Dims],
}

impl Group<'_> {
    fn names(&self) -> Vec<String> {
        numbered(self.stem, self.dims.len(), self.end)
    }

    fn declare(&self, t: &Recorder) -> Vec<Tracer> {
        let input = |(name, dims): (String, &Dims)| {
            let node = t.builder.borrow_mut().placeholder(dims);
            t.builder.borrow_mut().inputs.push((name, node));
            t.tracer(node)
        };
        self.names().into_iter().zip(self.dims).map(input).collect()
    }
}

/// A rule on arguments of these dimensions. `count` becomes the number of values, as soon as it is known.
fn record(rule: &impl ArrayRule, arguments: &[Dims], count: &mut usize) -> Result<RuleTape> {
    let open = Open::new(rule.name())?;
    let tape = Tape::record(|t| outputs(t, rule, arguments, count))?.with_products();
    drop(open);
    let tape = match (tape.output("y0_dot").is_ok(), tape.output("x0_bar").is_ok()) {
        (false, false) => return Err(Error::new("it has neither a jvp nor a vjp")),
        (false, true) => {
            let (y_bar, x_bar) = (numbered("y", *count, "_bar"), numbered("x", arguments.len(), "_bar"));
            Linear::new(tape, y_bar, x_bar).transpose()?.into_tape()
        }
        (true, _) => tape,
    };
    RuleTape::new(rule.name(), tape)
}

/// Values and products of a rule, on inputs of their own.
fn outputs(
    t: &Recorder,
    rule: &impl ArrayRule,
    arguments: &[Dims],
    count: &mut usize,
) -> Result<Vec<(String, Tracer)>> {
    let group = |stem, end, dims| Group { stem, end, dims };
    let x = group("x", "", arguments).declare(t);
    let value = rule.value(t, &x);
    *count = value.len();
    let values: Vec<Dims> = value.iter().map(Tracer::dims).collect();
    let y = group("y", "", &values).declare(t);
    let [x_dot, y_dot] = [("x", arguments), ("y", &values)].map(|(stem, dims)| group(stem, "_dot", dims));
    let [x_bar, y_bar] = [x_dot, y_dot].map(|group| Group { end: "_bar", ..group });
    let jvp = product(t, "jvp", [x_dot, y_dot], |x_dot| rule.jvp(t, &x, &y, x_dot))?;
    let vjp = product(t, "vjp", [y_bar, x_bar], |y_bar| rule.vjp(t, &x, &y, y_bar))?;
    Ok(numbered("y", value.len(), "").into_iter().zip(value).chain(jvp).chain(vjp).collect())
}

/// One product of a rule, which may not have it: then its inputs go as well.
fn product(
    t: &Recorder,
    what: &str,
    [from, to]: [Group<'_>; 2],
    code: impl FnOnce(&[Tracer]) -> Option<Vec<Tracer>>,
) -> Result<Vec<(String, Tracer)>> {
    let declared = t.builder.borrow().inputs.len();
    let Some(results) = code(&from.declare(t)) else {
        t.builder.borrow_mut().inputs.truncate(declared);
        return Ok(Vec::new());
    };
    if results.len() != to.dims.len() {
        let (got, want) = (results.len(), to.dims.len());
        return Err(Error::new(format!("the {what} returns {got} arrays, {want} are wanted")));
    }
    let named = to.names().into_iter().zip(results).zip(to.dims);
    Ok(named.map(|((name, result), like)| fitted(name, result, like)).collect())
}

/// A tangent or cotangent with the examples of what it belongs to: the same for each, or summed over them.
fn fitted(name: String, result: Tracer, like: &[Extent]) -> (String, Tracer) {
    let (shape, example) = (shape_of(like), like.first() == Some(&Extent::Example));
    let fitted = if result.shape() != shape {
        result.fail(format!("`{name}` has shape {:?}, {shape:?} is wanted", result.shape()))
    } else if example {
        result.to_examples()
    } else if !result.has_example() {
        result
    } else if name.ends_with("_bar") {
        result.sum_examples()
    } else {
        result.fail(format!("`{name}` has examples, and belongs to a value that they share"))
    };
    (name, fitted)
}
