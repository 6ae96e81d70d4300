//! Networks of linear tapes against the maps that the tapes compute.

use super::super::network::tests::{all, value};
use super::*;
use crate::random::Purpose;
use ad_core::{Array, Elementary, Recorder, Tracer};

/// A tape from the seed `s` of length 4 to `y`, with a matrix `w` and a vector `z` for each example.
fn tape(code: impl FnOnce(&Recorder, &Tracer, &Tracer, &Tracer) -> Tracer) -> Tape {
    let tape = Tape::record(|t| {
        let (s, w, z) = (t.shared("s", &[4]), t.shared("w", &[4, 4]), t.example("z", &[4]));
        [("y", code(t, &s, &w, &z))]
    });
    tape.unwrap()
}

fn network(tape: &Tape) -> Option<Network> {
    flatten(tape, tape.input("s").unwrap(), tape.output("y").unwrap())
}

/// The inputs of a tape, with the seed along one of its axes.
fn inputs(along: usize) -> Vec<Array> {
    let mut stream = Purpose::Constant.stream(15, 0, 0);
    let mut numbers = |n: usize| (0..n).map(|_| stream.standard_normal()).collect::<Vec<f64>>();
    let unit = (0..4).map(|k| f64::from(u8::from(k == along))).collect();
    [(&[4][..], unit), (&[4, 4], numbers(16)), (&[1, 4], numbers(4))]
        .map(|(shape, data)| Array::new(shape, data).unwrap())
        .to_vec()
}

/// The values of all lines, for one example.
fn lines(tape: &Tape) -> Vec<Array> {
    let all = Tape::record(|t| {
        let given = t.inputs_like(tape);
        let lines = t.inline_lines(tape, &given.iter().collect::<Vec<_>>());
        lines.into_iter().enumerate().map(|(k, line)| (format!("line{k}"), line)).collect::<Vec<_>>()
    });
    all.unwrap().eval(1, &inputs(0)).unwrap()
}

/// Holds the network of a tape against the images of unit vectors.
fn check(what: &str, tape: &Tape) -> Network {
    let network = network(tape).unwrap_or_else(|| panic!("{what} has no form"));
    let (lines, shape) = (lines(tape), tape.node(tape.output("y").unwrap()).shape());
    let entry = |id: NodeId, places: &[usize]| {
        let lengths = tape.node(id).shape();
        let place = places.iter().zip(&lengths).fold(0, |at, (&p, &n)| at * n + p);
        lines[id.index()].data[place]
    };
    assert_eq!(network.open.len(), shape.len() + 1, "{what}");
    for (axis, length) in network.open.iter().zip(shape.iter().chain([&4])) {
        assert!(axis.places.is_some() || network.extents[axis.label] == *length, "{what}");
    }
    for along in 0..4 {
        let image = tape.eval(1, &inputs(along)).unwrap().remove(0).data;
        for (places, want) in all(&shape).iter().zip(image) {
            let got = value(&network, &[&places[..], &[along]].concat(), &entry);
            assert!((got - want).abs() < 1e-13, "{what} at {places:?}, {along}: {got} of {want}");
        }
    }
    network
}

/// Each kind of line that has a form, by itself and where paths part and meet.
#[test]
fn a_network_is_the_map_of_its_tape() {
    check("nothing", &tape(|_, s, _, _| s.clone()));
    check("a matrix and a slope", &tape(|_, s, w, z| s.matmul(w) * z * 3.0));
    check("a matrix of the example", &tape(|_, s, _, z| s.outer(z)));
    check("a skip connection", &tape(|_, s, w, z| s.matmul(w) * z + s));
    check(
        "what paths share",
        &tape(|_, s, w, z| {
            let h = s.matmul(w);
            let g = &h * z - h.matmul(w) * 0.5;
            &g + g.matmul(w)
        }),
    );
    check("a slice", &tape(|_, s, w, _| s.matmul(w).slice(0, 1..3)));
    check("padded", &tape(|_, s, w, _| s.matmul(w).pad(0, 2, 7)));
    check("gathered", &tape(|_, s, w, _| s.matmul(w).gather(0, &[3, 1, 1])));
    check(
        "scattered",
        &tape(|t, s, w, z| {
            let gathered = z.gather(0, &[3, 1, 1, 2]);
            t.pull_back(&[(&gathered, &s.matmul(w))], &[z]).remove(0)
        }),
    );
    check("joined", &tape(|_, s, w, z| (s * z).concat(&[&s.matmul(w), s], 0)));
    check("a row", &tape(|_, s, w, z| (s * z).reshape(&[1, 4]).matmul(w)));
    check("a column", &tape(|_, s, w, z| (s * z).reshape(&[4, 1]).reshape(&[4]).matmul(w)));
}

/// A term that vanishes is none: of two one is left, which is no sum, or nothing.
#[test]
fn what_vanishes_is_no_term() {
    let none = |x: Tracer| x.slice(0, 0..2).pad(0, 0, 4).slice(0, 2..4);
    let one = check("a sum with a part that vanishes", &tape(|_, s, _, z| none(s * z) + s.slice(0, 0..2)));
    assert!(one.factors.is_empty() && !one.is_zero());
    let zero = check("a sum that vanishes", &tape(|_, s, w, z| none(s * z) + none(s.matmul(w))));
    assert!(zero.is_zero());
}

/// A sum of diagonals is a diagonal: its two axes are one.
#[test]
fn a_sum_of_diagonals_is_a_diagonal() {
    let diagonal = check("diagonals", &tape(|_, s, _, z| s * z - s * z.sin() + s));
    assert_eq!(diagonal.open[0], diagonal.open[1]);
    let full = check("a diagonal and a matrix", &tape(|_, s, w, z| s * z + s.matmul(w)));
    assert_ne!(full.open[0], full.open[1]);
}

#[test]
fn what_has_no_form_has_no_network() {
    let refused = |code: &dyn Fn(&Recorder, &Tracer, &Tracer, &Tracer) -> Tracer| {
        assert!(network(&tape(code)).is_none());
    };
    refused(&|_, _, _, z| z.clone());
    refused(&|_, s, _, z| z.sum().select(s, &(s * 2.0)));
    refused(&|_, s, _, z| (s * z).sum_examples());
    refused(&|_, s, _, _| s.reshape(&[2, 2]));
    refused(&|_, s, w, _| s.matmul(w).reshape(&[2, 2]));
}

/// All sums together may have so many terms, and no more.
#[test]
fn terms_are_counted_up_to_the_limit() {
    let sum = |from: &Tracer| {
        let places = (0..256).map(|k| [k % 4, k / 4 % 4, k / 16 % 4, k / 64]);
        let terms: Vec<Tracer> = places.map(|places| from.gather(0, &places)).collect();
        Tracer::linear_combination(&terms.iter().map(|term| (1.0, term)).collect::<Vec<_>>()).unwrap()
    };
    let sums = |s: &Tracer| (0..MAX_TERMS / 256).fold(s.clone(), |s, _| sum(&s));
    assert!(network(&tape(|_, s, _, _| sums(s))).is_some());
    assert!(network(&tape(|_, s, _, _| sums(s) + s)).is_none());
}
