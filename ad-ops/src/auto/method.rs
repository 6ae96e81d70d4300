//! The estimators to choose from, at a number of products.

use std::fmt;

use ad_core::{Error, Result};

use crate::hutch_pp::{HutchPp, Sketch};
use crate::probe::{Block, Probe};
use crate::random::Stream;
use crate::trace::{Estimate, Rows, ThinQr, Transposable, dot, hutchinson, with_basis};

/// A way to a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// All directions, or whatever is cheaper.
    Exact,
    /// [`hutchinson`](crate::trace::hutchinson).
    Hutchinson {
        /// The number of probes, each one product.
        probes: usize,
        /// How they stand to each other.
        block: Block,
    },
    /// [`hutch_pp`](crate::hutch_pp), with orthogonal probes for the rest ([`Block::Haar`]).
    HutchPp {
        /// Rows of the basis, and probes.
        split: HutchPp,
        /// What the sketch multiplies.
        sketch: Sketch,
    },
}

impl Method {
    /// All methods but the exact one that take no more than `products` for a trace in `dim` dimensions.
    pub fn all(products: usize, dim: usize) -> Vec<Method> {
        let blocks = [Block::Independent(Probe::Rademacher), Block::Haar, Block::Hadamard];
        let fits = blocks.into_iter().filter(|b| b.check(dim).is_ok());
        let mut all: Vec<Method> = fits.map(|block| Method::Hutchinson { probes: products, block }).collect();
        for sketch in [Sketch::Jacobian, Sketch::Symmetric, Sketch::Shifted] {
            let cost = 1 + sketch.products_per_row();
            let bases = [6, 4, 3].map(|part| (products / part).min(dim));
            for (n, &basis) in bases.iter().enumerate() {
                if basis > 0 && cost * basis < products && !bases[..n].contains(&basis) {
                    let split = HutchPp { basis, probes: products - cost * basis };
                    all.push(Method::HutchPp { split, sketch });
                }
            }
        }
        all
    }

    /// The estimate of a map's trace by this method.
    ///
    /// # Errors
    /// Where there are no such probes, or a product fails.
    pub fn estimate(self, map: &impl Transposable, stream: &mut Stream) -> Result<Estimate> {
        let dim = map.dim();
        match self {
            Method::Exact => exact(map),
            Method::Hutchinson { probes, block } => hutchinson(map, probes, block, stream),
            Method::HutchPp { split, sketch } => {
                let s = Rows::draw(Probe::Gaussian.into(), split.basis, dim, stream)?;
                let (image, shift) = image(sketch, &s, s.image(map)?, || s.transposed_image(map))?;
                let basis = ThinQr::new(&image).basis;
                let probes = Rows::draw(Block::Haar, split.probes, dim, stream)?;
                Ok(Estimate { products: split.products(sketch), ..with_basis(map, &basis, shift, &probes)? })
            }
        }
    }
}

/// What spans the basis, and what is taken off the diagonal, from the rows `s`, their images and, where wanted, their
/// images by the transpose.
pub(super) fn image(
    sketch: Sketch,
    s: &Rows,
    mut image: Rows,
    transposed: impl FnOnce() -> Result<Rows>,
) -> Result<(Rows, f64)> {
    let mut add = |c: f64, other: &Rows| {
        image.data.iter_mut().zip(&other.data).for_each(|(x, y)| *x += c * y);
    };
    let shift = match sketch {
        Sketch::Jacobian => 0.0,
        Sketch::Symmetric => {
            add(1.0, &transposed()?);
            0.0
        }
        Sketch::Shifted => {
            let c = dot(&image.data, &s.data) / dot(&s.data, &s.data);
            image.data.iter_mut().zip(&s.data).for_each(|(x, s)| *x -= c * s);
            c
        }
    };
    Ok((image, shift))
}

fn exact(map: &impl Transposable) -> Result<Estimate> {
    let dim = map.dim();
    if dim == 0 {
        return Err(Error::new("a map of no dimension has no trace"));
    }
    let mut identity = Rows::zeros(dim, dim);
    identity.data.iter_mut().step_by(dim + 1).for_each(|x| *x = 1.0);
    let value = identity.image(map)?.data.iter().step_by(dim + 1).sum();
    Ok(Estimate { value, standard_error: Some(0.0), products: dim })
}

/// What makes a word one of several.
pub(super) fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Method::Exact => write!(f, "exact"),
            Method::Hutchinson { probes, block } => {
                let block = match block {
                    Block::Independent(probe) => format!("independent {probe:?}"),
                    block => format!("{block:?}"),
                };
                write!(f, "Hutchinson, {probes} {block} probe{}", plural(*probes))
            }
            Method::HutchPp { split: HutchPp { basis, probes }, sketch } => {
                let of = match sketch {
                    Sketch::Jacobian => "J",
                    Sketch::Symmetric => "J + J^T",
                    Sketch::Shifted => "J - c I",
                };
                write!(f, "Hutch++, basis of {basis} from {of}, {probes} Haar probe{}", plural(*probes))
            }
        }
    }
}
