//! Plans of programs: what is computed when, by which kernel, and what is not copied.

use ad_core::check::{self, Choices};
use ad_core::{Array, Elementary, Extent, Recorder, Tape, Tracer};

/// The sizes of a compiled tape, and its instructions, which compute what the tape means.
#[track_caller]
fn plan(tape: &Tape) -> (String, Vec<String>) {
    for examples in [1, 200] {
        let mut numbers = Choices::from_seed(3);
        let length = |d: &Extent| if let Extent::Fixed(n) = d { *n } else { examples };
        let mut array = |(_, id): &(String, ad_core::NodeId)| {
            let shape: Vec<usize> = tape.node(*id).dims().iter().map(length).collect();
            let data = (0..shape.iter().product()).map(|_| numbers.between(-1.0, 1.0)).collect();
            Array::new(&shape, data).unwrap()
        };
        let inputs: Vec<Array> = tape.inputs().iter().map(&mut array).collect();
        check::program(tape, examples, &inputs, 1e-12).unwrap();
    }
    let text = tape.compile::<f64>().unwrap().explain();
    let (sizes, rest) = text.split_once('\n').unwrap();
    let (lines, work) = rest.trim_end().rsplit_once('\n').unwrap();
    (format!("{sizes}; {work}"), lines.lines().map(str::to_owned).collect())
}

