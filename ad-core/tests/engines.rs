//! Random programs on every engine, in batches of all sizes, with NaN and infinities carried through.

use std::collections::BTreeSet;

use ad_core::check::{Case, Choices, PROGRAM_TOLERANCE, Sizes, lines, program};
use ad_core::{Array, Tape};

fn bytes(seed: u64, steps: usize) -> Vec<u8> {
    let mut choices = Choices::from_seed(seed);
    let count = 1 + choices.below(steps);
    (0..ad_core::check::STEP * (1 + count)).map(|_| choices.below(256) as u8).collect()
}

#[test]
fn small_programs() {
    for seed in 0..3000 {
        let case = Case::from_bytes(&bytes(seed, 20)).unwrap();
        case.engines(PROGRAM_TOLERANCE).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{case:?}"));
    }
}

#[test]
fn batches_of_all_sizes() {
    for (seed, examples) in (0..120).zip([1, 2, 3, 63, 64, 65, 127, 128, 129].into_iter().cycle()) {
        let case = Case::with_examples(&bytes(seed, 6), examples).unwrap();
        case.engines(PROGRAM_TOLERANCE).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{case:?}"));
    }
    for seed in 0..6 {
        let case = Case::with_examples(&bytes(seed, 3), 4097).unwrap();
        case.engines(PROGRAM_TOLERANCE).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{}", case.tape));
    }
}

/// Rows of several registers and of a part of one, values that are worth a loop, and empty ones.
#[test]
fn values_of_all_sizes() {
    let sizes = Sizes { axes: &[3, 17, 40, 1, 0, 64], most: 200 };
    for (seed, examples) in (0..600).zip([1, 17, 40, 129, 0].into_iter().cycle()) {
        let case = Case::with_sizes(&bytes(seed, 6), examples, sizes).unwrap();
        case.engines(PROGRAM_TOLERANCE).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{}", case.tape));
    }
}

/// Without examples there is still what follows from sums over none, and back to no examples.
#[test]
fn products_of_no_examples_are_zeros() {
    let tape: Tape =
        "in x[e,a:3,m:8]\nv1[m,n] = sum_{e,a} x[e,a,m] * x[e,a,n]\nv2[e,a,n] = sum_{m} x[e,a,m] * v1[m,n]\n\
                      out y = v2\nout z = v1\n"
            .parse()
            .unwrap();
    let none = Array::new(&[0, 3, 8], Vec::new()).unwrap();
    program(&tape, 0, &[none], PROGRAM_TOLERANCE).unwrap();
}

#[test]
fn infinities_go_through() {
    for seed in 0..1000 {
        let case = Case::from_bytes(&bytes(seed, 8)).unwrap();
        for by in [f64::INFINITY, f64::NEG_INFINITY] {
            let case = case.poisoned(by, &mut Choices::from_seed(seed));
            assert!(case.inputs.iter().all(|array| array.data.is_empty() || array.data.contains(&by)));
            let checked = program(&case.tape, case.examples, &case.inputs, PROGRAM_TOLERANCE);
            checked.unwrap_or_else(|error| panic!("seed {seed}: {error}\n{case:?}"));
        }
    }
}

/// Views on views, diagonals, broadcasts, sums of nothing but counts.
#[test]
fn lines_as_no_recording_leaves_them() {
    for seed in 0..1000 {
        lines(&bytes(seed, 20)).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    }
}

/// Random programs and their gradients have lines of every kind, or the laws would say nothing of some.
#[test]
fn random_programs_have_every_kind_of_line() {
    let mut kinds = BTreeSet::new();
    for seed in 0..500 {
        let case = Case::from_seed(seed, 20).unwrap();
        assert_eq!(case, Case::from_bytes(&bytes(seed, 20)).unwrap());
        assert!((1..=3).contains(&case.examples) && format!("{case:?}").contains("out "));
        for node in case.tape.nodes().iter().chain(case.gradient().unwrap().tape.nodes()) {
            let text = format!("{:?}", node.op);
            kinds.insert(text.split(|c: char| !c.is_alphanumeric()).next().unwrap().to_owned());
        }
    }
    for kind in [
        "Contract", "Add", "Unary", "Binary", "Select", "Slice", "Pad", "Gather", "Scatter", "Reshape",
        "Stop", "Rule",
    ] {
        assert!(kinds.contains(kind), "{kind} is not among {kinds:?}");
    }
}
