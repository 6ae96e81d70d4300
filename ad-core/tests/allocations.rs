//! What has run once runs again without an allocation.

use ad_core::check::{Case, Choices, STEP};
use ad_core::{BLOCK, Elementary, List, Recording, Tape, record};
use allocation_counter::measure;

/// Allocations of the second run of a runner, of a call after it, and of a block in its workspace.
fn second_run(tape: &Tape, examples: usize, inputs: &[&[f64]]) -> [u64; 3] {
    let program = tape.compile::<f64>().unwrap();
    let ports = || program.inputs().iter().zip(inputs);
    let pick =
        |own: bool| ports().filter(|(p, _)| p.has_example() == own).map(|(_, x)| *x).collect::<Vec<&[f64]>>();
    let (shared, own) = (pick(false), pick(true));
    let mut runner = program.runner();
    runner.bind(&shared).unwrap();
    runner.run(examples, &own).unwrap();
    let run = measure(|| runner.run(examples, &own).unwrap()).count_total;
    let call = measure(|| runner.call(examples, inputs).unwrap()).count_total;
    let (mut binding, mut workspace) = (program.binding(), program.workspace());
    program.bind(&mut binding, &shared).unwrap();
    workspace.set_examples(examples.min(BLOCK));
    program.run_block(&binding, &mut workspace);
    let block = measure(|| program.run_block(&binding, &mut workspace)).count_total;
    [run, call, block]
}

/// A network and its gradient, the divergence of its field by all directions, and what follows from sums over examples.
fn networks() -> Vec<Tape> {
    let network = Tape::record(|t| {
        let (x, w, v) = (t.example("x", &[6]), t.shared("w", &[6, 40]), t.shared("v", &[40, 6]));
        let y = (x.matmul(&w).tanh() * 0.5 + 1.0).softplus().matmul(&v);
        let rows = t.push_forward(&[(&x, &t.identity(6))], &[&y]).remove(0);
        let gram = y.sum_examples().outer(&v.matmul(&w).sum_axis(0));
        [("y", y), ("divergence", rows.trace()), ("late", gram.matmul(&v).matmul(&w))]
    })
    .unwrap();
    // Sixteen inputs, a dozen of which products read.
    let many = Tape::record(|t| {
        let w = t.shared("w", &[40, 16]);
        let input = |k: usize| t.example(&format!("x{k}"), &[40]);
        let product = (0..12).map(|k| input(k).matmul(&w)).reduce(|sum, term| sum + term);
        let sine = (12..16).map(|k| input(k).sin()).reduce(|sum, term| sum + term);
        [("products", product.unwrap()), ("sines", sine.unwrap())]
    })
    .unwrap();
    assert!(many.compile::<f64>().unwrap().explain().contains("`x11` read by rows"));
    vec![network.vjp(&["x", "w", "v"]).unwrap(), network, many]
}

fn numbers(tape: &Tape, examples: usize) -> Vec<Vec<f64>> {
    let size = |(_, id): &(String, ad_core::NodeId)| {
        let node = tape.node(*id);
        node.shape().iter().product::<usize>() * if node.has_example() { examples } else { 1 }
    };
    tape.inputs().iter().map(|input| (0..size(input)).map(|k| (k as f64).sin() / 4.0).collect()).collect()
}

#[test]
fn networks_run_again_without_an_allocation() {
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    one.install(|| {
        for tape in networks() {
            for examples in [1, 3, 64, 200] {
                let inputs = numbers(&tape, examples);
                let inputs: Vec<&[f64]> = inputs.iter().map(Vec::as_slice).collect();
                assert_eq!(second_run(&tape, examples, &inputs), [0; 3], "{examples} examples of\n{tape}");
            }
        }
    });
}

#[test]
fn random_programs_run_again_without_an_allocation() {
    for seed in 0..300 {
        let mut choices = Choices::from_seed(seed);
        let bytes: Vec<u8> = (0..STEP * 20).map(|_| choices.below(256) as u8).collect();
        let case = Case::from_bytes(&bytes).unwrap();
        for case in [case.gradient().unwrap(), case] {
            let inputs: Vec<&[f64]> = case.inputs.iter().map(|array| &array.data[..]).collect();
            assert_eq!(second_run(&case.tape, case.examples, &inputs), [0; 3], "seed {seed}\n{case:?}");
        }
    }
}

/// Memory of a recording is that of the next one, on a list of one's own and on that of a thread.
#[test]
fn lists_record_again_without_an_allocation() {
    let mut list = List::new();
    let mut on_a_list = || {
        list.clear();
        assert!(list.is_empty());
        let x = list.variable(0.5);
        let y = (0..3000).fold(x, |y, _| y * x);
        assert!(!list.is_empty() && y.value() == 0.0);
    };
    let on_a_thread = || {
        record(|r: &Recording| {
            let x = r.variable(0.5);
            assert_eq!((0..3000).fold(x, |y, _| y * x).value(), 0.0);
        });
    };
    for _ in 0..2 {
        on_a_list();
        on_a_thread();
    }
    assert_eq!([measure(on_a_list).count_total, measure(on_a_thread).count_total], [0; 2]);
}
