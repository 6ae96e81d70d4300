//! The diagonal of a map, whose sum is the trace.

use ad_core::{Error, Result};

use super::hutch_pp::at_least;
use super::qr::ThinQr;
use super::rows::dot;
use super::{LinearMap, Rows, Transposable};
use crate::probe::{Block, Probe};
use crate::random::Stream;

/// An estimate of the entries of a diagonal.
#[derive(Clone, Debug, PartialEq)]
pub struct DiagonalEstimate {
    /// The estimate of each entry.
    pub value: Vec<f64>,
    /// The standard error of each, estimated from the spread of the parts; empty where there is one part.
    pub standard_error: Vec<f64>,
    /// The products that it took, those with the transpose included.
    pub products: usize,
}

impl DiagonalEstimate {
    /// What is known, and the mean of samples beside it.
    fn new(known: &[f64], samples: &Rows, products: usize) -> Self {
        let (n, mut value) = (samples.len() as f64, known.to_vec());
        for sample in samples.iter() {
            value.iter_mut().zip(sample).for_each(|(v, x)| *v += x / n);
        }
        let mut standard_error = vec![0.0; if samples.len() > 1 { value.len() } else { 0 }];
        for sample in samples.iter() {
            for (e, (x, (v, k))) in standard_error.iter_mut().zip(sample.iter().zip(value.iter().zip(known)))
            {
                *e += (x + k - v).powi(2) / (n * (n - 1.0));
            }
        }
        for e in &mut standard_error {
            *e = e.sqrt();
        }
        DiagonalEstimate { value, standard_error, products }
    }
}

/// The mean of `v o A v` over probes (Bekas, Kokiopoulou, Saad: *An estimator for the diagonal of a matrix*, 2007).
/// Unbiased; with independent signs the variance of entry `i` is `sum_(j != i) A_ij^2 / probes`. The standard errors are
/// those of independent probes.
///
/// # Errors
/// Where no probes are asked for, or there are none of this dimension; what a product fails with.
pub fn diagonal(
    map: &impl LinearMap,
    probes: usize,
    block: impl Into<Block>,
    stream: &mut Stream,
) -> Result<DiagonalEstimate> {
    if probes == 0 {
        return Err(Error::new("an estimate of a diagonal takes at least one probe"));
    }
    let v = Rows::draw(block.into(), probes, map.dim(), stream)?;
    beside(map, &Rows::zeros(0, map.dim()), &vec![0.0; map.dim()], &v)
}

/// Diag++ (Baston, Nakatsukasa: *Stochastic diagonal estimation: probabilistic bounds and an improved algorithm*, 2022):
/// the diagonal of `Q^T Q A` for an orthonormal basis `Q` of `A S`, exactly, and that of the rest by signs. A third of the
/// products each for the sketch, for the basis (by the transpose) and for the rest. Unbiased.
///
/// # Errors
/// Where there are fewer than 3 products, or the map has no dimension; what a product fails with.
pub fn diag_pp(map: &impl Transposable, products: usize, stream: &mut Stream) -> Result<DiagonalEstimate> {
    at_least(products, 3, "Diag++")?;
    let (dim, law) = (map.dim(), Block::from(Probe::Rademacher));
    let sketch = Rows::draw(law, (products / 3).min(dim), dim, stream)?;
    let basis = ThinQr::new(&sketch.image(map)?).basis;
    let known = within(&basis, &basis.transposed_image(map)?);
    let probes = Rows::draw(law, products - sketch.len() - basis.len(), dim, stream)?;
    Ok(DiagonalEstimate { products, ..beside(map, &basis, &known, &probes)? })
}

/// What is known, and the mean of `v o (I - Q^T Q) A v`.
fn beside(map: &impl LinearMap, basis: &Rows, known: &[f64], probes: &Rows) -> Result<DiagonalEstimate> {
    let mut samples = probes.image(map)?.beside(basis);
    samples.data.iter_mut().zip(&probes.data).for_each(|(x, v)| *x *= v);
    Ok(DiagonalEstimate::new(known, &samples, probes.len()))
}

/// The diagonal of `Q^T Q A`, given the rows of `Q` and of `Q A`.
fn within(basis: &Rows, images: &Rows) -> Vec<f64> {
    let mut diagonal = vec![0.0; basis.dim];
    for (q, z) in basis.iter().zip(images.iter()) {
        diagonal.iter_mut().zip(q.iter().zip(z)).for_each(|(d, (q, z))| *d += q * z);
    }
    diagonal
}

/// `XDiag` (Epperly, Tropp, Webber 2024): Diag++ with one sign vector for the rest, and for the basis all others, averaged
/// over which. Half of the products sketch, half are with the transpose. Unbiased.
///
/// # Errors
/// Where there are fewer than 4 products, or the map has no dimension; what a product fails with.
pub fn xdiag(map: &impl Transposable, products: usize, stream: &mut Stream) -> Result<DiagonalEstimate> {
    at_least(products, 4, "XDiag")?;
    leave_one_out(map, &Rows::draw(Probe::Rademacher.into(), products / 2, map.dim(), stream)?)
}

