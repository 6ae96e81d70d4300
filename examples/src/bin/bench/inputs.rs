//! Weights, points and probes: from files, or from seeds.

use std::path::Path;

use ad_core::Array;
use ad_ops::random::Purpose;
use flows::{Field, Parameters};
use safetensors::{Dtype, SafeTensors};

use crate::{Result, network};

/// The network of one dimension, and points for it, row-major.
pub(crate) struct Inputs {
    pub(crate) field: Field,
    pub(crate) weights: Parameters,
    pub(crate) points: Vec<f64>,
    pub(crate) probes: Vec<f64>,
}

impl Inputs {
    /// Those of dimension `d`, with `batch` points.
    pub(crate) fn of_dimension(folder: Option<&Path>, d: usize, batch: usize) -> Result<Self> {
        let Some(folder) = folder else { return Self::from_seeds(d, batch) };
        let own = if batch == 256 { "256" } else { "" };
        Self::read(folder, &format!("d{d}"), d, batch, [&format!("x{own}"), &format!("probe{own}")])
    }

    /// Those of the file `name` in `folder`; `keys` name the points and the probes.
    pub(crate) fn read(folder: &Path, name: &str, d: usize, batch: usize, keys: [&str; 2]) -> Result<Self> {
        let path = folder.join(name).with_extension("safetensors");
        let bytes = std::fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let read = || -> Result<Self> {
            let file = SafeTensors::deserialize(&bytes)?;
            let field = network::field(d)?;
            let weights = Parameters::from_arrays(field.declarations(), layers(&file)?)?;
            let rows = |key| -> Result<Vec<f64>> {
                let rows = tensor(&file, key)?.data;
                let message = format!("`{key}` has {} numbers, {batch} rows of {d} are wanted", rows.len());
                Ok(rows.get(..batch * d).ok_or(message)?.to_vec())
            };
            let [points, probes] = keys;
            let probes = if probes.is_empty() { Vec::new() } else { rows(probes)? };
            Ok(Inputs { field, weights, points: rows(points)?, probes })
        };
        read().map_err(|e| format!("{}: {e}", path.display()).into())
    }

    /// Weights as they begin, normal points, random signs.
    pub(crate) fn from_seeds(d: usize, batch: usize) -> Result<Self> {
        let field = network::field(d)?;
        let weights = Parameters::init(field.declarations(), d as u64);
        let rows = |purpose: Purpose| {
            let mut stream = purpose.stream(d as u64, 0, 0);
            let sign = purpose == Purpose::Probe;
            (0..batch * d).map(|_| if sign { stream.sign() } else { stream.standard_normal() }).collect()
        };
        Ok(Inputs { field, weights, points: rows(Purpose::Data), probes: rows(Purpose::Probe) })
    }
}

/// The layers `w0 b0 w1 b1 ..` as parameters of the field: matrices stand transposed in the file.
fn layers(file: &SafeTensors) -> Result<Vec<(String, Array)>> {
    let mut arrays = Vec::new();
    for k in 0.. {
        let Ok(w) = tensor(file, &format!("w{k}")) else { break };
        let &[rows, columns] = &w.shape[..] else { return Err(format!("`w{k}` is no matrix").into()) };
        let transposed = (0..columns).flat_map(|i| (0..rows).map(move |o| (o, i)));
        let data = transposed.map(|(o, i)| w.data[o * columns + i]).collect();
        arrays.push((format!("net.{k}.w"), Array::new(&[columns, rows], data)?));
        arrays.push((format!("net.{k}.b"), tensor(file, &format!("b{k}"))?));
    }
    Ok(arrays)
}

fn tensor(file: &SafeTensors, key: &str) -> Result<Array> {
    let view = file.tensor(key)?;
    let data = match view.dtype() {
        Dtype::F64 => numbers(view.data(), f64::from_le_bytes),
        Dtype::F32 => numbers(view.data(), |x| f64::from(f32::from_le_bytes(x))),
        other => return Err(format!("`{key}` holds {other:?}, not numbers").into()),
    };
    Ok(Array::new(view.shape(), data)?)
}

fn numbers<const N: usize>(bytes: &[u8], convert: impl Fn([u8; N]) -> f64) -> Vec<f64> {
    bytes.as_chunks().0.iter().map(|&x| convert(x)).collect()
}
