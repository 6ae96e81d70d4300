//! Where a tape begins: inputs are declared, code runs on tracers, outputs are named.

use std::cell::RefCell;
use std::panic::Location;
use std::rc::Rc;

use smallvec::SmallVec;

use super::check_shape;
use super::{Builder, Dims, Extent, Labels, NodeId, SharedBuilder, Tape, Tracer};
use crate::error::{Error, Result};

/// Declares inputs and makes constants while a tape is recorded. Handed to the closure of [`Tape::record`].
pub struct Recorder {
    pub(crate) builder: SharedBuilder,
}

/// What a recorded closure may return: named tracers.
pub trait IntoOutputs {
    /// The outputs, in order.
    fn into_outputs(self) -> Vec<(String, Tracer)>;
}

impl<S: Into<String>, const N: usize> IntoOutputs for [(S, Tracer); N] {
    fn into_outputs(self) -> Vec<(String, Tracer)> {
        self.into_iter().map(|(name, tracer)| (name.into(), tracer)).collect()
    }
}

impl<S: Into<String>> IntoOutputs for Vec<(S, Tracer)> {
    fn into_outputs(self) -> Vec<(String, Tracer)> {
        self.into_iter().map(|(name, tracer)| (name.into(), tracer)).collect()
    }
}

impl<O: IntoOutputs> IntoOutputs for Result<O> {
    fn into_outputs(self) -> Vec<(String, Tracer)> {
        match self {
            Ok(outputs) => outputs.into_outputs(),
            Err(error) => vec![(String::new(), Tracer::failed(error))],
        }
    }
}

impl Tape {
    /// Runs `code` once and keeps what it computed. Write for *one* example, with shapes; what is declared by
    /// [`Recorder::example`] runs for as many examples as there are.
    ///
    /// # Errors
    /// The first thing that went wrong, with the user's line: shapes that do not fit, a name used twice, an axis that
    /// does not exist.
    pub fn record<O: IntoOutputs>(code: impl FnOnce(&Recorder) -> O) -> Result<Tape> {
        let recorder = Recorder { builder: Rc::new(RefCell::new(Builder::default())) };
        let outputs = code(&recorder).into_outputs();
        recorder.finish(outputs)
    }
}

impl Recorder {
    /// An input that each example has its own of. `shape` is that of one example; `&[]` is one number.
    #[track_caller]
    pub fn example(&self, name: &str, shape: &[usize]) -> Tracer {
        self.input(name, shape, true)
    }

    /// An input that all examples share: a parameter.
    #[track_caller]
    pub fn shared(&self, name: &str, shape: &[usize]) -> Tracer {
        self.input(name, shape, false)
    }

    #[track_caller]
    fn input(&self, name: &str, shape: &[usize], example: bool) -> Tracer {
        let taken = self.builder.borrow().inputs.iter().any(|(n, _)| n == name);
        if taken || !is_name(name) {
            let why = if taken {
                "is used twice"
            } else {
                "is no name: use letters, digits, `_`, `.`, not a digit first"
            };
            return self.fail(Error::new(format!("input `{name}` {why}")).at(Location::caller()));
        }
        if let Err(error) = check_shape(shape) {
            return self.fail(error.at(Location::caller()));
        }
        self.tracer(self.builder.borrow_mut().input(name, &dims(shape, example)))
    }

    /// An array of numbers, row-major, the same for all examples.
    #[track_caller]
    pub fn constant(&self, values: &[f64], shape: &[usize]) -> Tracer {
        if let Err(error) = check_shape(shape) {
            return self.fail(error.at(Location::caller()));
        }
        if values.len() != shape.iter().product::<usize>() {
            let message = format!("a constant of shape {shape:?} was given {} values", values.len());
            return self.fail(Error::new(message).at(Location::caller()));
        }
        self.tracer(self.builder.borrow_mut().constant(values, &dims(shape, false)))
    }

    /// One number, the same for all examples.
    pub fn number(&self, value: f64) -> Tracer {
        self.tracer(self.builder.borrow_mut().number(value))
    }

    /// `value` everywhere in an array of `shape`.
    #[track_caller]
    pub fn full(&self, shape: &[usize], value: f64) -> Tracer {
        self.number(value).broadcast_to(shape)
    }

    /// The identity matrix of size `n`; it is never multiplied out.
    #[track_caller]
    pub fn identity(&self, n: usize) -> Tracer {
        if let Err(error) = check_shape(&[n, n]) {
            return self.fail(error.at(Location::caller()));
        }
        let out = Labels::from_slice(&[0, 0]);
        let node = self.builder.borrow_mut().contract(1.0, SmallVec::new(), out, &[Extent::Fixed(n)]);
        self.tracer(node)
    }

