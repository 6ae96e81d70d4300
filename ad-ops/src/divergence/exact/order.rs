//! The order in which a network is contracted: einsum path optimisation with a cost model that knows the example.
//!
//! Up to a bound on the number of connected sets of factors the order is the best one, by dynamic programming over these
//! sets. Beyond it, it is the best that grows from one factor, always by the cheapest neighbour.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::cost::{self, Kernel, Workload};
use super::network::{Axis, Factor, Label, Network, Source};

#[cfg(test)]
mod tests;

/// The most connected sets of factors that are looked at.
const MAX_SETS: usize = 2000;

/// A network with the order of its contraction.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) network: Network,
    /// The extents of the axes of the result.
    pub(super) shape: Vec<usize>,
    /// One for each part that shares no index with the others; their product is the result.
    pub(super) parts: Vec<Rc<Tree>>,
    /// The cost for each example.
    pub(super) cost: f64,
    /// The most numbers of a value on the way that examples have their own of.
    pub(super) largest: f64,
}

/// An order of contraction, with the indices of each result.
#[derive(Clone, Debug)]
pub(super) enum Tree {
    /// A factor, summed over the indices that the result lacks.
    Factor(usize, Vec<Label>),
    Product(Rc<Tree>, Rc<Tree>, Vec<Label>),
    /// The factor, a sum, applied to a value term by term, or computed by itself.
    Through(Option<Rc<Tree>>, Rc<Vec<Plan>>, Vec<Label>),
}

impl Tree {
    pub(super) fn labels(&self) -> &[Label] {
        match self {
            Tree::Factor(_, labels) | Tree::Product(_, _, labels) | Tree::Through(_, _, labels) => labels,
        }
    }
}

/// A set of indices of one network, by bit.
type Set = u128;

/// A value on the way.
#[derive(Clone)]
struct Partial {
    labels: Set,
    example: bool,
    cost: f64,
    largest: f64,
    /// The factor, if it is one that is a sum.
    sum: Option<usize>,
    tree: Rc<Tree>,
}

/// Finds orders under one workload.
pub(super) struct Planner {
    workload: Workload,
    /// The shape of what is planned.
    pub(super) shape: Vec<usize>,
    /// How many more networks may be ordered.
    budget: usize,
}

impl Planner {
    pub(super) fn new(workload: Workload, shape: Vec<usize>) -> Self {
        Planner { workload, shape, budget: 20_000 }
    }

    /// The best order found. `shape` is that of the result. `None` where the search has become too long.
    pub(super) fn order(&mut self, network: Network, shape: Vec<usize>) -> Option<Plan> {
        Search::new(self, &network)?.best(&shape).map(|found| found.plan(network, shape))
    }

    /// The order that begins with one factor of a network without open axes, and takes the others as they follow it
    /// around the loop: directions pushed through a cut, whose width is returned too.
    pub(super) fn push_from(&mut self, network: &Network, start: usize) -> Option<(usize, Plan)> {
        let mut search = Search::new(self, network)?;
        let mut rest = search.singles()?;
        rest.rotate_left(start);
        let mut whole = rest.remove(0);
        let mut cut = whole.labels;
        while !rest.is_empty() {
            let place = rest.iter().position(|r| r.labels & whole.labels != 0)?;
            let next = rest.remove(place);
            let outside = rest.iter().fold(search.open, |set, r| set | r.labels);
            cut = if rest.is_empty() { cut & next.labels } else { cut };
            whole = search.join(&whole, &next, outside, f64::INFINITY)?;
        }
        let width = search.size(cut) as usize;
        let found = Found { cost: whole.cost, largest: whole.largest, parts: vec![whole.tree] };
        Some((width, found.plan(network.clone(), Vec::new())))
    }
}

/// What a search has found.
struct Found {
    parts: Vec<Rc<Tree>>,
    cost: f64,
    largest: f64,
}

impl Found {
    fn plan(self, network: Network, shape: Vec<usize>) -> Plan {
        Plan { network, shape, parts: self.parts, cost: self.cost, largest: self.largest }
    }
}

/// Sums applied to a value with these indices, with or without the example, onto those indices.
type Applied = HashMap<(usize, Option<(Set, bool)>, Set), Option<Rc<Vec<Plan>>>>;

/// The search for one network.
struct Search<'a> {
    planner: &'a mut Planner,
    network: &'a Network,
    /// The indices in use, by bit.
    labels: Vec<Label>,
    open: Set,
    applied: Applied,
}

