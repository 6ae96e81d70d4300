//! Hutch++ (Meyer, Musco, Musco, Woodruff: *Hutch++: Optimal Stochastic Trace Estimation*, SOSA 2021) as tapes: the
//! trace over a subspace that carries most of the Jacobian is taken exactly, the rest by chance.
//!
//! With orthonormal rows `Q` and `P = I - Q^T Q`, `tr J = tr(Q J Q^T) + tr(P J P)`, and the second is estimated by
//! probes. The three stages are three things:
//!
//! 1. [`sketch`] is a tape from random rows `S` to `J S`, whose span catches the large part of `J`;
//! 2. [`Sketcher`] runs it on batches and makes an orthonormal basis of each example's rows;
//! 3. [`estimate`] is a tape from the basis and fresh probes to the trace.
//!
//! [`fresh`] is all three in one tape, for a new basis at each evaluation.
//!
//! So **the basis is data**, an input of the estimating tape. No derivative goes through the factorisation, and none
//! is missed: for *any* basis that does not depend on the probes the estimate is unbiased, value and parameter gradient,
//! also for one that is old. Its variance is `2 / m |P B P|_F^2` for normal probes, `B = (J + J^T) / 2`. [`Bases`] keeps
//! bases by example, over steps and over training steps, and says when to renew them.
//!
//! Random rows of the sketch must not be used as probes too: the estimate would be biased.

mod bases;
mod fresh;
mod orthonormal;
mod sketcher;
#[cfg(test)]
mod tests;

use ad_core::{Elementary, Error, Result, Tape, Tracer};

use crate::divergence::standard_error;
use crate::jacobian::{Field, with_field};
use crate::{DIVERGENCE, PROBE, STANDARD_ERROR};

pub use bases::{Bases, Refresh};
pub use fresh::fresh;
pub use orthonormal::orthonormalise;
pub use sketcher::{Sketched, Sketcher};

/// The input of [`estimate`] for the basis: shape `[basis, d]` for each example.
pub const BASIS: &str = "basis";
/// The input of [`sketch`] for its random rows: shape `[basis, d]` for each example.
pub const SKETCH: &str = "sketch";
/// The output of [`sketch`]: rows whose span is to be the basis.
pub const IMAGE: &str = "image";
/// The output of [`sketch`] and the input of [`estimate`] for the multiple of the identity that is taken off.
pub const SHIFT: &str = "shift";
/// The output of [`estimate`] that measures what the basis leaves: see [`HutchPp::measure`].
pub const REST: &str = "rest";

/// Outputs of a tape, by name.
type Outputs = Vec<(String, Tracer)>;

/// What [`estimate`] takes: `basis + probes` Jacobian-vector products.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct HutchPp {
    /// The number of rows of the basis.
    pub basis: usize,
    /// The number of probes for the rest.
    pub probes: usize,
}

/// What the sketch multiplies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Sketch {
    /// `J`: one product a row. Best where the large directions of `J` are those of its symmetric part.
    #[default]
    Jacobian,
    /// `J + J^T`: two products a row. The variance is that of the symmetric part, which a rotation in `J` hides from
    /// products with `J` alone.
    Symmetric,
    /// `J - c I`, with the mean `c` of the diagonal as the sketch itself estimates it; the same `c`, an output, is then
    /// taken off in the estimate ([`estimate_shifted`]). For Jacobians near a multiple of the identity, as scores of data
    /// near a subspace have, whose spectrum no small basis can catch.
    Shifted,
}

impl Sketch {
    /// The products that one row costs.
    pub fn products_per_row(self) -> usize {
        if self == Sketch::Symmetric { 2 } else { 1 }
    }
}

/// The tape of a field with one more output, [`DIVERGENCE`], estimated by `basis + probes` products
/// that are pushed through the field at once. Inputs [`BASIS`] of shape `[basis, d]` and [`PROBE`] of shape
/// `[probes, d]` come after those of the tape, for each example. The rows of the basis are orthonormal, or zero.
///
/// ```
/// use ad_core::{Elementary, Tape};
/// use ad_ops::hutch_pp::{self, HutchPp};
///
/// let field = Tape::record(|t| [("x_dot", t.example("x", &[2]).sin())])?;
/// let tape = hutch_pp::estimate(&field, "x", "x_dot", HutchPp { basis: 1, probes: 1 })?;
/// // Along the first axis exactly, along the second by a probe.
/// let out = tape.compile::<f64>()?.call(1, &[&[0.5, 0.2], &[1.0, 0.0], &[1.0, -1.0]])?;
/// assert!((out[1][0] - (0.5_f64.cos() + 0.2_f64.cos())).abs() < 1e-15);
/// # Ok::<(), ad_core::Error>(())
/// ```
///
/// # Errors
/// Where there is no such input or output, they are not vectors of one length, a name is taken, or a number is zero.
pub fn estimate(tape: &Tape, state: &str, field: &str, settings: HutchPp) -> Result<Tape> {
    settings.check()?;
    with_field(tape, state, field, |f| {
        let [outputs, _] = settings.with_inputs(f, false);
        outputs
    })
}

