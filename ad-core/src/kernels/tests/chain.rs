//! Chains: a link against its plain twin, and links together against each by itself.

use super::*;

/// Runs links on arrays of `rows` rows, in two loops where they can be, some of which hold a number for each row instead, as
/// `reads` says, with a gap behind each; every second array that is written has a gap behind each row.
fn run<T: Element>(
    links: Vec<Link>,
    [rows, lanes]: [usize; 2],
    reads: &[(&[T], bool)],
    writes: &mut [&mut [T]],
    goes_on: bool,
) {
    let inner = (2..rows).rfind(|n| rows % n == 0).unwrap_or(rows);
    let axis = |size, step: usize| ChainAxis {
        size,
        reads: reads.iter().map(|(_, rows)| if *rows { step } else { 2 * step }).collect(),
        writes: (0..writes.len()).map(|k| step * (1 + k % 2)).collect(),
    };
    let axes = [axis(rows / inner, inner), axis(inner, 1)].into_iter().collect();
    let numbers = reads.iter().map(|(_, rows)| *rows).collect();
    let chain = Chain::new(axes, numbers, links);
    let arrays: Vec<&[T]> = reads.iter().map(|(x, _)| *x).collect();
    let mut scratch = StripScratch::default();
    let (reads, scratch) = (&arrays[..], &mut scratch);
    super::super::chain(ChainRun { chain: &chain, reads, writes, scratch, lanes, scale: lanes, goes_on });
}

fn links_equal_their_twins<T: Element>([rows, lanes]: [usize; 2], wild: bool) {
    let n = rows * lanes;
    let x: [Vec<T>; 3] = [11, 12, 13].map(|seed| numbers::<T>(n.max(2 * rows), seed, wild));
    let old = numbers::<T>(n, 14, wild);
    let c: [T; 3] = [0.25, -3.0, 0.1].map(T::from_f64);
    for number in [None, Some(0), Some(1)] {
        let at = |k: usize, i: usize| if number == Some(k) { x[k][i / lanes * 2] } else { x[k][i] };
        let check = |function: Function, count: usize, goes_on: bool, want: &dyn Fn(usize) -> T| {
            let link = Link {
                function,
                arguments: (0..count).map(Argument::Read).collect(),
                write: Some(0),
                temporary: None,
                accumulates: true,
            };
            let reads: Vec<(&[T], bool)> = (0..count).map(|k| (&x[k][..], number != Some(k))).collect();
            let mut got = old.clone();
            run(vec![link.clone()], [rows, lanes], &reads, &mut [&mut got], goes_on);
            let want: Vec<T> = (0..n).map(want).collect();
            assert_same(
                &got,
                &want,
                &format!("{:?} of {count}, {rows} x {lanes}, numbers {number:?}", link.function),
            );
        };
        let sum =
            |i: usize, count: usize| (1..count).fold(c[0] * at(0, i), |sum, k| fused(c[k], at(k, i), sum));
        for count in 1..=3 {
            let coefficients = [0.25, -3.0, 0.1][..count].iter().copied().collect();
            check(Function::Sum(coefficients), count, false, &|i| sum(i, count));
        }
        check(Function::Product(1.0), 2, false, &|i| at(0, i) * at(1, i));
        check(Function::Product(1.0), 2, true, &|i| fused(at(0, i), at(1, i), old[i]));
        check(Function::Product(0.25), 2, false, &|i| c[0] * (at(0, i) * at(1, i)));
        check(Function::Product(0.25), 2, true, &|i| old[i] + c[0] * (at(0, i) * at(1, i)));
        check(Function::Product(0.25), 1, true, &|i| fused(c[0], at(0, i), old[i]));
        check(Function::Product(0.25), 0, false, &|_| c[0]);
        check(Function::Binary(Binary::Div), 2, false, &|i| at(0, i) / at(1, i));
        check(Function::Select, 3, false, &|i| if at(0, i) == T::zero() { at(2, i) } else { at(1, i) });
    }
}

#[test]
fn links_of_a_chain_equal_their_twins() {
    at_every_level(|| {
        for lanes in LENGTHS.into_iter().filter(|n| *n > 0) {
            for rows in [1, 2, 7, 40] {
                links_equal_their_twins::<f32>([rows, lanes], lanes % 2 == 1);
                links_equal_their_twins::<f64>([rows, lanes], lanes % 2 == 1);
            }
        }
    });
}

/// A few choices, by a linear congruence.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

const READS: usize = 3;