impl<'a> Search<'a> {
    fn new(planner: &'a mut Planner, network: &'a Network) -> Option<Self> {
        planner.budget = planner.budget.checked_sub(1)?;
        let mut labels: Vec<Label> =
            network.factors.iter().flat_map(|f| &f.axes).chain(&network.open).map(|a| a.label).collect();
        labels.sort_unstable();
        labels.dedup();
        if labels.len() > Set::BITS as usize {
            return None;
        }
        let mut search = Search { planner, network, labels, open: 0, applied: HashMap::new() };
        search.open = search.set(&network.open);
        Some(search)
    }

    fn set(&self, axes: &[Axis]) -> Set {
        let bit = |axis: &Axis| self.labels.binary_search(&axis.label).map_or(0, |bit| 1 << bit);
        axes.iter().map(bit).fold(0, |set, bit| set | bit)
    }

    fn list(&self, set: Set) -> Vec<Label> {
        (0..self.labels.len()).filter(|bit| set >> bit & 1 == 1).map(|bit| self.labels[bit]).collect()
    }

    fn size(&self, set: Set) -> f64 {
        let (mut rest, mut size) = (set, 1.0);
        while rest != 0 {
            size *= self.network.extents[self.labels[rest.trailing_zeros() as usize]] as f64;
            rest &= rest - 1;
        }
        size
    }

    fn best(&mut self, shape: &[usize]) -> Option<Found> {
        let mut found = Found { parts: Vec::new(), cost: 0.0, largest: 0.0 };
        for part in self.components()? {
            let whole = match self.exhaustive(&part) {
                Some(whole) => whole,
                None => self.growing(&part)?,
            };
            found.cost += whole.cost;
            found.largest = found.largest.max(whole.largest);
            found.parts.push(whole.tree);
        }
        found.cost += self.spread(shape, &found.parts);
        Some(found)
    }

    /// The cost of putting the parts together and the numbers where the open axes want them.
    fn spread(&self, shape: &[usize], parts: &[Rc<Tree>]) -> f64 {
        let size: f64 = shape.iter().map(|&n| n as f64).product();
        let contiguous = |places: &[usize]| places.windows(2).all(|w| w[0] + 1 == w[1]);
        let placed = self.network.open.iter().filter_map(|axis| axis.places.as_ref());
        // Numbers are put beside each other; anything else is left to whoever does not need it.
        if !placed.clone().all(|places| contiguous(places)) {
            return f64::INFINITY;
        }
        let repeated = self.open.count_ones() as usize != self.network.open.len();
        let products = parts.len().saturating_sub(1) + usize::from(repeated);
        self.passes(placed.count() + products, size, self.network.has_example())
    }

    /// The factors, each with the indices that something else has.
    fn singles(&mut self) -> Option<Vec<Partial>> {
        let own: Vec<Set> = self.network.factors.iter().map(|f| self.set(&f.axes)).collect();
        (0..own.len())
            .map(|k| {
                let others = own.iter().enumerate().filter(|(j, _)| *j != k);
                let kept = own[k] & others.fold(self.open, |set, (_, labels)| set | labels);
                self.single(k, own[k], kept)
            })
            .collect()
    }

    fn single(&mut self, k: usize, own: Set, kept: Set) -> Option<Partial> {
        let factor = &self.network.factors[k];
        let (size, example) = (self.size(kept), factor.example);
        let largest = if example { size } else { 0.0 };
        if let Source::Sum(_) = factor.source {
            let plans = self.apply(k, None, kept)?;
            let cost = self.cost_of_sum(&plans, size, example);
            let largest = plans.iter().map(|p| p.largest).fold(largest, f64::max);
            let tree = Rc::new(Tree::Through(None, plans, self.list(kept)));
            return Some(Partial { labels: kept, example, cost, largest, sum: Some(k), tree });
        }
        let moved = factor.axes.iter().any(|axis| axis.places.is_some());
        let cost = if moved || own != kept { self.pass(self.size(own), example) } else { 0.0 };
        let tree = Rc::new(Tree::Factor(k, self.list(kept)));
        Some(Partial { labels: kept, example, cost, largest, sum: None, tree })
    }

