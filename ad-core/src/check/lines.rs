//! Lines as no recording leaves them: views on views, diagonals, broadcasts, sums of nothing but counts. The builder melts
//! them; what is left must compute the same.

use std::collections::HashMap;
use std::fmt::Write;

use super::engines::{PROGRAM_TOLERANCE, program};
use super::map::{close, describe};
use super::{Choices, Tester};
use crate::error::{Error, Result};
use crate::eval::Array;
use crate::tape::{Extent, Tape, Tracer};

/// The most lines beside the inputs.
const LINES: usize = 8;
/// The most axes beside the examples.
const RANK: usize = 3;
/// Values beyond this are not compared: rounding has the word there.
const LARGEST: f64 = 1e6;
/// The letters of axes of length 1, 2 and 3.
const LETTERS: [&[char]; 3] = [&['p', 'q'], &['i', 'j', 'k'], &['a', 'b', 'c']];

/// Checks what any bytes must satisfy: of the lines that they decide, written as text, the builder makes a tape that gives
/// the same; both run compiled as they evaluate ([`program`]); and forward and reverse mode of both agree.
///
/// # Errors
/// The first law that does not hold, with the listing.
pub fn lines(bytes: &[u8]) -> Result<()> {
    let text = listing(&mut Choices::from_bytes(bytes));
    // Two lines may say the same, which a tape never has.
    let Ok(raw) = text.parse::<Tape>() else { return Ok(()) };
    laws(&raw).map_err(|error| Error::new(format!("{error}\n{raw}")))
}

fn laws(raw: &Tape) -> Result<()> {
    let examples = 2;
    let mut numbers = Choices::from_seed(7);
    let length = |d: &Extent| if let Extent::Fixed(n) = d { *n } else { examples };
    let input = |(_, id): &(String, crate::tape::NodeId)| {
        let shape: Vec<usize> = raw.node(*id).dims().iter().map(length).collect();
        Array { data: (0..shape.iter().product()).map(|_| numbers.between(-1.5, 1.5)).collect(), shape }
    };
    let inputs: Vec<Array> = raw.inputs().iter().map(input).collect();
    let values = raw.values(examples, &inputs, &HashMap::new());
    if !values.iter().flat_map(|v| &v.data).all(|x| x.abs() <= LARGEST) {
        return Ok(());
    }
    let built = Tape::record(|t| {
        let declare = |(name, id): &(String, crate::tape::NodeId)| -> Tracer {
            let node = raw.node(*id);
            if node.has_example() { t.example(name, &node.shape()) } else { t.shared(name, &node.shape()) }
        };
        let inputs: Vec<Tracer> = raw.inputs().iter().map(declare).collect();
        let outputs = t.inline(raw, &inputs.iter().collect::<Vec<_>>());
        raw.outputs().iter().map(|(name, _)| name.clone()).zip(outputs).collect::<Vec<_>>()
    })?;
    let (want, got) = (raw.eval(examples, &inputs)?, built.eval(examples, &inputs)?);
    for ((name, _), (want, got)) in raw.outputs().iter().zip(want.iter().zip(&got)) {
        let scale = want.data.iter().fold(1.0_f64, |scale, x| scale.max(x.abs()));
        let differ = |(g, w): (&f64, &f64)| !close(*g, *w, PROGRAM_TOLERANCE * scale);
        if let Some(place) = got.data.iter().zip(&want.data).position(differ) {
            let (element, g, w) = (describe(name, want, place), got.data[place], want.data[place]);
            return Err(Error::new(format!("{element} is {w} as written, {g} as built:\n{built}\nof")));
        }
    }
    // Numbers may be large here, where differences say little.
    let tester = Tester { order: 1, differences: f64::INFINITY, ..Tester::default() };
    for tape in [raw, &built] {
        program(tape, examples, &inputs, PROGRAM_TOLERANCE)?;
        tester.check(tape, examples, &inputs)?;
    }
    Ok(())
}

/// A value: whether it has examples, and the lengths of its axes.
struct Value {
    name: String,
    example: bool,
    lengths: Vec<usize>,
}

/// The text of a tape; its last values are outputs.
fn listing(choices: &mut Choices<'_>) -> String {
    let mut text = String::new();
    let mut values: Vec<Value> = Vec::new();
    for k in 0..2 + choices.below(2) {
        let lengths: Vec<usize> = (0..choices.below(RANK + 1)).map(|_| 1 + choices.below(3)).collect();
        let value = Value { name: format!("x{k}"), example: choices.below(3) < 2, lengths };
        let mut letters: Vec<String> = value.example.then(|| "e".to_owned()).into_iter().collect();
        // A letter of its own for each axis.
        letters.extend(value.lengths.iter().zip(['i', 'j', 'k']).map(|(n, l)| format!("{l}:{n}")));
        let _ = writeln!(text, "in {}[{}]", value.name, letters.join(","));
        values.push(value);
    }
    for _ in 0..=choices.below(LINES) {
        let name = format!("v{}", values.len());
        let (line, value) = line(&values, name, choices);
        text += &line;
        values.push(value);
    }
    for (k, value) in values.iter().rev().take(2).enumerate() {
        let _ = writeln!(text, "out y{k} = {}", value.name);
    }
    text
}

