//! Networks against their definition: sums over all values of all indices.

use super::*;
use crate::random::{Purpose, Stream};
use ad_core::Tape;

/// Any line of a tape, to be the name of an array.
fn lines() -> [NodeId; 3] {
    let tape =
        Tape::record(|t| [("y", t.example("a", &[]) * t.example("b", &[]) + t.example("c", &[]))]).unwrap();
    ["a", "b", "c"].map(|name| tape.input(name).unwrap())
}

/// An entry of the array of a line: the same places, the same number.
fn entry(id: NodeId, places: &[usize]) -> f64 {
    let at = places.iter().fold(1.0 + id.index() as f64, |at, &p| 3.7 * at + p as f64);
    at.sin()
}

/// All values of indices that run so far.
pub(in super::super) fn all(extents: &[usize]) -> Vec<Vec<usize>> {
    let begin = vec![Vec::new()];
    extents.iter().fold(begin, |begun, &n| {
        begun.iter().flat_map(|values| (0..n).map(move |v| [&values[..], &[v]].concat())).collect()
    })
}

fn at(network: &Network, places: &[usize]) -> f64 {
    value(network, places, &entry)
}

/// The number at some places of the result, by the definition, where `entry` tells the numbers of a line.
pub(in super::super) fn value(
    network: &Network,
    places: &[usize],
    entry: &dyn Fn(NodeId, &[usize]) -> f64,
) -> f64 {
    let read = |axes: &[Axis], values: &[usize]| -> Vec<usize> {
        axes.iter().map(|axis| axis.place(values[axis.label])).collect()
    };
    let factor = |factor: &Factor, values: &[usize]| match &factor.source {
        Source::Line(id) => entry(*id, &read(&factor.axes, values)),
        Source::Sum(terms) => terms.iter().map(|term| value(term, &read(&factor.axes, values), entry)).sum(),
        Source::Given => panic!("nothing is given"),
    };
    let here = all(&network.extents).into_iter().filter(|values| read(&network.open, values) == places);
    let product = |values: Vec<usize>| network.factors.iter().map(|f| factor(f, &values)).product::<f64>();
    network.coefficient * here.map(product).sum::<f64>()
}

/// Draws networks whose axes are read plainly, at places, some of them twice, and along each other.
struct Draw {
    stream: Stream,
    lines: [NodeId; 3],
}

impl Draw {
    fn new(seed: u32) -> Self {
        Draw { stream: Purpose::Constant.stream(3, seed, 0), lines: lines() }
    }

    fn below(&mut self, n: usize) -> usize {
        (self.stream.uniform() * n as f64) as usize
    }

    /// An axis of length `n`.
    fn axis(&mut self, network: &mut Network, n: usize) -> Axis {
        let known = self.below(network.extents.len().max(1));
        match (self.below(4), network.extents.get(known).copied()) {
            (0, Some(extent)) if extent == n => Axis::new(known),
            (0 | 1, Some(extent)) => {
                Axis { label: known, places: Some((0..extent).map(|_| self.below(n)).collect()) }
            }
            (2, _) => {
                let count = 1 + self.below(n);
                Axis {
                    label: network.index(count),
                    places: Some((0..count).map(|_| self.below(n)).collect()),
                }
            }
            _ => Axis::new(network.index(n)),
        }
    }

    /// An array of this shape, of up to two factors.
    fn network(&mut self, shape: &[usize]) -> Network {
        let mut network = Network::new(Vec::new());
        network.coefficient = 0.5 + self.stream.uniform();
        for &n in shape {
            let axis = self.axis(&mut network, n);
            network.open.push(axis);
        }
        for _ in 0..self.below(3) {
            let source = Source::Line(self.lines[self.below(3)]);
            let count = 1 + self.below(2);
            let axes = (0..count).map(|_| self.axis(&mut network, 2)).collect();
            network.factors.push(Factor { source, example: false, axes });
        }
        network.count_free();
        network
    }

    /// The product of such an array with a sum of two, and the place of the sum.
    fn with_sum(&mut self, shape: &[usize], own: &[usize]) -> (Network, usize, Rc<Vec<Network>>) {
        let mut network = self.network(shape);
        let terms = Rc::new(vec![self.network(own), self.network(own)]);
        let axes = own.iter().map(|&n| self.axis(&mut network, n)).collect();
        let place = self.below(network.factors.len() + 1);
        network.factors.insert(place, Factor { source: Source::Sum(terms.clone()), example: false, axes });
        (network, place, terms)
    }
}

