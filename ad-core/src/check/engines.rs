//! The text form and the compiled program against the tape itself.

use std::collections::HashMap;
use std::sync::OnceLock;

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::map::describe;
use super::{Case, Choices};
use crate::error::{Error, Result};
use crate::eval::Array;
use crate::program::{Program, Rolling};
use crate::tape::Tape;

/// Checks that the text form of a tape reads back to the same tape.
///
/// # Errors
/// Where it does not, with both.
pub fn round_trip(tape: &Tape) -> Result<()> {
    let read: Tape = tape.to_string().parse()?;
    if read == *tape {
        Ok(())
    } else {
        Err(Error::new(format!("the text form of\n{tape}\nreads back as\n{read}")))
    }
}

/// Checks what any text must satisfy: it is refused, or it is a tape that prints, reads back and transforms.
///
/// # Errors
/// Where a text that was read breaks one of these laws.
pub fn text(text: &str) -> Result<()> {
    let Ok(tape) = text.parse::<Tape>() else { return Ok(()) };
    round_trip(&tape)?;
    let names: Vec<&str> = tape.inputs().iter().map(|(name, _)| name.as_str()).collect();
    // A tape may itself have names that end in `_dot`: linearisation refuses those that are taken.
    let Ok(forward) = tape.linearize(&names) else { return Ok(()) };
    round_trip(forward.tape())?;
    forward.transpose().map_or(Ok(()), |reverse| round_trip(reverse.tape()))
}

/// Checks what any bytes must satisfy: the program that they decide ([`Case::from_bytes`]), its gradient, and both with
/// what is not a number carried through, compiled, give what the evaluator gives.
///
/// # Errors
/// As [`program`], with the listing.
pub fn bytes(bytes: &[u8]) -> Result<()> {
    let case = Case::from_bytes(bytes)?;
    let blame = |error: Error| Error::new(format!("{error}\n{case:?}"));
    case.engines(PROGRAM_TOLERANCE).map_err(blame)
}

/// How far a compiled program may be from the evaluator on a [`Case`]: sums in another order, and
/// elementary functions to their stated ulps, amplified by the steps that follow.
pub const PROGRAM_TOLERANCE: f64 = 1e-9;

/// Checks the compiled program:
///
/// * against the evaluator, to a tolerance relative to each output's largest element, plus one: sums may be taken in
///   another order. NaN is equal to NaN, and to nothing else. Where the evaluator's own result changes as much when the
///   last digits of the inputs do, or when negative zeros become positive, that is no difference;
/// * with every loop over a shared index that is possible, against the same;
/// * a second run with the same memory against the first, a call that lends its shared inputs against both, and any
///   number of threads against one: to the bit.
///
/// # Errors
/// The first element that differs, with both numbers.
pub fn program(tape: &Tape, examples: usize, inputs: &[Array], tolerance: f64) -> Result<()> {
    Engines::compile(tape)?.check(tape, examples, inputs, tolerance)
}

/// How many points are asked how far outputs move, and how far the elements of their inputs are away, relatively. They are
/// asked only where numbers differ; fewer may all fall on one side of a step at what rounding alone keeps from zero.
const NEIGHBOURS: usize = 32;
const LAST_PLACES: f64 = 16.0 * f64::EPSILON;

