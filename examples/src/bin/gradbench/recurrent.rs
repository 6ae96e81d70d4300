//! The loss of a recurrent network.

use examples::problems::recurrent_loss;
use examples::{by_hand, tapes};
use serde_json::Value;

use crate::input::{expect, list, numbers, width};
use crate::{Job, Result};

pub(crate) fn job(function: &str, input: &Value) -> Result<Option<Job>> {
    let b = width(input, "sequence")?;
    let layers = list(input, "main_params")?.len() / 2;
    let mut x = numbers(input, "main_params")?;
    expect("main_params", x.len(), 8 * layers * b)?;
    let extra = numbers(input, "extra_params")?;
    expect("extra_params", extra.len(), 3 * b)?;
    x.extend(extra);
    let (state, sequence) = (numbers(input, "state")?, numbers(input, "sequence")?);
    expect("state", state.len(), 2 * layers * b)?;
    if sequence.len() < 2 * b {
        return Err("`sequence` is to have two characters".into());
    }
    Ok(match function {
        "objective" => Some(Job::number(move || Ok(recurrent_loss(&x, &state, &sequence, b)))),
        "jacobian" => {
            let mut tape = tapes::Recurrent::new(layers, b, sequence.len() / b)?;
            Some(Job::list(move || Ok(tape.gradient(&x, &state, &sequence)?.1)))
        }
        "by_hand" => Some(Job::list(move || Ok(by_hand::recurrent(&x, &state, &sequence, b).1))),
        _ => None,
    })
}
