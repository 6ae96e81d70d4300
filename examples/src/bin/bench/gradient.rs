//! C: the parameter gradient of the mean divergence of a batch.

use crate::Result;
use crate::arguments::Arguments;
use crate::by_hand::GradientByHand;
use crate::case::{Batch, Case, Float, Make, measure};
use crate::inputs::Inputs;
use crate::network::{directions, divergence_at, hutchinson, mean_gradient};

pub(crate) fn run<T: Float>(arguments: &Arguments) -> Result<()> {
    let n = arguments.batch;
    for &d in &arguments.dims {
        let inputs = Inputs::of_dimension(arguments.inputs.as_deref(), d, n)?;
        let program = |estimator| -> Result<Box<dyn Case<T>>> {
            let tape = mean_gradient(&divergence_at(&inputs.field, estimator)?)?;
            Ok(Box::new(Batch::new(&tape, &inputs, n)?))
        };
        let cases: [Make<T>; 3] = [
            ("hutch", &|| program(hutchinson())),
            ("exact_directions", &|| program(directions())),
            ("by_hand_hutch", &|| Ok(Box::new(GradientByHand::new(&inputs)?))),
        ];
        measure(arguments, [d, n], &cases, |bars| {
            bars.iter().flat_map(|bar| bar.iter()).map(|x| x.to_double().abs()).sum()
        })?;
    }
    Ok(())
}