/// A tape compiled in every way.
pub(super) struct Engines(Vec<(&'static str, Program<f64>)>);

impl Engines {
    pub(super) fn compile(tape: &Tape) -> Result<Engines> {
        let mut engines = vec![("the program", tape.compile_rolling(Rolling::NOWHERE)?)];
        for (what, rolling) in
            [("the program in loops", Rolling::EVERYWHERE), ("the program as compiled", Rolling::WORTHWHILE)]
        {
            let program: Program<f64> = tape.compile_rolling(rolling)?;
            // Without loops it is the first one once more, and where none is possible none is worthwhile.
            if !program.has_loops() {
                break;
            }
            engines.push((what, program));
        }
        Ok(Engines(engines))
    }

    /// As [`program`]. The tape may be another form of the one that was compiled.
    pub(super) fn check(&self, tape: &Tape, examples: usize, inputs: &[Array], tolerance: f64) -> Result<()> {
        let want = tape.eval(examples, inputs)?;
        let point = Point { tape, examples, inputs, want, spread: OnceLock::new() };
        for (what, program) in &self.0 {
            point.near(what, &point.run(program)?, tolerance)?;
        }
        Ok(())
    }
}

/// A tape at a point, and what the evaluator gives there.
struct Point<'a> {
    tape: &'a Tape,
    examples: usize,
    inputs: &'a [Array],
    want: Vec<Array>,
    /// Of each element of the outputs: [`Point::spread`], where it was asked for.
    spread: OnceLock<Vec<Vec<f64>>>,
}

impl Point<'_> {
    /// The outputs of the compiled program, the same for all runs.
    fn run(&self, program: &Program<f64>) -> Result<Vec<Vec<f64>>> {
        let first = self.runs_again(program)?;
        // One block is one thread's.
        if self.examples > crate::BLOCK {
            for pool in pools()? {
                let threads = pool.current_num_threads();
                let outputs = pool.install(|| self.runs_again(program))?;
                self.same(&format!("on {threads} threads"), &outputs, &first)?;
            }
        }
        Ok(first)
    }

    fn runs_again(&self, program: &Program<f64>) -> Result<Vec<Vec<f64>>> {
        let ports = || program.inputs().iter().zip(self.inputs);
        let pick = |own: bool| -> Vec<&[f64]> {
            ports().filter(|(port, _)| port.has_example() == own).map(|(_, a)| &a.data[..]).collect()
        };
        let mut runner = program.runner();
        runner.bind(&pick(false))?;
        runner.run(self.examples, &pick(true))?;
        let first = runner.outputs().to_vec();
        runner.run(self.examples, &pick(true))?;
        self.same("in a second run", runner.outputs(), &first)?;
        let all: Vec<&[f64]> = self.inputs.iter().map(|input| &input.data[..]).collect();
        runner.call(self.examples, &all)?;
        self.same("in a call that lends its shared inputs", runner.outputs(), &first)?;
        Ok(first)
    }

    fn same(&self, what: &str, got: &[Vec<f64>], want: &[Vec<f64>]) -> Result<()> {
        for (output, (got, want)) in got.iter().zip(want).enumerate() {
            let differ = |(g, w): (&f64, &f64)| g.to_bits() != w.to_bits() && !(g.is_nan() && w.is_nan());
            if let Some(place) = got.iter().zip(want).position(differ) {
                let element = describe(&self.tape.outputs()[output].0, &self.want[output], place);
                let (g, w) = (got[place], want[place]);
                return Err(Error::new(format!(
                    "{element} is {g:e} {what}, {w:e} in the first run: not the same bits"
                )));
            }
        }
        Ok(())
    }

    /// How far the elements of the outputs move, at most, when each element of the inputs does by some units in its last
    /// place, up or down, and when no value keeps a negative zero: a sum that begins at zero gives a positive one. (A
    /// program may lose some of them only; that is not asked.)
    fn spread(&self) -> Result<&[Vec<f64>]> {
        if let Some(spread) = self.spread.get() {
            return Ok(spread);
        }
        let mut spread: Vec<Vec<f64>> = self.want.iter().map(|want| vec![0.0; want.data.len()]).collect();
        let mut widen = |output: usize, moved: &Array| {
            let numbers = moved.data.iter().zip(&self.want[output].data);
            for (spread, (x, y)) in spread[output].iter_mut().zip(numbers) {
                *spread = spread.max(apart(*x, *y));
            }
        };
        let mut choices = Choices::from_seed(0);
        for _ in 0..NEIGHBOURS {
            let mut inputs = self.inputs.to_vec();
            for x in inputs.iter_mut().flat_map(|input| &mut input.data) {
                *x *= choices.between(1.0 - LAST_PLACES, 1.0 + LAST_PLACES);
            }
            let moved = self.tape.eval(self.examples, &inputs)?;
            moved.iter().enumerate().for_each(|(output, moved)| widen(output, moved));
        }
        let positive = |value: &mut Array| value.data.iter_mut().for_each(|x| *x += 0.0);
        let values = self.tape.values_by(self.examples, self.inputs, &HashMap::new(), positive);
        let outputs = self.tape.outputs().iter().enumerate();
        outputs.for_each(|(output, (_, id))| widen(output, &values[id.index()]));
        Ok(self.spread.get_or_init(|| spread))
    }

    fn near(&self, what: &str, got: &[Vec<f64>], tolerance: f64) -> Result<()> {
        for (output, (want, got)) in self.want.iter().zip(got).enumerate() {
            let name = &self.tape.outputs()[output].0;
            if got.len() != want.data.len() {
                let (n, m) = (got.len(), want.data.len());
                return Err(Error::new(format!("{what} gives `{name}` {n} elements, the evaluator {m}")));
            }
            let finite = want.data.iter().filter(|x| x.is_finite());
            let scale = finite.fold(1.0_f64, |scale, x| scale.max(1.0 + x.abs()));
            for (place, (&g, &w)) in got.iter().zip(&want.data).enumerate() {
                let (apart, bound) = (apart(g, w), tolerance * scale);
                if apart > bound && apart > bound + self.spread()?[output][place] {
                    let element = describe(name, want, place);
                    return Err(Error::new(format!("{element} is {g} by {what}, {w} by the evaluator")));
                }
            }
        }
        Ok(())
    }
}

/// How far two numbers are from each other: infinitely, where just one is NaN.
fn apart(x: f64, y: f64) -> f64 {
    if x == y || (x.is_nan() && y.is_nan()) {
        return 0.0;
    }
    let apart = (x - y).abs();
    if apart.is_nan() { f64::INFINITY } else { apart }
}

