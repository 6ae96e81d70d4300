//! Sums of products over indices: what a trace is once the derivative is written out.
//!
//! A network is `coefficient * sum (product of factors)`, where factors that share an index are tied by it, and every
//! index that is not open is summed. The example index is not an index here: a factor has it or not, and so has the
//! result. A factor may be a sum of networks itself, so that what terms have in common stands once.

use std::rc::Rc;

use ad_core::NodeId;

#[cfg(test)]
pub(super) mod tests;

/// An index of a network.
pub(super) type Label = usize;

/// A list of places, one per value of an index.
type Places = Rc<[usize]>;

/// How an axis of an array is read: along an index, at the places that its values stand for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis {
    pub(super) label: Label,
    /// The place along the axis for each value of the index; without it the value itself.
    pub(super) places: Option<Places>,
}

impl Axis {
    pub(super) fn new(label: Label) -> Self {
        Axis { label, places: None }
    }

    fn place(&self, value: usize) -> usize {
        self.places.as_ref().map_or(value, |places| places[value])
    }

    /// The axis when `at[r]` is read for the value `r` of another index.
    fn reread(&self, label: Label, at: Option<&Places>) -> Self {
        let places = match (&self.places, at) {
            (own, None) => own.clone(),
            (None, Some(at)) => Some(at.clone()),
            (Some(own), Some(at)) => Some(at.iter().map(|&r| own[r]).collect()),
        };
        Axis { label, places }
    }
}

/// What a factor is.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// The value of a line.
    Line(NodeId),
    /// A value that whoever computes the network brings along.
    Given,
    /// A sum; its terms have the factor's axes open.
    Sum(Rc<Vec<Network>>),
}

/// One factor of a product.
#[derive(Clone, Debug)]
pub(super) struct Factor {
    pub(super) source: Source,
    /// Whether each example has its own.
    pub(super) example: bool,
    pub(super) axes: Vec<Axis>,
}

/// `coefficient * sum (product of factors)`.
#[derive(Clone, Debug)]
pub(super) struct Network {
    pub(super) coefficient: f64,
    pub(super) factors: Vec<Factor>,
    /// The axes of the result. An index twice is a diagonal, with zeros beside it; one that no factor has is constant
    /// along it.
    pub(super) open: Vec<Axis>,
    /// How far each index runs.
    pub(super) extents: Vec<usize>,
}

impl Network {
    /// The product of nothing, with indices of these extents.
    pub(super) fn new(extents: Vec<usize>) -> Self {
        Network { coefficient: 1.0, factors: Vec::new(), open: Vec::new(), extents }
    }

    /// The identity on an array of these extents: each axis of the result, then each of the argument.
    pub(super) fn identity(extents: Vec<usize>) -> Self {
        let axes = || (0..extents.len()).map(Axis::new);
        let open = axes().chain(axes()).collect();
        Network { open, ..Network::new(extents) }
    }

    pub(super) fn index(&mut self, extent: usize) -> Label {
        self.extents.push(extent);
        self.extents.len() - 1
    }

    /// Whether it is zero whatever the factors are.
    pub(super) fn is_zero(&self) -> bool {
        let used = self.factors.iter().flat_map(|f| &f.axes).chain(&self.open);
        self.coefficient == 0.0 || used.into_iter().any(|axis| self.extents[axis.label] == 0)
    }

    pub(super) fn has_example(&self) -> bool {
        self.factors.iter().any(|f| f.example)
    }

    /// The factors that are sums, with their terms. A sum along one axis is left out: it is a vector, and to compute it
    /// costs next to nothing.
    pub(super) fn sums(&self) -> impl Iterator<Item = (usize, &Rc<Vec<Network>>)> {
        self.factors.iter().enumerate().filter_map(|(k, factor)| match &factor.source {
            Source::Sum(terms) if factor.axes.len() > 1 => Some((k, terms)),
            Source::Sum(_) | Source::Line(_) | Source::Given => None,
        })
    }

    /// The map that `self` is after `inner`: the last axes of `self` are the first ones of `inner`, `middle` of them.
    pub(super) fn after(&self, inner: &Network, middle: usize) -> Network {
        let mut whole = self.clone();
        let first = whole.open.len() - middle;
        whole.multiply(inner);
        for k in 0..middle {
            whole.tie(first + k, first + middle + k);
        }
        whole.open.drain(first..first + 2 * middle);
        whole.count_free();
        whole
    }

