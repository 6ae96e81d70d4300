use super::*;
use crate::{Estimator, divergence, random::Purpose};
use ad_core::{Array, BLOCK, Elementary};

/// A field with a skip, a gate and time, of `d` numbers.
fn field(d: usize) -> Tape {
    Tape::record(|t| {
        let (time, x) = (t.example("t", &[]), t.example("x", &[d]));
        let (w, v) = (t.shared("w", &[d, 5]), t.shared("v", &[5, d]));
        let h = (x.matmul(&w) + time.sin()).tanh();
        [("x_dot", h.matmul(&v) * time.sigmoid() + x.clone() * 0.3 + (x.dot(&x) * &x))]
    })
    .unwrap()
}

fn numbers(shape: &[usize], seed: u32) -> Array {
    let mut stream = Purpose::Constant.stream(5, seed, 0);
    let n = shape.iter().product();
    Array::new(shape, (0..n).map(|_| stream.standard_normal()).collect()).unwrap()
}

fn inputs(d: usize, n: usize) -> Vec<Array> {
    vec![numbers(&[n], 0), numbers(&[n, d], 1), numbers(&[d, 5], 2), numbers(&[5, d], 3)]
}

fn call(tape: &Tape, examples: usize, inputs: &[Array]) -> Vec<Vec<f64>> {
    let slices: Vec<&[f64]> = inputs.iter().map(|a| &a.data[..]).collect();
    tape.compile::<f64>().unwrap().call(examples, &slices).unwrap()
}

/// Any orthonormal rows for each of `n` examples, a sketch of another field at another place: as stale as can be.
fn stale(n: usize, k: usize, d: usize) -> Array {
    let mut lanes = numbers(&[k * d, n], 31).data;
    orthonormalise(&mut lanes, k, d, n).unwrap();
    let rows = (0..n).flat_map(|e| lanes[e..].iter().step_by(n).copied().collect::<Vec<_>>()).collect();
    Array::new(&[n, k, d], rows).unwrap()
}

/// All `2^d` sign vectors, for each of `n` examples.
fn all_signs(n: usize, d: usize) -> Array {
    let sign = |k: usize, i: usize| if k >> i & 1 == 1 { 1.0 } else { -1.0 };
    let one: Vec<f64> = (0..1 << d).flat_map(|k| (0..d).map(move |i| sign(k, i))).collect();
    Array::new(&[n, 1 << d, d], one.repeat(n)).unwrap()
}

fn assert_near(a: &[f64], b: &[f64], tolerance: f64) {
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() <= tolerance * (1.0 + a.abs()), "{a} against {b}");
    }
}

/// Over all sign vectors the mean is the trace, value and parameter gradient, for a basis that has nothing to do with
/// the Jacobian: no sampling, and no derivative of the basis.
#[test]
fn all_signs_together_are_exact_for_a_stale_basis() {
    let (d, n, k) = (6, 2, 2);
    let tape = field(d);
    let exact = divergence(&tape, "x", "x_dot", Estimator::Exact).unwrap();
    let settings = HutchPp { basis: k, probes: 1 << d };
    let more = [stale(n, k, d), all_signs(n, d)];
    let shifted = [&more[..], &[numbers(&[n], 12)]].concat();
    let bars = [numbers(&[n, d], 8), numbers(&[n], 9)];
    let gradient = |tape: &Tape, more: &[Array]| {
        call(&tape.vjp(&["x", "w", "v"]).unwrap(), n, &[&inputs(d, n)[..], more, &bars].concat())
    };
    let want = gradient(&exact, &[]);
    let got = gradient(&estimate(&tape, "x", "x_dot", settings).unwrap(), &more);
    want.iter().zip(&got).for_each(|(a, b)| assert_near(a, b, 1e-11));
    let got = gradient(&estimate_shifted(&tape, "x", "x_dot", settings).unwrap(), &shifted);
    want.iter().zip(&got).for_each(|(a, b)| assert_near(a, b, 1e-11));
}

