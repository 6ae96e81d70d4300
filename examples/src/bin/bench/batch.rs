//! B: the field and its divergence at a batch of points.

use crate::Result;
use crate::arguments::Arguments;
use crate::by_hand::{DivergenceByHand, Way};
use crate::case::{Batch, Case, Float, Make, mean, measure};
use crate::inputs::Inputs;
use crate::network::{directions, divergence_at, exact, field_at, hutchinson, hutchpp_at, stale_hutchpp_at};

pub(crate) fn run<T: Float>(arguments: &Arguments) -> Result<()> {
    let n = arguments.batch;
    for &d in &arguments.dims {
        let inputs = Inputs::of_dimension(arguments.inputs.as_deref(), d, n)?;
        let program = |tape: ad_core::Result<ad_core::Tape>| -> Result<Box<dyn Case<T>>> {
            Ok(Box::new(Batch::new(&tape?, &inputs, n)?))
        };
        let by_hand =
            |way| -> Result<Box<dyn Case<T>>> { Ok(Box::new(DivergenceByHand::new(&inputs, way)?)) };
        let cases: [Make<T>; 8] = [
            ("field", &|| program(field_at(&inputs.field))),
            ("hutch", &|| program(divergence_at(&inputs.field, hutchinson()))),
            ("exact", &|| program(divergence_at(&inputs.field, exact(n, 1)))),
            ("hutchpp", &|| program(hutchpp_at(&inputs.field))),
            ("hutchpp_stale", &|| program(stale_hutchpp_at(&inputs.field))),
            ("exact_directions", &|| program(divergence_at(&inputs.field, directions()))),
            ("by_hand_hutch", &|| by_hand(Way::Hutchinson)),
            ("by_hand_exact", &|| by_hand(Way::Exact)),
        ];
        measure(arguments, [d, n], &cases, mean)?;
    }
    Ok(())
}
