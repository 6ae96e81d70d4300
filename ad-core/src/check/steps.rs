//! The steps of a random program.

use super::Choices;
use super::domain::{Domain, domain};
use crate::elementary::{Binary, Elementary, Unary};
use crate::eval::Array;
use crate::tape::{ArrayRule, Recorder, Tape, Tracer};

/// The most outputs.
const OUTPUTS: usize = 2;
/// The most axes.
const MAX_RANK: usize = 3;
/// Recordings with so many lines take no more steps: a derivative of a derivative has several times the lines.
const MAX_LINES: usize = 150;
/// Values are scaled down to this.
const MAX_VALUE: f64 = 4.0;

/// How large the values of a program are.
#[derive(Clone, Copy, Debug)]
pub struct Sizes<'a> {
    /// The lengths that an axis may have, the simplest one first; 0 is allowed.
    pub axes: &'a [usize],
    /// The most elements that a value of one example has.
    pub most: usize,
}

impl Sizes<'_> {
    /// Small enough for all identities to be checked in a blink.
    pub const SMALL: Sizes<'static> = Sizes { axes: &[1, 2, 3], most: 27 };
}

/// A function of vectors with a derivative by hand.
struct Ruled;

impl ArrayRule for Ruled {
    fn name(&self) -> &'static str {
        "ruled"
    }

    fn value(&self, _: &Recorder, x: &[Tracer]) -> Vec<Tracer> {
        vec![x[0].tanh() * &x[0] + x[0].sum()]
    }

    fn jvp(&self, _: &Recorder, x: &[Tracer], _: &[Tracer], x_dot: &[Tracer]) -> Option<Vec<Tracer>> {
        let h = x[0].tanh();
        Some(vec![((1.0 - h.square()) * &x[0] + h) * &x_dot[0] + x_dot[0].sum()])
    }
}

/// A program while it grows: each step reads earlier values and adds one.
pub(super) struct Generator<'a> {
    t: &'a Recorder,
    examples: usize,
    sizes: Sizes<'a>,
    values: Vec<Tracer>,
    inputs: Vec<Array>,
}

impl<'a> Generator<'a> {
    /// A program with one input.
    pub(super) fn new(t: &'a Recorder, examples: usize, sizes: Sizes<'a>, choices: &mut Choices<'_>) -> Self {
        let mut generator = Generator { t, examples, sizes, values: Vec::new(), inputs: Vec::new() };
        let x = generator.input(choices, true);
        generator.values.push(x);
        generator
    }

    /// The last values as outputs, and the inputs.
    pub(super) fn finish(self) -> (Vec<(String, Tracer)>, Vec<Array>) {
        let last = self.values.into_iter().rev().take(OUTPUTS).enumerate();
        (last.map(|(k, value)| (format!("y{k}"), value)).collect(), self.inputs)
    }

