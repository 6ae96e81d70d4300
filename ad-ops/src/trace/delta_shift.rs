//! `DeltaShift` (Dharangutte, Musco: *Dynamic Trace Estimation*, 2021), for maps that change slowly.

use ad_core::{Error, Result};

use super::rows::dot;
use super::statistics::{Estimate, mean};
use super::{LinearMap, Rows};
use crate::probe::{Block, Probe};
use crate::random::Stream;

/// A running estimate of the trace of a map that changes from step to step: what was estimated before is kept, in the
/// share `a` that the change allows, and corrected by forms of `A_new - a A_old`.
///
/// ```
/// use ad_ops::{random::Purpose, trace::{DeltaShift, Diagonal}};
///
/// let map = |step: u32| Diagonal(vec![1.0 + 1e-3 * f64::from(step), -2.0, 4.0]);
/// let stream = |step| Purpose::Probe.stream(1, step, 0);
/// let mut running = DeltaShift::new(&map(0), 8, &mut stream(0))?;
/// for step in 1..100 {
///     running.update(&map(step - 1), &map(step), 4, &mut stream(step))?;
/// }
/// let found = running.estimate();
/// assert!((found.value - 3.099).abs() < 4.0 * found.standard_error.unwrap());
/// # Ok::<(), ad_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DeltaShift {
    value: f64,
    variance: f64,
    products: usize,
}

impl DeltaShift {
    /// Begins with Hutchinson's estimate by normal probes.
    ///
    /// # Errors
    /// Where no probes are asked for, or the map has no dimension; what a product fails with.
    pub fn new(map: &impl LinearMap, probes: usize, stream: &mut Stream) -> Result<Self> {
        if probes == 0 {
            return Err(Error::new("DeltaShift begins with at least one probe"));
        }
        let g = Rows::draw(Block::from(Probe::Gaussian), probes, map.dim(), stream)?;
        let image = g.image(map)?;
        let forms: Vec<f64> = g.iter().zip(image.iter()).map(|(g, y)| dot(g, y)).collect();
        let square = dot(&image.data, &image.data) / probes as f64;
        let variance = 2.0 * square / probes as f64;
        Ok(DeltaShift { value: mean(&forms), variance, products: probes })
    }

    /// Goes on from the map `old`, whose trace the estimate is of, to the map `new`. Takes two products for each of at
    /// least two fresh probes.
    ///
    /// The share kept is `a = 2 C / (l v + 2 N)`, which makes the variance least: `l` probes, `v` the variance before, `N`
    /// the squared Frobenius norm of `old` and `C` its inner product with `new`, as the products show them. Each probe's
    /// share is made of the other probes, so that the estimate stays unbiased. For maps that are not symmetric, the norm
    /// is an upper bound of that of the symmetric part, which the variance depends on.
    ///
    /// # Errors
    /// Where there are fewer than two probes or the dimensions differ; what a product fails with.
    pub fn update(
        &mut self,
        old: &impl LinearMap,
        new: &impl LinearMap,
        probes: usize,
        stream: &mut Stream,
    ) -> Result<()> {
        if probes < 2 || old.dim() != new.dim() {
            let (from, to) = (old.dim(), new.dim());
            let message = format!(
                "DeltaShift takes at least two probes, and maps of one dimension; it was given {probes}, and maps of {from} \
                 and {to}"
            );
            return Err(Error::new(message));
        }
        let g = Rows::draw(Block::from(Probe::Gaussian), probes, new.dim(), stream)?;
        let (before, after) = (g.image(old)?, g.image(new)?);
        let l = probes as f64;
        let each =
            |a: &Rows, b: &Rows| -> Vec<f64> { a.iter().zip(b.iter()).map(|(a, b)| dot(a, b)).collect() };
        let (n, c, m) = (each(&before, &before), each(&before, &after), each(&after, &after));
        let [n_sum, c_sum, m_sum] = [&n, &c, &m].map(|x| x.iter().sum::<f64>());
        let share = |n: f64, c: f64| {
            let whole = l * self.variance + 2.0 * n;
            if whole > 0.0 { 2.0 * c / whole } else { 0.0 }
        };
        let samples = each(&g, &before).into_iter().zip(each(&g, &after)).zip(n.iter().zip(&c));
        let samples: Vec<f64> = samples
            .map(|((before, after), (n, c))| {
                let a = share((n_sum - n) / (l - 1.0), (c_sum - c) / (l - 1.0));
                a * self.value + after - a * before
            })
            .collect();
        let (n, c, m) = (n_sum / l, c_sum / l, m_sum / l);
        let a = share(n, c);
        self.value = mean(&samples);
        self.variance = a * a * self.variance + 2.0 / l * (m - 2.0 * a * c + a * a * n);
        self.products += 2 * probes;
        Ok(())
    }

    /// The trace of the map of the last update, and the products of all updates.
    pub fn estimate(&self) -> Estimate {
        Estimate { value: self.value, standard_error: Some(self.variance.sqrt()), products: self.products }
    }
}
