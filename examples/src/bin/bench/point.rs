//! A: the divergence at one point, in single calls. Nothing is allocated in a call.

use ad_core::{Binding, Program, Tape, Workspace};

use crate::Result;
use crate::arguments::Arguments;
use crate::by_hand::{DivergenceByHand, Way};
use crate::case::{Case, Float, Make, mean, measure, rows};
use crate::inputs::Inputs;
use crate::network::{directions, divergence_at, exact, hutchinson, hutchpp_at};

/// A program on one example.
struct Point<T> {
    program: Program<T>,
    binding: Binding<T>,
    workspace: Workspace<T>,
    inputs: Vec<Vec<T>>,
}

impl<T: Float> Point<T> {
    fn new(tape: &Tape, inputs: &Inputs) -> Result<Self> {
        let program = tape.compile()?;
        let (binding, mut workspace) = (program.binding(), program.workspace());
        workspace.set_examples(1);
        Ok(Point { inputs: rows(&program, inputs, 1), program, binding, workspace })
    }
}

impl<T: Float> Case<T> for Point<T> {
    fn call(&mut self) -> Result<()> {
        let Point { program, binding, workspace, inputs } = self;
        let ports = program.inputs().iter().zip(inputs.iter());
        let shared: smallvec::SmallVec<[&[T]; 8]> =
            ports.clone().filter(|(p, _)| !p.has_example()).map(|(_, x)| &x[..]).collect();
        program.bind(binding, &shared)?;
        let stride = workspace.stride();
        for (k, (_, x)) in ports.enumerate().filter(|(_, (p, _))| p.has_example()) {
            let lanes = program.input_mut(workspace, k);
            lanes.iter_mut().step_by(stride).zip(x).for_each(|(lane, &x)| *lane = x);
        }
        program.run_block(binding, workspace);
        Ok(())
    }

    fn outputs(&self) -> Vec<&[T]> {
        vec![&self.program.output(&self.binding, &self.workspace, 0)[..1]]
    }
}

pub(crate) fn run<T: Float>(arguments: &Arguments) -> Result<()> {
    for &d in &arguments.dims {
        let inputs = Inputs::of_dimension(arguments.inputs.as_deref(), d, 1)?;
        let program = |tape: ad_core::Result<Tape>| -> Result<Box<dyn Case<T>>> {
            Ok(Box::new(Point::new(&tape?, &inputs)?))
        };
        let by_hand =
            |way| -> Result<Box<dyn Case<T>>> { Ok(Box::new(DivergenceByHand::new(&inputs, way)?)) };
        let cases: [Make<T>; 6] = [
            ("hutch", &|| program(divergence_at(&inputs.field, hutchinson()))),
            ("exact", &|| program(divergence_at(&inputs.field, exact(1, 1)))),
            ("hutchpp", &|| program(hutchpp_at(&inputs.field))),
            ("exact_directions", &|| program(divergence_at(&inputs.field, directions()))),
            ("by_hand_hutch", &|| by_hand(Way::Hutchinson)),
            ("by_hand_exact", &|| by_hand(Way::Exact)),
        ];
        measure(arguments, [d, 1], &cases, mean)?;
    }
    Ok(())
}
