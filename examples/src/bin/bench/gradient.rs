//! C: the parameter gradient of the mean divergence of a batch.

use crate::Result;
use crate::arguments::Arguments;
use crate::by_hand::{ExactGradientByHand, GradientByHand};
use crate::case::{Batch, Case, Float, Make, measure};
use crate::inputs::Inputs;
use crate::network::{
    directions, divergence_at, exact, hutchinson, hutchpp_at, mean_gradient, stale_hutchpp_at,
};

pub(crate) fn run<T: Float>(arguments: &Arguments) -> Result<()> {
    let n = arguments.batch;
    for &d in &arguments.dims {
        let inputs = Inputs::of_dimension(arguments.inputs.as_deref(), d, n)?;
        let program = |tape: ad_core::Result<ad_core::Tape>| -> Result<Box<dyn Case<T>>> {
            Ok(Box::new(Batch::new(&mean_gradient(&tape?)?, &inputs, n)?))
        };
        let cases: [Make<T>; 7] = [
            ("hutch", &|| program(divergence_at(&inputs.field, hutchinson()))),
            ("exact", &|| program(divergence_at(&inputs.field, exact(n, 1)))),
            ("hutchpp", &|| program(hutchpp_at(&inputs.field))),
            ("hutchpp_stale", &|| program(stale_hutchpp_at(&inputs.field))),
            ("exact_directions", &|| program(divergence_at(&inputs.field, directions()))),
            ("by_hand_hutch", &|| Ok(Box::new(GradientByHand::new(&inputs)?))),
            ("by_hand_exact", &|| Ok(Box::new(ExactGradientByHand::new(&inputs)?))),
        ];
        measure(arguments, [d, n], &cases, |bars| {
            bars.iter().flat_map(|bar| bar.iter()).map(|x| x.to_double().abs()).sum()
        })?;
    }
    Ok(())
}