/// The Jacobian of [`field`] at example `e`, by pushing the identity forward.
fn jacobian(d: usize, n: usize, e: usize) -> Vec<f64> {
    let tape = with_field(&field(d), "x", "x_dot", |f| {
        vec![("j".to_owned(), f.push(&f.recorder.identity(d)).transpose().to_examples())]
    })
    .unwrap();
    call(&tape, n, &inputs(d, n))[0][e * d * d..][..d * d].to_vec()
}

/// `P M P` with `P = I - Q^T Q`.
fn beside(q: &[f64], m: &[f64], d: usize) -> Vec<f64> {
    let p = |i: usize, j: usize| {
        f64::from(u8::from(i == j)) - q.chunks_exact(d).map(|q| q[i] * q[j]).sum::<f64>()
    };
    let entry = |i: usize, j: usize| (0..d * d).map(|ab| p(i, ab / d) * m[ab] * p(ab % d, j)).sum::<f64>();
    (0..d * d).map(|ij| entry(ij / d, ij % d)).collect()
}

/// With signs the variance of one probe is `2 (|PBP|^2 - |diag PBP|^2)` exactly, by enumeration; with normal probes the
/// diagonal stays. What a tape measures as the rest is `|PJP|^2`, with a shift that of what is left.
#[test]
fn variance_with_a_stale_basis_is_that_of_the_formula() {
    let (d, n, k) = (6, 3, 2);
    let basis = stale(n, k, d);
    let one = estimate(&field(d), "x", "x_dot", HutchPp { basis: k, probes: 1 }).unwrap();
    let (signs, shifts) = (all_signs(n, d), numbers(&[n], 12));
    let rest = |kind: Sketch, more: &[Array]| {
        let all = HutchPp { basis: k, probes: 1 << d }.measure(&field(d), "x", "x_dot", kind).unwrap();
        call(&all, n, &[&inputs(d, n)[..], &[basis.clone(), signs.clone()], more].concat())[2].clone()
    };
    let (rest, shifted) = (rest(Sketch::Jacobian, &[]), rest(Sketch::Shifted, std::slice::from_ref(&shifts)));
    for (e, &rest) in rest.iter().enumerate() {
        let j = jacobian(d, n, e);
        let q = &basis.data[e * k * d..][..k * d];
        let b: Vec<f64> = (0..d * d).map(|i| 0.5 * (j[i] + j[i % d * d + i / d])).collect();
        let (pbp, pjp) = (beside(q, &b, d), beside(q, &j, d));
        let square = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>();
        let diagonal: Vec<f64> = pbp.iter().step_by(d + 1).copied().collect();
        let samples: Vec<f64> = (0..1 << d)
            .map(|s| {
                let row = &signs.data[s * d..][..d];
                let probe = Array::new(&[n, 1, d], row.repeat(n)).unwrap();
                call(&one, n, &[&inputs(d, n)[..], &[basis.clone(), probe]].concat())[1][e]
            })
            .collect();
        let mean = samples.iter().sum::<f64>() / samples.len() as f64;
        let variance = samples.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / samples.len() as f64;
        assert_near(&[variance], &[2.0 * (square(&pbp) - square(&diagonal))], 1e-10);
        assert_near(&[rest], &[square(&pjp)], 1e-10);
        let less = |i: usize| j[i] - if i.is_multiple_of(d + 1) { shifts.data[e] } else { 0.0 };
        let left = beside(q, &(0..d * d).map(less).collect::<Vec<_>>(), d);
        assert_near(&[shifted[e]], &[square(&left)], 1e-10);
        let trace: f64 = j.iter().step_by(d + 1).sum();
        assert_near(&[mean], &[trace], 1e-11);
    }
}

