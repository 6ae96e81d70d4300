//! What some products show of a map, and the variances that follow from it.

use std::cell::Cell;

use ad_core::Result;

use super::method::{Method, image};
use crate::hutch_pp::{HutchPp, Sketch};
use crate::probe::{Block, Probe};
use crate::random::Stream;
use crate::trace::{Rows, ThinQr, Transposable, dot, mean};

/// Sketches that a variance of Hutch++ is averaged over, where they cost products and where they do not.
const SKETCHES: [usize; 2] = [4, 64];

/// Orthogonal vectors, their images, and what these say of the symmetric part `B`.
pub(super) struct Measurement<'a, A> {
    map: &'a A,
    vectors: Rows,
    images: Rows,
    transposed: Rows,
    /// `|B|_F^2`, the trace, and the sum of squares of the diagonal.
    square: f64,
    trace: f64,
    diagonal: f64,
    products: Cell<usize>,
}

impl<'a, A: Transposable> Measurement<'a, A> {
    /// With as many vectors as dimensions all is exact; with fewer it is unbiased.
    pub(super) fn new(map: &'a A, vectors: usize, stream: &mut Stream) -> Result<Self> {
        let dim = map.dim();
        let vectors = Rows::draw(Block::Haar, vectors.min(dim), dim, stream)?;
        let (images, transposed) = (vectors.image(map)?, vectors.transposed_image(map)?);
        let count = vectors.len() as f64;
        let mut diagonal = vec![0.0; dim];
        // Squares of the mean have too much by the spread of the parts, which orthogonal vectors see less of.
        let (mut square, mut parts) = (0.0, 0.0);
        for ((v, jv), jtv) in vectors.iter().zip(images.iter()).zip(transposed.iter()) {
            for (((d, v), jv), jtv) in diagonal.iter_mut().zip(v).zip(jv).zip(jtv) {
                let bv = 0.5 * (jv + jtv);
                square += bv * bv / count;
                parts += (v * bv).powi(2) / count;
                *d += v * bv / count;
            }
        }
        let whole = dot(&diagonal, &diagonal);
        let spread =
            if count > 1.0 { (parts - whole) / (count - 1.0) * (1.0 - count / dim as f64) } else { 0.0 };
        let trace = diagonal.iter().sum();
        let diagonal = (whole - spread).clamp(0.0, square);
        let products = Cell::new(2 * vectors.len());
        Ok(Measurement { map, vectors, images, transposed, square, trace, diagonal, products })
    }

    /// The products so far.
    pub(super) fn products(&self) -> usize {
        self.products.get()
    }

    /// The variance of one estimate by `method`.
    pub(super) fn variance(&self, method: Method, stream: &mut Stream) -> Result<f64> {
        let dim = self.vectors.dim;
        Ok(match method {
            Method::Exact => 0.0,
            Method::Hutchinson { probes, block } => {
                let one = match block.marginal() {
                    Probe::Rademacher => 2.0 * (self.square - self.diagonal),
                    Probe::Gaussian => 2.0 * self.square,
                    Probe::Sphere => of_sphere(dim, self.square, self.trace),
                };
                one * block.factor(dim, probes)
            }
            Method::HutchPp { split, sketch } => {
                let sketches = SKETCHES[usize::from(self.is_whole())];
                let each: Vec<f64> =
                    (0..sketches).map(|_| self.beside(split, sketch, stream)).collect::<Result<_>>()?;
                mean(&each)
            }
        })
    }

    /// The variance beside the basis of one sketch, from `|PBP|^2 = |B|^2 - 2 |Q B|^2 + |Q B Q^T|^2`.
    fn beside(&self, split: HutchPp, sketch: Sketch, stream: &mut Stream) -> Result<f64> {
        let dim = self.vectors.dim;
        let [s, js, jts] = self.random_rows(split.basis, stream)?;
        let (image, shift) = image(sketch, &s, js, || Ok(jts))?;
        let q = ThinQr::new(&image).basis;
        let [jq, jtq] = self.images_of(&q)?;
        let bq: Vec<f64> = jq.data.iter().zip(&jtq.data).map(|(a, b)| 0.5 * (a + b)).collect();
        let bq = Rows { dim, data: bq };
        let qbq = q.times_transposed(&bq);
        let within: f64 = (0..q.len()).map(|k| qbq.row(k)[k]).sum();
        let square = self.square - 2.0 * dot(&bq.data, &bq.data) + dot(&qbq.data, &qbq.data);
        let (trace, dims) = (self.trace - within, (dim - q.len()) as f64);
        let square = square - 2.0 * shift * trace + shift * shift * dims;
        let one = of_sphere(dim, square, trace - shift * dims);
        Ok(one * Block::Haar.factor(dim, split.probes))
    }

    /// Whether the map is known from the vectors' images.
    fn is_whole(&self) -> bool {
        self.vectors.len() == self.vectors.dim
    }

    /// The images of any rows, by the map and by its transpose.
    fn images_of(&self, rows: &Rows) -> Result<[Rows; 2]> {
        if !self.is_whole() {
            self.products.set(self.products.get() + 2 * rows.len());
            return Ok([rows.image(self.map)?, rows.transposed_image(self.map)?]);
        }
        let mut along = rows.times_transposed(&self.vectors);
        for x in &mut along.data {
            *x /= self.vectors.dim as f64;
        }
        Ok([along.times(&self.images), along.times(&self.transposed)])
    }

    /// Random rows of a sketch with their images: normal ones where these are known, else some of the vectors.
    pub(super) fn random_rows(&self, count: usize, stream: &mut Stream) -> Result<[Rows; 3]> {
        let dim = self.vectors.dim;
        if self.is_whole() {
            let s = Rows::draw(Probe::Gaussian.into(), count, dim, stream)?;
            let [js, jts] = self.images_of(&s)?;
            return Ok([s, js, jts]);
        }
        let mut left: Vec<usize> = (0..self.vectors.len()).collect();
        let mut chosen = Vec::new();
        while chosen.len() < count && !left.is_empty() {
            chosen.push(left.swap_remove((stream.uniform() * left.len() as f64) as usize));
        }
        let take =
            |rows: &Rows| Rows { dim, data: chosen.iter().flat_map(|&k| rows.row(k)).copied().collect() };
        Ok([take(&self.vectors), take(&self.images), take(&self.transposed)])
    }
}

/// The variance of one probe on the sphere, from `|B|^2` and `tr B`; rounding may not make it negative.
fn of_sphere(dim: usize, square: f64, trace: f64) -> f64 {
    let d = dim as f64;
    2.0 * d / (d + 2.0) * (square - trace * trace / d).max(0.0)
}