    /// Adds a value, unless the program is large enough.
    pub(super) fn step(&mut self, choices: &mut Choices<'_>) {
        let steps: [fn(&mut Self, &mut Choices<'_>) -> Tracer; 16] = [
            Self::linear_combination,
            Self::product,
            Self::unary,
            Self::unary,
            Self::binary,
            Self::einsum,
            Self::einsum,
            Self::reduction,
            Self::structural,
            Self::structural,
            Self::select,
            Self::over_examples,
            Self::source,
            Self::push_forward,
            Self::pull_back,
            Self::inline,
        ];
        if self.t.builder.borrow().len() > MAX_LINES {
            return;
        }
        let value = choices.pick(&steps)(self, choices);
        let value = self.bounded(value);
        self.values.push(value);
    }

    /// An earlier value, rather a late one.
    fn any(&self, choices: &mut Choices<'_>) -> Tracer {
        let count = self.values.len();
        let back = choices.below(count).min(choices.below(count));
        self.values[count - 1 - back].clone()
    }

    /// An earlier value that fits beside `other`; where none does, the sum of one.
    fn beside(&self, other: &Tracer, choices: &mut Choices<'_>) -> Tracer {
        let fits = |t: &&Tracer| {
            let (a, b) = (t.shape(), other.shape());
            let together = |(&m, &n): (&usize, &usize)| m == n || m == 1 || n == 1;
            let size: usize = (0..a.len().max(b.len()))
                .map(|k| {
                    let at = |s: &[usize]| if k < s.len() { s[s.len() - 1 - k] } else { 1 };
                    at(&a).max(at(&b))
                })
                .product();
            a.iter().rev().zip(b.iter().rev()).all(together) && size <= self.sizes.most
        };
        let fitting: Vec<&Tracer> = self.values.iter().rev().filter(fits).collect();
        if fitting.is_empty() { self.any(choices).sum() } else { (*choices.pick(&fitting)).clone() }
    }

    /// The numbers of a value at the point where the program will run.
    fn numbers(&self, value: &Tracer) -> Vec<f64> {
        let builder = self.t.builder.borrow();
        let tape: Tape = builder.finish(&builder.inputs, &[("y".to_owned(), value.node())]);
        tape.eval(self.examples, &self.inputs)
            .map_or_else(|_| Vec::new(), |mut outputs| outputs.remove(0).data)
    }

    fn range(&self, value: &Tracer) -> (f64, f64) {
        let numbers = self.numbers(value);
        numbers.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &x| (low.min(x), high.max(x)))
    }

    /// The value if its numbers lie in `low ..= high`, else moved and scaled so that they do.
    fn fit(&self, value: Tracer, low: f64, high: f64) -> Tracer {
        let (from, to) = self.range(&value);
        if low <= from && to <= high {
            value
        } else if to - from > 0.1 {
            (value - from) * ((high - low) / (to - from)) + low
        } else {
            value - from + f64::midpoint(low, high)
        }
    }

    /// The value fitted into the part of `low ..= high` on the side of `kink` where it is: a power of 1, and one to 0, is 1
    /// even of NaN, so that rounding would decide what comes of one.
    fn one_side(&self, value: Tracer, kink: f64, low: f64, high: f64) -> Tracer {
        if self.range(&value).0 < kink {
            self.fit(value, low, kink - 0.1)
        } else {
            self.fit(value, kink + 0.1, high)
        }
    }

    /// The value with numbers of moderate size, and of moderate size itself.
    fn bounded(&self, mut value: Tracer) -> Tracer {
        while value.shape().len() > MAX_RANK || value.shape().iter().product::<usize>() > self.sizes.most {
            value = value.sum_axis(0);
        }
        let (low, high) = self.range(&value);
        let size = low.abs().max(high.abs());
        if size > MAX_VALUE { value * (MAX_VALUE / size) } else { value }
    }

    fn input(&mut self, choices: &mut Choices<'_>, example: bool) -> Tracer {
        let shape = self.shape(choices);
        let name = format!("x{}", self.inputs.len());
        let first = example.then_some(self.examples);
        let whole: Vec<usize> = first.into_iter().chain(shape.iter().copied()).collect();
        let mut numbers = Choices::from_seed(choices.word());
        // Both signs, and nothing near 0.
        let number = |_| numbers.between(0.3, 1.5) * if numbers.below(2) == 0 { 1.0 } else { -1.0 };
        let data = (0..whole.iter().product()).map(number).collect();
        self.inputs.push(Array { shape: whole, data });
        if example { self.t.example(&name, &shape) } else { self.t.shared(&name, &shape) }
    }

    fn linear_combination(&mut self, choices: &mut Choices<'_>) -> Tracer {
        let a = self.any(choices);
        let b = self.beside(&a, choices);
        match choices.below(4) {
            0 => a + b,
            1 => a - b,
            2 => a * 0.5 - b * 1.5,
            _ => -a,
        }
    }

    fn product(&mut self, choices: &mut Choices<'_>) -> Tracer {
        let a = self.any(choices);
        let b = self.beside(&a, choices);
        a * b
    }

