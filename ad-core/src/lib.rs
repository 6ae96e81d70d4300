//! Tape-based automatic differentiation.

pub mod check;
mod elementary;
mod error;
mod eval;
pub mod kernels;
mod program;
mod tape;
mod transform;

pub use elementary::{Binary, Elementary, Unary};
pub use error::{Error, Result};
pub use eval::Array;
pub use kernels::{BLOCK, Element};
pub use program::{Binding, Port, Program, Workspace};
pub use tape::{
    Coefficient, Dims, Extent, IntoOutputs, Label, Labels, Node, NodeId, Op, Operand, Recorder, Tape, Tracer,
};
pub use transform::Linear;
