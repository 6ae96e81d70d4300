//! The text form and the compiled program against the tape itself.

use super::Case;
use super::map::describe;
use crate::error::{Error, Result};
use crate::eval::Array;
use crate::tape::Tape;

/// Checks that the text form of a tape reads back to the same tape.
///
/// # Errors
/// Where it does not, with both.
pub fn round_trip(tape: &Tape) -> Result<()> {
    let read: Tape = tape.to_string().parse()?;
    if read == *tape {
        Ok(())
    } else {
        Err(Error::new(format!("the text form of\n{tape}\nreads back as\n{read}")))
    }
}

/// Checks what any text must satisfy: it is refused, or it is a tape that prints, reads back and transforms.
///
/// # Errors
/// Where a text that was read breaks one of these laws.
pub fn text(text: &str) -> Result<()> {
    let Ok(tape) = text.parse::<Tape>() else { return Ok(()) };
    round_trip(&tape)?;
    let names: Vec<&str> = tape.inputs().iter().map(|(name, _)| name.as_str()).collect();
    // A tape may itself have names that end in `_dot`: linearisation refuses those that are taken.
    let Ok(forward) = tape.linearize(&names) else { return Ok(()) };
    round_trip(forward.tape())?;
    forward.transpose().map_or(Ok(()), |reverse| round_trip(reverse.tape()))
}

/// Checks what any bytes must satisfy: the program that they decide ([`Case::from_bytes`]), compiled, gives what the
/// evaluator gives.
///
/// # Errors
/// As [`program`], with the listing.
pub fn bytes(bytes: &[u8]) -> Result<()> {
    let case = Case::from_bytes(bytes)?;
    let checked = program(&case.tape, case.examples, &case.inputs, PROGRAM_TOLERANCE);
    checked.map_err(|error| Error::new(format!("{error}\n{case:?}")))
}

/// How far a compiled program may be from the evaluator on a [`Case`]: sums in another order, and
/// elementary functions to their stated ulps, amplified by the steps that follow.
pub const PROGRAM_TOLERANCE: f64 = 1e-9;

/// Checks the compiled program against the evaluator, to a tolerance relative to each output's largest element, plus
/// one: sums may be taken in another order. NaN is equal to NaN.
///
/// # Errors
/// The first element that differs, with both numbers.
pub fn program(tape: &Tape, examples: usize, inputs: &[Array], tolerance: f64) -> Result<()> {
    let want = tape.eval(examples, inputs)?;
    let inputs: Vec<&[f64]> = inputs.iter().map(|a| a.data.as_slice()).collect();
    let got = tape.compile::<f64>()?.call(examples, &inputs)?;
    for (((name, _), want), got) in tape.outputs().iter().zip(&want).zip(&got) {
        if got.len() != want.data.len() {
            let (n, m) = (got.len(), want.data.len());
            return Err(Error::new(format!("the program gives `{name}` {n} elements, the evaluator {m}")));
        }
        let finite = want.data.iter().filter(|x| x.is_finite());
        let scale = finite.fold(1.0_f64, |scale, x| scale.max(1.0 + x.abs()));
        for (place, (&g, &w)) in got.iter().zip(&want.data).enumerate() {
            let equal = g == w || (g.is_nan() && w.is_nan()) || (g - w).abs() <= tolerance * scale;
            if !equal {
                let element = describe(name, want, place);
                return Err(Error::new(format!("{element} is {g} by the program, {w} by the evaluator")));
            }
        }
    }
    Ok(())
}