    /// Groups of factors that share no index with other groups.
    fn components(&mut self) -> Option<Vec<Vec<Partial>>> {
        let mut groups: Vec<(Set, Vec<Partial>)> = Vec::new();
        for single in self.singles()? {
            let (mut set, mut group) = (single.labels, vec![single]);
            let mut apart = Vec::new();
            for (other, members) in groups {
                if other & set == 0 {
                    apart.push((other, members));
                } else {
                    set |= other;
                    group.splice(0..0, members);
                }
            }
            apart.push((set, group));
            groups = apart;
        }
        Some(groups.into_iter().map(|(_, group)| group).collect())
    }

    /// The best order, unless there are too many connected sets.
    fn exhaustive(&mut self, factors: &[Partial]) -> Option<Partial> {
        let sets = connected(&factors.iter().map(|f| f.labels).collect::<Vec<_>>())?;
        let mut table: HashMap<u64, Partial> = HashMap::new();
        let whole = sets.last().copied()?;
        for (place, &set) in sets.iter().enumerate() {
            let lowest = set & set.wrapping_neg();
            if set == lowest {
                table.insert(set, factors[set.trailing_zeros() as usize].clone());
                continue;
            }
            let inside = |k: &usize| set >> k & 1 == 1;
            let others = (0..factors.len()).filter(|k| !inside(k));
            let outside = others.fold(self.open, |labels, k| labels | factors[k].labels);
            let mut best: Option<Partial> = None;
            for &left in sets[..place].iter().filter(|&&left| left & lowest != 0 && left & !set == 0) {
                if let (Some(a), Some(b)) = (table.get(&left), table.get(&(set & !left))) {
                    let limit = best.as_ref().map_or(f64::INFINITY, |best| best.cost);
                    best = self.join(a, b, outside, limit).or(best);
                }
            }
            table.insert(set, best?);
        }
        table.remove(&whole)
    }

    /// From each factor in turn, always on with the cheapest neighbour.
    fn growing(&mut self, factors: &[Partial]) -> Option<Partial> {
        let mut best: Option<Partial> = None;
        for start in 0..factors.len() {
            let mut rest = factors.to_vec();
            let mut whole = rest.remove(start);
            while !rest.is_empty() {
                let mut next: Option<(usize, Partial)> = None;
                for (k, factor) in rest.iter().enumerate().filter(|(_, f)| f.labels & whole.labels != 0) {
                    let others = rest.iter().enumerate().filter(|(j, _)| *j != k);
                    let outside = others.fold(self.open, |set, (_, f)| set | f.labels);
                    let limit = next.as_ref().map_or(f64::INFINITY, |(_, least)| least.cost);
                    next = self.join(&whole, factor, outside, limit).map(|joined| (k, joined)).or(next);
                }
                let (k, joined) = next?;
                rest.remove(k);
                whole = joined;
            }
            if best.as_ref().is_none_or(|best| whole.cost < best.cost) {
                best = Some(whole);
            }
        }
        best
    }

    /// The cheapest way to make one value of two, if it costs less than `limit`. `outside` are the indices that are still
    /// needed.
    fn join(&mut self, a: &Partial, b: &Partial, outside: Set, limit: f64) -> Option<Partial> {
        let mut best = self.product(a, b, outside, limit);
        for (value, sum) in [(a, b), (b, a)] {
            let limit = best.as_ref().map_or(limit, |best| best.cost);
            if let Some(k) = sum.sum
                && is_under(value.cost, limit)
                && let Some(through) = self.through(value, k, (a.labels | b.labels) & outside)
                && is_under(through.cost, limit)
            {
                best = Some(through);
            }
        }
        best
    }

    fn product(&self, a: &Partial, b: &Partial, outside: Set, limit: f64) -> Option<Partial> {
        let all = a.labels | b.labels;
        let (kept, summed) = (all & outside, all & !outside);
        let example = a.example || b.example;
        let kernel = match (a.example, b.example) {
            (false, false) => Kernel::Shared,
            (true, true) if summed != 0 => Kernel::Dot,
            _ if summed != 0 => Kernel::Matrix,
            _ => Kernel::Rows,
        };
        let size = self.size(kept);
        let values = [(a.example, self.size(a.labels)), (b.example, self.size(b.labels)), (example, size)];
        let own = values.map(|(own, size)| if own { size } else { 0.0 });
        let workload = self.planner.workload;
        let shared = if example { 0.0 } else { cost::shared(size, workload) };
        let cost = a.cost + b.cost + shared + cost::line(kernel, self.size(all), &own, workload);
        let largest = own.iter().fold(a.largest.max(b.largest), |largest, size| largest.max(*size));
        is_under(cost, limit).then(|| {
            let tree = Rc::new(Tree::Product(a.tree.clone(), b.tree.clone(), self.list(kept)));
            Partial { labels: kept, example, cost, largest, sum: None, tree }
        })
    }

