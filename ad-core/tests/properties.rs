//! Laws of all tapes, on random programs.

use ad_core::check::{self, Case, STEP, Tester, strategies};
use ad_core::{Array, Tape};
use proptest::prelude::*;

fn passed(law: ad_core::Result<()>) -> Result<(), TestCaseError> {
    law.map_err(|error| TestCaseError::fail(error.to_string()))
}

/// A pair of shapes that broadcast: the second has fewer axes, and some of length 1.
fn broadcasting() -> impl Strategy<Value = (Array, Array)> {
    let pair = (strategies::shapes(3, 3), 0..=3_usize, any::<[bool; 3]>()).prop_map(|(shape, drop, ones)| {
        let kept = &shape[drop.min(shape.len())..];
        let short: Vec<usize> = kept.iter().zip(ones).map(|(&n, one)| if one { 1 } else { n }).collect();
        (shape, short)
    });
    pair.prop_flat_map(|(a, b)| (strategies::arrays(a, -2.0..2.0), strategies::arrays(b, -2.0..2.0)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn derivatives_are_right_to_second_order(case in strategies::programs(10)) {
        passed(check::derivatives(&case.tape, case.examples, &case.inputs))?;
    }

    #[test]
    fn derivatives_of_long_programs(case in strategies::programs(24)) {
        let tester = Tester { order: 1, directions: 2, ..Tester::default() };
        passed(tester.check(&case.tape, case.examples, &case.inputs))?;
    }

    #[test]
    fn programs_give_what_the_evaluator_gives(case in strategies::programs(24)) {
        passed(check::program(&case.tape, case.examples, &case.inputs, check::PROGRAM_TOLERANCE))?;
    }

    /// Also of what reverse mode makes, whose lines no user would write.
    #[test]
    fn gradients_run_as_they_evaluate(case in strategies::programs(12)) {
        let names: Vec<&str> = case.tape.inputs().iter().map(|(name, _)| name.as_str()).collect();
        let gradient = case.tape.vjp(&names).unwrap();
        let values = case.tape.eval(case.examples, &case.inputs).unwrap();
        let inputs: Vec<Array> = case.inputs.iter().chain(&values).cloned().collect();
        passed(check::program(&gradient, case.examples, &inputs, check::PROGRAM_TOLERANCE))?;
    }

    /// A gradient in two parts is the gradient, to the bit, and the second part does none of the first one's dear work.
    #[test]
    fn parts_of_a_tape_give_what_the_whole_gives(case in strategies::programs(12), both in any::<u16>()) {
        let names: Vec<&str> = case.tape.inputs().iter().map(|(name, _)| name.as_str()).collect();
        let whole = case.tape.vjp(&names).unwrap();
        let early: Vec<&str> = case.tape.outputs().iter().map(|(name, _)| name.as_str()).collect();
        let late: Vec<String> = early.iter().map(|name| format!("{name}_bar")).collect();
        let late: Vec<&str> = late.iter().map(String::as_str).collect();
        let both: Vec<&str> = (0..).zip(&names).filter(|(k, _)| both >> (k % 16) & 1 == 1).map(|(_, name)| *name).collect();
        let (first, second) = whole.split(&early, &late, &both).unwrap();

        let values = case.tape.eval(case.examples, &case.inputs).unwrap();
        let inputs: Vec<Array> = case.inputs.iter().chain(&values).cloned().collect();
        let want = whole.eval(case.examples, &inputs).unwrap();
        let mut known: Vec<(String, Array)> = whole.inputs().iter().map(|(name, _)| name.clone()).zip(inputs).collect();
        let mut got = Vec::new();
        for part in [&first, &second] {
            let given = |(name, _): &(String, _)| {
                known.iter().find(|(n, _)| n == name).map(|(_, array)| array.clone()).unwrap()
            };
            let inputs: Vec<Array> = part.inputs().iter().map(given).collect();
            let outputs = part.eval(case.examples, &inputs).unwrap();
            let named: Vec<(String, Array)> = part.outputs().iter().map(|(n, _)| n.clone()).zip(outputs).collect();
            known.extend(named.iter().filter(|(name, _)| name.starts_with("residual.")).cloned());
            got.extend(named);
        }
        for ((name, _), want) in whole.outputs().iter().zip(want) {
            let (_, got) = got.iter().find(|(n, _)| n == name).unwrap();
            let bits = |array: &Array| array.data.iter().map(|x| if x.is_nan() { 0 } else { x.to_bits() }).collect::<Vec<_>>();
            prop_assert_eq!(bits(got), bits(&want), "{}\n{}\n{}\n{}", name, &whole, &first, &second);
        }
        let sums = |tape: &Tape| -> f64 {
            let products = tape.nodes().iter().filter(|n| n.extents.len() > n.out.len() && n.has_example());
            products.map(|n| n.work().multiply_adds).sum()
        };
        prop_assert!(sums(&first) + sums(&second) <= sums(&whole), "{}\n{}\n{}", &whole, &first, &second);
    }

    #[test]
    fn the_same_bytes_make_the_same_case_and_fewer_a_smaller_one(steps in prop::collection::vec(any::<[u8; STEP]>(), 1..8)) {
        let bytes = steps.as_flattened();
        let case = Case::from_bytes(bytes).unwrap();
        prop_assert_eq!(&case, &Case::from_bytes(bytes).unwrap());
        let shorter = Case::from_bytes(&bytes[..bytes.len() - STEP]).unwrap();
        prop_assert!(shorter.inputs.len() <= case.inputs.len());
    }

    #[test]
    fn shapes_broadcast_from_the_right((a, b) in broadcasting()) {
        let tape = Tape::record(|t| {
            let (x, y) = (t.shared("x", &a.shape), t.shared("y", &b.shape));
            [("xy", &x - &y), ("yx", &y - &x), ("spread", y.broadcast_to(&a.shape))]
        }).unwrap();
        let values = tape.eval(1, &[a.clone(), b.clone()]).unwrap();
        for place in 0..a.data.len() {
            // The element of `b` that stands at `place`, axis by axis from the last.
            let (mut rest, mut at, mut stride) = (place, 0, 1);
            for (k, &n) in a.shape.iter().rev().enumerate().take(b.shape.len()) {
                let m = b.shape[b.shape.len() - 1 - k];
                at += stride * (rest % n).min(m - 1);
                stride *= m;
                rest /= n;
            }
            prop_assert_eq!(values[0].data[place], a.data[place] - b.data[at]);
            prop_assert_eq!(values[1].data[place], b.data[at] - a.data[place]);
            prop_assert_eq!(values[2].data[place], b.data[at]);
        }
    }

    /// Text near the text of a tape, where a reader is most likely to stumble.
    #[test]
    fn damaged_text_is_refused_or_a_tape(
        case in strategies::programs(6),
        from in any::<prop::sample::Index>(),
        length in 0..6_usize,
        patch in "[ -~\n]{0,4}",
    ) {
        let text = case.tape.to_string();
        let from = from.index(text.len() + 1);
        let end = (from + length).min(text.len());
        passed(check::text(&format!("{}{patch}{}", &text[..from], &text[end..])))?;
    }

    #[test]
    fn any_text_is_refused_or_a_tape(text in "\\PC{0,80}") {
        passed(check::text(&text))?;
    }

    /// A matrix of singular values in `1 ..= c` stretches nothing by less than 1 or by more than `c`.
    #[test]
    fn matrices_are_as_well_conditioned_as_they_say(
        a in strategies::matrices(4, 10.0),
        s in strategies::positive_definite(4, 10.0),
        x in prop::collection::vec(-1.0..1.0_f64, 4),
    ) {
        let times = |m: &Array| -> Vec<f64> {
            (0..4).map(|i| (0..4).map(|j| m.data[4 * i + j] * x[j]).sum()).collect()
        };
        let size = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
        for m in [&a, &s] {
            let (before, after) = (size(&x), size(&times(m)));
            prop_assert!(before * (1.0 - 1e-12) <= after && after <= 10.0 * before * (1.0 + 1e-12));
        }
        let form: f64 = times(&s).iter().zip(&x).map(|(y, x)| x * y).sum();
        prop_assert!(form >= size(&x).powi(2) * (1.0 - 1e-12));
        for k in 0..16 {
            prop_assert!((s.data[k] - s.data[4 * (k % 4) + k / 4]).abs() <= 1e-14 * 10.0);
        }
    }
}