fn line(values: &[Value], name: String, choices: &mut Choices<'_>) -> (String, Value) {
    let functions = ["tanh", "sin", "stop", "sigmoid"];
    match choices.below(6) {
        0 => {
            let (operand, letters) = read(values, choices);
            let function = *choices.pick(&functions);
            result(name, &distinct(&letters), &letters, &[], |_| format!("{function} {operand}"))
        }
        1 => {
            let (operand, letters) = read(values, choices);
            let (mut terms, out) = (vec![operand], distinct(&letters));
            for _ in 0..=choices.below(3) {
                let (operand, more) = read(values, choices);
                if more.iter().all(|l| out.contains(l)) {
                    terms.push(operand);
                }
            }
            let signs: Vec<&str> =
                terms.iter().map(|_| *choices.pick(&["+", "-", "- 0.5 *", "+ 2 *"])).collect();
            if terms.len() < 2 {
                return result(name, &out, &letters, &[], |_| terms[0].clone());
            }
            let rest: Vec<String> = terms[1..].iter().zip(signs).map(|(t, s)| format!(" {s} {t}")).collect();
            let rest = rest.concat();
            result(name, &out, &letters, &[], |_| format!("{}{rest}", terms[0]))
        }
        kind => {
            let (mut operands, mut letters) = (Vec::new(), Vec::new());
            for _ in 0..choices.below(3).max(usize::from(kind > 2)) {
                let (operand, more) = read(values, choices);
                operands.push(operand);
                letters.extend(more);
            }
            let factor = *choices.pick(&["", "-1 * ", "0.5 * ", "2 * "]);
            let out = out(&letters, choices);
            let summed: Vec<char> = distinct(&letters).into_iter().filter(|l| !out.contains(l)).collect();
            let product = if operands.is_empty() { "1".to_owned() } else { operands.join(" * ") };
            result(name, &out, &letters, &summed, |sum| format!("{sum}{factor}{product}"))
        }
    }
}

/// An earlier value and letters for its axes.
fn read(values: &[Value], choices: &mut Choices<'_>) -> (String, Vec<char>) {
    let value = &values[values.len() - 1 - choices.below(values.len())];
    let mut letters: Vec<char> = value.example.then_some('e').into_iter().collect();
    letters.extend(value.lengths.iter().map(|&n| *choices.pick(LETTERS[n - 1])));
    (format!("{}[{}]", value.name, joined(&letters)), letters)
}

/// Some letters for a result: of those that are read, and perhaps others; perhaps one twice.
fn out(read: &[char], choices: &mut Choices<'_>) -> Vec<char> {
    let mut out: Vec<char> = Vec::new();
    if read.contains(&'e') && choices.below(4) > 0 {
        out.push('e');
    }
    let fixed: Vec<char> = read.iter().copied().filter(|&l| l != 'e').collect();
    for _ in 0..choices.below(RANK + 1) {
        let known = !fixed.is_empty() && choices.below(4) > 0;
        let among = if known { &fixed[..] } else { LETTERS[choices.below(3)] };
        out.push(*choices.pick(among));
    }
    out
}

fn result(
    name: String,
    out: &[char],
    read: &[char],
    summed: &[char],
    right: impl FnOnce(&str) -> String,
) -> (String, Value) {
    let length = |l: char| 1 + LETTERS.iter().position(|letters| letters.contains(&l)).unwrap_or(0);
    let mut seen: Vec<char> = read.to_vec();
    let declared = |&l: &char| {
        let new = l != 'e' && !seen.contains(&l);
        seen.push(l);
        if new { format!("{l}:{}", length(l)) } else { l.to_string() }
    };
    let left: Vec<String> = out.iter().map(declared).collect();
    let sum = if summed.is_empty() { String::new() } else { format!("sum_{{{}}} ", joined(summed)) };
    let line = format!("{name}[{}] = {}\n", left.join(","), right(&sum));
    let lengths = out.iter().filter(|l| **l != 'e').map(|&l| length(l)).collect();
    (line, Value { name, example: out.contains(&'e'), lengths })
}

fn distinct(letters: &[char]) -> Vec<char> {
    let mut out: Vec<char> = Vec::new();
    for l in letters {
        if !out.contains(l) {
            out.push(*l);
        }
    }
    // Examples come first.
    out.sort_by_key(|l| *l != 'e');
    out
}

fn joined(letters: &[char]) -> String {
    letters.iter().map(char::to_string).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Most listings must be read, and say all that there is to say, or the law would say nothing.
    #[test]
    fn most_listings_are_read() {
        let texts: Vec<String> = (0..1000).map(|seed| listing(&mut Choices::from_seed(seed))).collect();
        let count = texts.iter().filter(|text| text.parse::<Tape>().is_ok()).count();
        assert!(count > 500, "{count} of 1000 listings are read");
        let said = |what: &str| texts.iter().filter(|text| text.contains(what)).count();
        for what in [
            "in x2[",
            "v5[",
            "tanh",
            " + ",
            " - 0.5 *",
            " * x0[",
            "sum_{",
            "sum_{e}",
            "[e,i,i] =",
            ":2] = ",
            "= 1\n",
            "y1",
        ] {
            assert!(said(what) > 4, "{} listings say `{what}`", said(what));
        }
    }
}
