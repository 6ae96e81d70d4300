//! Plans as lines of a tape.

use ad_core::{Recorder, Tracer};

use super::network::{Factor, Label, Source};
use super::order::{Plan, Tree};

/// Writes plans into a recording.
pub(super) struct Emitter<'a> {
    pub(super) recorder: &'a Recorder,
    /// The values of the lines that plans read.
    pub(super) lines: &'a [Tracer],
}

/// A value and the index of each of its axes; no index stands twice.
#[derive(Clone)]
struct Value {
    tracer: Tracer,
    labels: Vec<Label>,
}

impl Emitter<'_> {
    /// The sum of plans of one shape.
    pub(super) fn sum(&self, plans: &[Plan], shape: &[usize], given: Option<&Tracer>) -> Tracer {
        let values: Vec<(f64, Tracer)> =
            plans.iter().map(|plan| (plan.network.coefficient, self.plan(plan, given))).collect();
        let terms: Vec<(f64, &Tracer)> = values.iter().map(|(c, value)| (*c, value)).collect();
        Tracer::linear_combination(&terms).unwrap_or_else(|| self.recorder.full(shape, 0.0))
    }

    /// The value of a plan without its coefficient.
    fn plan(&self, plan: &Plan, given: Option<&Tracer>) -> Tracer {
        let parts = plan.parts.iter().map(|tree| self.tree(plan, tree, given));
        let product = parts.reduce(|a, b| {
            let out = [&a.labels[..], &b.labels].concat();
            multiply(&a, &b, &out)
        });
        let mut value =
            product.unwrap_or_else(|| Value { tracer: self.recorder.number(1.0), labels: Vec::new() });
        let open = &plan.network.open;
        for axis in open {
            if !value.labels.contains(&axis.label) {
                let constant = self.recorder.full(&[plan.network.extents[axis.label]], 1.0);
                let (constant, out) = (
                    Value { tracer: constant, labels: vec![axis.label] },
                    [&value.labels[..], &[axis.label]].concat(),
                );
                value = multiply(&value, &constant, &out);
            }
        }
        let out: Vec<Label> = open.iter().map(|axis| axis.label).collect();
        let mut tracer = self.read(&value, &out);
        for (k, (axis, &length)) in open.iter().zip(&plan.shape).enumerate() {
            if let Some(start) = axis.places.as_ref().and_then(|places| places.first().copied()) {
                tracer = tracer.pad(k, start, length);
            }
        }
        tracer
    }

    fn tree(&self, plan: &Plan, tree: &Tree, given: Option<&Tracer>) -> Value {
        match tree {
            Tree::Factor(k, labels) => self.factor(&plan.network.factors[*k], labels, given),
            Tree::Product(a, b, labels) => {
                let (a, b) = (self.tree(plan, a, given), self.tree(plan, b, given));
                multiply(&a, &b, &arranged(&a, &b, labels))
            }
            Tree::Through(value, plans, labels) => {
                let value = value.as_ref().map(|tree| {
                    let value = self.tree(plan, tree, given);
                    self.read(&value, tree.labels())
                });
                let shape: Vec<usize> = labels.iter().map(|&l| plan.network.extents[l]).collect();
                Value { tracer: self.sum(plans, &shape, value.as_ref()), labels: labels.clone() }
            }
        }
    }

    /// A factor, read at the places of its axes and summed over the indices that are not wanted.
    fn factor(&self, factor: &Factor, wanted: &[Label], given: Option<&Tracer>) -> Value {
        let mut tracer = match (&factor.source, given) {
            (Source::Line(id), _) => self.lines[id.index()].clone(),
            (Source::Given, Some(given)) => given.clone(),
            (Source::Given | Source::Sum(_), _) => self.recorder.number(0.0).fail("a plan without its value"),
        };
        for (k, axis) in factor.axes.iter().enumerate() {
            if let Some(places) = &axis.places {
                let start = places.first().copied().unwrap_or(0);
                let contiguous = places.iter().enumerate().all(|(r, &place)| place == start + r);
                tracer = if contiguous {
                    tracer.slice(k, start..start + places.len())
                } else {
                    tracer.gather(k, places)
                };
            }
        }
        let labels: Vec<Label> = factor.axes.iter().map(|axis| axis.label).collect();
        let mut out: Vec<Label> = Vec::new();
        for &l in labels.iter().filter(|l| wanted.contains(l)) {
            if !out.contains(&l) {
                out.push(l);
            }
        }
        let tracer = self.read(&Value { tracer, labels }, &out);
        Value { tracer, labels: out }
    }

    /// The value with its axes in another order, along diagonals, or summed.
    fn read(&self, value: &Value, out: &[Label]) -> Tracer {
        if value.labels == out {
            return value.tracer.clone();
        }
        let one = Value { tracer: self.recorder.number(1.0), labels: Vec::new() };
        multiply(value, &one, out).tracer
    }
}