/// As [`estimate`], with one more input, [`SHIFT`], a number `c` of each example that does not depend on the probes: the
/// rest is that of `J - c I`, and what is taken off is added exactly. Unbiased for any `c`.
///
/// # Errors
/// As [`estimate`].
pub fn estimate_shifted(tape: &Tape, state: &str, field: &str, settings: HutchPp) -> Result<Tape> {
    settings.check()?;
    with_field(tape, state, field, |f| {
        let [outputs, _] = settings.with_inputs(f, true);
        outputs
    })
}

impl HutchPp {
    /// The tape of [`estimate`], or of [`estimate_shifted`] for a shifted sketch, with one more output, [`REST`]: the mean of
    /// `|P J P g|^2` over the probes, whose expectation is `|P J P|_F^2`, with `J - c I` in place of `J` where there is a
    /// shift. [`Bases::note`] takes it and tells whether an old basis has lost its worth. Of two probes or more it tells the
    /// standard error of the estimate too, [`STANDARD_ERROR`].
    ///
    /// # Errors
    /// As [`estimate`].
    pub fn measure(self, tape: &Tape, state: &str, field: &str, sketch: Sketch) -> Result<Tape> {
        self.check()?;
        with_field(tape, state, field, |f| {
            let [mut outputs, measures] = self.with_inputs(f, sketch == Sketch::Shifted);
            outputs.extend(measures);
            outputs
        })
    }

    /// The Jacobian-vector products of an evaluation with a new basis.
    pub fn products(self, sketch: Sketch) -> usize {
        self.basis * (1 + sketch.products_per_row()) + self.probes
    }

    fn check(self) -> Result<()> {
        let HutchPp { basis, probes } = self;
        if basis == 0 || probes == 0 {
            let message = format!(
                "Hutch++ takes at least one row of a basis and one probe; asked for are {basis} and {probes}"
            );
            return Err(Error::new(message));
        }
        Ok(())
    }

    /// As [`HutchPp::outputs`], with the basis and the shift as inputs.
    fn with_inputs(self, f: Field, shifted: bool) -> [Outputs; 2] {
        let basis = f.recorder.example(BASIS, &[self.basis, f.dim]);
        let probes = self.probe(&f);
        let shift = shifted.then(|| f.recorder.example(SHIFT, &[]));
        self.outputs(f, &basis, &probes, shift.as_ref())
    }

    fn probe(self, f: &Field) -> Tracer {
        f.recorder.example(PROBE, &[self.probes, f.dim])
    }

    /// All outputs of the tape and the divergence; and what the estimate shows of its error.
    fn outputs(self, f: Field, q: &Tracer, g: &Tracer, shift: Option<&Tracer>) -> [Outputs; 2] {
        let m = self.probes;
        let beside = |v: &Tracer| v - &v.einsum("md,kd->mk", q).einsum("mk,kd->md", q);
        let probes = beside(g);
        // Two pushes of some directions each, not one of all: joining them would copy them, and a product with a matrix
        // is wide enough.
        let form = |v: &Tracer, image: &Tracer| image.einsum("nd,nd->", v);
        let within = form(q, &f.push(q));
        let images = f.push(&probes);
        let mut rest = form(&probes, &images) * (1.0 / m as f64);
        if let Some(c) = shift {
            let dims = -(q * q).sum() + f.dim as f64;
            rest = rest + (dims - (&probes * &probes).sum() * (1.0 / m as f64)) * c;
        }
        let (samples, left) = (images.einsum("nd,nd->n", &probes), beside(&images));
        let (samples, left) = match shift {
            Some(c) => (samples - probes.einsum("nd,nd->n", &probes) * c, left - &probes * c),
            None => (samples, left),
        };
        let left = left.square().sum() * (1.0 / m as f64);
        let mut outputs = f.outputs;
        outputs.push((DIVERGENCE.to_owned(), (within + rest).to_examples()));
        let mut measures = vec![(REST.to_owned(), left.to_examples())];
        if m > 1 {
            measures.push((STANDARD_ERROR.to_owned(), standard_error(&samples)));
        }
        [outputs, measures]
    }
}

/// The tape that makes the rows of a basis from the random rows [`SKETCH`]: output [`IMAGE`], and [`SHIFT`] where one is
/// taken off. The field itself is not an output.
///
/// # Errors
/// Where there is no such input or output, they are not vectors of one length, a name is taken, or there are no rows.
pub fn sketch(tape: &Tape, state: &str, field: &str, rows: usize, sketch: Sketch) -> Result<Tape> {
    if rows == 0 {
        return Err(Error::new("a sketch takes at least one row"));
    }
    with_field(tape, state, field, |f| {
        let s = f.recorder.example(SKETCH, &[rows, f.dim]);
        let (image, shift) = image_of(&f, &s, sketch);
        let shift = shift.map(|c| (SHIFT.to_owned(), c.to_examples()));
        [(IMAGE.to_owned(), image.to_examples())].into_iter().chain(shift).collect()
    })
}

/// What the rows `s` become, and the shift that was taken off.
fn image_of(f: &Field, s: &Tracer, sketch: Sketch) -> (Tracer, Option<Tracer>) {
    let image = f.push(s);
    match sketch {
        Sketch::Jacobian => (image, None),
        Sketch::Symmetric => (image + f.pull(s), None),
        Sketch::Shifted => {
            let c = (&image * s).sum() * (1.0 / s.shape().iter().product::<usize>() as f64);
            (image - s * &c, Some(c))
        }
    }
}
