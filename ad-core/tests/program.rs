//! `Program` against the naive evaluator.
use ad_core::{Array, BLOCK, Elementary, Tape, Tracer};

fn arr(shape: &[usize], seed: u64) -> Array {
    let n: usize = shape.iter().product();
    let mut s = seed;
    let data = (0..n)
        .map(|_| {
            s = s.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (s >> 33) as f64 / (1u64 << 31) as f64 - 0.5
        })
        .collect();
    Array::new(shape, data).unwrap()
}

fn compare(tape: &Tape, n: usize) {
    let inputs: Vec<Array> = tape
        .inputs()
        .iter()
        .enumerate()
        .map(|(k, (_, id))| {
            let shape: Vec<usize> = tape
                .node(*id)
                .dims()
                .iter()
                .map(|d| if let ad_core::Extent::Fixed(m) = d { *m } else { n })
                .collect();
            arr(&shape, k as u64 + 1)
        })
        .collect();
    let want = tape.eval(n, &inputs).unwrap();
    let program = tape.compile::<f64>().unwrap();
    let rows: Vec<&[f64]> = inputs.iter().map(|a| &a.data[..]).collect();
    let got = program.call(n, &rows).unwrap();
    for (k, (w, g)) in want.iter().zip(&got).enumerate() {
        assert_eq!(w.data.len(), g.len(), "n {n} output {k}");
        for (i, (w, g)) in w.data.iter().zip(g).enumerate() {
            assert!((w - g).abs() <= 1e-11 * (1.0 + w.abs()), "n {n} output {k} at {i}: {w} against {g}");
        }
    }
}

#[test]
fn program_equals_the_oracle() {
    let a = Tape::record(|t| {
        let x = t.example("x", &[3]);
        let (w, b, v) = (t.shared("w", &[3, 40]), t.shared("b", &[40]), t.shared("v", &[40, 2]));
        let h = (x.matmul(&w) + &b).tanh();
        let y = h.concat(&[&x.exp()], 0).slice(0, 1..41).matmul(&v) + x.dot(&x) * 0.3;
        [("y", (y.clone() * &y).sum().mean_examples() + (y / b.slice(0, 0..2).exp()).sum().sum_examples())]
    })
    .unwrap();
    let b = Tape::record(|t| {
        let x = t.example("x", &[5]);
        let (w, u, v) = (t.shared("w", &[5, 33]), t.shared("u", &[33, 17]), t.shared("v", &[17, 5]));
        let y = x.matmul(&w).tanh().matmul(&u).tanh().matmul(&v);
        let jt = t.push_forward(&[(&x, &t.identity(5))], &[&y]).remove(0);
        [("y", y), ("div", jt.trace()), ("jt", jt)]
    })
    .unwrap();
    for n in [1, 2, 63, 64, 65, 200] {
        compare(&a, n);
        compare(&a.vjp(&["x", "w", "b", "v"]).unwrap(), n);
        compare(&b, n);
        compare(&b.vjp(&["x", "w", "u", "v"]).unwrap(), n);
    }
}

#[test]
fn centring_a_batch_needs_all_examples_at_once() {
    let tape = Tape::record(|t| {
        let x = t.example("x", &[3]);
        let c = &x - x.mean_examples();
        let variance = (&c * &c).mean_examples();
        [("z", c / variance.sqrt())]
    })
    .unwrap();
    for n in [1, 2, 65, 200] {
        if n > 1 {
            compare(&tape, n);
            compare(&tape.vjp(&["x"]).unwrap(), n);
        }
    }
    let program = tape.compile::<f64>().unwrap();
    let mut runner = program.runner();
    for n in [2, 300, 65, 300] {
        let x = arr(&[n, 3], n as u64).data;
        runner.run(n, &[&x]).unwrap();
        assert_eq!(runner.outputs(), program.call(n, &[&x]).unwrap());
    }
}

