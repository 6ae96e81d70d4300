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
        Some(out.unwrap_or(kept))
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
        Some(out.or(further).unwrap_or(kept))
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
            let limit = best.as_ref().map_or(f64::INFINITY, |best| best.cost);
            best = all(&parts, limit, |part, _| self.kept(part)).filter(fits).or(best);
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

#[cfg(test)]
mod tests {
    use super::super::cost::Workload;
    use super::super::network::{Axis, Factor, Source};
    use super::*;
    use ad_core::Tape;

    /// The trace of a product of `count` sums, each of the identity and a product of two matrices `[d, h]` and `[h, d]`.
    fn blocks(count: usize, d: usize, h: usize) -> Network {
        let tape = Tape::record(|t| [("y", t.example("a", &[]) * 2.0)]).unwrap();
        let source = Source::Line(tape.input("a").unwrap());
        let factor = |axes: [usize; 2], example: bool| Factor {
            source: source.clone(),
            example,
            axes: axes.map(Axis::new).to_vec(),
        };
        let mut term = Network::new(vec![d, d, h]);
        term.open = [0, 1].map(Axis::new).to_vec();
        term.factors = vec![factor([0, 2], true), factor([2, 1], false)];
        let sum = Rc::new(vec![Network::identity(vec![d]), term]);
        let mut whole = Network::new(vec![d; count]);
        for k in 0..count {
            let axes = [k, (k + 1) % count].map(Axis::new).to_vec();
            whole.factors.push(Factor { source: Source::Sum(sum.clone()), example: true, axes });
        }
        whole
    }

    fn planner() -> Planner {
        Planner::new(Workload::default(), Vec::new())
    }

    /// The cost when the sums of a set, by bit, are multiplied out, and the others kept.
    fn of_choice(network: &Network, set: usize) -> f64 {
        let mut networks = vec![network.clone()];
        for place in (0..network.factors.len()).rev().filter(|k| set >> k & 1 == 1) {
            networks = networks.iter().flat_map(|n| terms(n, place)).collect();
        }
        networks.into_iter().map(|n| planner().kept(&n).unwrap().cost).sum()
    }

    /// What is chosen costs no more than any set of sums multiplied out; none and all of them are two of the sets, and for one
    /// sum there are no others.
    #[test]
    fn the_choice_is_no_worse_than_any_set_of_sums() {
        for (count, d, h) in [(1, 30, 4), (1, 4, 30), (2, 30, 4), (2, 4, 30), (3, 12, 4), (3, 4, 12)] {
            let network = blocks(count, d, h);
            let costs: Vec<f64> = (0..1 << count).map(|set| of_choice(&network, set)).collect();
            let near = |got: f64, want: f64| assert!((got - want).abs() < 1e-9 * want, "{got} of {want}");
            let least = costs.iter().copied().fold(f64::INFINITY, f64::min);
            let found = planner().split(&network).unwrap();
            assert!(found.cost <= least * (1.0 + 1e-12), "{} of {costs:?}", found.cost);
            assert!(count > 1 || found.cost >= least * (1.0 - 1e-12));
            near(found.cost, found.plans.iter().map(|plan| plan.cost).sum());
            near(planner().kept(&network).unwrap().cost, costs[0]);
            let out = planner().multiplied_out(&network, f64::INFINITY).unwrap();
            near(out.cost, *costs.last().unwrap());
            assert_eq!(out.plans.len(), 1 << count);
            assert!(planner().multiplied_out(&network, 0.5 * out.cost).is_none());
        }
    }

    /// Where there are too many choices to try all, what is chosen costs no more than all sums kept, all multiplied out, or the
    /// best one of them; and it is the sum of its plans.
    #[test]
    fn descent_is_no_worse_than_where_it_begins() {
        for (count, d, h) in [(5, 12, 4), (5, 4, 12), (6, 8, 2)] {
            let network = blocks(count, d, h);
            assert!(choices(&network) == 3_usize.pow(count as u32) && choices(&network) > MAX_TRIALS);
            let found = planner().split(&network).unwrap();
            let ends = [0, (1 << count) - 1].into_iter().chain((0..count).map(|k| 1 << k));
            for least in ends.map(|set| of_choice(&network, set)) {
                assert!(found.cost <= least * (1.0 + 1e-12), "{} of {least}", found.cost);
            }
            let sum: f64 = found.plans.iter().map(|plan| plan.cost).sum();
            assert!((found.cost - sum).abs() < 1e-9 * sum);
        }
    }

    /// Parts of a plan that would be too large are within memory, and together run over all values of all indices.
    #[test]
    fn parts_within_memory_are_the_whole() {
        let tape = Tape::record(|t| [("y", t.example("a", &[]) * 2.0)]).unwrap();
        let source = Source::Line(tape.input("a").unwrap());
        for lengths in [[300, 310, 40], [70, 500, 500], [1000, 20, 900]] {
            let mut network = Network::new(lengths.to_vec());
            for k in 0..3 {
                let axes = [k, (k + 1) % 3].map(Axis::new).to_vec();
                network.factors.push(Factor { source: source.clone(), example: true, axes });
            }
            let whole = planner().kept(&network).unwrap();
            assert!(whole.plans[0].largest > MAX_VALUE);
            let parts = planner().within_memory(whole).plans;
            assert!(parts.iter().all(|part| part.largest <= MAX_VALUE));
            let values = |network: &Network| network.extents.iter().product::<usize>();
            assert_eq!(parts.iter().map(|part| values(&part.network)).sum::<usize>(), values(&network));
        }
    }

    /// So many terms are multiplied out as are allowed, and no more.
    #[test]
    fn sums_are_multiplied_out_up_to_the_limit() {
        let (last, more) = (blocks(7, 3, 2), blocks(8, 3, 2));
        assert_eq!((products(&last), products(&more)), (MAX_TRIALS, 2 * MAX_TRIALS));
        assert_eq!(planner().multiplied_out(&last, f64::INFINITY).unwrap().plans.len(), MAX_TRIALS);
        assert!(planner().multiplied_out(&more, f64::INFINITY).is_none());
    }
}
