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
const MAX_TRIALS: usize = 400;

/// The plans whose sum is a network without open axes.
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
    /// The cheapest way found to compute a network without open axes.
    pub(super) fn split(&mut self, network: &Network) -> Option<Plans> {
        if choices(network) <= MAX_TRIALS { self.by_trial(network, 0) } else { self.by_descent(network) }
    }

    /// No sum is multiplied out.
    pub(super) fn kept(&mut self, network: &Network) -> Option<Plans> {
        self.order(network.clone(), Vec::new()).map(Plans::from)
    }

    /// Every sum is multiplied out, unless that makes too many terms.
    pub(super) fn multiplied_out(&mut self, network: &Network) -> Option<Plans> {
        if products(network) > MAX_TRIALS {
            return None;
        }
        match network.sums().next() {
            None => self.kept(network),
            Some((place, _)) => all(&terms(network, place), |term| self.multiplied_out(term)),
        }
    }

    /// Every choice for the sums after the first `decided` factors, which stay as they are.
    fn by_trial(&mut self, network: &Network, decided: usize) -> Option<Plans> {
        let Some((place, _)) = network.sums().find(|&(place, _)| place >= decided) else {
            return self.kept(network);
        };
        let kept = self.by_trial(network, place + 1)?;
        // A term's factors come last, and what stood behind the sum moves up by one.
        Some(kept.or_cheaper(all(&terms(network, place), |term| self.by_trial(term, place))))
    }

    /// The sum whose terms by themselves help most, then on with each term; or all of them at once.
    fn by_descent(&mut self, network: &Network) -> Option<Plans> {
        let kept = self.kept(network)?;
        let mut best: Option<(usize, f64)> = None;
        for (place, _) in network.sums() {
            if let Some(out) = all(&terms(network, place), |term| self.kept(term))
                && out.cost < best.map_or(kept.cost, |(_, cost)| cost)
            {
                best = Some((place, out.cost));
            }
        }
        let further = best.and_then(|(place, _)| all(&terms(network, place), |term| self.split(term)));
        let out = self.multiplied_out(network);
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
            best = match (best, all(&parts, |part| self.kept(part)).filter(fits)) {
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

fn all(networks: &[Network], mut plan: impl FnMut(&Network) -> Option<Plans>) -> Option<Plans> {
    networks.iter().try_fold(Plans::default(), |plans, network| Some(plans.join(plan(network)?)))
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