    fn unary(&mut self, choices: &mut Choices<'_>) -> Tracer {
        let f = *choices.pick(Unary::ALL);
        let x = self.any(choices);
        let x = match domain(f) {
            Domain::Within(low, high) => self.fit(x, low, high),
            Domain::Beside(kinks) => {
                let near = |x: &f64| kinks.iter().any(|k| (x - k).abs() < 0.2);
                if self.numbers(&x).iter().any(near) {
                    self.fit(x, kinks[0] + 0.25, kinks[0] + 0.75)
                } else {
                    x
                }
            }
        };
        x.unary(f)
    }

    fn binary(&mut self, choices: &mut Choices<'_>) -> Tracer {
        let f = *choices.pick(Binary::ALL);
        let a = self.any(choices);
        let b = self.beside(&a, choices);
        match f {
            Binary::Div => a / self.fit(b, 0.4, 2.5),
            Binary::Pow => self.one_side(a, 1.0, 0.3, 2.0).pow(&self.one_side(b, 0.0, -2.0, 2.0)),
            Binary::Atan2 | Binary::Hypot => self.fit(a, 0.3, 2.0).binary(f, &b),
            Binary::Max | Binary::Min | Binary::Less => {
                let b = self.apart(&a, b);
                a.binary(f, &b)
            }
        }
    }

    /// `b`, or `b` moved where it comes near `a` somewhere.
    fn apart(&self, a: &Tracer, b: Tracer) -> Tracer {
        if self.numbers(&(a - &b)).iter().any(|d| d.abs() < 0.2) {
            let up = self.range(a).1 - self.range(&b).0 + 0.25;
            b + up
        } else {
            b
        }
    }

