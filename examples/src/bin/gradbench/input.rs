//! Numbers out of messages.

use serde_json::Value;

use crate::Result;

/// All numbers of a field, however they are nested.
pub(crate) fn numbers(input: &Value, key: &str) -> Result<Vec<f64>> {
    let mut numbers = Vec::new();
    flatten(field(input, key)?, &mut numbers).ok_or_else(|| format!("`{key}` is to be made of numbers"))?;
    Ok(numbers)
}

/// One number.
pub(crate) fn number(input: &Value, key: &str) -> Result<f64> {
    Ok(field(input, key)?.as_f64().ok_or_else(|| format!("`{key}` is to be a number"))?)
}

/// One count or index.
pub(crate) fn count(input: &Value, key: &str) -> Result<usize> {
    let value = field(input, key)?;
    let whole =
        value.as_u64().or_else(|| value.as_f64().filter(|n| n.fract() == 0.0 && *n >= 0.0).map(|n| n as u64));
    Ok(whole.and_then(|n| usize::try_from(n).ok()).ok_or_else(|| format!("`{key}` is to be a count"))?)
}

/// A list.
pub(crate) fn list<'a>(input: &'a Value, key: &str) -> Result<&'a Vec<Value>> {
    Ok(field(input, key)?.as_array().ok_or_else(|| format!("`{key}` is to be a list"))?)
}

/// A field.
pub(crate) fn field<'a>(input: &'a Value, key: &str) -> Result<&'a Value> {
    Ok(input.get(key).ok_or_else(|| format!("`{key}` is missing"))?)
}

/// How many numbers the first row of a field has.
pub(crate) fn width(input: &Value, key: &str) -> Result<usize> {
    let width = list(input, key)?.first().and_then(Value::as_array).map_or(0, Vec::len);
    if width == 0 { Err(format!("`{key}` is to have rows").into()) } else { Ok(width) }
}

/// An error, unless a field has as many numbers as it should.
pub(crate) fn expect(key: &str, given: usize, wanted: usize) -> Result<()> {
    if given == wanted {
        Ok(())
    } else {
        Err(format!("`{key}` has {given} numbers, {wanted} are wanted").into())
    }
}

/// Rows of `columns` numbers.
pub(crate) fn rows(numbers: &[f64], columns: usize) -> Vec<&[f64]> {
    if columns == 0 { Vec::new() } else { numbers.chunks(columns).collect() }
}

fn flatten(value: &Value, numbers: &mut Vec<f64>) -> Option<()> {
    match value {
        Value::Array(values) => values.iter().try_for_each(|value| flatten(value, numbers)),
        value => value.as_f64().map(|number| numbers.push(number)),
    }
}