/// By the definition, for any probes: the trace over the basis, the mean form of `J - c I` beside it, and `c` for each direction
/// there.
#[test]
fn a_shift_is_taken_off_beside_the_basis_and_added_again() {
    let (d, n, k, m) = (6, 3, 2, 3);
    let (basis, probes, shifts) = (stale(n, k, d), numbers(&[n, m, d], 13), numbers(&[n], 12));
    let tape = estimate_shifted(&field(d), "x", "x_dot", HutchPp { basis: k, probes: m }).unwrap();
    let more = [basis.clone(), probes.clone(), shifts.clone()];
    let got = call(&tape, n, &[&inputs(d, n)[..], &more].concat());
    for e in 0..n {
        let (j, c) = (jacobian(d, n, e), shifts.data[e]);
        let less: Vec<f64> =
            (0..d * d).map(|i| j[i] - if i.is_multiple_of(d + 1) { c } else { 0.0 }).collect();
        let q = &basis.data[e * k * d..][..k * d];
        let form = |m: &[f64], v: &[f64]| (0..d * d).map(|i| v[i / d] * m[i] * v[i % d]).sum::<f64>();
        let within: f64 = q.chunks_exact(d).map(|q| form(&j, q)).sum();
        let left = beside(q, &less, d);
        let rest: f64 = probes.data[e * m * d..][..m * d].chunks_exact(d).map(|g| form(&left, g)).sum();
        assert_near(&[within + rest / m as f64 + c * (d - k) as f64], &got[1][e..=e], 1e-12);
    }
}

/// A sketch and its basis cost so many products, by the definition.
#[test]
fn products_are_counted() {
    for (basis, probes) in [(1, 1), (3, 2), (5, 7)] {
        let products = |sketch| HutchPp { basis, probes }.products(sketch);
        assert_eq!(products(Sketch::Jacobian), basis + basis + probes);
        assert_eq!(products(Sketch::Symmetric), 2 * basis + basis + probes);
        assert_eq!(products(Sketch::Shifted), products(Sketch::Jacobian));
    }
}

/// The basis and the shift of an example are the same, to the bit, in any batch: here of more than one block.
#[test]
fn bases_do_not_depend_on_the_batch() {
    let (d, n, k) = (4, BLOCK + 3, 2);
    let sketcher = Sketcher::<f64>::new(&field(d), "x", "x_dot", k, Sketch::Shifted).unwrap();
    let (given, s) = (inputs(d, n), numbers(&[n, k, d], 33));
    let [t, x, w, v] = &given[..] else { panic!("four inputs") };
    let part = |at: std::ops::Range<usize>| {
        let rows = |a: &Array, size: usize| a.data[at.start * size..at.end * size].to_vec();
        let (t, x, s) = (rows(t, 1), rows(x, d), rows(&s, k * d));
        sketcher.bases(at.len(), &[&t, &x, &w.data, &v.data, &s]).unwrap()
    };
    let whole = part(0..n);
    let parts = [part(0..7), part(7..BLOCK + 1), part(BLOCK + 1..n)];
    assert_eq!(whole.basis, parts.each_ref().map(|p| &p.basis[..]).concat());
    assert_eq!(whole.shift, parts.each_ref().map(|p| &p.shift[..]).concat());
}

/// One tape gives what the three stages give, value and gradient, whatever the sketch; with a sketch that has dependent rows
/// and a Jacobian of zero it gives no NaN.
#[test]
fn one_tape_for_a_fresh_basis_is_the_three_stages() {
    let (d, n, k) = (7, 66, 3);
    let settings = HutchPp { basis: k, probes: 2 };
    let mut s = numbers(&[n, k, d], 51);
    for (row, from) in (d..2 * d).zip(0..) {
        s.data[row] = -2.0 * s.data[from]; // dependent rows of the first example
    }
    let (given, probes) = (inputs(d, n), numbers(&[n, 2, d], 52));
    let bars = [numbers(&[n, d], 8), numbers(&[n], 9)];
    let wrt = ["x", "w", "v"];
    for kind in [Sketch::Jacobian, Sketch::Symmetric, Sketch::Shifted] {
        let sketcher = Sketcher::<f64>::new(&field(d), "x", "x_dot", k, kind).unwrap();
        let slices: Vec<&[f64]> = given.iter().chain([&s]).map(|a| &a.data[..]).collect();
        let made = sketcher.bases(n, &slices).unwrap();
        let mut more = vec![Array::new(&[n, k, d], made.basis).unwrap(), probes.clone()];
        let estimate = if kind == Sketch::Shifted { estimate_shifted } else { estimate };
        let staged = estimate(&field(d), "x", "x_dot", settings).unwrap();
        if kind == Sketch::Shifted {
            more.push(Array::new(&[n], made.shift).unwrap());
        }
        let one = fresh(&field(d), "x", "x_dot", settings, kind).unwrap();
        let run = |tape: &Tape, more: &[Array]| {
            call(&tape.vjp(&wrt).unwrap(), n, &[&given[..], more, &bars].concat())
        };
        let (a, b) = (run(&staged, &more), run(&one, &[s.clone(), probes.clone()]));
        a.iter().zip(&b).for_each(|(a, b)| assert_near(a, b, 1e-9));
    }
    let still = Tape::record(|t| [("x_dot", t.example("x", &[d]) * 0.0)]).unwrap();
    let one = fresh(&still, "x", "x_dot", settings, Sketch::Jacobian).unwrap();
    let got = call(&one, n, &[given[1].clone(), s, probes]);
    assert!(got[1].iter().all(|&x| x == 0.0));
}