    /// The network with the factor `place`, a sum, replaced by one of its terms.
    pub(super) fn with_term(&self, place: usize, term: &Network) -> Network {
        let mut whole = self.clone();
        let factor = whole.factors.remove(place);
        let (first, count) = (whole.open.len(), factor.axes.len());
        whole.open.extend(factor.axes);
        whole.multiply(term);
        for k in 0..count {
            whole.tie(first + k, first + count + k);
        }
        whole.open.truncate(first);
        whole.count_free();
        whole
    }

    /// The diagonal of a matrix.
    pub(super) fn diagonal(&self) -> Network {
        let mut whole = self.clone();
        whole.tie(0, 1);
        whole.open.truncate(1);
        whole
    }

    /// The sum of the diagonal of a matrix.
    pub(super) fn trace(&self) -> Network {
        let mut whole = self.diagonal();
        whole.open.clear();
        whole.count_free();
        whole
    }

    /// The sum of the squares of a matrix.
    pub(super) fn squared_norm(&self) -> Network {
        let mut whole = self.clone();
        whole.multiply(self);
        whole.tie(0, 2);
        whole.tie(1, 3);
        whole.open.clear();
        whole.count_free();
        whole
    }

    /// The network with an index restricted to some of its values.
    pub(super) fn restricted(&self, label: Label, values: impl Iterator<Item = usize>) -> Network {
        let mut whole = self.clone();
        let values: Places = values.collect();
        let new = whole.index(values.len());
        whole.reread(label, new, Some(&values));
        whole
    }

    /// A summed index that nothing has is a factor.
    pub(super) fn count_free(&mut self) {
        let counted: f64 = self.free().iter().map(|&label| self.extents[label] as f64).product();
        self.coefficient *= counted;
        self.forget_free();
    }

    /// Indices that nothing has are not there.
    pub(super) fn forget_free(&mut self) {
        self.free().into_iter().for_each(|label| self.extents[label] = 1);
    }

    fn free(&self) -> Vec<Label> {
        let mut free = vec![true; self.extents.len()];
        self.factors.iter().flat_map(|f| &f.axes).chain(&self.open).for_each(|axis| free[axis.label] = false);
        (0..free.len()).filter(|&label| free[label]).collect()
    }

    /// The product with another network; its open axes follow.
    fn multiply(&mut self, other: &Network) {
        let shift = self.extents.len();
        let moved = |axis: &Axis| Axis { label: axis.label + shift, places: axis.places.clone() };
        self.extents.extend(&other.extents);
        self.coefficient *= other.coefficient;
        self.open.extend(other.open.iter().map(moved));
        self.factors.extend(
            other.factors.iter().map(|f| Factor { axes: f.axes.iter().map(moved).collect(), ..f.clone() }),
        );
    }

    /// Makes two open axes one: where they stand at the same place.
    fn tie(&mut self, p: usize, q: usize) {
        let (a, b) = (self.open[p].clone(), self.open[q].clone());
        if a == b {
            return;
        }
        if a.label == b.label {
            let same = (0..self.extents[a.label]).filter(|&r| a.place(r) == b.place(r)).collect::<Places>();
            let new = self.index(same.len());
            return self.reread(a.label, new, Some(&same));
        }
        // An index that is let go must not be counted.
        match (&a.places, &b.places) {
            (None, at) => self.reread(a.label, b.label, at.as_ref()),
            (at, None) => self.reread(b.label, a.label, at.as_ref()),
            (Some(left), Some(right)) => {
                let of = |place: usize| (0..right.len()).filter(move |&s| right[s] == place);
                let pairs = left.iter().enumerate().flat_map(|(r, &place)| of(place).map(move |s| (r, s)));
                let (rs, ss): (Vec<usize>, Vec<usize>) = pairs.unzip();
                let new = self.index(rs.len());
                self.reread(a.label, new, Some(&rs.into()));
                self.reread(b.label, new, Some(&ss.into()));
            }
        }
    }

    fn reread(&mut self, from: Label, to: Label, at: Option<&Places>) {
        self.extents[from] = 1;
        let axes = self.factors.iter_mut().flat_map(|f| &mut f.axes).chain(&mut self.open);
        for axis in axes.filter(|axis| axis.label == from) {
            *axis = axis.reread(to, at);
        }
    }
}