/// One thread, two, and more than there are cores on many machines.
fn pools() -> Result<&'static [ThreadPool]> {
    static POOLS: OnceLock<std::result::Result<Vec<ThreadPool>, String>> = OnceLock::new();
    let make = |threads: usize| ThreadPoolBuilder::new().num_threads(threads).build();
    let all = || [1, 2, 7].into_iter().map(make).collect::<std::result::Result<_, _>>();
    let pools = POOLS.get_or_init(|| all().map_err(|error| error.to_string()));
    pools.as_deref().map_err(|error| Error::new(format!("no threads for a check: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elementary::Elementary;

    /// What an engine gives is judged by the largest finite number of an output; bits are judged one by one.
    #[test]
    fn outputs_that_differ_are_found() {
        let tape = Tape::record(|t| [("y", t.example("x", &[3]))]).unwrap();
        let want = vec![Array { shape: vec![1, 3], data: vec![-3.0, f64::NAN, f64::INFINITY] }];
        let inputs = &want.clone();
        let point = Point { tape: &tape, examples: 1, inputs, want, spread: OnceLock::new() };
        let near = |a: f64, b: f64, c: f64| point.near("a test", &[vec![a, b, c]], 1e-9);
        let (nan, large) = (f64::NAN, f64::INFINITY);
        assert!(near(-3.0 + 3.9e-9, nan, large).is_ok());
        for [a, b, c] in
            [[-3.0 + 4.1e-9, nan, large], [nan, nan, large], [-3.0, 1.0, large], [-3.0, nan, -large]]
        {
            assert!(near(a, b, c).unwrap_err().to_string().contains(" by a test, "));
        }
        assert!(point.near("a test", &[vec![-3.0]], 1e-9).unwrap_err().to_string().contains("1 elements"));
        assert!(program(&tape, 1, &[], 1e-9).is_err());
        assert_eq!(describe("y", &Array { shape: vec![2, 3, 4], data: vec![] }, 17), "y[1,1,1]");
        let same = |a: f64, b: f64| point.same("again", &[vec![0.5, a]], &[vec![0.5, b]]);
        assert!(same(1.0, 1.0).is_ok() && same(nan, -nan).is_ok());
        for (a, b) in [(0.0, -0.0), (nan, 1.0), (1.0, nan)] {
            assert!(same(a, b).unwrap_err().to_string().contains("not the same bits"));
        }
    }

    /// Where the last digits of an input decide, those of the program may be others than those of the evaluator.
    #[test]
    fn what_the_last_digits_of_inputs_change_is_no_difference() {
        let tape = Tape::record(|t| [("y", (t.example("x", &[]) - 1.0) * 1e9)]).unwrap();
        let inputs = &[Array { shape: vec![1], data: vec![1.0 + 1e-9] }];
        let want = tape.eval(1, inputs).unwrap();
        let y = want[0].data[0];
        let point = Point { tape: &tape, examples: 1, inputs, want, spread: OnceLock::new() };
        let near = |y: f64| point.near("a test", &[vec![y]], 1e-9);
        assert!(near(y + 1e-6).is_ok() && near(y - 1e-6).is_ok());
        for y in [y + 4e-6, y - 4e-6, f64::NAN, f64::INFINITY] {
            assert!(near(y).is_err());
        }
    }

    /// What rounding alone decides may lead to NaN, or to a step beside which there is more rounding.
    #[test]
    fn what_the_last_digits_decide_may_be_not_a_number() {
        let tape = Tape::record(|t| {
            let x = t.example("x", &[]);
            let up = (&x + (&x * 0.5 - &x * 1.5)).step();
            [("y", (&up - 0.5).sqrt()), ("z", &x * 1e-3 - up)]
        });
        let tape = tape.unwrap();
        let inputs = &[Array { shape: vec![1], data: vec![1.0] }];
        let want = tape.eval(1, inputs).unwrap();
        assert!(want[0].data[0].is_nan() && want[1].data[0] == 1e-3);
        let point = Point { tape: &tape, examples: 1, inputs, want, spread: OnceLock::new() };
        let near = |y: f64, z: f64| point.near("a test", &[vec![y], vec![z]], 1e-9);
        assert!(near(0.5_f64.sqrt(), -0.999).is_ok() && near(f64::NAN, 1e-3).is_ok());
        assert!(near(f64::NAN, f64::NAN).is_err() && near(f64::NAN, -1.001).is_err());
    }

    /// The sign of a zero is what a formula gives, where nothing is added; sums may begin at zero.
    #[test]
    fn the_sign_of_a_zero_is_no_difference() {
        let tape = Tape::record(|t| {
            let v = t.example("x", &[]) * 0.0;
            [("y", v.atan2(&v))]
        });
        let tape = tape.unwrap();
        let inputs = &[Array { shape: vec![1], data: vec![-1.0] }];
        let want = tape.eval(1, inputs).unwrap();
        assert_eq!(want[0].data, [-std::f64::consts::PI]);
        let point = Point { tape: &tape, examples: 1, inputs, want, spread: OnceLock::new() };
        let near = |y: f64| point.near("a test", &[vec![y]], 1e-9);
        assert!(near(-std::f64::consts::PI).is_ok() && near(0.0).is_ok());
        assert!(near(1e-6).is_err() && near(f64::NAN).is_err());
        assert!(program(&tape, 1, inputs, 1e-9).is_ok());
    }
}