/// Rows of condition up to the limit, in `f32`, are orthonormal to rounding; those beyond are left out.
#[test]
fn the_one_tape_is_exact_where_its_basis_is_ill_conditioned() {
    let d = 6;
    let diagonal = [1.0, 0.1, 0.01, 1e-5, 0.0, 1e-20];
    let tape = Tape::record(|t| [("x_dot", t.example("x", &[d]) * t.constant(&diagonal, &[d]))]).unwrap();
    let n = 500;
    let single = |a: Array| a.data.iter().map(|&x| x as f32).collect::<Vec<f32>>();
    let inputs = [numbers(&[n, d], 60), numbers(&[n, 3, d], 61), numbers(&[n, 1, d], 62)].map(single);
    let one = fresh(&tape, "x", "x_dot", HutchPp { basis: 3, probes: 1 }, Sketch::Jacobian).unwrap();
    let got = one.compile::<f32>().unwrap().call(n, &[&inputs[0], &inputs[1], &inputs[2]]).unwrap();
    let mut errors: Vec<f64> = got[1].iter().map(|&x| (f64::from(x) - 1.110_01).abs()).collect();
    errors.sort_by(f64::total_cmp);
    // Three directions carry the trace. Where the third is so short by chance that it is left out, the probe has it.
    assert!(errors[n / 2] < 3e-5 && errors[n - 1] < 0.5, "{} {}", errors[n / 2], errors[n - 1]);
}

/// With a basis of all directions nothing is left to chance.
#[test]
fn a_full_basis_is_exact() {
    let (d, n) = (5, 70);
    let tape = field(d);
    let exact = divergence(&tape, "x", "x_dot", Estimator::Exact).unwrap();
    let pp = estimate(&tape, "x", "x_dot", HutchPp { basis: d, probes: 1 }).unwrap();
    let sketcher = Sketcher::<f64>::new(&tape, "x", "x_dot", d, Sketch::Jacobian).unwrap();
    let given = inputs(d, n);
    let s = numbers(&[n, d, d], 21);
    let slices: Vec<&[f64]> = given.iter().chain([&s]).map(|a| &a.data[..]).collect();
    let basis = Array::new(&[n, d, d], sketcher.bases(n, &slices).unwrap().basis).unwrap();
    let got = call(&pp, n, &[&given[..], &[basis, numbers(&[n, 1, d], 22)]].concat());
    assert_near(&call(&exact, n, &given)[1], &got[1], 1e-10);
}

/// A sketch is the product with `J`, with its symmetric part, or with what is left of it without its mean diagonal.
#[test]
fn sketches_are_products_with_the_jacobian() {
    let (d, n, k) = (5, 2, 3);
    let s = numbers(&[n, k, d], 23);
    let given = [&inputs(d, n)[..], std::slice::from_ref(&s)].concat();
    let image = |kind| call(&sketch(&field(d), "x", "x_dot", k, kind).unwrap(), n, &given);
    let (plain, symmetric, shifted) =
        (image(Sketch::Jacobian), image(Sketch::Symmetric), image(Sketch::Shifted));
    for e in 0..n {
        let j = jacobian(d, n, e);
        let rows = e * k * d..(e + 1) * k * d;
        let s = &s.data[rows.clone()];
        let times = |m: &dyn Fn(usize, usize) -> f64| -> Vec<f64> {
            (0..k * d).map(|i| (0..d).map(|b| m(i % d, b) * s[i / d * d + b]).sum()).collect()
        };
        let js = times(&|a, b| j[a * d + b]);
        assert_near(&js, &plain[0][rows.clone()], 1e-12);
        assert_near(&times(&|a, b| j[a * d + b] + j[b * d + a]), &symmetric[0][rows.clone()], 1e-12);
        let c = js.iter().zip(s).map(|(a, b)| a * b).sum::<f64>() / (k * d) as f64;
        assert_near(&[c], &shifted[1][e..=e], 1e-12);
        let rest: Vec<f64> = js.iter().zip(s).map(|(js, s)| js - c * s).collect();
        assert_near(&rest, &shifted[0][rows], 1e-12);
    }
}