/// Products that are made once for each binding, whatever way their operands lie: with a row of the result in both, in
/// one, or in none of them, parts of something, on a diagonal, at sizes around those of the kernels.
#[test]
fn shared_products_in_any_layout() {
    for [m, k, n] in
        [[1, 1, 1], [3, 5, 7], [7, 8, 9], [8, 17, 8], [16, 3, 33], [2, 64, 24], [3, 18, 9], [3, 19, 13]]
    {
        let inputs = format!(
            "in a[m:{m},k:{k}]\nin b[n:{n},k:{k}]\nin c[k:{k},n:{n}]\nin d[n:{n},m:{m}]\nin f[k:{k}]\nin q[n:{n}]\nin r[j:1,k:{k}]\n"
        );
        let large = format!(
            "in g[m:{m},n:{n},k:{k}]\nin h[k:{k},n:{n},m:{m}]\nin p[k:{k},n:{n},z:2]\nv8[k,n,z:1] = p[k,n,y] where y = z + 1\n"
        );
        for product in [
            "v9[m,n] = sum_k a[m,k] * c[k,n]",
            "v9[m,n] = sum_k a[m,k] * b[n,k]",
            "v9[n,m] = sum_k a[m,k] * b[n,k]",
            "v9[n] = sum_k b[n,k] * c[k,n]",
            "v9[n] = sum_k c[k,n] * b[n,k]",
            "v9[m,n] = sum_k g[m,n,k] * b[n,k]",
            "v9[n,m] = sum_k g[m,n,k] * c[k,n]",
            "v9[m,n] = sum_k f[k] * h[k,n,m]",
            "v9[m,n] = sum_{k,z} a[m,k] * v8[k,n,z]",
            "v9[m,n,n] = sum_k a[m,k] * c[k,n]",
            "v9[n,n] = sum_k b[n,k] * c[k,n]",
            "v9[] = sum_{m,n,k} g[m,n,k] * h[k,n,m]",
            "v9[m,n,k] = a[m,k] * b[n,k]",
            // Operands that lack an index: one row or one number, again and again.
            "v9[n] = sum_k q[n] * b[n,k]",
            "v9[n] = sum_k b[n,k] * q[n]",
            "v9[n] = sum_k f[k] * b[n,k]",
            "v9[m,n,j] = sum_k d[n,m] * r[j,k]",
            "v9[] = sum_k f[k] * f[k]",
        ] {
            compare(&format!("{inputs}{large}{product}\nout y = v9\n").parse().unwrap(), 1);
        }
    }
}

/// One example without the example index: the same numbers, for values, derivatives and sums over examples.
#[test]
fn a_tape_of_one_example_computes_what_the_first_of_many_does() {
    let tape = Tape::record(|t| {
        let (x, w, v) = (t.example("x", &[20]), t.shared("w", &[33, 20]), t.shared("v", &[33, 20]));
        let h = x.matmul(&w.transpose()).tanh();
        let y = h.matmul(&v) * x.sin() + t.count();
        [("y", y.clone()), ("s", y.square().sum().sum_examples())]
    })
    .unwrap();
    let numbers = |n: usize, k: f64| (0..n).map(|i| ((i as f64 + 1.0) * k).sin()).collect::<Vec<f64>>();
    let given = [numbers(20, 0.7), numbers(660, 1.3), numbers(660, 2.1)];
    for tape in [tape.clone(), tape.vjp(&["x", "w"]).unwrap()] {
        let names = |tape: &Tape| tape.inputs().iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&tape.of_one_example()), names(&tape));
        let ports: Vec<usize> =
            tape.compile::<f64>().unwrap().inputs().iter().map(ad_core::Port::size).collect();
        let mut inputs = given.to_vec();
        inputs.extend(ports[3..].iter().map(|&n| numbers(n, 0.3)));
        let inputs: Vec<&[f64]> = inputs.iter().map(|x| &x[..]).collect();
        let want = tape.compile::<f64>().unwrap().call(1, &inputs).unwrap();
        let got = tape.of_one_example().compile::<f64>().unwrap().call(0, &inputs).unwrap();
        for (want, got) in want.iter().flatten().zip(got.iter().flatten()) {
            assert!((want - got).abs() < 1e-12 * (1.0 + want.abs()), "{got} in place of {want}");
        }
    }
}

