use ad_ops::hutch_pp::{Refresh, Sketch};
use ad_ops::{Block, Probe, Renewal};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Fault;
use crate::cnf::{Divergence, Settings};
use crate::data::Standardisation;
use crate::layer::{Activation, mlp_field};
use crate::ode::controller::{Adaptive, Control};
use crate::ode::tableau::Tableau;
use crate::{Field, Result};

/// Everything about a model but its parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// The version of this crate that trained it.
    pub crate_version: String,
    /// The data it was trained on: a built-in name or a path.
    pub data: String,
    /// The names of the data's columns.
    pub columns: Vec<String>,
    /// The map from the data to what the field sees.
    pub standardisation: Standardisation,
    /// The field.
    pub architecture: Architecture,
    /// The name of the Runge-Kutta method of the training.
    pub solver: String,
    /// The step control of the training.
    #[serde(with = "ControlText")]
    pub control: Control,
    /// How the training took the divergence.
    #[serde(with = "DivergenceText")]
    pub divergence: Divergence,
    /// When the training made the bases of [`Divergence::HutchPp`] anew; other divergences have none. A file that does not
    /// say it means always.
    #[serde(default, with = "RefreshText", skip_serializing_if = "is_always")]
    pub refresh: Refresh,
    /// The precision of the training.
    pub dtype: Dtype,
    /// The seed of the training.
    pub seed: u64,
}

/// A kind of field and its sizes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Architecture {
    /// The field of [`mlp_field`].
    Mlp {
        /// The numbers of a point.
        dims: usize,
        /// The numbers of a context.
        context: usize,
        /// The widths of the hidden layers.
        hidden: Vec<usize>,
        /// What stands between them.
        activation: Activation,
    },
}

/// The precision of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dtype {
    /// Single.
    F32,
    /// Double.
    F64,
}

impl Architecture {
    /// Records the field.
    ///
    /// # Errors
    /// Where a width is 0.
    pub fn field(&self) -> Result<Field> {
        let Self::Mlp { dims, context, hidden, activation } = self;
        Ok(mlp_field(*dims, *context, hidden, *activation)?)
    }

    /// The number of parameters, without recording the field; none where it is beyond a `usize`.
    pub fn parameter_count(&self) -> Option<usize> {
        let Self::Mlp { dims, context, hidden, .. } = self;
        let mut width = dims.checked_add(*context)?.checked_add(1)?;
        let mut count = 0_usize;
        for &out in hidden.iter().chain([dims]) {
            count = count.checked_add(width.checked_add(1)?.checked_mul(out)?)?;
            width = out;
        }
        Some(count)
    }
}

impl Description {
    /// The settings of the training.
    ///
    /// # Errors
    /// Where the method is unknown.
    pub fn settings(&self) -> Result<Settings> {
        let (tableau, control, divergence) = (Tableau::by_name(&self.solver)?, self.control, self.divergence);
        Ok(Settings { tableau, control, divergence, ..Settings::default() })
    }

    /// Whether the parts speak of the same number of columns.
    pub(super) fn check(&self) -> std::result::Result<(), Fault> {
        let Architecture::Mlp { dims, .. } = self.architecture;
        let (columns, scales) = (self.columns.len(), self.standardisation.columns());
        if dims == columns && dims == scales { Ok(()) } else { Err(Fault::Columns { dims, columns, scales }) }
    }
}

/// [`Control`] as text.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Control", rename_all = "lowercase")]
enum ControlText {
    Constant {
        steps: usize,
    },
    #[serde(with = "AdaptiveText")]
    Adaptive(Adaptive),
}

/// [`Adaptive`] as text.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Adaptive")]
struct AdaptiveText {
    rtol: f64,
    atol: f64,
    integral: f64,
    proportional: f64,
    safety: f64,
    factor_min: f64,
    factor_max: f64,
    first_step_divisor: f64,
    max_steps: usize,
}

/// [`Divergence`] as text.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Divergence", rename_all = "lowercase")]
enum DivergenceText {
    Exact,
    Directions,
    Hutchinson {
        probes: usize,
        #[serde(with = "LawText")]
        probe: Block,
        #[serde(default, with = "RenewalText", skip_serializing_if = "is_per_solve")]
        renewal: Renewal,
    },
    HutchPp {
        basis: usize,
        probes: usize,
        #[serde(with = "LawText")]
        probe: Block,
        #[serde(default, with = "RenewalText", skip_serializing_if = "is_per_solve")]
        renewal: Renewal,
        #[serde(with = "SketchText")]
        sketch: Sketch,
    },
}

/// [`Sketch`] as text.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Sketch", rename_all = "lowercase")]
enum SketchText {
    Jacobian,
    Symmetric,
    Shifted,
}

/// [`Renewal`] as text; a file that does not say it means per solve.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Renewal")]
enum RenewalText {
    #[serde(rename = "solve")]
    PerSolve,
    #[serde(rename = "step")]
    PerStep,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "so serde calls it")]
fn is_per_solve(renewal: &Renewal) -> bool {
    *renewal == Renewal::PerSolve
}

/// [`Refresh`] as text.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Refresh", rename_all = "lowercase")]
enum RefreshText {
    Always,
    Every(u32),
    Adaptive,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "so serde calls it")]
fn is_always(refresh: &Refresh) -> bool {
    *refresh == Refresh::Always
}

/// [`Block`] as text: one word, also for independent probes.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum LawText {
    Rademacher,
    Gaussian,
    Sphere,
    Haar,
    Hadamard,
}

impl LawText {
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "so serde calls it")]
    fn serialize<S: Serializer>(law: &Block, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let text = match law {
            Block::Independent(Probe::Rademacher) => Self::Rademacher,
            Block::Independent(Probe::Gaussian) => Self::Gaussian,
            Block::Independent(Probe::Sphere) => Self::Sphere,
            Block::Haar => Self::Haar,
            Block::Hadamard => Self::Hadamard,
        };
        Serialize::serialize(&text, serializer)
    }

    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Block, D::Error> {
        Ok(match <Self as Deserialize>::deserialize(deserializer)? {
            Self::Rademacher => Probe::Rademacher.into(),
            Self::Gaussian => Probe::Gaussian.into(),
            Self::Sphere => Probe::Sphere.into(),
            Self::Haar => Block::Haar,
            Self::Hadamard => Block::Hadamard,
        })
    }
}
