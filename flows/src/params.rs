//! Parameters with names: what a field declares, what training moves, what a model file holds.

use std::collections::HashSet;

use ad_core::{Array, Element, Error, Result};
use ad_ops::random::{Purpose, Stream};
use indexmap::IndexMap;

/// How a parameter begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// Uniform between `-bound` and `bound`.
    Uniform {
        /// The largest size of an element.
        bound: f64,
    },
    /// Normal with mean 0 and standard deviation `scale`.
    Normal {
        /// The standard deviation.
        scale: f64,
    },
    /// The same number everywhere.
    Constant(f64),
}

impl Init {
    /// Uniform between ±1/sqrt(`fan_in`), as common libraries begin a linear layer.
    pub fn fan_in(fan_in: usize) -> Init {
        Init::Uniform { bound: 1.0 / (fan_in.max(1) as f64).sqrt() }
    }

    fn draw(self, stream: &mut Stream) -> f64 {
        match self {
            Init::Uniform { bound } => bound * (2.0 * stream.uniform() - 1.0),
            Init::Normal { scale } => scale * stream.standard_normal(),
            Init::Constant(value) => value,
        }
    }
}

/// A parameter as a field declares it.
#[derive(Clone, Debug, PartialEq)]
pub struct Declaration {
    /// Its name, unique in the field.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// How it begins.
    pub init: Init,
}

/// Arrays by name, in the order in which the field declares them. Always in double precision, whatever the precision
/// of the program that uses them: small steps of training are not lost.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Parameters {
    arrays: IndexMap<String, Array>,
}

impl Parameters {
    /// Initial values; the same seed gives the same bits.
    pub fn init(declarations: &[Declaration], seed: u64) -> Parameters {
        let draw = |(k, d): (usize, &Declaration)| {
            let mut stream = Purpose::Init.stream(seed, 0, k as u32);
            let data = (0..d.shape.iter().product()).map(|_| d.init.draw(&mut stream)).collect();
            (d.name.clone(), Array { shape: d.shape.clone(), data })
        };
        Parameters { arrays: declarations.iter().enumerate().map(draw).collect() }
    }

    /// Given values for what a field declares.
    ///
    /// # Errors
    /// Where an array is missing, is not declared, comes twice, or has another shape.
    pub fn from_arrays(
        declarations: &[Declaration],
        arrays: impl IntoIterator<Item = (String, Array)>,
    ) -> Result<Parameters> {
        let mut given: IndexMap<String, Array> = IndexMap::new();
        for (name, array) in arrays {
            if given.insert(name.clone(), array).is_some() {
                return Err(Error::new(format!("parameter `{name}` is given twice")));
            }
        }
        let declared: HashSet<&str> = declarations.iter().map(|d| d.name.as_str()).collect();
        if let Some(name) = given.keys().find(|n| !declared.contains(n.as_str())) {
            return Err(Error::new(format!(
                "parameter `{name}` is given, and the field does not declare it"
            )));
        }
        let mut ordered = IndexMap::new();
        for d in declarations {
            let array = given.swap_remove(&d.name);
            let array = array.ok_or_else(|| Error::new(format!("parameter `{}` is not given", d.name)))?;
            if array.shape != d.shape {
                let (name, want, got) = (&d.name, &d.shape, &array.shape);
                return Err(Error::new(format!(
                    "parameter `{name}` has shape {want:?}, it was given {got:?}"
                )));
            }
            ordered.insert(d.name.clone(), array);
        }
        Ok(Parameters { arrays: ordered })
    }

    /// Names and arrays, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Array)> + DoubleEndedIterator {
        self.arrays.iter().map(|(name, array)| (name.as_str(), array))
    }

    /// The arrays, in order, to be changed.
    pub fn arrays_mut(&mut self) -> impl ExactSizeIterator<Item = &mut Array> {
        self.arrays.values_mut()
    }

    /// One array.
    pub fn get(&self, name: &str) -> Option<&Array> {
        self.arrays.get(name)
    }

    /// The number of numbers.
    pub fn count(&self) -> usize {
        self.arrays.values().map(|a| a.data.len()).sum()
    }

    /// The elements of each array in the precision of a program.
    pub fn cast<T: Element>(&self) -> Vec<Vec<T>> {
        self.arrays.values().map(|a| a.data.iter().map(|&x| T::from_f64(x)).collect()).collect()
    }

    /// The same names and shapes with zeros.
    #[must_use]
    pub fn zeros_like(&self) -> Parameters {
        let zero = |(n, a): (&String, &Array)| {
            (n.clone(), Array { shape: a.shape.clone(), data: vec![0.0; a.data.len()] })
        };
        Parameters { arrays: self.arrays.iter().map(zero).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declarations() -> Vec<Declaration> {
        let one =
            |name: &str, shape: &[usize], init| Declaration { name: name.into(), shape: shape.into(), init };
        vec![one("w", &[3, 50], Init::fan_in(3)), one("b", &[50], Init::Constant(0.5))]
    }

    #[test]
    fn same_seed_same_bits_within_bounds() {
        let p = Parameters::init(&declarations(), 3);
        assert_eq!(p, Parameters::init(&declarations(), 3));
        assert_ne!(p, Parameters::init(&declarations(), 4));
        let bound = 1.0 / 3.0_f64.sqrt();
        assert!(p.get("w").is_some_and(|w| w.data.iter().all(|x| x.abs() <= bound)));
        assert_eq!(p.count(), 200);
    }

    #[test]
    fn arrays_must_be_those_declared() {
        let d = declarations();
        let p = Parameters::init(&d, 1);
        let mut arrays: Vec<(String, Array)> =
            p.iter().map(|(n, a)| (n.to_owned(), a.clone())).rev().collect();
        assert_eq!(Parameters::from_arrays(&d, arrays.clone()).as_ref(), Ok(&p));
        let refusal =
            |arrays: Vec<(String, Array)>| Parameters::from_arrays(&d, arrays).unwrap_err().to_string();
        assert!(refusal(arrays[..1].to_vec()).contains("`w` is not given"));
        assert!(refusal([arrays.clone(), arrays[..1].to_vec()].concat()).contains("`b` is given twice"));
        arrays[0].1.shape = vec![25, 2];
        assert!(refusal(arrays.clone()).contains("[25, 2]"));
        arrays[0].0 = "c".into();
        assert!(refusal(arrays).contains("does not declare"));
    }
}
