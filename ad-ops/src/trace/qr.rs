//! An orthonormal basis of the span of some vectors, and the vectors in it.

use super::rows::{Rows, add_combinations, dot, inner_products};

/// Vectors `y_j = sum_i r_ij q_i` with orthonormal `q_i`.
#[derive(Clone, Debug)]
pub(crate) struct ThinQr {
    /// The basis: as many rows as the rank.
    pub(crate) basis: Rows,
    /// The coordinates of vector `j` in row `j`.
    pub(crate) coordinates: Rows,
    /// The vector that added each row of the basis.
    pub(crate) pivots: Vec<usize>,
    /// The number of vectors.
    count: usize,
    tolerance: f64,
}

/// Vectors that are worked on together.
const PANEL: usize = 16;

impl ThinQr {
    /// Gram-Schmidt twice over. A vector that lies in the span of those before it, to rounding, adds no row.
    pub(crate) fn new(vectors: &Rows) -> ThinQr {
        Self::truncated(vectors, 8.0 * f64::EPSILON * (vectors.dim as f64).sqrt())
    }

    /// As [`ThinQr::new`], where a vector adds no row if what is left of it is less than `tolerance` of its length.
    pub(crate) fn truncated(vectors: &Rows, tolerance: f64) -> ThinQr {
        let (count, dim) = (vectors.len(), vectors.dim);
        let mut qr = ThinQr {
            basis: Rows { dim, data: Vec::with_capacity(vectors.data.len()) },
            coordinates: Rows::zeros(count, count.min(dim)),
            pivots: Vec::new(),
            count,
            tolerance,
        };
        for first in (0..count).step_by(PANEL) {
            let last = count.min(first + PANEL);
            let mut panel = Rows { dim, data: vectors.data[first * dim..last * dim].to_vec() };
            let whole: Vec<f64> = panel.iter().map(|v| dot(v, v)).collect();
            for _ in 0..2 {
                qr.project_from(0, &mut panel.data, first);
            }
            let begun = qr.pivots.len();
            for (k, &whole) in whole.iter().enumerate() {
                for _ in 0..2 {
                    qr.project_from(begun, panel.row_mut(k), first + k);
                }
                qr.append(panel.row(k), first + k, whole);
            }
        }
        let rank = qr.pivots.len();
        let all = &qr.coordinates;
        let cut = all.iter().flat_map(|r| &r[..rank]).copied().collect();
        qr.coordinates = Rows { dim: rank, data: cut };
        qr.coordinates.data.resize(count * rank, 0.0);
        qr
    }

    /// Takes off the vectors, the first of which has number `first`, their parts along the basis from row `begun` on.
    fn project_from(&mut self, begun: usize, vectors: &mut [f64], first: usize) {
        let dim = self.basis.dim;
        let basis = &self.basis.data[begun * dim..];
        let some = basis.len() / dim.max(1);
        let mut along = vec![0.0; vectors.len() / dim.max(1) * some];
        if along.is_empty() {
            return;
        }
        inner_products(vectors, basis, dim, &mut along);
        add_combinations(&along, -1.0, basis, dim, vectors);
        for (k, along) in along.chunks_exact(some).enumerate() {
            let row = &mut self.coordinates.row_mut(first + k)[begun..];
            row.iter_mut().zip(along).for_each(|(r, a)| *r += a);
        }
    }

    /// Adds what is left of a vector whose squared length was `whole`.
    fn append(&mut self, rest: &[f64], number: usize, whole: f64) {
        let (left, rank) = (dot(rest, rest), self.pivots.len());
        if rank == self.coordinates.dim || left <= self.tolerance.powi(2) * whole {
            return;
        }
        let length = left.sqrt();
        self.basis.data.extend(rest.iter().map(|x| x / length));
        self.coordinates.row_mut(number)[rank] = length;
        self.pivots.push(number);
    }

    pub(crate) fn rank(&self) -> usize {
        self.pivots.len()
    }