    /// The number of examples.
    pub fn count(&self) -> Tracer {
        let nothing = (SmallVec::new(), Labels::new());
        let extents = [Extent::Example];
        let node = self.builder.borrow_mut().contract_counting(1.0, nothing.0, nothing.1, &extents, &[0]);
        self.tracer(node)
    }

    /// Declares the inputs of another tape, with their names and shapes.
    #[track_caller]
    pub fn inputs_like(&self, tape: &Tape) -> Vec<Tracer> {
        tape.inputs().iter().map(|input| self.input_like(tape, input)).collect()
    }

    /// Declares one of the inputs of a recorded tape.
    pub(crate) fn input_like(&self, tape: &Tape, (name, id): &(String, NodeId)) -> Tracer {
        let node = tape.node(*id);
        self.input(name, &node.shape(), node.has_example())
    }

    /// Runs a recorded tape inside this recording, on inputs in the order of [`Tape::inputs`]. Returns its outputs in
    /// order.
    ///
    /// An input that the tape shares between examples may not be given a value that examples have their own of.
    #[track_caller]
    pub fn inline(&self, tape: &Tape, inputs: &[&Tracer]) -> Vec<Tracer> {
        let lines = self.inline_lines(tape, inputs);
        tape.outputs().iter().map(|(_, id)| lines[id.index()].clone()).collect()
    }

    /// As [`Recorder::inline`], but returns the value of every line, in the order of [`Tape::nodes`]: for operators that
    /// look at a tape and compute with what stands on it. Lines that are not used leave no trace.
    #[track_caller]
    pub fn inline_lines(&self, tape: &Tape, inputs: &[&Tracer]) -> Vec<Tracer> {
        let place = Location::caller();
        match self.try_inline(tape, inputs) {
            Ok(lines) => lines,
            Err(error) => vec![self.fail(error.at(place)); tape.nodes().len()],
        }
    }

    fn try_inline(&self, tape: &Tape, inputs: &[&Tracer]) -> Result<Vec<Tracer>> {
        if inputs.len() != tape.inputs().len() {
            let message = format!("the tape has {} inputs, {} were given", tape.inputs().len(), inputs.len());
            return Err(Error::new(message));
        }
        for ((name, id), given) in tape.inputs().iter().zip(inputs) {
            given.check_same_recording(self)?;
            let (want, got) = (tape.node(*id).dims(), given.dims());
            let shared = want.first() != Some(&Extent::Example) && got.first() == Some(&Extent::Example);
            if shared || super::shape_of(&want) != super::shape_of(&got) {
                let rule = if shared {
                    "is shared by all examples, and was given a value with examples"
                } else {
                    "does not fit"
                };
                let (want, got) = (super::shape_of(&want), super::shape_of(&got));
                return Err(Error::new(format!("input `{name}` of shape {want:?} {rule} (shape {got:?})")));
            }
        }
        let inputs: Vec<NodeId> = inputs.iter().map(|t| t.node()).collect();
        let lines = crate::transform::inline(&self.builder, tape, &inputs);
        Ok(lines.into_iter().map(|id| self.tracer(id)).collect())
    }

    pub(crate) fn tracer(&self, node: NodeId) -> Tracer {
        Tracer::new(&self.builder, node)
    }

    /// Notes the first error of the recording; what follows it is not looked at.
    pub(crate) fn fail(&self, error: Error) -> Tracer {
        Tracer::note(&self.builder, error)
    }

    fn finish(self, outputs: Vec<(String, Tracer)>) -> Result<Tape> {
        if let Some(error) = self.builder.borrow_mut().error.take() {
            return Err(error);
        }
        let mut named: Vec<(String, NodeId)> = Vec::new();
        for (name, tracer) in outputs {
            tracer.check_same_recording(&self)?;
            if !is_name(&name) || named.iter().any(|(n, _)| *n == name) {
                return Err(Error::new(format!("output name `{name}` is used twice, or is no name")));
            }
            named.push((name, tracer.node()));
        }
        let builder = self.builder.borrow();
        let tape = builder.finish(&builder.inputs, &named);
        tape.verify().map(|()| tape)
    }
}

pub(crate) fn dims(shape: &[usize], example: bool) -> Dims {
    let first = example.then_some(Extent::Example);
    first.into_iter().chain(shape.iter().map(|&n| Extent::Fixed(n))).collect()
}

/// Names appear in the text form of a tape: letters, digits, `_` and `.`, not a digit first.
pub(crate) fn is_name(name: &str) -> bool {
    let first = name.chars().next();
    first.is_some_and(|c| c.is_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.')
}
