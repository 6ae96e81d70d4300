//! Which sums of a network are multiplied out.
//!
//! A trace is linear, so that a factor that is a sum may be split into traces of its own: an identity among its terms
//! then costs nothing, and each of the others may have a cheap order that the sum has not. But what stands beside the sum
//! is computed for each term. Either may be better, for each sum by itself.

use std::rc::Rc;

use super::cost::MAX_VALUE;
use super::network::Network;
use super::order::{Plan, Planner};

/// The most networks that are ordered to decide by trying everything.
const MAX_TRIALS: usize = 128;

/// The plans whose sum is a network.
#[derive(Clone, Debug, Default)]
pub(super) struct Plans {
    pub(super) plans: Vec<Plan>,
    pub(super) cost: f64,
}

impl From<Plan> for Plans {
    fn from(plan: Plan) -> Self {
        Plans { cost: plan.cost, plans: vec![plan] }
    }
}

impl Plans {
    fn join(mut self, other: Plans) -> Self {
        self.cost += other.cost;
        self.plans.extend(other.plans);
        self
    }

    fn or_cheaper(self, other: Option<Plans>) -> Self {
        match other {
            Some(other) if other.cost < self.cost => other,
            _ => self,
        }
    }
}

impl Planner {
    /// The cheapest way found to compute a network.
    pub(super) fn split(&mut self, network: &Network) -> Option<Plans> {
        if choices(network) <= MAX_TRIALS {
            self.by_trial(network, 0, f64::INFINITY)
        } else {
            self.by_descent(network)
        }
    }

    /// No sum is multiplied out.
    pub(super) fn kept(&mut self, network: &Network) -> Option<Plans> {
        self.order(network.clone(), self.shape.clone()).map(Plans::from)
    }

    /// Every sum is multiplied out, unless that makes too many terms, or costs more than `limit`.
    pub(super) fn multiplied_out(&mut self, network: &Network, limit: f64) -> Option<Plans> {
        if products(network) > MAX_TRIALS {
            return None;
        }
        match network.sums().next() {
            None => self.kept(network),
            Some((place, _)) => {
                all(&terms(network, place), limit, |term, limit| self.multiplied_out(term, limit))
            }
        }
    }

    /// Every choice for the sums after the first `decided` factors, which stay as they are.
    fn by_trial(&mut self, network: &Network, decided: usize, limit: f64) -> Option<Plans> {
        let Some((place, _)) = network.sums().find(|&(place, _)| place >= decided) else {
            return self.kept(network);
        };
        let kept = self.by_trial(network, place + 1, limit)?;
        // A term's factors come last, and what stood behind the sum moves up by one.
        let trial = |term: &Network, limit: f64| self.by_trial(term, place, limit);
        let out = all(&terms(network, place), limit.min(kept.cost), trial);
        Some(kept.or_cheaper(out))
    }

    /// The sum whose terms by themselves help most, then on with each term; or all of them at once.
    fn by_descent(&mut self, network: &Network) -> Option<Plans> {
        let kept = self.kept(network)?;
        let mut best: Option<(usize, f64)> = None;
        for (place, _) in network.sums() {
            let limit = best.map_or(kept.cost, |(_, cost)| cost);
            if let Some(out) = all(&terms(network, place), limit, |term, _| self.kept(term)) {
                best = Some((place, out.cost));
            }
        }
        let further = best
            .and_then(|(place, _)| all(&terms(network, place), f64::INFINITY, |term, _| self.split(term)));
        let limit = further.as_ref().map_or(kept.cost, |further| further.cost);
        let out = self.multiplied_out(network, limit);
        Some(kept.or_cheaper(further).or_cheaper(out))
    }

    /// Plans whose values fit into [`MAX_VALUE`] where that is possible: an index is taken some values at a time.
    pub(super) fn within_memory(&mut self, plans: Plans) -> Plans {
        let parts = plans.plans.into_iter().map(|plan| self.in_blocks(plan));
        parts.collect::<Vec<_>>().into_iter().fold(Plans::default(), Plans::join)
    }

    fn in_blocks(&mut self, plan: Plan) -> Plans {
        if plan.largest <= MAX_VALUE {
            return plan.into();
        }
        let blocks = (plan.largest / MAX_VALUE).ceil() as usize;
        let network = &plan.network;
        let mut best: Option<Plans> = None;
        for (label, &extent) in network.extents.iter().enumerate().filter(|(_, n)| **n >= blocks) {
            let block = extent.div_ceil(blocks);
            let parts = (0..extent).step_by(block).map(|start| start..extent.min(start + block));
            let parts: Vec<Network> = parts.map(|values| network.restricted(label, values)).collect();
            let fits = |p: &Plans| p.plans.iter().all(|plan| plan.largest <= MAX_VALUE);
            best = match (best, all(&parts, f64::INFINITY, |part, _| self.kept(part)).filter(fits)) {
                (Some(best), parts) => Some(best.or_cheaper(parts)),
                (None, parts) => parts,
            };
        }
        best.unwrap_or_else(|| plan.into())
    }
}

/// The networks whose sum it is when the sum `place` is multiplied out.
fn terms(network: &Network, place: usize) -> Vec<Network> {
    let sum = network.sums().find(|&(k, _)| k == place);
    let terms = sum.iter().flat_map(|(_, terms)| terms.iter());
    terms.map(|term| network.with_term(place, term)).filter(|term| !term.is_zero()).collect()
}

/// The plans of all networks together, if they cost less than `limit`; each is planned within what is left of it.
fn all(
    networks: &[Network],
    limit: f64,
    mut plan: impl FnMut(&Network, f64) -> Option<Plans>,
) -> Option<Plans> {
    let mut all = Plans::default();
    for network in networks {
        let own = plan(network, limit - all.cost)?;
        all = all.join(own);
        if all.cost >= limit {
            return None;
        }
    }
    Some(all)
}

/// How many networks there are when each sum is kept or replaced by one of its terms.
fn choices(network: &Network) -> usize {
    let of_sum = |terms: &Rc<Vec<Network>>| terms.iter().map(choices).fold(1, usize::saturating_add);
    network.sums().map(|(_, terms)| of_sum(terms)).fold(1, usize::saturating_mul)
}

/// How many networks there are when all sums are multiplied out.
fn products(network: &Network) -> usize {
    let of_sum = |terms: &Rc<Vec<Network>>| terms.iter().map(products).fold(0, usize::saturating_add);
    network.sums().map(|(_, terms)| of_sum(terms)).fold(1, usize::saturating_mul)
}