    /// A sum applied to a value, term by term.
    fn through(&mut self, value: &Partial, k: usize, kept: Set) -> Option<Partial> {
        let plans = self.apply(k, Some((value.labels, value.example)), kept)?;
        let example = value.example || self.network.factors[k].example;
        let size = self.size(kept);
        let cost = value.cost + self.cost_of_sum(&plans, size, example);
        let own = plans.iter().map(|p| p.largest).fold(if example { size } else { 0.0 }, f64::max);
        let tree = Rc::new(Tree::Through(Some(value.tree.clone()), plans, self.list(kept)));
        Some(Partial { labels: kept, example, cost, largest: value.largest.max(own), sum: None, tree })
    }

    /// The cost of reading and writing a value once.
    fn pass(&self, size: f64, example: bool) -> f64 {
        let workload = self.planner.workload;
        if example {
            cost::line(Kernel::Rows, size, &[size, size], workload)
        } else {
            cost::line(Kernel::Shared, size, &[], workload) + cost::shared(size, workload)
        }
    }

    /// The cost of so many passes; of none also where one would be infinite.
    fn passes(&self, count: usize, size: f64, example: bool) -> f64 {
        (0..count).map(|_| self.pass(size, example)).sum()
    }

    fn cost_of_sum(&self, plans: &[Plan], size: f64, example: bool) -> f64 {
        let terms: f64 = plans.iter().map(|p| p.cost).sum();
        terms + self.passes(plans.len().saturating_sub(1), size, example)
    }

    /// The terms of factor `k`, each as a network with the value, if there is one, as its first factor.
    fn apply(&mut self, k: usize, value: Option<(Set, bool)>, kept: Set) -> Option<Rc<Vec<Plan>>> {
        if let Some(known) = self.applied.get(&(k, value, kept)) {
            return known.clone();
        }
        let Source::Sum(terms) = &self.network.factors[k].source else { return None };
        let axes = |set: Set| self.list(set).into_iter().map(Axis::new).collect::<Vec<Axis>>();
        let mut outer = Network::new(self.network.extents.clone());
        outer.open = axes(kept);
        let shape: Vec<usize> = outer.open.iter().map(|axis| outer.extents[axis.label]).collect();
        outer.factors.extend(value.map(|(set, example)| Factor {
            source: Source::Given,
            example,
            axes: axes(set),
        }));
        let place = outer.factors.len();
        outer.factors.push(self.network.factors[k].clone());
        outer.forget_free();
        let networks = terms.iter().map(|term| outer.with_term(place, term)).filter(|n| !n.is_zero());
        let plans: Option<Vec<Plan>> = networks.map(|n| self.planner.order(n, shape.clone())).collect();
        let plans = plans.map(Rc::new);
        self.applied.insert((k, value, kept), plans.clone());
        plans
    }
}

/// What cannot be done has infinite cost, and is still better than nothing.
fn is_under(cost: f64, limit: f64) -> bool {
    cost < limit || limit == f64::INFINITY
}

/// All sets of factors that hang together by their indices, smaller ones first; `None` where there are too many.
fn connected(labels: &[Set]) -> Option<Vec<u64>> {
    if labels.len() > u64::BITS as usize {
        return None;
    }
    let mut sets: Vec<u64> = (0..labels.len()).map(|k| 1 << k).collect();
    let mut begin = 0;
    for _ in 1..labels.len() {
        let mut larger = HashSet::new();
        let end = sets.len();
        for &set in &sets[begin..end] {
            let has = |k: &usize| set >> k & 1 == 1;
            let own = (0..labels.len()).filter(has).fold(0, |all, k| all | labels[k]);
            let beside = (0..labels.len()).filter(|k| !has(k) && labels[*k] & own != 0);
            larger.extend(beside.map(|k| set | 1 << k));
        }
        let mut larger: Vec<u64> = larger.into_iter().collect();
        larger.sort_unstable();
        sets.extend(larger);
        begin = end;
        if sets.len() > MAX_SETS {
            return None;
        }
    }
    Some(sets)
}
