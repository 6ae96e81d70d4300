use super::{DataError, Table};
use serde::{Deserialize, Serialize};

/// The affine map of each column to mean 0 and deviation 1: `y = (x - mean) / scale`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Standardisation {
    mean: Vec<f64>,
    scale: Vec<f64>,
}

/// A standardisation as a file has it, not yet checked.
#[derive(Deserialize)]
struct Stored {
    mean: Vec<f64>,
    scale: Vec<f64>,
}

impl TryFrom<Stored> for Standardisation {
    type Error = DataError;

    fn try_from(Stored { mean, scale }: Stored) -> Result<Self, DataError> {
        let usable = mean.iter().all(|mean| mean.is_finite())
            && scale.iter().all(|scale| scale.is_normal() && *scale > 0.0);
        if usable && mean.len() == scale.len() && !mean.is_empty() {
            return Ok(Self { mean, scale });
        }
        Err(DataError::BadStandardisation { means: mean.len(), scales: scale.len() })
    }
}

impl Standardisation {
    /// Fits the map on the given rows of `table`: their means and (population) standard deviations.
    ///
    /// # Errors
    ///
    /// [`DataError::NoScale`] if a column is constant in these rows (or there are no rows), or so small or so
    /// large that its deviation is no positive `f64`.
    pub fn fit(table: &Table, rows: &[usize]) -> Result<Self, DataError> {
        let no_scale = |column: usize, scale: f64| DataError::NoScale {
            column: column + 1,
            name: table.names()[column].clone(),
            scale,
            rows: rows.len(),
        };
        // Asked of the values themselves: the rounded mean of a constant column may differ from its value.
        if let Some((column, _)) = table.constant_column(rows) {
            return Err(no_scale(column, 0.0));
        }
        let average = |f: &dyn Fn(&[f64]) -> f64| {
            rows.iter().map(|&row| f(table.row(row))).sum::<f64>() / rows.len() as f64
        };
        let (mut mean, mut scale) = (Vec::new(), Vec::new());
        for column in 0..table.columns() {
            let centre = average(&|row| row[column]);
            let deviation = average(&|row| (row[column] - centre).powi(2)).sqrt();
            if !(deviation.is_normal() && centre.is_finite()) {
                return Err(no_scale(column, deviation));
            }
            mean.push(centre);
            scale.push(deviation);
        }
        Ok(Self { mean, scale })
    }

    /// The number of columns.
    pub fn columns(&self) -> usize {
        self.mean.len()
    }

    /// What is subtracted from each column.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// What each column is divided by, positive.
    pub fn scale(&self) -> &[f64] {
        &self.scale
    }

    /// Replaces each row of `values` by its standardised form.
    ///
    /// # Errors
    ///
    /// [`DataError::NotWholeRows`] if `values` are no whole rows.
    pub fn apply(&self, values: &mut [f64]) -> Result<(), DataError> {
        self.map(values, |x, mean, scale| (x - mean) / scale)
    }

    /// Replaces each standardised row of `values` by the row it came from.
    ///
    /// # Errors
    ///
    /// [`DataError::NotWholeRows`] if `values` are no whole rows.
    pub fn invert(&self, values: &mut [f64]) -> Result<(), DataError> {
        self.map(values, |y, mean, scale| y * scale + mean)
    }

    /// The sum of `ln scale`: what has to be subtracted from a log-density of standardised rows to have it in
    /// the units of the data, in nats.
    pub fn log_det(&self) -> f64 {
        self.scale.iter().map(|scale| scale.ln()).sum()
    }

