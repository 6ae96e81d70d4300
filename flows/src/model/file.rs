//! Bytes to models and back.

use std::collections::HashSet;
use std::fmt;

use ad_core::Array;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors, serialize};
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::checksum::crc32;
use super::{Description, Fault, Model};
use crate::Parameters;

/// The one entry of the file's metadata. With more than one their order, and so the bytes, would be random.
const KEY: &str = "flows";
const VERSION: u64 = 1;
/// Bytes of the header's length, at the start of a safetensors file.
const LENGTH: usize = 8;

/// What the metadata hold. The description stays undecoded until version and checksum are known to be right.
#[derive(Serialize, Deserialize)]
struct Envelope {
    format_version: u64,
    /// Of the description's compact text, then of all tensors by name.
    crc32: u32,
    model: serde_json::Value,
}

impl Model {
    /// The model as the bytes of a safetensors file. Equal models give equal bytes.
    ///
    /// # Errors
    /// Whatever would keep the bytes from being read back.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Fault> {
        let mut arrays: Vec<(&str, &Array)> = self.parameters.iter().collect();
        arrays.sort_unstable_by_key(|(name, _)| *name);
        let data: Vec<Vec<u8>> =
            arrays.iter().map(|(_, a)| a.data.iter().flat_map(|x| x.to_le_bytes()).collect()).collect();
        let model = serde_json::to_value(&self.description)?;
        let crc32 = checksum(&model, data.iter().map(|d| &d[..]));
        let text = serde_json::to_string(&Envelope { format_version: VERSION, crc32, model })?;
        let views = arrays
            .iter()
            .zip(&data)
            .map(|((name, a), data)| Ok((*name, TensorView::new(Dtype::F64, a.shape.clone(), data)?)));
        let views = views.collect::<Result<Vec<_>, Fault>>()?;
        let bytes = serialize(views, Some([(KEY.to_owned(), text)].into_iter().collect()))?;
        Self::from_bytes(&bytes)?;
        Ok(bytes)
    }

    /// The model that [`Model::to_bytes`] made these bytes of.
    ///
    /// # Errors
    /// The first [`Fault`] found.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Fault> {
        let (header, metadata) = SafeTensors::read_metadata(bytes)?;
        let text = metadata.metadata().as_ref().and_then(|m| m.get(KEY)).ok_or(Fault::Foreign)?;
        no_duplicates(&bytes[LENGTH..LENGTH + header])?;
        let envelope: Envelope = match serde_json::from_str(text)? {
            Version { format_version: VERSION } => serde_json::from_str(text)?,
            Version { format_version: found } => return Err(Fault::Version { found, known: VERSION }),
        };
        let tensors = SafeTensors::deserialize(bytes)?;
        let mut tensors = tensors.tensors();
        tensors.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let found = checksum(&envelope.model, tensors.iter().map(|(_, view)| view.data()));
        if found != envelope.crc32 {
            return Err(Fault::Checksum { stored: envelope.crc32, found });
        }
        let description: Description = serde_json::from_value(envelope.model)?;
        description.check()?;
        let parameters = parameters(&description, tensors)?;
        Ok(Self { description, parameters })
    }
}

/// The part of the metadata that every version has.
#[derive(Deserialize)]
struct Version {
    format_version: u64,
}

fn checksum<'a>(model: &serde_json::Value, tensors: impl Iterator<Item = &'a [u8]>) -> u32 {
    let text = model.to_string();
    // Shortens the tensors' lifetime to that of the text.
    let tensors = tensors.map(|bytes: &[u8]| bytes);
    crc32(std::iter::once(text.as_bytes()).chain(tensors))
}

/// Checks sizes before the field is recorded, so that an absurd architecture costs nothing.
fn parameters(description: &Description, tensors: Vec<(String, TensorView)>) -> Result<Parameters, Fault> {
    let found = tensors.iter().map(|(_, view)| view.data().len() / size_of::<f64>()).sum();
    let expected = description.architecture.parameter_count();
    if expected != Some(found) {
        return Err(Fault::Size { found, expected });
    }
    let field = description.architecture.field()?;
    let arrays = tensors.into_iter().map(|(name, view)| Ok((name.clone(), array(name, &view)?)));
    let arrays = arrays.collect::<Result<Vec<_>, Fault>>()?;
    Ok(Parameters::from_arrays(field.declarations(), arrays).map_err(crate::Error::from)?)
}

fn array(name: String, view: &TensorView) -> Result<Array, Fault> {
    if view.dtype() != Dtype::F64 {
        return Err(Fault::Dtype { name, dtype: view.dtype() });
    }
    let (elements, _) = view.data().as_chunks();
    let data: Vec<f64> = elements.iter().map(|&bytes| f64::from_le_bytes(bytes)).collect();
    match data.iter().position(|x| !x.is_finite()) {
        Some(index) => Err(Fault::NotFinite { name, index, value: data[index] }),
        None => Ok(Array { shape: view.shape().to_vec(), data }),
    }
}

/// The reader of safetensors takes the last of two tensors of one name.
fn no_duplicates(header: &[u8]) -> Result<(), Fault> {
    let Names(names) = serde_json::from_slice(header)?;
    let mut seen = HashSet::new();
    match names.iter().find(|name| !seen.insert(*name)) {
        Some(name) => Err(Fault::Duplicate { name: name.clone() }),
        None => Ok(()),
    }
}

/// The keys of a JSON object, in order and however often each is there.
struct Names(Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Names;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of tensors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Names, A::Error> {
                let mut names = Vec::new();
                while let Some((name, IgnoredAny)) = map.next_entry()? {
                    names.push(name);
                }
                Ok(Names(names))
            }
        }
        deserializer.deserialize_map(Keys)
    }
}
