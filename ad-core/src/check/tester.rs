//! The laws of the derivatives of a tape.

use super::map::{Map, close, compare, describe, inner, plain_names};
use super::{Tester, round_trip};
use crate::error::{Error, Result};
use crate::eval::Array;
use crate::tape::Tape;

#[cfg(test)]
mod tests;

/// Checks a tape at a point, to second order, with the tolerances of [`Tester::default`].
///
/// # Errors
/// As [`Tester::check`].
pub fn derivatives(tape: &Tape, examples: usize, inputs: &[Array]) -> Result<()> {
    Tester::default().check(tape, examples, inputs)
}

impl Tester {
    /// Checks, with all inputs as variables:
    ///
    /// * each rule that the tape calls, at the arguments it is called with: its jvp against differences of its values, and its
    ///   vjp, where it has both, against its jvp;
    /// * the jvp against central differences, extrapolated along a ladder of steps (Ridders, *Advances in Engineering
    ///   Software* 4, 1982); values under `stop_gradient` are held;
    /// * `<y_bar, J x_dot> = <J^T y_bar, x_dot>`, and on small Jacobians each element forward against reverse;
    /// * that the jvp is linear in the tangents and the vjp in the cotangents;
    /// * that transposing twice gives the map back;
    /// * that the text form of each of these tapes reads back to the same tape;
    /// * from order 2 on, all of it for the jvp and the vjp.
    ///
    /// # Errors
    /// The first law that does not hold, with the input, the element, both numbers; inputs that do not fit; and a value
    /// or derivative at this point that is not finite, since it cannot be checked.
    pub fn check(&self, tape: &Tape, examples: usize, inputs: &[Array]) -> Result<()> {
        let tape = &plain_names(tape)?;
        let names: Vec<&str> = tape.inputs().iter().map(|(name, _)| name.as_str()).collect();
        check_finite(tape, examples, inputs)?;
        let forward = tape.linearize(&names)?;
        let reverse = forward.transpose()?;
        let twice = reverse.transpose()?;
        let map = |linear| Map::new(linear, examples, inputs);
        let laws = Laws { tester: self, names: &names, forward: map(&forward), reverse: map(&reverse) };
        [tape, forward.tape(), reverse.tape()].into_iter().try_for_each(round_trip)?;
        self.rules(tape, examples, inputs)?;
        self.differences(tape, &laws.forward)?;
        laws.duality()?;
        laws.jacobian()?;
        laws.linearity("jvp", &laws.forward)?;
        laws.linearity("vjp", &laws.reverse)?;
        laws.transposed_twice(&map(&twice))?;
        if self.order > 1 {
            let next = Tester { order: self.order - 1, ..*self };
            for (what, map) in [("jvp", &laws.forward), ("vjp", &laws.reverse)] {
                let inputs: Vec<Array> =
                    inputs.iter().cloned().chain(map.random(self.seed ^ 0x5eed)).collect();
                let blame = |error| Error::new(format!("in the {what}: {error}"));
                next.check(map.tape(), examples, &inputs).map_err(blame)?;
            }
        }
        Ok(())
    }

    /// `<y_bar, J x_dot> = <J^T y_bar, x_dot>`, of both products.
    pub(super) fn dual(&self, [y_bar, y_dot]: [&[Array]; 2], [x_bar, x_dot]: [&[Array]; 2]) -> Result<()> {
        let ((left, size_left), (right, size_right)) = (inner(y_bar, y_dot), inner(x_bar, x_dot));
        let tolerance = self.identities * (1.0 + size_left.max(size_right));
        if close(left, right, tolerance) {
            return Ok(());
        }
        Err(Error::new(format!(
            "<y_bar, J x_dot> = {left} is not <J^T y_bar, x_dot> = {right} (tolerance {tolerance:e})"
        )))
    }
}