/// A network of matrix products costs what its lines cost, in loops over directions too; and each kind of instruction has
/// its words.
#[test]
fn explanations_count_all_products_and_name_all_kinds() {
    let network = |n: usize| {
        Tape::record(|t| {
            let (x, w, v) = (t.example("x", &[n]), t.shared("w", &[n, 9]), t.shared("v", &[9, n]));
            [("y", x.matmul(&w).tanh().matmul(&v))]
        })
        .unwrap()
    };
    let batched = Tape::record(|t| {
        let (x, w, u) = (t.example("x", &[2, 3, 7]), t.shared("w", &[3, 7, 5]), t.shared("u", &[7, 5, 3]));
        let y = x.einsum("bik,ikj->bij", &w).tanh();
        [("y", y), ("z", x.einsum("bik,bik->b", &x)), ("both", x.einsum("bik,kji->bj", &u))]
    })
    .unwrap();
    let back = batched.vjp(&["w"]).unwrap().compile::<f64>().unwrap().explain();
    let sums = [2 * 3 * 7 * 5, 2 * 3 * 7, 2 * 3 * 7 * 5, 2 * 3 * 7 * 5];
    assert!(back.contains(&format!("\n{} multiply-adds", sums.iter().sum::<usize>())), "{back}");
    for tape in [network(3), network(5), network(40), batched] {
        let text = tape.compile::<f64>().unwrap().explain();
        let counted = tape.cost().example.multiply_adds;
        let last = text.lines().last().unwrap();
        assert_eq!(last, format!("{counted} multiply-adds an example in products"), "{text}");
    }
    let directions = Tape::record(|t| {
        let (x, w) = (t.example("x", &[40]), t.shared("w", &[40, 40]));
        let y = x.matmul(&w).tanh();
        let jt = t.push_forward(&[(&x, &t.identity(40))], &[&y]).remove(0);
        let picked = y.slice(0, 3..7).pad(0, 1, 8).gather(0, &[2, 2, 0]);
        let selected = t.number(0.0).less(&y).select(&y, &y.square().max(&x));
        [("trace", jt.tanh().trace()), ("picked", picked), ("wt", w.transpose()), ("s", selected.sum())]
    });
    let centred = Tape::record(|t| {
        let x = t.example("x", &[3]);
        [("y", &x - x.mean_examples())]
    });
    let rows = Tape::record(|t| {
        let v = t.example("x", &[16, 16]).tanh();
        [("y", v.einsum("ji,i->ij", &v.sum_axis(1)).tanh())]
    });
    let mut text = String::new();
    for (tape, inputs) in
        [(directions.unwrap(), &["x", "w"][..]), (centred.unwrap(), &["x"]), (rows.unwrap(), &["x"])]
    {
        text += &tape.compile::<f32>().unwrap().explain();
        text += &tape.vjp(inputs).unwrap().compile::<f32>().unwrap().explain();
    }
    let kinds = [
        "all examples as one block",
        "for each binding:",
        "for each block:",
        " times:",
        "after the last block:",
        "matrix product ",
        "matrix product over examples",
        "sum over examples",
        "sum of products",
        "copy of ",
        "transpose of 40 x 40",
        "tanh",
        "select",
        "less",
    ];
    for kind in kinds {
        assert!(text.contains(kind), "{kind}: {text}");
    }
}

/// Sums over examples that are only added up are one sum, for any number of blocks and threads.
#[test]
fn sums_that_are_added_up_are_one() {
    let tape = Tape::record(|t| {
        let (x, w) = (t.example("x", &[9]), t.shared("w", &[9, 9]));
        let y = (0..4).fold(x, |x, _| x.matmul(&w).tanh());
        let bars = t.pull_back(&[(&y, &(&y * 2.0))], &[&w]);
        // A sum that is read elsewhere too has a place of its own.
        let [a, b, c] = [1.0, 2.0, 3.0].map(|k| (&y * k).sin().sum_examples());
        let other = Tracer::linear_combination(&[(1.0, &a), (1.0, &b), (1.0, &c)]).unwrap();
        [("w_bar", bars[0].clone()), ("a", a), ("other", other)]
    })
    .unwrap();
    let sums = tape.nodes().iter().filter(|n| n.example_label().is_some() && !n.has_example()).count();
    assert_eq!(sums, 4 + 3);
    let plan = tape.compile::<f64>().unwrap().explain();
    assert!(plan.contains(&format!("{} sums over examples", 81 + 4 * 9)), "{plan}");
    for n in [0, 1, 64, 300, 700] {
        compare(&tape, n);
    }
    let inputs = [arr(&[700, 9], 1), arr(&[9, 9], 2)];
    let run = || tape.compile::<f64>().unwrap().call(700, &[&inputs[0].data, &inputs[1].data]).unwrap();
    let one = on_threads(1, run);
    assert!([2, 7].into_iter().all(|threads| on_threads(threads, run) == one));
}

