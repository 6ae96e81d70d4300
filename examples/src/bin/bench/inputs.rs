//! Weights, points and probes: from files, or from seeds.

use std::path::Path;

use ad_core::Array;
use ad_ops::hutch_pp::{HutchPp, orthonormalise};
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
    /// Random rows of Hutch++, as many as [`hutchpp`](network::hutchpp) takes: of the sketch, and for the rest.
    pub(crate) sketch: Vec<f64>,
    /// Any basis for each point: the sketch, made orthonormal.
    pub(crate) basis: Vec<f64>,
    pub(crate) rest: Vec<f64>,
}

impl Inputs {
    /// Those of dimension `d`, with `batch` points.
    pub(crate) fn of_dimension(folder: Option<&Path>, d: usize, batch: usize) -> Result<Self> {
        let Some(folder) = folder else { return Self::from_seeds(d, batch) };
        let keys = match batch {
            256 => ["x256", "probe256", "sketch", "rest"],
            _ => ["x", "probe", "sketch4096", "rest4096"],
        };
        Self::read(folder, &format!("d{d}"), d, batch, &keys)
    }

    /// Those of the file `name` in `folder`; `keys` name the points, and as many of probes, sketch and rest as are wanted.
    pub(crate) fn read(folder: &Path, name: &str, d: usize, batch: usize, keys: &[&str]) -> Result<Self> {
        let path = folder.join(name).with_extension("safetensors");
        let bytes = std::fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let read = || -> Result<Self> {
            let file = SafeTensors::deserialize(&bytes)?;
            let field = network::field(d)?;
            let weights = Parameters::from_arrays(field.declarations(), layers(&file)?)?;
            let rows = |place: usize, each: usize| -> Result<Vec<f64>> {
                let Some(&key) = keys.get(place) else { return Ok(Vec::new()) };
                let (rows, want) = (tensor(&file, key)?.data, batch * each);
                let message = format!("`{key}` has {} numbers, {want} rows of {d} are wanted", rows.len());
                Ok(rows.get(..want * d).ok_or(message)?.to_vec())
            };
            let HutchPp { basis, probes } = network::hutchpp(d);
            let (sketch, rest) = (rows(2, basis)?, rows(3, probes)?);
            let basis = orthonormal(&sketch, d)?;
            Ok(Inputs { field, weights, points: rows(0, 1)?, probes: rows(1, 1)?, sketch, basis, rest })
        };
        read().map_err(|e| format!("{}: {e}", path.display()).into())
    }

    /// Weights as they begin, normal points, random signs.
    pub(crate) fn from_seeds(d: usize, batch: usize) -> Result<Self> {
        let field = network::field(d)?;
        let weights = Parameters::init(field.declarations(), d as u64);
        let mut normal = Purpose::Data.stream(d as u64, 0, 0);
        let points = (0..batch * d).map(|_| normal.standard_normal()).collect();
        let signs = |which, each| {
            let mut stream = Purpose::Probe.stream(d as u64, which, 0);
            (0..batch * each * d).map(|_| stream.sign()).collect::<Vec<f64>>()
        };
        let HutchPp { basis, probes } = network::hutchpp(d);
        let (sketch, rest) = (signs(1, basis), signs(2, probes));
        let basis = orthonormal(&sketch, d)?;
        Ok(Inputs { field, weights, points, probes: signs(0, 1), sketch, basis, rest })
    }
}

/// The rows of each point, as many as [`hutchpp`](network::hutchpp) takes, made orthonormal.
fn orthonormal(sketch: &[f64], d: usize) -> Result<Vec<f64>> {
    let mut basis = sketch.to_vec();
    let rows = network::hutchpp(d).basis;
    for own in basis.chunks_exact_mut(rows * d) {
        orthonormalise(own, rows, d, 1)?;
    }
    Ok(basis)
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
