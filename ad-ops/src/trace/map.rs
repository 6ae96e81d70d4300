//! Linear maps that are known by their products.

use ad_core::{Error, Result};

/// A linear map `A` from `d` numbers to `d` numbers.
pub trait LinearMap {
    /// The number `d`.
    fn dim(&self) -> usize;

    /// `A x` for each row `x` of `d` numbers of `rows`, into the same row of `images`. Both have the same length, a
    /// multiple of `d`.
    ///
    /// # Errors
    /// Where a product cannot be computed.
    fn apply(&self, rows: &[f64], images: &mut [f64]) -> Result<()>;
}

/// A linear map whose transpose is known too.
pub trait Transposable: LinearMap {
    /// `A^T x` for each row, as in [`LinearMap::apply`].
    ///
    /// # Errors
    /// Where a product cannot be computed.
    fn apply_transpose(&self, rows: &[f64], images: &mut [f64]) -> Result<()>;
}

/// A map by a closure that writes `A x` into `y`, given `(x, y)`.
#[derive(Clone, Copy, Debug)]
pub struct Products<F> {
    dim: usize,
    product: F,
}

impl<F: Fn(&[f64], &mut [f64])> Products<F> {
    /// The map on vectors of `dim` numbers.
    pub fn new(dim: usize, product: F) -> Self {
        Products { dim, product }
    }
}

impl<F: Fn(&[f64], &mut [f64])> LinearMap for Products<F> {
    fn dim(&self) -> usize {
        self.dim
    }

    fn apply(&self, rows: &[f64], images: &mut [f64]) -> Result<()> {
        each(self.dim, rows, images, &self.product);
        Ok(())
    }
}

fn each(dim: usize, rows: &[f64], images: &mut [f64], product: impl Fn(&[f64], &mut [f64])) {
    rows.chunks_exact(dim.max(1)).zip(images.chunks_exact_mut(dim.max(1))).for_each(|(x, y)| product(x, y));
}

/// A diagonal matrix. For probes whose law no rotation changes it stands for any symmetric matrix of its eigenvalues.
#[derive(Clone, Debug)]
pub struct Diagonal(
    /// The entries.
    pub Vec<f64>,
);

impl LinearMap for Diagonal {
    fn dim(&self) -> usize {
        self.0.len()
    }

    fn apply(&self, rows: &[f64], images: &mut [f64]) -> Result<()> {
        each(self.0.len(), rows, images, |x, y| {
            y.iter_mut().zip(x.iter().zip(&self.0)).for_each(|(y, (x, a))| *y = a * x);
        });
        Ok(())
    }
}

impl Transposable for Diagonal {
    fn apply_transpose(&self, rows: &[f64], images: &mut [f64]) -> Result<()> {
        self.apply(rows, images)
    }
}

/// A matrix, row-major.
#[derive(Clone, Debug)]
pub struct Dense {
    dim: usize,
    entries: Vec<f64>,
}

impl Dense {
    /// The matrix of `dim` rows with these entries.
    ///
    /// # Errors
    /// Where there are not `dim * dim` of them.
    pub fn new(dim: usize, entries: Vec<f64>) -> Result<Dense> {
        if dim.checked_mul(dim) != Some(entries.len()) {
            let message = format!("a matrix of {dim} by {dim} was given {} entries", entries.len());
            return Err(Error::new(message));
        }
        Ok(Dense { dim, entries })
    }

    /// The entries, row-major.
    pub fn entries(&self) -> &[f64] {
        &self.entries
    }
}

impl LinearMap for Dense {
    fn dim(&self) -> usize {
        self.dim
    }

    fn apply(&self, rows: &[f64], images: &mut [f64]) -> Result<()> {
        each(self.dim, rows, images, |x, y| {
            for (y, a) in y.iter_mut().zip(self.entries.chunks_exact(self.dim)) {
                *y = a.iter().zip(x).map(|(a, x)| a * x).sum();
            }
        });
        Ok(())
    }
}

impl Transposable for Dense {
    fn apply_transpose(&self, rows: &[f64], images: &mut [f64]) -> Result<()> {
        each(self.dim, rows, images, |x, y| {
            y.fill(0.0);
            for (x, a) in x.iter().zip(self.entries.chunks_exact(self.dim)) {
                y.iter_mut().zip(a).for_each(|(y, a)| *y += x * a);
            }
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A map by a closure is the matrix of the same products, on several rows at once.
    #[test]
    fn a_closure_is_a_map() {
        let dense = Dense::new(2, vec![1.0, 2.0, 3.0, 4.0]).unwrap();
        let closure = Products::new(2, |x, y| (y[0], y[1]) = (x[0] + 2.0 * x[1], 3.0 * x[0] + 4.0 * x[1]));
        let (rows, mut images) = ([1.0, -1.0, 0.5, 2.0], [[0.0; 4]; 2]);
        dense.apply(&rows, &mut images[0]).unwrap();
        closure.apply(&rows, &mut images[1]).unwrap();
        assert!(images[0] == images[1] && closure.dim() == 2);
    }
}
