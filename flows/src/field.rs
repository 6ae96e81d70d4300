//! Vector fields: code for one example, recorded once, with the parameters it declares.

use std::cell::RefCell;

use ad_core::{Error, Recorder, Result, Tape, Tracer};

use crate::params::{Declaration, Init};

/// The name of the time input of a field.
pub const TIME: &str = "t";
/// The name of the state input of a field.
pub const STATE: &str = "x";
/// The name of the context input of a field.
pub const CONTEXT: &str = "c";

/// What the code of a field sees: time, state, context, and a place to declare parameters.
pub struct Scope<'a> {
    recorder: &'a Recorder,
    time: Tracer,
    state: Tracer,
    context: Option<Tracer>,
    declarations: RefCell<Vec<Declaration>>,
}

impl Scope<'_> {
    /// The time, a number of each example.
    pub fn time(&self) -> &Tracer {
        &self.time
    }

    /// The state of one example, of shape `[dims]`.
    pub fn state(&self) -> &Tracer {
        &self.state
    }

    /// The context of one example, of shape `[context]`, where the field has one.
    pub fn context(&self) -> Option<&Tracer> {
        self.context.as_ref()
    }

    /// Declares a parameter that all examples share.
    #[track_caller]
    pub fn parameter(&self, name: &str, shape: &[usize], init: Init) -> Tracer {
        let tracer = self.recorder.shared(name, shape);
        self.declarations.borrow_mut().push(Declaration {
            name: name.to_owned(),
            shape: shape.to_vec(),
            init,
        });
        tracer
    }

    /// Constants and the rest of what a recording offers.
    pub fn recorder(&self) -> &Recorder {
        self.recorder
    }
}

/// A vector field `x_dot = f(t, x, context; parameters)`, recorded.
///
/// ```
/// use ad_core::Elementary;
/// use flows::{Field, Init};
///
/// // A damped pendulum with a trainable frequency: angle and velocity.
/// let field = Field::record(2, |f| {
///     let omega = f.parameter("omega", &[], Init::Constant(1.0));
///     let (angle, velocity) = (f.state().slice(0, 0..1), f.state().slice(0, 1..2));
///     velocity.concat(&[&(-(angle.sin() * omega) - velocity.clone() * 0.1)], 0)
/// })?;
/// assert_eq!(field.dims(), 2);
/// # Ok::<(), ad_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Field {
    tape: Tape,
    dims: usize,
    context: usize,
    declarations: Vec<Declaration>,
}

impl Field {
    /// Records a field on states of `dims` numbers. The result of `code` has the shape of the state.
    ///
    /// # Errors
    /// Whatever the recording finds wrong, with the line of `code`; and a result of another shape.
    pub fn record(dims: usize, code: impl FnOnce(&Scope) -> Tracer) -> Result<Field> {
        Self::record_conditional(dims, 0, code)
    }

    /// As [`Field::record`], for a field that also sees a context of `context` numbers for each example.
    ///
    /// # Errors
    /// As [`Field::record`].
    pub fn record_conditional(
        dims: usize,
        context: usize,
        code: impl FnOnce(&Scope) -> Tracer,
    ) -> Result<Field> {
        if dims == 0 {
            return Err(Error::new("a field moves states of at least one number, not of 0"));
        }
        let mut declarations = Vec::new();
        let tape = Tape::record(|recorder| {
            let scope = Scope {
                recorder,
                time: recorder.example(TIME, &[]),
                state: recorder.example(STATE, &[dims]),
                context: (context > 0).then(|| recorder.example(CONTEXT, &[context])),
                declarations: RefCell::default(),
            };
            let mut x_dot = code(&scope);
            if x_dot.shape() != [dims] {
                let shape = x_dot.shape();
                x_dot = x_dot
                    .fail(format!("the field must have the shape of its state, [{dims}]; it has {shape:?}"));
            }
            declarations = scope.declarations.into_inner();
            // A field may be constant: its rate is still one for each example.
            [("x_dot", x_dot.to_examples())]
        })?;
        Ok(Field { tape, dims, context, declarations })
    }

    /// The recorded field: inputs time, state, context if any, parameters; output `x_dot`.
    pub fn tape(&self) -> &Tape {
        &self.tape
    }

    /// The length of a state.
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// The length of a context; 0 where the field has none.
    pub fn context(&self) -> usize {
        self.context
    }

    /// The parameters, in the order of declaration.
    pub fn declarations(&self) -> &[Declaration] {
        &self.declarations
    }
}
