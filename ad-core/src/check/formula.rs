//! The laws of code that means five things: numbers, both modes, a tape, and a complex step.

use super::complex::{Complex, STEP};
use super::engines::{PROGRAM_TOLERANCE, program};
use super::function::Laws;
use super::map::close;
use super::subject::{Subject, subject};
use super::{Choices, Tester};
use crate::elementary::Elementary;
use crate::error::{Error, Result};
use crate::eval::Array;
use crate::scalar::{Dual, Var};
use crate::tape::{Tape, Tracer};

/// Code on whatever has elementary functions: on numbers it computes, on [`Tracer`]s it is recorded.
pub trait Formula {
    /// The values at `x`.
    fn run<E: Elementary>(&self, x: &[E]) -> Vec<E>;
}

/// Checks a formula at a point; see [`Tester::formula`].
///
/// # Errors
/// As [`Tester::formula`].
pub fn formula<F: Formula>(f: &F, x: &[f64]) -> Result<()> {
    Tester::default().formula(f, x)
}

/// Checks a formula, written as a closure and generic over [`Elementary`](crate::Elementary), at a point: in all modes,
/// to second order, as a tape, and by a complex step. The body sees its argument, and no variable around it.
///
/// ```
/// use ad_core::Elementary;
/// ad_core::check_formula!(|x| [x[0].sin() * x[1].clone(), x[0].softplus()], &[0.3, -1.2])?;
/// # Ok::<(), ad_core::Error>(())
/// ```
#[macro_export]
macro_rules! check_formula {
    (|$x:ident| $code:expr, $point:expr) => {{
        struct Closure;
        impl $crate::check::Formula for Closure {
            fn run<E: $crate::Elementary>(&self, $x: &[E]) -> ::std::vec::Vec<E> {
                ::std::vec::Vec::from($code)
            }
        }
        $crate::check::formula(&Closure, $point)
    }};
}

struct Written<'a, F>(&'a F);

#[expect(clippy::unnecessary_wraps, reason = "a rule may be refused")]
fn run<F: Formula, E: Elementary>(formula: &F, x: &[E]) -> Result<Vec<E>> {
    Ok(formula.run(x))
}

subject! { [F: Formula] Written<'_, F>, run; }

impl Tester {
    /// Checks a formula at a point: all of [`Tester::function`], and
    ///
    /// * its jvp is the complex step's `Im f(x + ih v) / h` (Squire, Trapp, *SIAM Review* 40, 1998), to the tolerance
    ///   of identities: nothing is subtracted, so nothing cancels;
    /// * recorded, it is a tape with the same values and gradient, all of [`Tester::check`] holds for it, and
    ///   [`program`] for it compiled.
    ///
    /// # Errors
    /// As [`Tester::function`].
    pub fn formula<F: Formula>(&self, f: &F, x: &[f64]) -> Result<()> {
        Laws::new(self, &Written(f), x)?.all()?;
        let at = |error| Error::new(format!("{error}, at x = {x:?}"));
        self.complex_step(f, x).map_err(at)?;
        self.recorded(f, x).map_err(at)
    }

    fn complex_step<F: Formula>(&self, f: &F, x: &[f64]) -> Result<()> {
        let mut choices = Choices::from_seed(self.seed ^ 0xc0);
        let v: Vec<f64> = x.iter().map(|_| choices.between(-1.0, 1.0)).collect();
        let moved: Vec<Dual> = x.iter().zip(&v).map(|(&x, &v)| Dual::new(x, [v])).collect();
        let beside: Vec<Complex> = x.iter().zip(&v).map(|(&x, &v)| Complex::new(x, STEP * v)).collect();
        for (k, (by_jvp, by_step)) in f.run(&moved).iter().zip(f.run(&beside)).enumerate() {
            let (jvp, step) = (by_jvp.tangent[0], by_step.im / STEP);
            // What is not analytic says so.
            if step.is_nan() {
                continue;
            }
            let scale = 1.0 + by_jvp.value.abs() + jvp.abs().max(step.abs());
            if !close(jvp, step, self.identities * scale) {
                return Err(Error::new(format!(
                    "the derivative of y[{k}] along x_dot = {v:?} is {jvp} by the jvp, {step} by a complex step"
                )));
            }
        }
        Ok(())
    }

    fn recorded<F: Formula>(&self, f: &F, x: &[f64]) -> Result<()> {
        let names: Vec<String> = (0..x.len()).map(|k| format!("x{k}")).collect();
        let tape = Tape::record(|t| {
            let x: Vec<Tracer> = names.iter().map(|name| t.example(name, &[])).collect();
            f.run(&x).into_iter().enumerate().map(|(k, y)| (format!("y{k}"), y)).collect::<Vec<_>>()
        })?;
        let numbers = |x: &[f64]| x.iter().map(|&x| Array::new(&[1], vec![x])).collect::<Result<Vec<_>>>();
        let inputs = numbers(x)?;
        let y = f.run(x);
        self.alike("y", "the tape", &tape.eval(1, &inputs)?, &y)?;
        let mut choices = Choices::from_seed(self.seed ^ 0xba);
        let y_bar: Vec<f64> = y.iter().map(|_| choices.between(-1.0, 1.0)).collect();
        let gradient = tape.vjp(&names.iter().map(String::as_str).collect::<Vec<_>>())?;
        let both: Vec<Array> = inputs.iter().cloned().chain(numbers(&y_bar)?).collect();
        let x_bar = gradient.eval(1, &both)?.split_off(y.len());
        let (_, by_var) = crate::vjp(|x| f.run(x), x, &y_bar)?;
        self.alike("x_bar", "the vjp of the tape", &x_bar, &by_var)?;
        self.check(&tape, 1, &inputs)?;
        program(&tape, 1, &inputs, PROGRAM_TOLERANCE)
    }

    fn alike(&self, name: &str, by: &str, got: &[Array], want: &[f64]) -> Result<()> {
        for (k, (got, &want)) in got.iter().zip(want).enumerate() {
            let got = got.data[0];
            if !close(got, want, self.identities * (1.0 + want.abs())) {
                return Err(Error::new(format!("{name}[{k}] is {got} by {by}, {want} on numbers")));
            }
        }
        Ok(())
    }
}
