//! How a training takes the divergence.

use ad_ops::auto::Choice;
use ad_ops::hutch_pp::{Refresh, Sketch};
use ad_ops::{Block, Probe, Renewal};
use clap::{Args, ValueEnum};

use super::Failure;
use super::args::{counts, defaults};
use crate::cnf::{Divergence, choose};
use crate::train::Examples;
use crate::{Field, Parameters};

#[derive(Args, Debug)]
#[command(next_help_heading = "Divergence")]
pub(super) struct DivergenceArgs {
    /// How training takes the divergence of the field: exact, by the cheapest way to compute it or by one
    /// direction a column; or estimated from random directions (probes), drawn anew each training step, either
    /// from these alone or beside a basis of directions that carry most of it. With auto the program chooses and
    /// says why: exact where it costs no more than --products, else what errs least on the field as it begins
    #[arg(long = "divergence", value_enum, default_value_t = Way::Exact, verbatim_doc_comment)]
    way: Way,

    /// What auto may spend, in products of the Jacobian with a vector: a probe is one. In the plane the exact
    /// divergence never costs more than two, and with two hidden layers less than one anywhere [default: 2]
    #[arg(long, value_name = "N", value_parser = counts(1..=16_384), verbatim_doc_comment)]
    products: Option<usize>,

    /// Probes of an example, for hutchinson and hutch++ [default: 1]
    #[arg(long, value_name = "N", value_parser = counts(1..=16_384))]
    probes: Option<usize>,

    /// The law of the probes: independent, or orthogonal to each other (haar; hadamard, for some numbers of
    /// columns), which has less variance for more than one probe [default: rademacher]
    #[arg(long, value_enum, value_name = "LAW", verbatim_doc_comment)]
    probe: Option<Law>,

    /// When probes are drawn anew: for each solve, or for each step of one, so that errors of its steps mostly
    /// average out. Adaptive steps then follow the error of the points alone [default: solve]
    #[arg(long, value_enum, value_name = "WHEN", verbatim_doc_comment)]
    renewal: Option<RenewalName>,

    /// Rows of the basis of hutch++, not more than the data have columns [default: 1]
    #[arg(long, value_name = "N", value_parser = counts(1..=16_384))]
    basis: Option<usize>,

    /// What the basis of hutch++ is made from: the Jacobian, its symmetric part (twice the cost), or what is left of it
    /// without its mean diagonal [default: jacobian]
    #[arg(long, value_enum, value_name = "OF")]
    sketch: Option<SketchName>,

    /// When hutch++ makes the basis of a row anew: `always`, each time the row comes up; after it has come up N times;
    /// `adaptive`, when the old one has lost its worth [default: always]
    #[arg(long, value_name = "WHEN", value_parser = refresh)]
    refresh: Option<Refresh>,
}

/// The ways to a divergence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Way {
    Exact,
    Directions,
    Hutchinson,
    #[value(name = "hutch++")]
    HutchPp,
    Auto,
}

