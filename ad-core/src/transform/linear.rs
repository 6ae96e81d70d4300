//! Transforms of whole tapes: jvp, vjp, and the linear tape between them.

use std::cell::RefCell;
use std::rc::Rc;

use super::{Tangent, complete, transpose::transpose};
use crate::error::{Error, Result};
use crate::tape::{Builder, NodeId, SharedBuilder, Tape};

/// A tape that is linear in some of its inputs: `outputs` from `inputs`, all else held.
///
/// ```
/// use ad_core::{Elementary, Tape};
/// let tape = Tape::record(|t| {
///     let (x, w) = (t.example("x", &[3]), t.shared("w", &[3, 2]));
///     [("y", x.matmul(&w).tanh())]
/// })?;
/// let forward = tape.linearize(&["x", "w"])?; // x_dot, w_dot -> y_dot
/// let reverse = forward.transpose()?; // y_bar -> x_bar, w_bar
/// assert_eq!(reverse.inputs(), ["y_bar"]);
/// assert_eq!(reverse.outputs(), ["x_bar", "w_bar"]);
/// # Ok::<(), ad_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Linear {
    tape: Tape,
    inputs: Vec<String>,
    outputs: Vec<String>,
}

impl Linear {
    pub(crate) fn new(tape: Tape, inputs: Vec<String>, outputs: Vec<String>) -> Linear {
        Linear { tape, inputs, outputs }
    }

    /// The tape: all inputs, the values and the linear outputs.
    pub fn tape(&self) -> &Tape {
        &self.tape
    }

    /// The tape by itself.
    pub fn into_tape(self) -> Tape {
        self.tape
    }

    /// The names of the inputs that it is linear in.
    pub fn inputs(&self) -> &[String] {
        &self.inputs
    }

    /// The names of the outputs that are linear in them.
    pub fn outputs(&self) -> &[String] {
        &self.outputs
    }

    /// The transposed map: from cotangents of the linear outputs to cotangents of the linear inputs. Names change from
    /// `_dot` to `_bar` and back.
    ///
    /// # Errors
    /// Where a line is not linear in the inputs; never for a tape from [`Tape::linearize`].
    pub fn transpose(&self) -> Result<Linear> {
        let builder = Rc::new(RefCell::new(Builder::continuing(&self.tape)));
        let is_linear = |name: &String| self.inputs.contains(name);
        let mut inputs: Vec<_> = self.tape.inputs().iter().filter(|(n, _)| !is_linear(n)).cloned().collect();
        let mut seeds = Vec::new();
        for name in &self.outputs {
            let value = self.tape.output(name)?;
            let dims = builder.borrow().dims(value);
            let (name, node) = (flipped(name), builder.borrow_mut().placeholder(&dims));
            let example = builder.borrow().node(node).has_example();
            seeds.push((value, Tangent { node, example, directions: None }));
            inputs.push((name, node));
        }
        let wrt = self.inputs.iter().map(|name| self.tape.input(name)).collect::<Result<Vec<_>>>()?;
        let cotangents = transpose(&builder, &seeds, &wrt, None)?;
        let kept = |name: &String| !self.outputs.contains(name);
        let mut outputs: Vec<_> = self.tape.outputs().iter().filter(|(n, _)| kept(n)).cloned().collect();
        let names: Vec<String> = self.inputs.iter().map(|n| flipped(n)).collect();
        outputs.extend(names.iter().cloned().zip(cotangents));
        check_names(&inputs, "input")?;
        check_names(&outputs, "output")?;
        let tape = builder.borrow().finish(&inputs, &outputs);
        tape.debug_verify();
        Ok(Linear { tape, inputs: self.outputs.iter().map(|n| flipped(n)).collect(), outputs: names })
    }
}

/// `x_dot` becomes `x_bar`, `x_bar` becomes `x_dot`.
fn flipped(name: &str) -> String {
    match (name.strip_suffix("_dot"), name.strip_suffix("_bar")) {
        (Some(stem), _) => format!("{stem}_bar"),
        (_, Some(stem)) => format!("{stem}_dot"),
        _ => format!("{name}_bar"),
    }
}