    /// Letters for all axes, shared where lengths allow; a result of some of them, perhaps with one twice.
    fn einsum(&mut self, choices: &mut Choices<'_>) -> Tracer {
        let (a, b) = (self.any(choices), self.any(choices));
        let mut lengths: Vec<usize> = Vec::new();
        let mut word = |shape: Vec<usize>, choices: &mut Choices<'_>| -> String {
            let mut letter = |n: usize| {
                let known: Vec<usize> = (0..lengths.len()).filter(|&l| lengths[l] == n).collect();
                let choice = choices.below(known.len() + 1);
                let place = known.get(choice).copied().unwrap_or(lengths.len());
                if place == lengths.len() {
                    lengths.push(n);
                }
                char::from(b'a' + place as u8)
            };
            shape.into_iter().map(&mut letter).collect()
        };
        let (left, right) = (word(a.shape(), choices), word(b.shape(), choices));
        let (mut out, mut size) = (String::new(), 1);
        for _ in 0..choices.below(MAX_RANK + 1) {
            let place = choices.below(lengths.len());
            if lengths.get(place).is_some_and(|n| size * n <= self.sizes.most) {
                size *= lengths[place];
                out.push(char::from(b'a' + place as u8));
            }
        }
        a.einsum(&format!("{left},{right}->{out}"), &b)
    }

    fn reduction(&mut self, choices: &mut Choices<'_>) -> Tracer {
        let x = self.any(choices);
        let square = matches!(x.shape()[..], [m, n] if m == n);
        let rank = x.shape().len();
        match choices.below(4) {
            0 if rank > 0 => x.sum_axis(choices.below(rank)),
            1 if square => x.trace(),
            2 if square => x.diagonal(),
            _ => x.sum(),
        }
    }

    fn structural(&mut self, choices: &mut Choices<'_>) -> Tracer {
        let x = self.any(choices);
        let shape = x.shape();
        let kind = choices.below(9);
        let axis = choices.below(shape.len());
        match (kind, shape.get(axis)) {
            (0, _) => x.transpose(),
            (1, _) => x.stop_gradient(),
            (2, _) => x.reshape(&[shape.iter().product()]),
            (3, Some(&n @ 1..)) => {
                let start = choices.below(n);
                x.slice(axis, start..start + 1 + choices.below(n - start))
            }
            (4, Some(&n)) => x.pad(axis, choices.below(2), n + 1 + choices.below(2)),
            (5, Some(&n @ 1..)) => {
                let indices: Vec<usize> = (0..=choices.below(4)).map(|_| choices.below(n)).collect();
                x.gather(axis, &indices)
            }
            (6, Some(_)) => x.concat(&[&(&x * 0.5)], axis),
            (7, Some(&n @ 1..)) => x.at(axis, choices.below(n)),
            _ => x.broadcast_to(&std::iter::once(1 + choices.below(2)).chain(shape).collect::<Vec<_>>()),
        }
    }

    fn select(&mut self, choices: &mut Choices<'_>) -> Tracer {
        let a = self.any(choices);
        let (b, mask) = (self.beside(&a, choices), self.any(choices));
        let mask = self.t.number(0.0).less(&self.apart(&self.t.number(0.0), mask));
        let fits = mask.shape() == a.shape() || mask.shape().is_empty();
        let mask = if fits { mask } else { (mask.sum() - 0.5).unary(Unary::Step) };
        mask.select(&a, &b)
    }

    fn over_examples(&mut self, choices: &mut Choices<'_>) -> Tracer {
        let x = self.any(choices);
        if choices.below(2) == 0 { x.mean_examples() } else { x.sum_examples() }
    }

    /// A value from nothing.
    fn source(&mut self, choices: &mut Choices<'_>) -> Tracer {
        match choices.below(6) {
            0 => self.input(choices, true),
            1 | 2 => self.input(choices, false),
            3 => {
                let shape = self.shape(choices);
                let mut numbers = Choices::from_seed(choices.word());
                let data: Vec<f64> =
                    (0..shape.iter().product()).map(|_| numbers.between(-1.5, 1.5)).collect();
                self.t.constant(&data, &shape)
            }
            4 => self.t.identity(*choices.pick(self.sizes.axes)),
            _ => self.t.count() * self.t.full(&self.shape(choices), 0.25),
        }
    }

    /// Forward mode inside the program: along a value itself, or along all directions at once.
    fn push_forward(&mut self, choices: &mut Choices<'_>) -> Tracer {
        let (y, x) = (self.any(choices), self.any(choices));
        let tangent = match (choices.below(2), &x.shape()[..]) {
            (1, [n]) if y.shape().len() < MAX_RANK => self.t.identity(*n),
            _ => x.stop_gradient(),
        };
        self.t.push_forward(&[(&x, &tangent)], &[&y]).swap_remove(0)
    }

    /// Reverse mode inside the program.
    fn pull_back(&mut self, choices: &mut Choices<'_>) -> Tracer {
        let (y, x) = (self.any(choices), self.any(choices));
        let cotangent = if choices.below(2) == 0 { self.t.full(&y.shape(), 1.0) } else { y.stop_gradient() };
        self.t.pull_back(&[(&y, &cotangent)], &[&x]).swap_remove(0)
    }

    /// A tape recorded apart, and run inside this one; on vectors, the same function with a rule.
    fn inline(&mut self, choices: &mut Choices<'_>) -> Tracer {
        let x = self.any(choices);
        if x.shape().len() == 1 {
            return self.t.call(&Ruled, &[&x]).swap_remove(0);
        }
        let tape = Tape::record(|t| {
            let x = t.example("x", &x.shape());
            [("y", x.tanh() * &x + x.sum())]
        });
        match tape {
            Ok(tape) => self.t.inline(&tape, &[&x]).swap_remove(0),
            Err(error) => x.fail(error.to_string()),
        }
    }

    /// Up to two axes; by no choice at all, one of the simplest length. One that would make the value too large is dropped.
    fn shape(&self, choices: &mut Choices<'_>) -> Vec<usize> {
        let rank = [1, 2, 0, 1][choices.below(4)];
        let mut shape: Vec<usize> = (0..rank).map(|_| *choices.pick(self.sizes.axes)).collect();
        while shape.iter().product::<usize>() > self.sizes.most {
            shape.pop();
        }
        shape
    }
}