fn leave_one_out(map: &impl Transposable, omega: &Rows) -> Result<DiagonalEstimate> {
    let qr = ThinQr::new(&omega.image(map)?);
    let z = qr.basis.transposed_image(map)?;
    let known = within(&qr.basis, &z);
    let mut samples = Rows::zeros(omega.len(), omega.dim);
    for (k, lost) in qr.lost_without().into_iter().enumerate() {
        // Where the others span the same, nothing of the image of this one is beside them.
        let Some(s) = lost else { continue };
        let length = dot(&s, qr.coordinates.row(k));
        let s = Rows { dim: s.len(), data: s };
        let (u, v) = (s.times(&qr.basis), s.times(&z));
        for (i, x) in samples.row_mut(k).iter_mut().enumerate() {
            *x = u.data[i] * (omega.row(k)[i] * length - v.data[i]);
        }
    }
    Ok(DiagonalEstimate::new(&known, &samples, omega.len() + qr.rank()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;
    use crate::trace::tests::Counted;
    use crate::trace::{Dense, Diagonal};

    fn dense(d: usize) -> Dense {
        let mut stream = Purpose::Constant.stream(12, 0, d as u32);
        Dense::new(d, (0..d * d).map(|_| stream.standard_normal()).collect()).unwrap()
    }

    fn exact(a: &Dense) -> Vec<f64> {
        a.entries().iter().step_by(a.dim() + 1).copied().collect()
    }

    fn assert_near(a: &[f64], b: &[f64], tolerance: f64) {
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < tolerance), "{a:?} against {b:?}");
    }

    fn signs(count: usize, d: usize, bits: usize) -> Rows {
        Rows { dim: d, data: (0..count * d).map(|i| if bits >> i & 1 == 1 { 1.0 } else { -1.0 }).collect() }
    }

    /// Over all signs: the mean is the diagonal, with any basis; the variance of one probe is the formula's.
    #[test]
    fn all_signs_together_are_exact() {
        let (d, a) = (6, dense(6));
        let all = Rows { dim: d, data: (0..1 << d).flat_map(|bits| signs(1, d, bits).data).collect() };
        let basis = ThinQr::new(&signs(2, d, 0b10_1101_0111)).basis;
        let known = within(&basis, &basis.transposed_image(&a).unwrap());
        assert_near(&beside(&a, &basis, &known, &all).unwrap().value, &exact(&a), 1e-12);
        let plain = beside(&a, &Rows::zeros(0, d), &[0.0; 6], &all).unwrap();
        assert_near(&plain.value, &exact(&a), 1e-12);
        let count = f64::from(1 << d);
        for (i, e) in plain.standard_error.iter().enumerate() {
            let off: f64 = (0..d).filter(|&j| j != i).map(|j| a.entries()[i * d + j].powi(2)).sum();
            assert!(
                (e * e * (count - 1.0) - off).abs() < 1e-10,
                "entry {i}: {} of {off}",
                e * e * (count - 1.0)
            );
        }
    }

    /// As many orthogonal probes as dimensions leave nothing to chance; all products that are granted are taken.
    #[test]
    fn a_whole_block_is_exact() {
        let (d, a) = (6, dense(6));
        let mut stream = Purpose::Probe.stream(4, 0, 0);
        assert_near(&diagonal(&a, d, Block::Haar, &mut stream).unwrap().value, &exact(&a), 1e-12);
        let wide = dense(30);
        for products in 4..12 {
            let counted = Counted(&wide, 0.into());
            let told = diag_pp(&counted, products, &mut stream).unwrap().products;
            assert_eq!([told, counted.1.take()], [products; 2]);
            let told = xdiag(&counted, products, &mut stream).unwrap().products;
            assert_eq!([told, counted.1.take()], [products / 2 * 2; 2]);
        }
    }

    /// Over all pairs of sign vectors in three dimensions, parallel ones among them.
    #[test]
    fn xdiag_over_all_signs_is_the_diagonal() {
        let (d, a) = (3, dense(3));
        let mut mean = vec![0.0; d];
        for bits in 0..1 << (2 * d) {
            let found = leave_one_out(&a, &signs(2, d, bits)).unwrap().value;
            mean.iter_mut().zip(found).for_each(|(m, x)| *m += x / 64.0);
        }
        assert_near(&mean, &exact(&a), 1e-13);
    }

    /// On a decaying spectrum the two with a basis have a fraction of the error; what they say of it is right.
    #[test]
    fn a_basis_pays_on_a_decaying_spectrum() {
        let (d, runs) = (40, 200);
        let (left, right) = (dense(d), dense(d + 1));
        let entry = |i: usize, j: usize| {
            (0..d)
                .map(|k| {
                    0.3_f64.powi(k as i32) * left.entries()[i * d + k] * right.entries()[j * (d + 1) + k]
                })
                .sum()
        };
        let a = Dense::new(d, (0..d * d).map(|ij| entry(ij / d, ij % d)).collect()).unwrap();
        let want = exact(&a);
        let error = |estimate: &dyn Fn(&mut Stream) -> DiagonalEstimate| {
            let mut square = 0.0;
            for run in 0..runs {
                let found = estimate(&mut Purpose::Probe.stream(3, run, 0));
                assert_eq!(found.products, 24);
                square += found.value.iter().zip(&want).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
            }
            square
        };
        let plain = error(&|s| diagonal(&a, 24, Probe::Rademacher, s).unwrap());
        let (pp, x) = (error(&|s| diag_pp(&a, 24, s).unwrap()), error(&|s| xdiag(&a, 24, s).unwrap()));
        assert!(pp < 1e-4 * plain && x < 0.5 * pp, "{plain} {pp} {x}");
    }

    #[test]
    fn what_cannot_be_estimated_is_refused() {
        let (a, mut s) = (Diagonal(vec![1.0, 2.0]), Purpose::Probe.stream(1, 1, 1));
        assert!(diagonal(&a, 0, Probe::Rademacher, &mut s).is_err());
        assert!(diag_pp(&a, 2, &mut s).is_err() && xdiag(&a, 3, &mut s).is_err());
        assert_eq!(diagonal(&a, 1, Probe::Rademacher, &mut s).unwrap().standard_error, []);
        assert_near(&xdiag(&a, 60, &mut s).unwrap().value, &[1.0, 2.0], 1e-12);
    }
}
