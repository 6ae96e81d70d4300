//! A: the divergence at one point, in single calls. Nothing is allocated in a call.

use ad_core::{Program, Runner, Tape};
use smallvec::SmallVec;

use crate::Result;
use crate::arguments::Arguments;
use crate::by_hand::{DivergenceByHand, Way};
use crate::case::{Case, Float, Make, mean, measure, rows};
use crate::inputs::Inputs;
use crate::network::{directions, divergence_at, exact, hutchinson, hutchpp_at};

/// A program of one example: all of it is computed when its inputs are bound.
struct Point<T> {
    runner: Runner<T, Program<T>>,
    inputs: Vec<Vec<T>>,
}

impl<T: Float> Point<T> {
    fn new(tape: &Tape, inputs: &Inputs) -> Result<Self> {
        let program = tape.of_one_example().compile()?;
        Ok(Point { inputs: rows(&program, inputs, 1), runner: program.into_runner() })
    }
}

impl<T: Float> Case<T> for Point<T> {
    fn call(&mut self) -> Result<()> {
        let inputs: SmallVec<[&[T]; 8]> = self.inputs.iter().map(|x| &x[..]).collect();
        Ok(self.runner.call(0, &inputs)?)
    }

    fn outputs(&self) -> Vec<&[T]> {
        vec![self.runner.output(0)]
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
