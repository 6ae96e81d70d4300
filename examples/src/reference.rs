//! A flow trained elsewhere: `examples/data/seed6d.json`.

use std::error::Error;

use ad_core::Array;
use flows::layer::{Activation, mlp_field};
use flows::{Field, Parameters};
use serde_json::Value;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A six-dimensional data set, the initial and the trained weights of a field on it, and reference values.
#[derive(Debug)]
pub struct Reference {
    /// The numbers of a point.
    pub dims: usize,
    /// The field that the weights are for.
    pub field: Field,
    /// The data, row-major.
    pub data: Vec<f64>,
    /// Weights before training.
    pub initial: Parameters,
    /// Weights after it.
    pub trained: Parameters,
    /// The first so many rows of the data are those that reference values are for.
    pub count: usize,
    /// The exact log-density of each.
    pub exact_log_p: Vec<f64>,
    /// The field there at time 0.5, row-major.
    pub field_at_half: Vec<f64>,
    /// Its divergence.
    pub divergence_at_half: Vec<f64>,
    /// One probe for all points, in each of some draws.
    pub probes: Vec<Vec<f64>>,
}

impl Reference {
    /// Reads the text of such a file.
    ///
    /// # Errors
    /// Where it is no JSON, or an entry is missing or of another form.
    pub fn parse(text: &str) -> Result<Self> {
        let file: Value = serde_json::from_str(text)?;
        let dims = entry(&file, "data")?.get(0).and_then(Value::as_array).map_or(0, Vec::len);
        let arrays = weights(&file, "trained")?;
        let hidden = widths(&arrays[..arrays.len().saturating_sub(2)]);
        let field = mlp_field(dims, 0, &hidden, Activation::Tanh)?;
        let read = |key| -> Result<Parameters> {
            Ok(Parameters::from_arrays(field.declarations(), weights(&file, key)?)?)
        };
        let probes = entry(&file, "probes_n1")?.as_array().ok_or("`probes_n1` is no list")?;
        let (data, count) = (numbers(entry(&file, "data")?)?, entry(&file, "eval_points")?.as_u64());
        let count = count.ok_or("`eval_points` is no number")? as usize;
        if count * dims > data.len() {
            return Err(
                format!("`eval_points` is {count}, but there are {} points", data.len() / dims).into()
            );
        }
        Ok(Reference {
            dims,
            initial: read("init")?,
            trained: read("trained")?,
            data,
            count,
            exact_log_p: numbers(entry(&file, "exact_log_p")?)?,
            field_at_half: numbers(entry(&file, "field_at_half")?)?,
            divergence_at_half: numbers(entry(&file, "div_at_half")?)?,
            probes: probes.iter().map(numbers).collect::<Result<_>>()?,
            field,
        })
    }

    /// The points that the reference values are for.
    pub fn points(&self) -> &[f64] {
        &self.data[..self.count * self.dims]
    }
}

fn entry<'a>(file: &'a Value, key: &str) -> Result<&'a Value> {
    file.get(key).ok_or_else(|| format!("there is no `{key}`").into())
}

/// All numbers of nested lists, in order.
fn numbers(value: &Value) -> Result<Vec<f64>> {
    match value {
        Value::Array(list) => Ok(list.iter().map(numbers).collect::<Result<Vec<_>>>()?.concat()),
        other => Ok(vec![other.as_f64().ok_or_else(|| format!("`{other}` is no number"))?]),
    }
}

/// The layers of a field as parameters of [`mlp_field`]: matrices stand transposed in the file.
fn weights(file: &Value, key: &str) -> Result<Vec<(String, Array)>> {
    let layers = entry(file, key)?.as_array().ok_or_else(|| format!("`{key}` is no list"))?;
    let mut arrays = Vec::new();
    for (k, layer) in layers.iter().enumerate() {
        let (w, b) = (numbers(entry(layer, "w")?)?, numbers(entry(layer, "b")?)?);
        let (rows, columns) = (b.len(), w.len() / b.len().max(1));
        let transposed =
            (0..columns).flat_map(|i| (0..rows).map(move |o| (o, i))).map(|(o, i)| w[o * columns + i]);
        arrays.push((format!("net.{k}.w"), Array::new(&[columns, rows], transposed.collect())?));
        arrays.push((format!("net.{k}.b"), Array::new(&[rows], b)?));
    }
    Ok(arrays)
}

/// The widths of layers that are given as matrix, vector, matrix, vector ..
fn widths(arrays: &[(String, Array)]) -> Vec<usize> {
    arrays.iter().skip(1).step_by(2).map(|(_, b)| b.data.len()).collect()
}