    fn map(&self, values: &mut [f64], f: impl Fn(f64, f64, f64) -> f64) -> Result<(), DataError> {
        DataError::check_whole_rows(values, self.columns())?;
        for row in values.chunks_exact_mut(self.columns()) {
            for ((value, &mean), &scale) in row.iter_mut().zip(&self.mean).zip(&self.scale) {
                *value = f(*value, mean, scale);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn table(columns: usize, values: Vec<f64>) -> Table {
        Table::new(Table::default_names(columns), values).unwrap()
    }

    proptest! {
        #[test]
        fn mean_0_deviation_1_and_back(
            rows in prop::collection::vec((-1e3..1e3, -1e-3..1e-3), 2..50),
            shift in -1e3..1e3,
        ) {
            let values: Vec<f64> = rows.iter().flat_map(|&(x, y)| [x, y + shift]).collect();
            let all: Vec<usize> = (0..rows.len()).collect();
            let map = Standardisation::fit(&table(2, values.clone()), &all).unwrap();
            let mut mapped = values.clone();
            map.apply(&mut mapped).unwrap();
            for column in 0..2 {
                let average = |f: fn(f64) -> f64| {
                    mapped.iter().skip(column).step_by(2).map(|&y| f(y)).sum::<f64>() / rows.len() as f64
                };
                // Subtracting a mean near `shift` rounds by up to |shift| eps, in units of the deviation.
                let rounding = 1e-12 + 1e3 * 16.0 * f64::EPSILON / map.scale()[column];
                prop_assert!(average(|y| y).abs() < rounding);
                prop_assert!((average(|y| y * y) - 1.0).abs() < rounding);
            }
            map.invert(&mut mapped).unwrap();
            for (there, back) in values.iter().zip(&mapped) {
                prop_assert!((there - back).abs() <= 8.0 * f64::EPSILON * 1e3);
            }
        }

        /// The log-determinant is that of the map: the change of volume of a unit cube.
        #[test]
        fn log_det_is_the_volume(values in prop::collection::vec(-10.0..10.0, 12..=12)) {
            let map = Standardisation::fit(&table(3, values), &[0, 1, 2, 3]).unwrap();
            let (mut corner, mut origin) = (vec![1.0; 3], vec![0.0; 3]);
            map.invert(&mut corner).unwrap();
            map.invert(&mut origin).unwrap();
            let volume: f64 = corner.iter().zip(&origin).map(|(c, o)| c - o).product();
            prop_assert!((map.log_det() - volume.ln()).abs() < 1e-9);
        }
    }

    #[test]
    fn stored_and_checked_when_read_back() {
        let map = Standardisation::fit(&table(1, vec![0.1, 0.2, 0.7]), &[0, 1, 2]).unwrap();
        let text = serde_json::to_string(&map).unwrap();
        assert_eq!(serde_json::from_str::<Standardisation>(&text).unwrap(), map);
        for (mean, scale) in [("1.0", ""), ("", ""), ("1.0", "0.0"), ("1.0", "-1.0"), ("1.0, 2.0", "3.0")] {
            let text = format!("{{\"mean\": [{mean}], \"scale\": [{scale}]}}");
            assert!(serde_json::from_str::<Standardisation>(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_the_given_rows_count() {
        let data = table(1, vec![1.0, 3.0, 1e9]);
        let map = Standardisation::fit(&data, &[0, 1]).unwrap();
        assert_eq!((map.mean(), map.scale()), (&[2.0][..], &[1.0][..]));
    }

    #[test]
    fn columns_without_scale_are_named() {
        let fit = |values: [f64; 6], rows: &[usize]| Standardisation::fit(&table(2, values.to_vec()), rows);
        let message = fit([1.0, 0.1, 2.0, 0.1, 3.0, 0.1], &[0, 1, 2]).unwrap_err().to_string();
        assert!(
            message.starts_with("column 2 (x2) has the deviation 0e0 in the 3 training rows"),
            "{message}"
        );
        for values in [[1.0, 1e308, 2.0, -1e308, 3.0, 1e308], [1.0, 1e-200, 2.0, 2e-200, 3.0, 3e-200]] {
            assert!(fit(values, &[0, 1, 2]).unwrap_err().to_string().starts_with("column 2 (x2)"));
        }
        assert!(fit([0.0; 6], &[]).is_err());
        let map = fit([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[0, 1, 2]).unwrap();
        assert!(map.apply(&mut [1.0; 3]).is_err());
    }
}
