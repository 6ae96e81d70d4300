//! Programs on blocks and batches: products, `tanh`, a field, its divergence. `README.md` beside this file holds the
//! arithmetic of what they should take.

use std::hint::black_box;

use ad_core::{Elementary, Recorder, Tape, Tracer};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const WIDTH: usize = 64;

fn numbers(n: usize) -> Vec<f32> {
    (0..n).map(|k| (k as f32 * 0.7).sin() * 0.2).collect()
}

/// An MLP of two hidden layers on `d` numbers and a constant time.
fn field(t: &Recorder, d: usize) -> (Tracer, Tracer) {
    let x = t.example("x", &[d]);
    let layer = |name: &str, x: &Tracer, m: usize, n: usize| {
        x.matmul(&t.shared(&format!("w{name}"), &[m, n])) + t.shared(&format!("b{name}"), &[n])
    };
    let h = layer("1", &x, d, WIDTH).tanh();
    let h = layer("2", &h, WIDTH, WIDTH).tanh();
    let y = layer("3", &h, WIDTH, d);
    (x, y)
}

/// The field's divergence along one probe of each example's own.
fn hutchinson(d: usize) -> ad_core::Result<Tape> {
    Tape::record(|t| {
        let (x, y) = field(t, d);
        let v = t.example("v", &[d]);
        [("divergence", t.push_forward(&[(&x, &v)], &[&y])[0].dot(&v))]
    })
}

/// The field's divergence along all directions.
fn directions(d: usize) -> ad_core::Result<Tape> {
    Tape::record(|t| {
        let (x, y) = field(t, d);
        [("divergence", t.push_forward(&[(&x, &t.identity(d))], &[&y])[0].trace())]
    })
}

/// Times a program on `examples` examples, called as a whole.
fn call(c: &mut Criterion, group: &str, name: BenchmarkId, tape: ad_core::Result<Tape>, examples: usize) {
    let program = tape.and_then(|tape| tape.compile::<f32>()).expect("a tape that compiles");
    let size = |port: &ad_core::Port| port.size() * if port.has_example() { examples } else { 1 };
    let inputs: Vec<Vec<f32>> = program.inputs().iter().map(|port| numbers(size(port))).collect();
    let inputs: Vec<&[f32]> = inputs.iter().map(|x| &x[..]).collect();
    let mut group = c.benchmark_group(group);
    group.throughput(Throughput::Elements(examples as u64));
    group.bench_function(name, |b| b.iter(|| black_box(program.call(examples, &inputs))));
    group.finish();
}

fn products(c: &mut Criterion) {
    for examples in [1, 16, 64, 256, 4096] {
        let tape =
            Tape::record(|t| [("y", t.example("x", &[WIDTH]).matmul(&t.shared("w", &[WIDTH, WIDTH])))]);
        call(c, "product 64x64", BenchmarkId::from_parameter(examples), tape, examples);
    }
}

fn elementwise(c: &mut Criterion) {
    let tape = Tape::record(|t| [("y", t.example("x", &[2 * WIDTH]).tanh())]);
    call(c, "tanh of 128", BenchmarkId::from_parameter(256), tape, 256);
}

fn fields(c: &mut Criterion) {
    for d in [2, 32] {
        let plain = Tape::record(|t| [("y", field(t, d).1)]);
        call(c, "field, 256 examples", BenchmarkId::from_parameter(d), plain, 256);
        call(c, "divergence by a probe, 256 examples", BenchmarkId::from_parameter(d), hutchinson(d), 256);
        call(c, "divergence by directions, 256 examples", BenchmarkId::from_parameter(d), directions(d), 256);
    }
}

/// One example in memory that is used again: what a small call costs.
fn one_example(c: &mut Criterion) {
    let program = hutchinson(2).and_then(|tape| tape.compile::<f32>()).expect("a tape that compiles");
    let shared: Vec<Vec<f32>> =
        program.inputs().iter().filter(|p| !p.has_example()).map(|p| numbers(p.size())).collect();
    let shared: Vec<&[f32]> = shared.iter().map(|x| &x[..]).collect();
    let (mut binding, mut workspace) = (program.binding(), program.workspace());
    program.bind(&mut binding, &shared).expect("parameters that fit");
    workspace.set_examples(1);
    for (k, port) in program.inputs().iter().enumerate().filter(|(_, p)| p.has_example()) {
        let stride = workspace.stride();
        let lanes = program.input_mut(&mut workspace, k).iter_mut().step_by(stride);
        lanes.zip(numbers(port.size())).for_each(|(lane, x)| *lane = x);
    }
    c.bench_function("divergence by a probe, one example, bound before", |b| {
        b.iter(|| program.run_block(&binding, black_box(&mut workspace)));
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).warm_up_time(std::time::Duration::from_millis(200))
        .measurement_time(std::time::Duration::from_millis(500));
    targets = products, elementwise, fields, one_example
}
criterion_main!(benches);
