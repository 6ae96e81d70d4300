//! Bundle adjustment: errors of the observations, and their sparse Jacobian by rows.

use ad_core::{Var, jacobian};
use examples::problems::{Number, project};
use serde_json::{Value, json};

use crate::input::{count, expect, number, numbers};
use crate::{Job, Result};

/// Variables of an observation: those of the camera, the point, and the weight.
const COLUMNS: usize = 15;

/// All cameras, points and observations are alike in the message, and computed one by one here.
struct Bundle {
    cameras: Vec<[f64; 11]>,
    points: Vec<[f64; 3]>,
    weights: Vec<f64>,
    features: Vec<[f64; 2]>,
}

/// A matrix by rows: where each begins, and columns and values of what is not 0.
struct Sparse {
    starts: Vec<usize>,
    columns: Vec<usize>,
    values: Vec<f64>,
}

pub(crate) fn job(function: &str, input: &Value) -> Result<Option<Job>> {
    let [n, m, p] = [count(input, "n")?, count(input, "m")?, count(input, "p")?];
    if n == 0 || m == 0 || p == 0 {
        return Err("`n`, `m` and `p` are to be positive".into());
    }
    let bundle = Bundle {
        cameras: vec![exactly(input, "cam")?; n],
        points: vec![exactly(input, "x")?; m],
        weights: vec![number(input, "w")?; p],
        features: vec![exactly(input, "feat")?; p],
    };
    Ok(match function {
        "objective" => {
            let show = move |errors: &[f64]| {
                json!({
                    "reproj_error": {"elements": errors[..2], "repeated": p},
                    "w_err": {"element": errors[2 * p], "repeated": p},
                })
            };
            Some(Job { run: Box::new(move || Ok(bundle.errors())), show: Box::new(show) })
        }
        "jacobian" => {
            let show = |shown: &[f64]| {
                let [rows, columns, values] = [0, 1, 2].map(|part| &shown[part * SHOWN..(part + 1) * SHOWN]);
                let whole = |numbers: &[f64]| numbers.iter().map(|&n| n as u64).collect::<Vec<u64>>();
                json!({"rows": whole(rows), "cols": whole(columns), "vals": values})
            };
            Some(Job { run: Box::new(move || Ok(bundle.jacobian()?.shown())), show: Box::new(show) })
        }
        _ => None,
    })
}

fn exactly<const N: usize>(input: &Value, key: &str) -> Result<[f64; N]> {
    let numbers = numbers(input, key)?;
    expect(key, numbers.len(), N)?;
    Ok(numbers.try_into().map_err(|_| format!("`{key}` is to have {N} numbers"))?)
}

/// The error of an observation.
fn observe<T: Number>(variables: &[T; COLUMNS], feature: [f64; 2]) -> [T; 2] {
    let [u, v] = project(&variables[..11], &variables[11..14]);
    let weight = variables[14];
    [weight * (u + -feature[0]), weight * (v + -feature[1])]
}

impl Bundle {
    /// The variables of an observation.
    fn variables(&self, i: usize) -> [f64; COLUMNS] {
        let (camera, point) = (self.cameras[i % self.cameras.len()], self.points[i % self.points.len()]);
        let mut variables = [0.0; COLUMNS];
        variables[..11].copy_from_slice(&camera);
        variables[11..14].copy_from_slice(&point);
        variables[14] = self.weights[i];
        variables
    }

    /// Both errors of each observation, and then that of its weight.
    fn errors(&self) -> Vec<f64> {
        let observation = |(i, &feature): (usize, &[f64; 2])| observe(&self.variables(i), feature);
        let seen = self.features.iter().enumerate().flat_map(observation);
        seen.chain(self.weights.iter().map(|w| 1.0 - w * w)).collect()
    }

    fn jacobian(&self) -> Result<Sparse> {
        let (n, m, p) = (self.cameras.len(), self.points.len(), self.weights.len());
        let entries = (2 * COLUMNS + 1) * p;
        let mut matrix = Sparse {
            starts: Vec::with_capacity(3 * p + 1),
            columns: Vec::with_capacity(entries),
            values: Vec::with_capacity(entries),
        };
        matrix.starts.push(0);
        for (i, &feature) in self.features.iter().enumerate() {
            let (camera, point) = (11 * (i % n), 11 * n + 3 * (i % m));
            let errors =
                |x: &[Var]| x.try_into().map_or_else(|_| Vec::new(), |x| observe(x, feature).to_vec());
            for slopes in jacobian(errors, &self.variables(i))?.1 {
                let columns = (camera..camera + 11).chain(point..point + 3).chain([11 * n + 3 * m + i]);
                matrix.push(columns, &slopes);
            }
        }
        for (i, &weight) in self.weights.iter().enumerate() {
            matrix.push([11 * n + 3 * m + i], &[-2.0 * weight]);
        }
        Ok(matrix)
    }
}

/// How many entries of each list are shown: those of the first observation, and the last.
const SHOWN: usize = 2 * COLUMNS + 1;

impl Sparse {
    fn push(&mut self, columns: impl IntoIterator<Item = usize>, values: &[f64]) {
        self.columns.extend(columns);
        self.values.extend(values);
        self.starts.push(self.values.len());
    }

    /// What is shown of the starts, columns and values. A list that is shorter is filled up with its last entry.
    fn shown(&self) -> Vec<f64> {
        fn some<T: Copy>(all: &[T]) -> impl Iterator<Item = T> {
            (0..SHOWN).map(|i| all[if i + 1 == SHOWN { all.len() - 1 } else { i.min(all.len() - 1) }])
        }
        let whole = some(&self.starts).chain(some(&self.columns)).map(|n| n as f64);
        whole.chain(some(&self.values)).collect()
    }
}
