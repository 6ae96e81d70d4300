//! What a `Var` promises: no number of another recording is taken for its own, memory is kept, nothing recurses.

use ad_core::{Dual, Recording, Var, gradient, record};

#[test]
fn a_var_is_sixteen_bytes_and_goes_anywhere() {
    fn anywhere<T: Copy + Send + Sync + 'static>() {}
    anywhere::<Var>();
    assert_eq!(size_of::<Var>(), 16);
    assert_eq!(size_of::<Var<f32>>(), 16);
}

#[test]
fn a_stale_var_is_named() {
    let mut kept = None;
    gradient(
        |x| {
            kept = Some(x[0]);
            x[0]
        },
        &[2.0],
    )
    .unwrap();
    let kept = kept.unwrap();
    assert_eq!((kept * kept).value(), 4.0);
    let error = gradient(|x| x[0] * 3.0 + kept * x[0], &[1.0]).unwrap_err();
    assert!(error.to_string().contains("`*` was given a Var of another recording"), "{error}");
    assert_eq!(error.place().map(std::panic::Location::line), Some(line!() - 2));
    let error = gradient(|x| (kept.sin() + 1.0) * x[0], &[1.0]).unwrap_err();
    assert!(error.to_string().contains("`sin`"), "{error}");
    let error = gradient(|_| kept, &[1.0]).unwrap_err();
    assert!(error.to_string().contains("pull_back"), "{error}");
    // What came of it is no better.
    let error = gradient(|_| kept + 1.0, &[1.0]).unwrap_err();
    assert!(error.to_string().contains("pull_back"), "{error}");
}

#[test]
fn a_var_of_an_outer_recording_is_named() {
    let result = gradient(
        |x| {
            let inner = gradient(|y| y[0] * x[0], &[5.0]);
            assert!(inner.unwrap_err().to_string().contains("around this one"));
            let inner = gradient(|y| y[0] * y[0], &[5.0]).unwrap();
            x[0] * inner.1[0]
        },
        &[3.0],
    );
    assert_eq!(result.unwrap(), (30.0, vec![10.0]));
}

#[test]
fn a_var_of_another_thread_is_named() {
    let mut foreign = None;
    std::thread::scope(|s| {
        let make = || record(|r: &Recording| r.variable(1.0));
        foreign = Some(s.spawn(make).join().unwrap());
    });
    let foreign = foreign.unwrap();
    assert!(gradient(|x| x[0] + foreign, &[1.0]).is_err());
    // While it is being recorded elsewhere, too.
    record(|r: &Recording| {
        let here = r.variable(1.0);
        std::thread::scope(|s| {
            let there = s.spawn(|| gradient(|x| x[0] * here, &[1.0]).is_err());
            assert!(there.join().unwrap());
        });
    });
}

#[test]
fn a_panic_leaves_the_outer_recording_in_place() {
    let (_, gradient) = gradient(
        |x| {
            let y = x[0] * x[0];
            let panicked = std::panic::catch_unwind(|| {
                record(|r: &Recording| {
                    let _ = r.variable(1.0) * 2.0;
                    panic!("as planned");
                });
            });
            assert!(panicked.is_err());
            y * x[0]
        },
        &[2.0],
    )
    .unwrap();
    assert_eq!(gradient, [12.0]);
}

#[test]
fn several_passes_back_and_late_variables() {
    record(|r: &Recording| {
        let x = r.variable(2.0);
        let y = x * x;
        let z = r.variable(3.0);
        let (f, g) = (y * z, y + z.sin());
        for _ in 0..3 {
            assert_eq!(r.pull_back(&[(f, 1.0)], &[x, z]).unwrap(), [12.0, 4.0]);
            assert_eq!(r.pull_back(&[(g, 1.0)], &[x, z]).unwrap(), [4.0, 3.0_f64.cos()]);
            assert_eq!(r.pull_back(&[(f, 2.0), (g, -1.0)], &[y, x]).unwrap(), [5.0, 20.0]);
        }
        let constant = Var::fixed(1.0);
        assert_eq!(r.pull_back(&[(constant, 1.0)], &[x, constant]).unwrap(), [0.0, 0.0]);
    });
}

