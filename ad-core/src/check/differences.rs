//! The derivatives of a tape against differences.

use std::collections::HashMap;

use super::ladder::{Slope, Verdict, steps};
use super::map::{Map, describe};
use super::{Choices, Tester};
use crate::error::{Error, Result};
use crate::eval::Array;
use crate::tape::{NodeId, Op, Tape};

impl Tester {
    /// The jvp against differences, each input by itself.
    pub(super) fn differences(&self, tape: &Tape, forward: &Map<'_>) -> Result<()> {
        let mut choices = Choices::from_seed(self.seed ^ 0xd1ff);
        // Where no difference is too large, the fewest that one can be extrapolated from.
        let rungs = if self.differences.is_finite() { usize::MAX } else { 2 };
        for (input, (name, _)) in tape.inputs().iter().enumerate() {
            for _ in 0..self.directions {
                let x_dot = forward.random_in(input, choices.word());
                let y_dot = forward.apply(&x_dot)?;
                let line = Ladder::climb(tape, forward, &x_dot, rungs);
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
    fn climb(tape: &Tape, map: &Map<'_>, x_dot: &[Array], rungs: usize) -> Self {
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
        let sides = steps().take(rungs).map(|h| [at(h), at(-h)]).collect();
        Ladder { values: outputs(all), sides }
    }

    fn judge(
        &self,
        output: usize,
        place: usize,
        by_jvp: f64,
        tolerance: f64,
    ) -> std::result::Result<(), String> {
        let sides = self.sides.iter().map(|sides| [0, 1].map(|side| sides[side][output].data[place]));
        let size = self.values[output].data[place].abs();
        Slope::of(sides).judge(by_jvp, size, tolerance).map_err(|verdict| {
            let and = if matches!(verdict, Verdict::Unsettled(_)) { ";" } else { "," };
            format!("has the derivative {by_jvp} by the jvp{and} {verdict}")
        })
    }
}