fn assert_near(got: f64, want: f64) {
    assert!((got - want).abs() < 1e-11 * (1.0 + want.abs()), "{got} of {want}");
}

/// One map after another is the sum over what is between them, also where that has several axes.
#[test]
fn after_is_the_composition() {
    for seed in 0..300 {
        let mut draw = Draw::new(seed);
        for middle in [&[3][..], &[2, 3]] {
            let outer = draw.network(&[&[2][..], middle].concat());
            let inner = draw.network(&[middle, &[2]].concat());
            let both = outer.after(&inner, middle.len());
            for (i, j) in (0..2).flat_map(|i| (0..2).map(move |j| (i, j))) {
                let through = |m: Vec<usize>| {
                    at(&outer, &[&[i][..], &m].concat()) * at(&inner, &[&m[..], &[j]].concat())
                };
                assert_near(at(&both, &[i, j]), all(middle).into_iter().map(through).sum());
            }
        }
    }
}

#[test]
fn the_identity_changes_nothing() {
    let identity = Network::identity(vec![2, 3]);
    for (a, b) in all(&[2, 3]).into_iter().flat_map(|a| all(&[2, 3]).into_iter().map(move |b| (a.clone(), b)))
    {
        assert_near(at(&identity, &[&a[..], &b].concat()), f64::from(u8::from(a == b)));
    }
    let map = Draw::new(5).network(&[2, 3, 2]);
    let same = identity.after(&map, 2);
    for place in all(&[2, 3, 2]) {
        assert_near(at(&same, &place), at(&map, &place));
    }
}

/// Trace, diagonal and sum of squares are those of the matrix.
#[test]
fn closed_matrices_are_what_they_are_called() {
    for seed in 0..300 {
        let matrix = Draw::new(seed).network(&[3, 3]);
        let diagonal: Vec<f64> = (0..3).map(|i| at(&matrix, &[i, i])).collect();
        (0..3).for_each(|i| assert_near(at(&matrix.diagonal(), &[i]), diagonal[i]));
        assert_near(at(&matrix.trace(), &[]), diagonal.iter().sum());
        let square = all(&[3, 3]).iter().map(|place| at(&matrix, place).powi(2)).sum();
        assert_near(at(&matrix.squared_norm(), &[]), square);
    }
}

/// A network with a sum is the sum of the networks with its terms; and the sum of its parts, where an index runs over some
/// values only.
#[test]
fn networks_are_the_sums_of_their_terms_and_parts() {
    for seed in 0..300 {
        let mut draw = Draw::new(seed);
        for own in [&[][..], &[2], &[2, 3]] {
            let (whole, place, terms) = draw.with_sum(&[2], own);
            let each: Vec<Network> = terms.iter().map(|term| whole.with_term(place, term)).collect();
            for i in 0..2 {
                let want = at(&whole, &[i]);
                assert_near(each.iter().map(|n| at(n, &[i])).sum(), want);
                for (label, &extent) in whole.extents.iter().enumerate() {
                    let parts = [0..1, 1..extent].map(|values| at(&whole.restricted(label, values), &[i]));
                    let used = whole.factors.iter().flat_map(|f| &f.axes).chain(&whole.open);
                    if used.into_iter().any(|axis| axis.label == label) {
                        assert_near(parts.iter().sum(), want);
                    }
                }
            }
            let sums: Vec<usize> = whole.sums().map(|(k, _)| k).collect();
            assert_eq!(sums, if own.len() > 1 { vec![place] } else { vec![] });
        }
    }
}

/// An index without values makes a sum of nothing, and so does a coefficient of zero; any other network has a number
/// that is not zero.
#[test]
fn zero_is_recognised() {
    for seed in 0..50 {
        let mut network = Draw::new(seed).network(&[2, 2]);
        assert!(!network.is_zero() && all(&[2, 2]).iter().any(|place| at(&network, place) != 0.0));
        let open = network.open[0].label;
        let none = network.restricted(open, 0..0);
        assert!(none.is_zero() && all(&[2, 2]).iter().all(|place| at(&none, place) == 0.0));
        network.coefficient = 0.0;
        assert!(network.is_zero());
    }
    let mut beside = Network::new(vec![0]);
    assert!(!beside.is_zero(), "what nothing has is not there");
    beside.factors.push(Factor { source: Source::Line(lines()[0]), example: true, axes: vec![Axis::new(0)] });
    assert!(beside.is_zero() && beside.has_example());
    assert!(!Network::identity(vec![2]).has_example());
}