/// Variables made together cross blocks in all ways, first of all or after other numbers.
#[test]
fn variables_together_are_variables_one_by_one() {
    for (before, n) in
        [(0, 1), (0, 1023), (0, 1024), (0, 1025), (0, 3000), (1000, 24), (1024, 1024), (7, 2100)]
    {
        for late in [false, true] {
            record(|r: &Recording| {
                let mut x = r.variables(&vec![2.0; before]);
                let between = late.then(|| r.variable(1.0));
                x.extend(between.map(|between| between * 3.0));
                x.extend(r.variables(&(0..n).map(f64::from).collect::<Vec<_>>()));
                assert_eq!(r.len(), before + n as usize + 2 * usize::from(late));
                let y = x.iter().enumerate().fold(Var::fixed(0.0), |y, (k, &x)| y + x * k as f64);
                // A stale slope or cotangent of an earlier recording or pass would show.
                for _ in 0..2 {
                    let wanted: Vec<f64> = (0..x.len()).map(|k| k as f64).collect();
                    assert_eq!(r.pull_back(&[(y, 1.0)], &x).unwrap(), wanted);
                    if let Some(between) = between {
                        assert_eq!(
                            r.pull_back(&[(y, 1.0)], &[between]).unwrap(),
                            [3.0 * f64::from(before as u32)]
                        );
                    }
                }
            });
        }
    }
}

/// The length of the list crosses blocks in all ways.
#[test]
fn chains_of_any_length() {
    for n in (0..40).chain(1000..1060).chain(2040..2060) {
        let (value, gradient) = gradient(|x| (0..n).fold(x[0], |y, _| y * 0.5 + x[1]), &[1.0, 1.0]).unwrap();
        let plain = (0..n).fold(1.0, |y, _| y * 0.5 + 1.0);
        let power = 0.5_f64.powi(n);
        assert_eq!(value, plain);
        assert_eq!(gradient[0], power);
        assert!((gradient[1] - 2.0 * (1.0 - power)).abs() < 1e-14);
    }
}

#[test]
fn a_chain_of_a_million_on_a_small_stack() {
    let chain = || {
        let f = |x: &[Var]| (0..1_000_000).fold(x[0], |y, _| y.sin() + x[0]);
        let (_, gradient) = gradient(f, &[0.3]).unwrap();
        assert!(gradient[0].is_finite());
        let nested = record(|r: &Recording<Dual>| {
            let x = r.variable(Dual::variable(0.3));
            let y = (0..1_000_000).fold(x, |y, _| y * 0.999 + x);
            r.pull_back(&[(y, Dual::fixed(1.0))], &[x])
        });
        assert!(nested.unwrap()[0].value.is_finite());
    };
    std::thread::Builder::new().stack_size(256 << 10).spawn(chain).unwrap().join().unwrap();
}

/// What was not used, was multiplied by zero, or was not selected leaks nothing.
#[test]
fn a_path_with_a_factor_zero_contributes_nothing() {
    let at_zero = |f: fn(Var) -> Var, g: fn(Dual) -> Dual| {
        let reverse = gradient(|x| f(x[0]), &[0.0]).unwrap().1[0];
        let forward = g(Dual::variable(0.0)).tangent[0];
        assert_eq!(reverse, forward);
        reverse
    };
    assert_eq!(at_zero(|x| x.sqrt() * 0.0 + x, |x| x.sqrt() * 0.0 + x), 1.0);
    assert_eq!(at_zero(|x| (x * x).sqrt(), |x| (x * x).sqrt()), 0.0);
    assert_eq!(at_zero(|x| x * x.sqrt(), |x| x * x.sqrt()), 0.0);
    assert_eq!(
        at_zero(
            |x| {
                let _ = x.ln();
                x + 1.0
            },
            |x| {
                let _ = x.ln();
                x + 1.0
            }
        ),
        1.0
    );
}

/// A number of a recording that is over is an error in the next, also beside a constant, on either side of any operator.
#[test]
fn what_is_stale_stays_so_beside_a_constant() {
    let old = record(|r: &Recording| {
        assert!(r.is_empty());
        let x = r.variable(2.0);
        assert!(!r.is_empty());
        x
    });
    let c = Var::fixed(3.0);
    let all =
        [old + c, c + old, old - c, c - old, old * c, c * old, old / c, c / old, c.powf(old), c.atan2(old)];
    for (k, y) in all.into_iter().enumerate() {
        let asked = record(|r: &Recording| {
            let x = r.variable(1.0);
            r.pull_back(&[(y + x, 1.0)], &[x])
        });
        assert!(asked.is_err(), "{k}");
    }
}