/// The laws of probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Law {
    Rademacher,
    Gaussian,
    Sphere,
    Haar,
    Hadamard,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SketchName {
    Jacobian,
    Symmetric,
    Shifted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum RenewalName {
    Solve,
    Step,
}

impl DivergenceArgs {
    /// The divergence of a field, and why, where that was left to the program: for the field's initial parameters and these
    /// examples.
    pub(super) fn resolve(
        &self,
        field: &Field,
        examples: &Examples,
        seed: u64,
    ) -> Result<(Divergence, Option<Choice>), Failure> {
        self.fit_together()?;
        let (probes, basis) = (self.probes.unwrap_or(1), self.basis.unwrap_or(1));
        let probe = self.probe.map_or_else(Block::default, Block::from);
        self.fit_in(field.dims(), basis, probe)?;
        let sketch = self.sketch.map_or_else(Sketch::default, Sketch::from);
        let renewal = self.renewal.map_or_else(Renewal::default, Renewal::from);
        let divergence = match self.way {
            Way::Exact => Divergence::Exact,
            Way::Directions => Divergence::Directions,
            Way::Hutchinson => Divergence::Hutchinson { probes, probe, renewal },
            Way::HutchPp => Divergence::HutchPp { basis, probes, probe, renewal, sketch },
            Way::Auto => {
                let parameters = Parameters::init(field.declarations(), seed);
                let products = self.products.unwrap_or(defaults::PRODUCTS);
                let (rows, contexts) = (examples.points(), examples.contexts());
                let choice = choose(field, &parameters, rows, contexts, products, seed)?;
                return Ok((choice.method().into(), Some(choice)));
            }
        };
        Ok((divergence, None))
    }

    /// When bases are made anew.
    pub(super) fn refresh(&self) -> Refresh {
        self.refresh.unwrap_or_default()
    }

    /// There are such bases and probes in so many dimensions.
    fn fit_in(&self, dims: usize, basis: usize, probe: Block) -> Result<(), Failure> {
        if self.way == Way::HutchPp && basis > dims {
            let message =
                format!("--basis {basis} is more than there are columns, {dims}: take {dims} or fewer.");
            return Err(Failure::input(message));
        }
        if probe.check(dims).is_err() {
            let message = format!(
                "--probe hadamard: no such matrix is built in for {dims} columns; haar takes any number."
            );
            return Err(Failure::input(message));
        }
        Ok(())
    }

    /// No option is given that its way does not read.
    fn fit_together(&self) -> Result<(), Failure> {
        let of_probes = [
            ("--probes", self.probes.is_some()),
            ("--probe", self.probe.is_some()),
            ("--renewal", self.renewal.is_some()),
        ];
        let of_bases = [
            ("--basis", self.basis.is_some()),
            ("--sketch", self.sketch.is_some()),
            ("--refresh", self.refresh.is_some()),
        ];
        let of_choice = [("--products", self.products.is_some())];
        let has_probes = matches!(self.way, Way::Hutchinson | Way::HutchPp);
        let unread = |options: &[(&'static str, bool)], read: bool| {
            options.iter().find(|(_, given)| *given && !read).map(|(name, _)| *name)
        };
        let refusal = unread(&of_probes, has_probes)
            .map(|name| (name, "hutchinson or hutch++"))
            .or_else(|| unread(&of_bases, self.way == Way::HutchPp).map(|name| (name, "hutch++")))
            .or_else(|| unread(&of_choice, self.way == Way::Auto).map(|name| (name, "auto")));
        let Some((name, ways)) = refusal else { return Ok(()) };
        let way = self.way.to_possible_value();
        let way = way.as_ref().map_or("", |way| way.get_name());
        Err(Failure::input(format!("{name} is for --divergence {ways}, not for {way}.")))
    }
}

impl From<Law> for Block {
    fn from(law: Law) -> Self {
        match law {
            Law::Rademacher => Probe::Rademacher.into(),
            Law::Gaussian => Probe::Gaussian.into(),
            Law::Sphere => Probe::Sphere.into(),
            Law::Haar => Block::Haar,
            Law::Hadamard => Block::Hadamard,
        }
    }
}

impl From<SketchName> for Sketch {
    fn from(name: SketchName) -> Self {
        match name {
            SketchName::Jacobian => Sketch::Jacobian,
            SketchName::Symmetric => Sketch::Symmetric,
            SketchName::Shifted => Sketch::Shifted,
        }
    }
}

impl From<RenewalName> for Renewal {
    fn from(name: RenewalName) -> Self {
        match name {
            RenewalName::Solve => Renewal::PerSolve,
            RenewalName::Step => Renewal::PerStep,
        }
    }
}

fn refresh(text: &str) -> Result<Refresh, String> {
    match (text, text.parse::<u32>()) {
        ("always", _) | (_, Ok(1)) => Ok(Refresh::Always),
        ("adaptive", _) => Ok(Refresh::Adaptive),
        (_, Ok(n)) if n > 1 => Ok(Refresh::Every(n)),
        _ => Err("give always, adaptive, or a number from 1 on".to_owned()),
    }
}