/// Rows are orthonormal to rounding, also of a matrix of condition 1e12, and span what they spanned; rows without a
/// direction of their own become zero. In blocks of any number of examples the bits of an example are the same.
#[test]
fn rows_become_orthonormal_whatever_their_rank() {
    let (k, d) = (7, 19);
    let row = |e: usize| -> Vec<f64> {
        let mut a = numbers(&[k, d], 40 + e as u32).data;
        for i in 0..d {
            // Nearly parallel, twice the same direction, and nothing.
            a[d + i] = a[i] + 1e-12 * a[d + i];
            a[3 * d + i] = -2.5 * a[2 * d + i] + 0.5 * a[i];
            a[5 * d + i] = 0.0;
        }
        a
    };
    let alone: Vec<Vec<f64>> = (0..37)
        .map(|e| {
            let mut a = row(e);
            orthonormalise(&mut a, k, d, 1).unwrap();
            a
        })
        .collect();
    let stride = 37;
    let mut lanes = vec![0.0; k * d * stride];
    for e in 0..stride {
        row(e).iter().enumerate().for_each(|(i, &x)| lanes[i * stride + e] = x);
    }
    orthonormalise(&mut lanes, k, d, stride).unwrap();
    for (e, q) in alone.iter().enumerate() {
        assert!(q.iter().enumerate().all(|(i, &x)| lanes[i * stride + e] == x));
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let kept: Vec<&[f64]> = q.chunks_exact(d).filter(|r| dot(r, r) > 0.5).collect();
        assert_eq!(kept.len(), 5);
        assert!(
            q.chunks_exact(d).enumerate().all(|(r, q)| [3, 5].contains(&r) == q.iter().all(|x| *x == 0.0))
        );
        for (i, a) in kept.iter().enumerate() {
            for (j, b) in kept.iter().enumerate() {
                assert!((dot(a, b) - f64::from(u8::from(i == j))).abs() < 1e-14);
            }
        }
        for v in row(e).chunks_exact(d) {
            let within: f64 = kept.iter().map(|q| dot(q, v).powi(2)).sum();
            assert!((within - dot(v, v)).abs() <= 1e-13 * dot(v, v));
        }
    }
    assert!(orthonormalise(&mut [0.0_f32; 5], 2, 3, 1).is_err());
}

/// A basis of a Jacobian of zero, or of fewer directions than rows, is one of fewer rows, and never NaN.
#[test]
fn a_jacobian_of_low_rank_is_estimated_without_error() {
    let d = 4;
    let tape = Tape::record(|t| {
        let (x, u) = (t.example("x", &[d]), t.example("u", &[d]));
        [("x_dot", x.dot(&u) * &u)]
    })
    .unwrap();
    let pp = estimate(&tape, "x", "x_dot", HutchPp { basis: 3, probes: 1 }).unwrap();
    let sketcher = Sketcher::<f32>::new(&tape, "x", "x_dot", 3, Sketch::Jacobian).unwrap();
    let u = [0.0, 0.0, 0.0, 0.0, 1.0, 2.0, -1.0, 0.5];
    let (x, s) = ([0.1; 8], numbers(&[2, 3, d], 3).data.iter().map(|&x| x as f32).collect::<Vec<_>>());
    let made = sketcher.bases(2, &[&x, &u, &s]).unwrap();
    assert!(made.basis[..3 * d].iter().all(|&q| q == 0.0));
    let got = pp.compile::<f32>().unwrap().call(2, &[&x, &u, &made.basis, &s[..2 * d]]).unwrap();
    assert!(got[1][0] == 0.0 && (got[1][1] - 6.25).abs() < 1e-5, "{:?}", got[1]);
}