impl Tape {
    /// The tape and its linearisation in the inputs called `wrt`: it gets an input `x_dot` for each of them and an
    /// output `y_dot` for each output `y`. The lines of the values come first and are left as they are.
    ///
    /// # Errors
    /// Where an input does not exist, or a name `.._dot` is taken.
    pub fn linearize(&self, wrt: &[&str]) -> Result<Linear> {
        let builder: SharedBuilder = Rc::new(RefCell::new(Builder::continuing(self)));
        let (mut seeds, mut inputs, mut names) = (Vec::new(), self.inputs().to_vec(), Vec::new());
        for name in wrt {
            let value = self.input(name)?;
            let dims = builder.borrow().dims(value);
            let node = builder.borrow_mut().placeholder(&dims);
            let example = builder.borrow().node(node).has_example();
            seeds.push((value, Tangent { node, example, directions: None }));
            names.push(format!("{name}_dot"));
            inputs.push((format!("{name}_dot"), node));
        }
        let tangents = super::forward::push_forward(&builder, &seeds);
        let mut outputs = self.outputs().to_vec();
        for (name, value) in self.outputs() {
            let dims = builder.borrow().dims(*value);
            let tangent = complete(&builder, &dims, tangents.get(value).copied(), None);
            outputs.push((format!("{name}_dot"), tangent.node));
        }
        check_names(&inputs, "input")?;
        check_names(&outputs, "output")?;
        let tape = builder.borrow().finish(&inputs, &outputs);
        tape.debug_verify();
        let outputs = self.outputs().iter().map(|(n, _)| format!("{n}_dot")).collect();
        Ok(Linear { tape, inputs: names, outputs })
    }

    /// Forward mode: the tape with an input `x_dot` for each input in `wrt`, and an output `y_dot` for each output.
    ///
    /// # Errors
    /// As [`Tape::linearize`].
    pub fn jvp(&self, wrt: &[&str]) -> Result<Tape> {
        self.linearize(wrt).map(Linear::into_tape)
    }

    /// Reverse mode: the tape with an input `y_bar` for each output, and an output `x_bar` for each input in `wrt`.
    /// The cotangent of a shared input is summed over the examples. To transform the result again in reverse, work inside
    /// a recording ([`Recorder::pull_back`](crate::Recorder::pull_back)), since names `_bar` would meet.
    ///
    /// # Errors
    /// As [`Tape::linearize`].
    pub fn vjp(&self, wrt: &[&str]) -> Result<Tape> {
        self.linearize(wrt)?.transpose().map(Linear::into_tape)
    }
}

fn check_names(list: &[(String, NodeId)], what: &str) -> Result<()> {
    let taken = list.iter().enumerate().find(|(k, (name, _))| list[..*k].iter().any(|(n, _)| n == name));
    taken.map_or(Ok(()), |(_, (name, _))| Err(Error::new(format!("the {what} name `{name}` is taken"))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elementary::Elementary;
    use crate::tape::Tracer;

    /// No tape from `linearize` has such lines.
    #[test]
    fn what_is_not_linear_does_not_transpose() {
        let codes: [fn(&Tracer) -> Tracer; 7] = [
            Elementary::exp,
            Elementary::square,
            |x| x.select(&x.lift(1.0), &x.lift(2.0)),
            |x| x / &(x + 1.0),
            |x| x + 1.0,
            |x| x.lift(1.0).select(x, &x.lift(2.0)),
            |x| x.lift(2.0).broadcast_to(&[2]),
        ];
        for code in codes {
            let tape = Tape::record(|t| [("y", code(&t.example("x", &[2])))]).unwrap();
            let [inputs, outputs] = ["x", "y"].map(|name| vec![name.to_owned()]);
            let refusal = Linear { tape, inputs, outputs }.transpose().unwrap_err().to_string();
            assert!(refusal.contains("is not linear in the inputs to transpose"), "{refusal}");
        }
    }
}