/// Links at random; some are written, the last one in any case.
fn random_links(dice: &mut Dice) -> Vec<Link> {
    let count = 2 + dice.below(7);
    let mut written = 0;
    let mut link = |n: usize| {
        let (function, arguments) = match dice.below(8) {
            0 => (Function::Unary(Unary::Tanh), 1),
            1 => (Function::Binary(Binary::Max), 2),
            2 => (Function::Select, 3),
            k @ 3..=5 => (Function::Sum([0.25, -3.0, 0.1][..k - 2].iter().copied().collect()), k - 2),
            k => (Function::Product([1.0, 0.5][k - 6]), dice.below(3)),
        };
        let mut argument = |_| match dice.below(READS + 2 * n) {
            k if k < READS => Argument::Read(k),
            // The value before is asked for more than others.
            k if k < READS + n => Argument::Temporary(k - READS),
            _ => Argument::Temporary(n - 1),
        };
        let arguments = (0..arguments).map(&mut argument).collect();
        let write = (n + 1 == count || dice.below(3) == 0).then(|| {
            written += 1;
            written - 1
        });
        let accumulates = write.is_some() && matches!(function, Function::Product(_)) && dice.below(2) == 0;
        Link { function, arguments, write, temporary: None, accumulates }
    };
    (0..count).map(&mut link).collect()
}

/// The values of links, each computed by itself; those that accumulate go on from rows of `old`, by the array they write.
fn one_by_one<T: Element>(
    links: &[Link],
    [rows, lanes]: [usize; 2],
    reads: &[(&[T], bool)],
    old: Option<&[Vec<T>]>,
) -> Vec<Vec<T>> {
    let mut values: Vec<Vec<T>> = Vec::new();
    for link in links {
        let mut arrays: Vec<(&[T], bool)> = reads.to_vec();
        arrays.extend(values.iter().map(|value| (&value[..], true)));
        let place = |argument: &Argument| match *argument {
            Argument::Temporary(k) => Argument::Read(reads.len() + k),
            other => other,
        };
        let arguments = link.arguments.iter().map(place).collect();
        let alone = Link { arguments, write: Some(0), ..link.clone() };
        let mut value = match (old, link.write) {
            (Some(old), Some(k)) => old[k]
                .chunks(lanes * (1 + k % 2))
                .flat_map(|row| row[..lanes].to_vec())
                .take(rows * lanes)
                .collect(),
            _ => vec![T::zero(); rows * lanes],
        };
        run(vec![alone], [rows, lanes], &arrays, &mut [&mut value], old.is_some());
        values.push(value);
    }
    values
}

fn chains_equal_their_links<T: Element>([rows, lanes]: [usize; 2], dice: &mut Dice) {
    let links = random_links(dice);
    let x: [Vec<T>; READS] = [21, 22, 23].map(|seed| numbers::<T>(rows * lanes.max(2), seed, lanes % 2 == 1));
    let reads: Vec<(&[T], bool)> = x.iter().map(|x| (&x[..], dice.below(3) > 0)).collect();
    let written: Vec<usize> = (0..links.len()).filter(|&n| links[n].write.is_some()).collect();
    let old: Vec<Vec<T>> =
        (0..written.len()).map(|k| numbers::<T>(2 * rows * lanes, 31 + k as u64, false)).collect();
    let goes_on = dice.below(2) == 0;
    let values = one_by_one(&links, [rows, lanes], &reads, goes_on.then_some(&old[..]));
    let mut got = old.clone();
    let mut writes: Vec<&mut [T]> = got.iter_mut().map(|y| &mut y[..]).collect();
    run(links.clone(), [rows, lanes], &reads, &mut writes, goes_on);
    for (k, (got, &n)) in got.iter().zip(&written).enumerate() {
        let stride = lanes * (1 + k % 2);
        for r in 0..2 * rows {
            let row = r * lanes..(r + 1) * lanes;
            let is_row = r * lanes % stride == 0 && r * lanes / stride < rows;
            let want =
                if is_row { &values[n][r * lanes / stride * lanes..][..lanes] } else { &old[k][row.clone()] };
            assert_same(&got[row], want, &format!("link {n}, row {r} of {rows} x {lanes} in {links:?}"));
        }
    }
}

/// What passes between links within a pass, in scratch or in what is written is the same, also where a sum goes on, and
/// nothing else is touched.
#[test]
fn a_chain_has_the_bits_of_its_links_one_by_one() {
    at_every_level(|| {
        let mut dice = Dice(5);
        for lanes in LENGTHS.into_iter().chain([128, 300, 2100]).filter(|n| *n > 0) {
            for rows in [1, 2, 9, 70] {
                for _ in 0..6 {
                    chains_equal_their_links::<f32>([rows, lanes], &mut dice);
                    chains_equal_their_links::<f64>([rows, lanes], &mut dice);
                }
            }
        }
    });
}