fn record<const N: usize>(code: impl FnOnce(&Recorder) -> [(&'static str, Tracer); N]) -> Tape {
    Tape::record(code).unwrap()
}

#[test]
fn parts_of_what_is_shared_are_read_where_they_lie() {
    let (sizes, lines) = plan(&record(|t| {
        let (x, w) = (t.example("x", &[4]), t.shared("w", &[6, 5]));
        let part = w.slice(0, 1..5).slice(1, 1..4);
        let flat = t.shared("b", &[2, 4]).slice(0, 1..2).reshape(&[4]).gather(0, &[1, 2, 3]);
        [("y", x.matmul(&part) + flat)]
    }));
    assert_eq!(
        lines,
        ["for each block:", "  b2 = matrix product 3 x 4 <- b0, p0", "  b1 = sum of 3 <- b2, p1"]
    );
    assert!(sizes.contains(" 0 shared numbers"), "{sizes}");
    // What is turned, taken from the end first, or an output is copied.
    let (_, lines) = plan(&record(|t| {
        let w = t.shared("w", &[3, 4]);
        let last = w.gather(1, &[3, 2, 1, 0]);
        [("y", t.example("x", &[3]).matmul(&last)), ("part", w.slice(0, 1..3)), ("none", w.slice(0, 1..1))]
    }));
    assert_eq!(lines.iter().filter(|line| line.contains("copy of")).count(), 3, "{lines:?}");
}

#[test]
fn values_side_by_side_are_written_once() {
    let (_, lines) = plan(&record(|t| {
        let (x, a, b) = (t.example("x", &[4]), t.shared("a", &[4, 2]), t.shared("b", &[4, 3]));
        [("y", x.matmul(&a.exp().concat(&[&b], 1)))]
    }));
    let binding =
        ["for each binding:", "  s0 = exp of 8 <- p0", "  s3 = copy of 20 rows, 0 of zeros <- s0, p1"];
    assert_eq!(lines[..3], binding);
    let (_, lines) = plan(&record(|t| {
        let (x, a) = (t.example("x", &[4, 2]), t.shared("a", &[4, 3]));
        [("y", x.sum_examples().concat(&[&a], 1).slice(0, 1..3).exp())]
    }));
    let late = [
        "after the last block:",
        "  sum2 = copy of 20 rows, 0 of zeros <- sum0, p0",
        "  sum3 = exp of 10 <- sum2",
    ];
    assert_eq!(lines[2..], late);
    // However many there are.
    let (_, lines) = plan(&record(|t| {
        let [a, b, c] = ["a", "b", "c"].map(|name| t.shared(name, &[2]));
        [("y", t.example("x", &[6]) * a.concat(&[&b, &c], 0))]
    }));
    assert_eq!(lines[..2], ["for each binding:", "  s3 = copy of 6 rows, 0 of zeros <- p0, p1, p2"]);
}

/// Paddings that overlap, leave a gap, have a factor, or are read elsewhere too.
#[test]
fn other_paddings_are_added() {
    let (_, lines) = plan(&record(|t| {
        let (a, b) = (t.shared("a", &[3]), t.shared("b", &[2]));
        let [left, middle, right] = [b.pad(0, 0, 5), b.pad(0, 2, 5), a.pad(0, 2, 5)];
        let twice = Tracer::linear_combination(&[(1.0, &b.exp().pad(0, 0, 5)), (2.0, &a.exp().pad(0, 2, 5))]);
        let spread = b.pad(0, 0, 3).broadcast_to(&[2, 3]) + a.reshape(&[1, 3]).pad(0, 1, 2);
        [
            ("overlap", a.sin().pad(0, 0, 5) + b.sin().pad(0, 2, 5)),
            ("gap", &left + middle),
            ("factor", twice.unwrap()),
            ("elsewhere", (left + right.exp()) * right),
            ("spread", spread),
        ]
    }));
    assert!(
        lines.iter().all(|line| !line.contains("copy of") || !line.contains(", 0 of zeros")),
        "{lines:?}"
    );
}

#[test]
fn what_follows_from_nothing_is_known_before_anything_runs() {
    let (sizes, lines) = plan(&record(|t| {
        let table = t.constant(&[0.5, 1.0, 2.0, 3.0], &[4]).exp().sin();
        [("y", t.example("x", &[4]) * table)]
    }));
    assert_eq!(lines, ["for each block:", "  b1 = product of 4 <- s2, b0"]);
    // Nor is what only led there kept.
    assert!(sizes.contains(" 4 shared numbers"), "{sizes}");
}

#[test]
fn shared_matrices_that_are_read_across_are_turned_first() {
    let (_, lines) = plan(&record(|t| {
        let (x, w, v) = (t.example("x", &[7]), t.shared("w", &[5, 9]), t.shared("v", &[7, 5]));
        [("y", x.matmul(&(w.slice(1, 1..8).transpose() + &v).exp()))]
    }));
    let binding = ["for each binding:", "  s2 = transpose of 5 x 7 <- p0", "  s1 = sum, exp of 35 <- s2, p1"];
    assert_eq!(lines[..3], binding);
}

/// Matrices of each example's own are multiplied tile by tile, whichever way they lie, also a matrix by a vector.
#[test]
fn matrices_of_each_example_are_multiplied_as_matrices() {
    let tape = "in x[e,i:3,k:7]
in y[e,k:7,j:5]
in z[e,l:2,j:5,k:7]
in u[e,k:7]
v4[e,i,j] = sum_k 2 * x[e,i,k] * y[e,k,j]
v5[e,i,l] = sum_k x[e,i,k] * x[e,l,k]
v6[e,l,i,j] = sum_k z[e,l,i,k] * y[e,k,j]
v7[e,i] = sum_k x[e,i,k] * u[e,k]
out a = v4
out b = v5
out c = v6
out d = v7
";
    let (_, lines) = plan(&tape.parse().unwrap());
    assert_eq!(
        lines[1..],
        [
            "  b4 = matrix product in each lane, 3 x 7 x 5 <- b0, b1",
            "  b5 = matrix product in each lane, 3 x 7 x 3 <- b0, b0",
            "  b6 = matrix product in each lane, 10 x 7 x 5 <- b2, b1",
            "  b7 = matrix product in each lane, 3 x 7 x 1 <- b0, b3",
        ]
    );
}

/// What only stops derivatives is read where it comes from; as an output it is a copy.
#[test]
fn a_stop_takes_no_time() {
    let (_, lines) = plan(&record(|t| {
        let (x, w) = (t.example("x", &[3]), t.shared("w", &[3, 3]).stop_gradient());
        let y = (&x * 2.0).stop_gradient().stop_gradient().tanh();
        [("y", x.stop_gradient().matmul(&w) + y)]
    }));
    assert_eq!(
        lines,
        [
            "for each block:",
            "  b2 = matrix product 3 x 3 <- p0, b0",
            "  b1 = product, tanh, sum of 3 <- b0, b2"
        ]
    );
    let (_, lines) = plan(&record(|t| [("y", (t.example("x", &[3]) * 2.0).stop_gradient())]));
    assert_eq!(lines.len(), 2, "{lines:?}");
}

/// A view whose rows are not dense is no array of one loop.
#[test]
fn loops_over_parts_stay_apart() {
    plan(&record(|t| {
        let (w, v) = (t.shared("w", &[3, 3]), t.shared("v", &[3, 2, 2]));
        [("y", v.einsum("abc,ab->abc", &w.slice(1, 0..2)))]
    }));
}

#[test]
fn chains_are_as_long_as_their_lines_have_room() {
    let (_, lines) = plan(&record(|t| {
        [("y", (0..30).fold(t.example("x", &[3]), |x, k| if k % 2 == 0 { x.sin() } else { x.tanh() }))]
    }));
    let count = |line: &String| line.split(',').count();
    assert_eq!(lines[1..].iter().map(count).collect::<Vec<_>>(), [24, 6], "{lines:?}");
}

#[test]
fn products_of_a_network_and_its_gradient_are_those_of_matrices() {
    let network = record(|t| {
        let (x, w, v) = (t.example("x", &[3]), t.shared("w", &[3, 4]), t.shared("v", &[4, 5]));
        [("y", x.matmul(&w).tanh().matmul(&v))]
    });
    let (sizes, lines) = plan(&network.vjp(&["x", "w", "v"]).unwrap());
    let want = [
        "for each block:",
        "  b4 = matrix product 4 x 3 <- b0, p0",
        "  b5 = matrix product 4 x 5 <- p1, b1",
        "  b6, b7 = tanh, product, sum, product of 4 <- b4, s0, b5",
        "  b2 = matrix product 5 x 4 <- p1, b6",
        "  sum0 = matrix product over examples, 4 x 5 <- b6, b1",
        "  sum1 = matrix product over examples, 3 x 4 <- b0, b7",
        "  b3 = matrix product 3 x 4 <- p0, b7",
    ];
    assert_eq!(lines, want);
    let bytes = "32 numbers an example (32768 bytes a block of 128), 1 shared numbers (8 bytes), 32 sums over examples (256 bytes)";
    assert!(sizes.contains(bytes), "{sizes}");
}

/// A sum over an index of one value is none.
#[test]
fn products_without_a_sum_are_links_of_chains() {
    let (_, lines) =
        plan(&record(|t| [("y", t.example("x", &[3, 1]).sum_axis(1).sin() * t.shared("w", &[3]))]));
    assert_eq!(lines, ["for each block:", "  b1 = product, sin, product of 3 <- b0, p0"]);
    let (_, lines) = plan(&record(|t| {
        let (a, b) = (t.shared("a", &[9, 20]), t.shared("b", &[8, 20]));
        [("y", a.einsum("mk,nk->mn", &b))]
    }));
    assert_eq!(
        lines,
        ["for each binding:", "  s0 = sum of products, 72 of 20 terms <- p0, p1", "for each block:"]
    );
}

/// What only one direction reads is as small as one direction.
#[test]
fn directions_follow_each_other_in_a_loop() {
    let (sizes, lines) = plan(&record(|t| {
        let (x, w) = (t.example("x", &[40]), t.shared("w", &[40, 40]));
        let y = x.matmul(&w).tanh().matmul(&w).tanh();
        let jt = t.push_forward(&[(&x, &t.identity(40))], &[&y]).remove(0);
        // Values of two indices that are no directions.
        let beside = t.example("z", &[8, 20]).matmul(&t.shared("v", &[20, 20])).tanh();
        let sum = jt.square().sum();
        // What the loop has read is free for these.
        let first = x * &sum;
        let second = first.matmul(&w);
        let after = second.matmul(&w).matmul(&w) + first + second;
        [("after", after), ("sum", sum), ("beside", beside)]
    }));
    let want = [
        "  40 times:",
        "    b5 = product of 40 <- p0, b7",
        "    b8 = matrix product 40 x 40 <- p0, b5",
        "    b5 = product, product of 40 <- b8, b6",
        "    b3 = sum of products, 1 of 40 terms <- b5",
    ];
    assert!(lines.windows(want.len()).any(|lines| lines == want), "{lines:?}");
    assert!(sizes.contains(" 9 buffers of 561 numbers"), "{sizes}");
    let products = 5 * 40 * 40 + 8 * 20 * 20 + 40 * (40 * 40 + 40);
    assert!(sizes.ends_with(&format!("; {products} multiply-adds an example in products")), "{sizes}");
    // Along a diagonal a direction is an index of the result.
    let (_, lines) = plan(&record(|t| {
        let (x, w) = (t.example("x", &[40]), t.shared("w", &[40, 40]));
        let y = x.matmul(&w).tanh().matmul(&w).tanh();
        let trace = t.push_forward(&[(&x, &t.identity(40))], &[&y]).remove(0).trace();
        // Of what has no index beside, a part may be taken.
        [("trace", trace), ("part", y.slice(0, 3..7).pad(0, 1, 6))]
    }));
    let want = [
        "  40 times:",
        "    b3 = product, product of 40 <- p0, b5, p0",
        "  b5 = matrix product 40 x 40 <- p0, b4",
        "  b4, b6 = tanh, product, sum, product of 40 <- b5, s0, b3",
        "  b1 = sum of products, 1 of 40 terms <- b6",
    ];
    assert!(lines.windows(want.len()).any(|lines| lines == want), "{lines:?}");
}

#[test]
fn loops_begin_where_they_are_worth_it() {
    let looped = |d: usize, n: usize| {
        let (_, lines) = plan(&record(|t| {
            let (x, w, u) = (t.example("x", &[d]), t.shared("w", &[d, n]), t.shared("u", &[n, n]));
            let rows = t.push_forward(&[(&x, &t.identity(d))], &[&x.matmul(&w).tanh()]).remove(0);
            [("y", rows.matmul(&u).square().sum())]
        }));
        lines
            .iter()
            .filter_map(|line| line.strip_suffix(" times:")?.trim().parse().ok())
            .collect::<Vec<usize>>()
    };
    // A value of 128 rows, and 16 in one iteration.
    assert_eq!(
        [looped(8, 16), looped(7, 17), looped(40, 8), looped(8, 40)],
        [vec![8], vec![], vec![8], vec![8]]
    );
}

/// What the caller has in rows, products read there: to the bit what they make of examples side by side, of an input that
/// nothing else reads and of one that other lines want side by side.
#[test]
fn rows_are_read_where_they_are_to_the_same_bits() {
    let tape = record(|t| {
        let [x, y] = ["x", "y"].map(|name| t.example(name, &[70]));
        let [w, v, u] = [("w", 32), ("v", 33), ("u", 40)].map(|(name, n)| t.shared(name, &[70, n]));
        let (h, g) = (x.matmul(&w), y.matmul(&v).sin());
        // The sum over examples of products of each element of `a` with each of `b`.
        let over_examples = |a: &Tracer, b: &Tracer| {
            let shape = [a.shape()[0], b.shape()[0]];
            let none = t.constant(&vec![0.0; shape[0] * shape[1]], &shape);
            t.pull_back(&[(&a.matmul(&none), b)], &[&none]).remove(0)
        };
        [
            ("h", h.clone()),
            ("part", x.matmul(&u.slice(1, 3..19)) * 0.5),
            ("left", over_examples(&x, &h.tanh())),
            ("right", over_examples(&g, &x)),
            ("both", over_examples(&x, &x)),
            ("mixed", over_examples(&y, &x)),
            ("waves", y.sin()),
        ]
    });
    let program = tape.compile::<f64>().unwrap();
    let text = program.explain();
    assert!(text.contains("`x` read by rows") && !text.contains("`y`"), "{text}");
    let mut numbers = Choices::from_seed(5);
    let mut draw = |n: usize| (0..n).map(|_| numbers.between(-1.0, 1.0)).collect::<Vec<f64>>();
    let shared = [70 * 32, 70 * 33, 70 * 40].map(&mut draw);
    let shared = shared.each_ref().map(|w| &w[..]);
    let (mut runner, mut binding) = (program.runner(), program.binding());
    runner.bind(&shared).unwrap();
    program.bind(&mut binding, &shared).unwrap();
    let all = [70 * 128; 2].map(&mut draw);
    let mut of_all: Vec<Vec<f64>> = Vec::new();
    // From many examples to few: what is left beside them must not show, nor that they are few.
    for n in [128, 127, 65, 33, 16, 4, 2, 1] {
        let rows = all.each_ref().map(|rows| &rows[..70 * n]);
        runner.run(n, &rows).unwrap();
        if of_all.is_empty() {
            of_all = runner.outputs().to_vec();
        }
        let (mut workspace, mut totals) = (program.workspace(), program.totals());
        workspace.set_examples(n);
        for (k, port) in program.inputs().iter().enumerate() {
            program.write_rows(&mut workspace, k, rows[usize::from(port.name == "y")]);
        }
        program.run_block(&binding, &mut workspace);
        workspace.sums().enumerate().for_each(|(k, sum)| totals.add_sum(k, sum));
        program.finish(&binding, &mut totals);
        for (k, port) in program.outputs().iter().enumerate() {
            let mut side_by_side = vec![0.0; if port.has_example() { n * port.size() } else { 0 }];
            program.read_rows(&binding, &workspace, k, &mut side_by_side);
            let want = if port.has_example() { &side_by_side } else { program.output(&binding, &totals, k) };
            assert_eq!(runner.output(k), want, "`{}` of {n} examples", port.name);
            if port.has_example() {
                assert_eq!(runner.output(k), &of_all[k][..n * port.size()], "`{}` of {n} of all", port.name);
            }
        }
    }
}

/// Few columns; a number of columns that fills registers in part; two lines that read an input; a matrix that lies across.
#[test]
fn rows_are_turned_where_that_is_less_work() {
    let is_read_by_rows = |length: usize, lines: usize, columns: usize, across: bool| {
        let tape = Tape::record(|t| {
            let x = t.example("x", &[length]);
            let matrix = |k: u32| t.shared(&format!("w{k}"), &[length, columns]);
            let mut outputs: Vec<_> = ["y0", "y1"]
                .into_iter()
                .take(lines)
                .zip(0..)
                .map(|(y, k)| (y, x.matmul(&matrix(k)).tanh()))
                .collect();
            if across {
                let v = t.shared("v", &[columns, length]).transpose();
                outputs.push(("z", x.matmul(&v).tanh()));
            }
            outputs
        })
        .unwrap();
        tape.compile::<f64>().unwrap().explain().contains("read by rows")
    };
    assert!(is_read_by_rows(64, 1, 16, false));
    assert!(!is_read_by_rows(64, 1, 16, true), "a matrix lies across");
    assert!(!is_read_by_rows(24, 1, 20, false), "twelve of 32 places of registers are empty");
    assert!(is_read_by_rows(24, 1, 2, false));
    assert!(!is_read_by_rows(24, 2, 2, false), "two lines turn more than there is");
}