/// The product of two values, summed over the indices that the result lacks.
fn multiply(a: &Value, b: &Value, out: &[Label]) -> Value {
    let mut letters: Vec<Label> = Vec::new();
    let mut word = |labels: &[Label]| -> String {
        let letter = |&label: &Label| {
            let place = letters.iter().position(|&l| l == label).unwrap_or_else(|| {
                letters.push(label);
                letters.len() - 1
            });
            char::from(if place < 26 { b'a' + place as u8 } else { b'A' + (place - 26) as u8 })
        };
        labels.iter().map(letter).collect()
    };
    let formula = format!("{},{}->{}", word(&a.labels), word(&b.labels), word(out));
    Value { tracer: a.tracer.einsum(&formula, &b.tracer), labels: out.to_vec() }
}

/// An order of the result's axes in which the last one is the last one of an operand, and of both if both have it:
/// kernels walk it in one piece.
fn arranged(a: &Value, b: &Value, labels: &[Label]) -> Vec<Label> {
    let in_order = [&a.labels[..], &b.labels].concat();
    let mut out: Vec<Label> = Vec::new();
    for &l in in_order.iter().filter(|l| labels.contains(l)) {
        if !out.contains(&l) {
            out.push(l);
        }
    }
    let last_in = |v: &Value, l: &Label| !v.labels.contains(l) || v.labels.last() == Some(l);
    if let Some(place) = out.iter().rposition(|l| last_in(a, l) && last_in(b, l)) {
        let last = out.remove(place);
        out.push(last);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;
    use ad_core::{Array, Elementary, Op, Tape};

    /// The axes of a product are those wanted, each once; and where an index is last in each operand that has it, one such is
    /// the last.
    #[test]
    fn products_are_walked_in_one_piece() {
        let mut stream = Purpose::Constant.stream(16, 0, 0);
        let tape = Tape::record(|t| {
            for _ in 0..500 {
                let mut some = |from: &[Label]| -> Vec<Label> {
                    let mut drawn: Vec<(f64, Label)> = from.iter().map(|&l| (stream.uniform(), l)).collect();
                    drawn.sort_by(|a, b| a.0.total_cmp(&b.0));
                    drawn.into_iter().filter(|(x, _)| *x < 0.6).map(|(_, l)| l).collect()
                };
                let [a, b] = [0, 1].map(|_| Value { tracer: t.number(1.0), labels: some(&[0, 1, 2, 3, 4]) });
                let mut wanted: Vec<Label> = [&a.labels[..], &b.labels].concat();
                wanted.sort_unstable();
                wanted.dedup();
                let mut wanted = some(&wanted);
                let mut out = arranged(&a, &b, &wanted);
                let last = |v: &Value, l: Label| !v.labels.contains(&l) || v.labels.last() == Some(&l);
                let good = |&l: &Label| last(&a, l) && last(&b, l);
                assert!(out.last().is_none_or(good) || !wanted.iter().any(good));
                out.sort_unstable();
                wanted.sort_unstable();
                assert_eq!(out, wanted);
            }
            [("y", t.number(1.0))]
        });
        tape.unwrap();
    }

    /// Places that follow each other are a slice; others are gathered.
    #[test]
    fn places_side_by_side_are_a_slice() {
        let gathers = |parts: &dyn Fn(&Tracer) -> Tracer| {
            let field = Tape::record(|t| {
                let (x, w, v) = (t.example("x", &[9]), t.shared("w", &[9, 8]), t.shared("v", &[8, 9]));
                [("x_dot", parts(&x.matmul(&w)).matmul(&v))]
            });
            let routes = crate::explain(&field.unwrap(), "x", "x_dot", crate::Workload::default()).unwrap();
            assert!(routes.iter().any(|route| route.name().starts_with("planned")), "{routes}");
            let nodes = routes.iter().flat_map(|route| route.tape().nodes());
            nodes.filter(|node| matches!(node.op, Op::Gather(_))).count()
        };
        assert_eq!(gathers(&|y| y.slice(0, 0..3).tanh().concat(&[&y.slice(0, 3..8).sin()], 0)), 0);
        assert!(gathers(&|y| y.gather(0, &[3, 0, 2, 1, 4, 7, 6, 6]).tanh()) > 1);
    }

    /// An einsum has letters for more axes than there are small ones.
    #[test]
    fn products_of_many_axes_have_letters() {
        let lengths: Vec<usize> = (0..30).map(|k| if k < 25 { 1 } else { 2 }).collect();
        let tape = Tape::record(|t| {
            let (x, y) = (t.example("x", &lengths), t.example("y", &[2, 2]));
            let (a, b) =
                (Value { tracer: x, labels: (0..30).collect() }, Value { tracer: y, labels: vec![26, 29] });
            [("sum", multiply(&a, &b, &[27]).tracer)]
        });
        let x: Vec<f64> = (0..32).map(f64::from).collect();
        let y = [1.0, -2.0, 0.5, 3.0];
        // Five bits of the place in x are the values of the indices 25 to 29.
        let mut want = [0.0; 2];
        x.iter().enumerate().for_each(|(k, x)| want[k >> 2 & 1] += x * y[(k >> 3 & 1) * 2 + (k & 1)]);
        let inputs = [
            Array::new(&[&[1][..], &lengths].concat(), x.clone()).unwrap(),
            Array::new(&[1, 2, 2], y.to_vec()).unwrap(),
        ];
        assert_eq!(tape.unwrap().eval(1, &inputs).unwrap()[0].data, want);
    }
}
