use super::DataError;

/// Numbers in named columns, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    names: Vec<String>,
    values: Vec<f64>,
}

impl Table {
    /// A table with one column per name and `values` row by row.
    ///
    /// # Errors
    ///
    /// [`DataError::NotWholeRows`] if the number of values is no multiple of the number of names, or if there
    /// are no names.
    pub fn new(names: Vec<String>, values: Vec<f64>) -> Result<Self, DataError> {
        DataError::check_whole_rows(&values, names.len())?;
        Ok(Self { names, values })
    }

    /// As [`Table::new`], for values that are whole rows by construction.
    pub(super) fn whole(names: Vec<String>, values: Vec<f64>) -> Self {
        debug_assert!(DataError::check_whole_rows(&values, names.len()).is_ok());
        Self { names, values }
    }

    /// The names `x1`, `x2`, ... of columns that have no others.
    pub fn default_names(columns: usize) -> Vec<String> {
        (1..=columns).map(|column| format!("x{column}")).collect()
    }

    /// The names of the columns.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The number of columns, at least 1.
    pub fn columns(&self) -> usize {
        self.names.len()
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.values.len() / self.columns()
    }

    /// All values, row by row.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// All values, row by row, without a copy.
    pub fn into_values(self) -> Vec<f64> {
        self.values
    }

    /// Row `index`, counted from 0.
    ///
    /// # Panics
    ///
    /// As a slice does, if there is no such row.
    pub fn row(&self, index: usize) -> &[f64] {
        &self.values[index * self.columns()..][..self.columns()]
    }

    /// The rows in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.values.chunks_exact(self.columns())
    }

    /// The table of the rows named by `indices`, in that order.
    ///
    /// # Panics
    ///
    /// As [`Table::row`] does.
    #[must_use]
    pub fn select(&self, indices: &[usize]) -> Self {
        let values = indices.iter().flat_map(|&index| self.row(index)).copied().collect();
        Self { names: self.names.clone(), values }
    }

    /// The first column that has the same value in all of the given rows, and that value.
    pub(super) fn constant_column(&self, rows: &[usize]) -> Option<(usize, f64)> {
        let first = self.row(*rows.first()?);
        let constant = |column: usize| rows.iter().all(|&row| self.row(row)[column] == first[column]);
        (0..self.columns()).find(|&column| constant(column)).map(|column| (column, first[column]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_whole_or_refused() {
        let table = |columns, values: &[f64]| Table::new(Table::default_names(columns), values.to_vec());
        let whole = table(2, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
        assert_eq!((whole.rows(), whole.row(1)), (3, &[3.0, 4.0][..]));
        assert_eq!(whole.select(&[2, 0]).values(), [5.0, 6.0, 1.0, 2.0]);
        assert_eq!(whole.iter().flatten().copied().collect::<Vec<_>>(), whole.values());
        assert_eq!(
            table(2, &[1.0, 2.0, 3.0]).unwrap_err().to_string(),
            "3 values do not fill whole rows of 2 columns; give as many values as rows times columns."
        );
        assert!(table(0, &[]).is_err());
    }
}