fn check_finite(tape: &Tape, examples: usize, inputs: &[Array]) -> Result<()> {
    let values = tape.eval(examples, inputs)?;
    let given = tape.inputs().iter().zip(inputs).map(|(named, array)| ("input", named, array));
    for (what, (name, _), array) in
        given.chain(tape.outputs().iter().zip(&values).map(|(n, a)| ("output", n, a)))
    {
        if let Some(place) = array.data.iter().position(|x| !x.is_finite()) {
            let (element, x) = (describe(name, array, place), array.data[place]);
            return Err(Error::new(format!(
                "the {what} {element} is {x}: derivatives cannot be checked there"
            )));
        }
    }
    Ok(())
}

/// The laws of a map and its transpose at a point.
struct Laws<'a> {
    tester: &'a Tester,
    names: &'a [&'a str],
    forward: Map<'a>,
    reverse: Map<'a>,
}

impl Laws<'_> {
    /// `<y_bar, J x_dot> = <J^T y_bar, x_dot>`, each input by itself.
    fn duality(&self) -> Result<()> {
        let tester = self.tester;
        for direction in 0..tester.directions {
            let y_bar = self.reverse.random(tester.seed + 2 * direction as u64);
            let x_bar = self.reverse.apply(&y_bar)?;
            for (k, name) in self.names.iter().enumerate() {
                let x_dot = self.forward.random_in(k, tester.seed + 2 * direction as u64 + 1);
                let y_dot = self.forward.apply(&x_dot)?;
                tester.dual([&y_bar, &y_dot], [&x_bar, &x_dot]).map_err(|error| {
                    Error::new(format!("input `{name}`, random direction {direction}: {error}"))
                })?;
            }
        }
        Ok(())
    }

    /// Columns by the jvp against rows by the vjp.
    fn jacobian(&self) -> Result<()> {
        let (columns, rows) = (self.forward.units(), self.reverse.units());
        if columns.len() + rows.len() > self.tester.jacobian {
            return Ok(());
        }
        let forward =
            columns.iter().map(|u| self.forward.apply(&self.forward.unit(*u))).collect::<Result<Vec<_>>>()?;
        for &(output, i) in &rows {
            let gradient = self.reverse.apply(&self.reverse.unit((output, i)))?;
            for (&(input, j), column) in columns.iter().zip(&forward) {
                let (by_jvp, by_vjp) = (column[output].data[i], gradient[input].data[j]);
                let tolerance = self.tester.identities * (1.0 + by_jvp.abs().max(by_vjp.abs()));
                if !close(by_jvp, by_vjp, tolerance) {
                    let to = describe(self.forward.output_name(output), &column[output], i);
                    let by = describe(self.names[input], &gradient[input], j);
                    return Err(Error::new(format!(
                        "the derivative of {to} by {by} is {by_jvp} by the jvp, {by_vjp} by the vjp"
                    )));
                }
            }
        }
        Ok(())
    }

    /// `L(a u + b v) = a L(u) + b L(v)`.
    fn linearity(&self, what: &str, map: &Map<'_>) -> Result<()> {
        let (a, b) = (0.75, -1.5);
        let mix = |u: &[Array], v: &[Array]| -> Vec<Array> {
            let one = |(u, v): (&Array, &Array)| Array {
                shape: u.shape.clone(),
                data: u.data.iter().zip(&v.data).map(|(u, v)| a * u + b * v).collect(),
            };
            u.iter().zip(v).map(one).collect()
        };
        let (u, v) = (map.random(self.tester.seed + 11), map.random(self.tester.seed + 12));
        let together = map.apply(&mix(&u, &v))?;
        let apart = mix(&map.apply(&u)?, &map.apply(&v)?);
        compare(&format!("the {what} is not linear"), map, &together, &apart, self.tester.identities)
    }

    fn transposed_twice(&self, twice: &Map<'_>) -> Result<()> {
        let x_dot = self.forward.random(self.tester.seed + 13);
        let (once, back) = (self.forward.apply(&x_dot)?, twice.apply(&x_dot)?);
        compare(
            "transposing twice does not give the jvp back",
            &self.forward,
            &back,
            &once,
            self.tester.identities,
        )
    }
}
