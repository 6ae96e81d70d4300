//! Derivatives along a direction by central differences, extrapolated to step zero.

use std::collections::HashMap;

use super::map::{Map, describe};
use super::{Choices, Tester};
use crate::error::{Error, Result};
use crate::eval::Array;
use crate::tape::{NodeId, Op, Tape};

/// The largest step; each further one is half as long.
const FIRST_STEP: f64 = 1.0 / 64.0;
/// The steps of the ladder.
const STEPS: usize = 9;

impl Tester {
    /// The jvp against differences, each input by itself.
    pub(super) fn differences(&self, tape: &Tape, forward: &Map<'_>) -> Result<()> {
        let mut choices = Choices::from_seed(self.seed ^ 0xd1ff);
        for (input, (name, _)) in tape.inputs().iter().enumerate() {
            for _ in 0..self.directions {
                let x_dot = forward.random_in(input, choices.word());
                let y_dot = forward.apply(&x_dot)?;
                let line = Ladder::climb(tape, forward, &x_dot);
                for (output, y_dot) in y_dot.iter().enumerate() {
                    for (place, &by_jvp) in y_dot.data.iter().enumerate() {
                        let element = || describe(&tape.outputs()[output].0, y_dot, place);
                        line.judge(output, place, by_jvp, self.differences).map_err(|why| {
                            Error::new(format!("along a random direction of `{name}`, {} {why}", element()))
                        })?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// The outputs at a point and, for each step of the ladder, at both sides of it.
struct Ladder {
    values: Vec<Array>,
    sides: Vec<[Vec<Array>; 2]>,
}

impl Ladder {
    fn climb(tape: &Tape, map: &Map<'_>, x_dot: &[Array]) -> Self {
        let (examples, point) = (map.examples(), map.point());
        let all = tape.values(examples, point, &HashMap::new());
        // What no derivative passes through does not move.
        let is_held =
            |(place, node): (usize, &crate::tape::Node)| (node.op == Op::Stop).then(|| NodeId::new(place));
        let held: HashMap<NodeId, Array> = tape
            .nodes()
            .iter()
            .enumerate()
            .filter_map(is_held)
            .map(|id| (id, all[id.index()].clone()))
            .collect();
        let outputs =
            |values: Vec<Array>| tape.outputs().iter().map(|(_, id)| values[id.index()].clone()).collect();
        let at = |h: f64| -> Vec<Array> {
            let moved = |(x, d): (&Array, &Array)| Array {
                shape: x.shape.clone(),
                data: x.data.iter().zip(&d.data).map(|(x, d)| x + h * d).collect(),
            };
            let inputs: Vec<Array> = point.iter().zip(x_dot).map(moved).collect();
            outputs(tape.values(examples, &inputs, &held))
        };
        let steps = (0..STEPS as i32).map(|k| FIRST_STEP * 0.5_f64.powi(k));
        let sides = steps.map(|h| [at(h), at(-h)]).collect();
        Ladder { values: outputs(all), sides }
    }

    /// The extrapolated derivative of one element and an estimate of its error (Ridders' tableau).
    fn slope(&self, output: usize, place: usize) -> (f64, f64) {
        let mut best = (f64::NAN, f64::INFINITY);
        let mut previous: Vec<f64> = Vec::new();
        for (k, [up, down]) in self.sides.iter().enumerate() {
            let h = FIRST_STEP * 0.5_f64.powi(k as i32);
            let mut row = vec![(up[output].data[place] - down[output].data[place]) / (2.0 * h)];
            for (m, coarse) in previous.iter().enumerate() {
                let gain = 4.0_f64.powi(m as i32 + 1) - 1.0;
                let fine = row[m];
                let better = fine + (fine - coarse) / gain;
                let error = (better - fine).abs().max((better - coarse).abs());
                if error < best.1 {
                    best = (better, error);
                }
                row.push(better);
            }
            previous = row;
        }
        best
    }

    fn judge(
        &self,
        output: usize,
        place: usize,
        by_jvp: f64,
        tolerance: f64,
    ) -> std::result::Result<(), String> {
        let (slope, error) = self.slope(output, place);
        let scale = 1.0 + self.values[output].data[place].abs() + slope.abs().max(by_jvp.abs());
        if (by_jvp - slope).abs() <= tolerance * scale {
            Ok(())
        } else if !by_jvp.is_finite() {
            Err(format!("has the derivative {by_jvp} by the jvp, though its value is finite"))
        } else if error > tolerance * scale {
            Err(format!(
                "has the derivative {by_jvp} by the jvp; differences do not settle ({slope} +- {error:e}): is there a kink or a pole nearby?"
            ))
        } else {
            Err(format!("has the derivative {by_jvp} by the jvp, {slope} +- {error:e} by differences"))
        }
    }
}