    /// For each vector the direction, in coordinates, that the basis loses without it: the unit vector of the span that
    /// is orthogonal to all other vectors. None where the others span the same.
    pub(crate) fn lost_without(&self) -> Vec<Option<Vec<f64>>> {
        /// Coefficients below this are rounding errors of a vector that has no part in a dependence.
        const NONE: f64 = 1e-8;
        let rank = self.rank();
        let mut lost = vec![None; self.count];
        // Vectors that added no row, as combinations of those that did, row after row.
        let mut dependent = vec![false; rank];
        for j in (0..self.count).filter(|j| !self.pivots.contains(j)) {
            let mut c = self.coordinates.row(j).to_vec();
            for i in (0..rank).rev() {
                let pivot = self.coordinates.row(self.pivots[i]);
                c[i] /= pivot[i];
                let factor = c[i];
                (0..i).for_each(|l| c[l] -= factor * pivot[l]);
                let share = factor.abs() * dot(pivot, pivot).sqrt();
                dependent[i] |= share > NONE * dot(self.coordinates.row(j), self.coordinates.row(j)).sqrt();
            }
        }
        for i in (0..rank).filter(|&i| !dependent[i]) {
            // Solves R^T s = e_i, where the rows of the triangle are the pivots.
            let mut s = vec![0.0; rank];
            for l in i..rank {
                let pivot = self.coordinates.row(self.pivots[l]);
                let known = dot(&pivot[i..l], &s[i..l]);
                s[l] = (f64::from(u8::from(l == i)) - known) / pivot[l];
            }
            let length = dot(&s, &s).sqrt();
            for x in &mut s {
                *x /= length;
            }
            lost[self.pivots[i]] = Some(s);
        }
        lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;

    fn vectors(count: usize, dim: usize) -> Rows {
        let mut stream = Purpose::Constant.stream(4, count as u32, dim as u32);
        Rows { dim, data: (0..count * dim).map(|_| stream.standard_normal()).collect() }
    }

    fn check(y: &Rows, rank: usize) -> ThinQr {
        let qr = ThinQr::new(y);
        assert_eq!(qr.rank(), rank);
        let gram = qr.basis.times_transposed(&qr.basis);
        for (i, row) in gram.iter().enumerate() {
            assert!(row.iter().enumerate().all(|(j, g)| (g - f64::from(u8::from(i == j))).abs() < 1e-14));
        }
        let back = qr.coordinates.times(&qr.basis);
        for (a, b) in back.iter().zip(y.iter()) {
            let scale = dot(b, b).sqrt();
            assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-13 * scale));
        }
        qr
    }

    /// Orthonormal rows that give the vectors back, over several panels, graded over twelve decades, and of too low a
    /// rank.
    #[test]
    fn basis_and_coordinates_give_the_vectors() {
        check(&vectors(37, 61), 37);
        check(&vectors(9, 4), 4);
        check(&Rows::zeros(3, 5), 0);
        let mut graded = vectors(1, 61).concat(&vectors(40, 61));
        for k in 1..41 {
            let (first, size) = (graded.row(0).to_vec(), 10.0_f64.powf(-0.3 * k as f64));
            graded.row_mut(k).iter_mut().zip(first).for_each(|(x, first)| *x = first + size * *x);
        }
        check(&graded, 41);
        let low = vectors(30, 6).times(&vectors(6, 61));
        check(&low, 6);
    }

    /// What is lost without a vector is orthogonal to the others, also where some depend on each other. How long each
    /// of them is changes nothing, nor does one of length zero.
    #[test]
    fn the_lost_direction_is_orthogonal_to_the_others() {
        let mut y = vectors(6, 9);
        let (twice, sum): (Vec<f64>, Vec<f64>) = (
            y.row(1).iter().map(|x| -2.0 * x).collect(),
            y.row(0).iter().zip(y.row(4)).map(|(a, b)| a + b).collect(),
        );
        y = y.concat(&Rows { dim: 9, data: [twice, sum, vec![0.0; 9]].concat() });
        let qr = check(&y, 6);
        let lost = qr.lost_without();
        for (j, s) in lost.iter().enumerate() {
            // 1 and 6 are parallel; 0, 4 and 7 lie in a plane.
            assert_eq!(s.is_none(), ![2, 3, 5].contains(&j));
            let Some(s) = s else { continue };
            for (k, r) in qr.coordinates.iter().enumerate().filter(|(k, _)| *k != j) {
                assert!(dot(s, r).abs() < 1e-13, "{j} against {k}");
            }
            assert!((dot(s, s) - 1.0).abs() < 1e-14 && dot(s, qr.coordinates.row(j)).abs() > 1e-3);
        }
        for (k, size) in (0..9).flat_map(|k| [(k, 1e-12), (k, 1e12)]) {
            let mut scaled = y.clone();
            scaled.row_mut(k).iter_mut().for_each(|x| *x *= size);
            for (j, (a, b)) in ThinQr::new(&scaled).lost_without().iter().zip(&lost).enumerate() {
                assert_eq!(a.is_some(), b.is_some(), "{j} where {k} is {size} times as long");
                let pairs = a.iter().flatten().zip(b.iter().flatten());
                pairs.for_each(|(a, b)| assert!((a - b).abs() < 1e-12));
            }
        }
    }
}
