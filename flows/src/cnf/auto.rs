//! A divergence chosen by what the field at hand shows.

use ad_ops::auto::{Auto, Choice, Method};
use ad_ops::hutch_pp::HutchPp;
use ad_ops::random::Purpose;
use ad_ops::trace::Jacobian;
use ad_ops::{Block, Renewal};

use super::{Divergence, WORKLOAD};
use crate::error::{Error, Result};
use crate::field::{Field, STATE};
use crate::params::Parameters;

/// Chooses a divergence of a field for `products` Jacobian-vector products an evaluation: the exact one where the planner
/// finds it no dearer, else the estimator of the least variance, as [`Auto`] predicts it from the Jacobians at `rows` (row-major,
/// each with its row of `context`) at `t = 1`, where the solve of a log-density begins. Arguments but `products` are those of
/// [`Cnf::log_prob`](super::Cnf::log_prob), and `seed` is that of the vectors that measure; the same arguments give the same
/// choice. `Divergence::from(choice.method())` is what was chosen, and the [`Choice`] prints why.
///
/// The choice holds for these parameters. Initial ones say what the exact divergence costs, which never changes, but little of the
/// spectrum that a training will give the Jacobians: to choose by that, choose again. Hutch++ is counted with the products of
/// its sketch; a flow sketches once a solve only, beside a basis that is then less than new.
///
/// ```
/// use flows::layer::{Activation, mlp_field};
/// use flows::{Divergence, Parameters, cnf::choose};
///
/// let field = mlp_field(2, 0, &[64, 64], Activation::Tanh)?;
/// let parameters = Parameters::init(field.declarations(), 1);
/// let choice = choose(&field, &parameters, &[0.3, -0.5, 1.2, 0.7], &[], 1, 1)?;
/// assert_eq!(Divergence::from(choice.method()), Divergence::Exact);
/// println!("{choice}"); // it costs a tenth of a product or so
/// # Ok::<(), flows::Error>(())
/// ```
///
/// # Errors
/// Where sizes do not fit, there are no rows or no products.
pub fn choose(
    field: &Field,
    parameters: &Parameters,
    rows: &[f64],
    context: &[f64],
    products: usize,
    seed: u64,
) -> Result<Choice> {
    let (dims, width) = (field.dims(), field.context());
    let count = rows.len() / dims;
    if rows.len() != count * dims || context.len() != count * width {
        return Err(Error::Sizes { want: vec![dims, width], got: vec![rows.len(), context.len()] });
    }
    let auto = Auto::of_field(field.tape(), STATE, "x_dot", products, WORKLOAD)?;
    let jacobian = Jacobian::new(field.tape(), STATE, "x_dot")?;
    let at = |e: usize| {
        let own = [&[1.0][..], &rows[e * dims..][..dims], &context[e * width..][..width]];
        let own = own.into_iter().take(if width > 0 { 3 } else { 2 });
        let all: Vec<&[f64]> = own.chain(parameters.iter().map(|(_, array)| &array.data[..])).collect();
        jacobian.at(&all)
    };
    let maps = (0..count).map(at).collect::<ad_core::Result<Vec<_>>>()?;
    Ok(auto.choose(&maps, &mut Purpose::Measure.stream(seed, 0, 0))?)
}

impl From<Method> for Divergence {
    fn from(method: Method) -> Self {
        match method {
            Method::Exact => Divergence::Exact,
            Method::Hutchinson { probes, block } => {
                Divergence::Hutchinson { probes, probe: block, renewal: Renewal::PerSolve }
            }
            Method::HutchPp { split: HutchPp { basis, probes }, sketch } => {
                let (probe, renewal) = (Block::Haar, Renewal::PerSolve);
                Divergence::HutchPp { basis, probes, probe, renewal, sketch }
            }
        }
    }
}