/// What a way back computes from its inputs alone lies in memory no longer than from one step to the next.
#[test]
fn what_follows_from_inputs_is_computed_when_it_is_needed() {
    let rows = |steps: usize| {
        let tape = Tape::record(|t| {
            let (w, mut bar) = (t.shared("w", &[40, 40]), t.example("bar", &[40]));
            let slopes: Vec<_> =
                (0..steps).map(|k| t.example(&format!("h{k}"), &[40]).square() * -1.0 + 1.0).collect();
            for slope in &slopes {
                bar = (bar * slope).matmul(&w);
            }
            [("bar", bar)]
        })
        .unwrap();
        compare(&tape, 65);
        let plan = tape.compile::<f64>().unwrap().explain();
        let rows: usize =
            plan.split("buffers of ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        rows - 40 * steps
    };
    assert_eq!(rows(10), rows(3));
}

/// Tangents of all directions are a matrix with its columns scaled: they lie as the matrix does, and are not read across.
#[test]
fn a_scaled_matrix_lies_as_the_matrix_does() {
    let record = |keep: bool| {
        Tape::record(|t| {
            let (w, s, m) = (t.shared("w", &[8, 24]), t.shared("s", &[24]), t.shared("m", &[24, 16]));
            let scaled = w.einsum("dk,k->kd", &s);
            let y = scaled.einsum("kd,kj->dj", &m);
            let kept = if keep { scaled.clone() } else { scaled.sum() };
            [("y", y), ("scaled", kept), ("row", scaled.exp().transpose().at(0, 3))]
        })
        .unwrap()
    };
    for keep in [false, true] {
        let tape = record(keep);
        compare(&tape, 1);
        // What is an output lies as it was asked for.
        let plan = tape.compile::<f64>().unwrap().explain();
        assert_eq!(plan.contains("transpose"), keep, "{plan}");
    }
}

fn on_threads(threads: usize, run: impl FnOnce() -> Vec<Vec<f64>> + Send) -> Vec<Vec<f64>> {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(run)
}

/// A block that adds several times to a sum has one sum of its own, on one thread too.
#[test]
fn sums_over_examples_and_more_have_the_same_bits_on_all_threads() {
    let tape: Tape = "in x[e,k:6,i:4]
in y[e,k:6,j:5]
in z[e,k:6,i:4]
in u[e,i:4]
in w[j:5]
v5[i,j] = sum_{e,k} x[e,k,i] * y[e,k,j]
v6[i] = sum_{e,k} x[e,k,i] * z[e,k,i]
v7[k,i,j] = sum_e x[e,k,i] * y[e,k,j]
v8[k,i] = sum_e x[e,k,i] * u[e,i]
v9[i,j] = sum_e u[e,i] * w[j]
v10[] = sum_{e,k,i} x[e,k,i]
v11[j,i] = sum_e w[j] * u[e,i]
out a = v5
out b = v6
out c = v7
out d = v8
out f = v9
out g = v10
out h = v11
"
    .parse()
    .unwrap();
    let inputs = [24, 30, 24, 4].map(|n| arr(&[700, n], n as u64).data);
    let w = arr(&[5], 1).data;
    let inputs: Vec<&[f64]> = inputs.iter().chain([&w]).map(Vec::as_slice).collect();
    let run = || tape.compile::<f64>().unwrap().call(700, &inputs).unwrap();
    let one = on_threads(1, run);
    assert!([2, 7].into_iter().all(|threads| on_threads(threads, run) == one));
    compare(&tape, 300);
    // Nothing of a call is left for the next one.
    let mut runner = tape.compile::<f64>().unwrap().into_runner();
    let nothing: Vec<&[f64]> = inputs[..4].iter().map(|_| &[][..]).chain([&w[..]]).collect();
    for threads in [1, 7, 1, 1, 7] {
        let outputs = on_threads(threads, || {
            runner.call(0, &nothing).unwrap();
            assert!(runner.outputs().iter().flatten().all(|&x| x == 0.0));
            runner.call(700, &inputs).unwrap();
            runner.outputs().to_vec()
        });
        assert_eq!(outputs, one, "on {threads} threads");
    }
}

/// Block by block, with rows that go from one program to the other: what a runner gives.
#[test]
fn blocks_by_hand_give_what_a_runner_gives() {
    let first =
        Tape::record(|t| [("h", t.example("x", &[4]).matmul(&t.shared("w", &[4, 3])).tanh())]).unwrap();
    let second = Tape::record(|t| {
        let h = t.example("h", &[3]);
        let late = h.einsum("i,j->ij", &h).sum_examples();
        [("y", h.sin()), ("gram", late.clone()), ("late", late.sum().exp() * t.shared("c", &[2]))]
    })
    .unwrap();
    let [one, two] = [&first, &second].map(|tape| tape.compile::<f64>().unwrap());
    let (x, w, c) = (arr(&[200, 4], 1).data, arr(&[4, 3], 2).data, arr(&[2], 3).data);
    let h = one.call(200, &[&x, &w]).unwrap().remove(0);
    let want = two.call(200, &[&h, &c]).unwrap();

    let (mut bound, mut bound_too) = (one.binding(), two.binding());
    one.bind(&mut bound, &[&w]).unwrap();
    two.bind(&mut bound_too, &[&c]).unwrap();
    let (mut here, mut there, mut totals) = (one.workspace(), two.workspace(), two.totals());
    let (mut rows, mut y) = (vec![one.output_rows(0)], vec![0.0; 600]);
    for (x, y) in x.chunks(4 * BLOCK).zip(y.chunks_mut(3 * BLOCK)) {
        here.set_examples(x.len() / 4);
        one.write_rows(&mut here, 0, x);
        one.write_rows(&mut here, 1, &w); // Shared: nothing.
        one.run_block(&bound, &mut here);
        one.take_outputs(&mut here, 0, &mut rows);
        there.set_examples(x.len() / 4);
        two.exchange_input(&mut there, 0, &mut rows[0]);
        there.clear_sums();
        two.run_block(&bound_too, &mut there);
        two.read_rows(&bound_too, &there, 0, y);
        there.sums().enumerate().for_each(|(k, sum)| totals.add_sum(k, sum));
    }
    two.finish(&bound_too, &mut totals);
    let late = |k: usize| two.output(&bound_too, &totals, k).to_vec();
    assert_eq!([y, late(1), late(2)], want[..]);
}

#[test]
fn inputs_that_do_not_fit_are_refused_by_name() {
    let tape = Tape::record(|t| [("y", t.example("x", &[3]) * t.shared("w", &[3]))]).unwrap();
    let program = tape.compile::<f64>().unwrap();
    let mut runner = program.runner();
    let refused = |result: ad_core::Result<()>, why: &str| {
        let message = result.unwrap_err().to_string();
        assert!(message.contains(why), "{message}");
    };
    refused(runner.bind(&[]), "1 shared inputs are wanted (w), 0 were given");
    refused(runner.bind(&[&[1.0; 2]]), "input `w` of shape [3] takes 3 elements, it was given 2");
    refused(
        runner.run(2, &[&[1.0; 5]]),
        "input `x` of shape [3] takes 6 elements for 2 examples, it was given 5",
    );
    refused(runner.run(2, &[]), "1 inputs are wanted, 0 were given");
    refused(runner.call(2, &[&[1.0; 6]]), "2 inputs are wanted, 1 were given");
    refused(runner.call(2, &[&[1.0; 6], &[1.0; 6]]), "input `w`");
    runner.call(2, &[&[1.0; 6], &[2.0; 3]]).unwrap();
    refused(runner.run(2, &[&[1.0; 6]]), "bind them before a run");
    runner.bind(&[&[2.0; 3]]).unwrap();
    runner.run(2, &[&[1.0; 6]]).unwrap();
    assert_eq!(runner.output(0), [2.0; 6]);
}
