//! Numbers with derivatives in files: a [`Dual`] is its value and its tangents, `[x, [t0, t1]]`. A `Var` has no meaning
//! outside its recording, and so no form in a file.

use alloc::vec::Vec;

use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};

use super::Dual;

impl<T: Serialize, const N: usize> Serialize for Dual<T, N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (&self.value, &self.tangent[..]).serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>, const N: usize> Deserialize<'de> for Dual<T, N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (value, tangents) = <(T, Vec<T>)>::deserialize(deserializer)?;
        let given = tangents.len();
        let tangent = tangents.try_into().map_err(|_| {
            D::Error::custom(alloc::format!("a Dual with {N} tangents is wanted, this has {given}"))
        })?;
        Ok(Dual { value, tangent })
    }
}