/// A basis is kept for as many evaluations as the rule says, each example on its own, and products are counted.
#[test]
fn bases_are_kept_by_example() {
    let settings = HutchPp { basis: 2, probes: 3 };
    let mut made = 0.0;
    let mut run = |bases: &mut Bases<f64>, keys: &[u64]| {
        bases
            .renew(keys, |due| {
                let basis = due
                    .iter()
                    .flat_map(|_| {
                        made += 1.0;
                        [made, made]
                    })
                    .collect();
                Ok(Sketched { basis, shift: vec![] })
            })
            .unwrap()
            .basis
    };
    let mut every = Bases::new(settings, Sketch::Symmetric, Refresh::Every(2));
    assert_eq!(run(&mut every, &[1, 2]), [1.0, 1.0, 2.0, 2.0]);
    assert_eq!(run(&mut every, &[3, 1]), [3.0, 3.0, 1.0, 1.0]);
    assert_eq!(run(&mut every, &[1, 2]), [4.0, 4.0, 2.0, 2.0]);
    assert_eq!(every.products(), 4 * 4 + 6 * 5);

    let mut adaptive = Bases::new(settings, Sketch::Jacobian, Refresh::Adaptive);
    run(&mut adaptive, &[1, 2]);
    // A new basis each time costs 7 products in place of 5: worth it beyond 1.4 times the variance.
    adaptive.note(&[1, 2], &[1.0, 1.0]);
    adaptive.note(&[1, 2], &[1.7, 1.9]);
    assert!(!adaptive.is_due(1) && adaptive.is_due(2) && adaptive.is_due(3));
    assert!(Bases::<f64>::new(settings, Sketch::Jacobian, Refresh::Always).is_due(1));
    adaptive.retain(&[2]);
    assert!(adaptive.is_due(1));
    let mut made = |basis: usize, shift: usize| {
        adaptive.renew(&[4, 5], |_| Ok(Sketched { basis: vec![0.0; basis], shift: vec![0.0; shift] })).is_ok()
    };
    assert!(!made(0, 0) && !made(3, 0) && !made(4, 1) && !made(2, 3) && made(4, 2));
    // With one row and one probe a new basis each time costs half as much again; then no variance is less.
    let mut adaptive = Bases::new(HutchPp { basis: 1, probes: 1 }, Sketch::Jacobian, Refresh::Adaptive);
    run(&mut adaptive, &[1]);
    adaptive.note(&[1], &[2.0]);
    adaptive.note(&[1], &[4.0]);
    assert!(!adaptive.is_due(1), "as much variance as 1.5 times the new one's");
}

#[test]
fn what_cannot_be_estimated_is_refused() {
    let none = HutchPp { basis: 0, probes: 1 };
    assert!(estimate(&field(2), "x", "x_dot", none).unwrap_err().to_string().contains("at least one row"));
    assert!(sketch(&field(2), "x", "x_dot", 0, Sketch::Jacobian).is_err());
    let settings = HutchPp { basis: 1, probes: 1 };
    assert!(estimate(&field(2), "t", "x_dot", settings).unwrap_err().to_string().contains("[] to [2]"));
    assert!(estimate(&field(2), "z", "x_dot", settings).unwrap_err().to_string().contains("its inputs are"));
    let sketcher = Sketcher::<f64>::new(&field(2), "x", "x_dot", 1, Sketch::Jacobian).unwrap();
    assert!(sketcher.bases(1, &[&[0.0]]).unwrap_err().to_string().contains("5 inputs"));
    let short = sketcher.bases(2, &[&[0.0; 2], &[0.0; 2], &[0.0; 10], &[0.0; 10], &[0.0; 4]]);
    assert!(short.unwrap_err().to_string().contains("takes 4 elements, it was given 2"));
    let short = sketcher.bases(1, &[&[0.0], &[0.0], &[0.0; 10], &[0.0; 10], &[0.0; 2]]);
    assert!(short.unwrap_err().to_string().contains("`x` of shape [2] takes 2"));
}
