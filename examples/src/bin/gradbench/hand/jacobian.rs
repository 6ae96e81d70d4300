//! The Jacobian of the errors.
//!
//! Bones and their derivatives are numbers, since the tree of bones is data. A point is linear in the bones: that is a tape,
//! whose examples are the points, and whose directions are the variables.

use ad_core::{Dual, Program, Recorder, Result, Runner, Tape, Tracer};

use super::pose::{Pose, turn};
use super::{Hand, POSE};

/// Variables of a rotation, and of a rotation and a shift; the others are four of each finger.
const TURN: usize = 3;
const RIGID: usize = 6;
const BEND: usize = 4;
const FINGERS: usize = (POSE - RIGID) / BEND;

pub(super) struct Jacobian {
    runner: Runner<f64, Program<f64>>,
    /// The bones that no finger moves, and those of each.
    groups: Vec<Vec<usize>>,
    /// Of each measured point the weights of the bones and the points at rest: one, or the corners of its triangle.
    weights: Vec<f64>,
    rest: Vec<f64>,
    measured: Vec<f64>,
    places: Vec<f64>,
}

impl Jacobian {
    pub(super) fn new(hand: &Hand) -> crate::Result<Self> {
        let on_triangles = !hand.places.is_empty();
        let corners = |&at: &usize| if on_triangles { hand.triangles[at].to_vec() } else { vec![at] };
        let all: Vec<usize> = hand.correspondences.iter().flat_map(corners).collect();
        let groups = groups(hand)?;
        let tape = Tape::record(|t| record(t, &groups, on_triangles))?;
        Ok(Jacobian {
            runner: tape.compile()?.into_runner(),
            groups,
            weights: all.iter().flat_map(|&at| hand.weights[at].clone()).collect(),
            rest: all.iter().flat_map(|&at| hand.rest[at]).collect(),
            measured: hand.measured.concat(),
            places: hand.places.concat(),
        })
    }

    /// By rows. The columns of the places on triangles come first; a row has those of its own triangle.
    pub(super) fn rows(&mut self, hand: &Hand) -> Result<Vec<f64>> {
        let bones = self.bones(hand);
        let shift = hand.theta[TURN..RIGID].to_vec();
        let points = [&shift, &self.weights, &self.rest, &self.measured, &self.places];
        let inputs: Vec<&[f64]> = bones.iter().flatten().chain(points).map(|input| &input[..]).collect();
        self.runner.call(hand.measured.len(), &inputs[..self.runner.program().inputs().len()])?;
        let widths: Vec<usize> = self.runner.program().outputs().iter().map(|port| port.size() / 3).collect();
        let mut rows = Vec::with_capacity(hand.measured.len() * 3 * widths.iter().sum::<usize>());
        for row in 0..3 * hand.measured.len() {
            for (columns, width) in self.runner.outputs().iter().zip(&widths) {
                rows.extend(&columns[row * width..(row + 1) * width]);
            }
        }
        Ok(rows)
    }

    /// Where the bones of each group take a point, mirrored and turned, and the derivatives of that, as [`record`] has them.
    fn bones(&self, hand: &Hand) -> Vec<[Vec<f64>; 3]> {
        // A bone moves with one finger: the same four directions do for all of them.
        let bend = |(i, &x): (usize, &f64)| match i.checked_sub(RIGID) {
            Some(i) => Dual::<f64, BEND>::along(x, i % BEND),
            None => Dual::fixed(x),
        };
        let pose = Pose::new(hand, &hand.theta.iter().enumerate().map(bend).collect::<Vec<_>>());
        let rotation = turn(std::array::from_fn(|i| Dual::<f64, TURN>::along(hand.theta[i], i)));
        let mirror = [if hand.is_mirrored { -1.0 } else { 1.0 }, 1.0, 1.0];
        let group = |bones: &Vec<usize>| {
            let size = 12 * bones.len();
            let mut parts = [vec![0.0; size], vec![0.0; TURN * size], vec![0.0; BEND * size]];
            let [values, turns, bends] = &mut parts;
            for at in 0..size {
                let (turn, bone) =
                    (&rotation[at / (4 * bones.len())], &pose.bones[bones[at / 4 % bones.len()]]);
                for k in 0..3 {
                    let entry = bone[k][at % 4];
                    values[at] += turn[k].value * mirror[k] * entry.value;
                    for (direction, slope) in turn[k].tangent.iter().enumerate() {
                        turns[direction * size + at] += slope * mirror[k] * entry.value;
                    }
                    for (direction, slope) in entry.tangent.iter().enumerate() {
                        bends[direction * size + at] += turn[k].value * mirror[k] * slope;
                    }
                }
            }
            parts
        };
        self.groups.iter().map(group).collect()
    }
}

/// The derivatives of the errors of one point, some columns `[3, columns]` after others.
fn record(t: &Recorder, groups: &[Vec<usize>], on_triangles: bool) -> Vec<(String, Tracer)> {
    // Of each group the bones, and how they turn and bend; bones and coordinates of a point are one axis.
    let parts: Vec<[Tracer; 3]> = (groups.iter().enumerate())
        .map(|(g, bones)| {
            let size = 4 * bones.len();
            let shapes =
                [("bones", vec![3, size]), ("turns", vec![TURN, 3, size]), ("bends", vec![BEND, 3, size])];
            shapes.map(|(name, shape)| t.shared(&format!("{name}{g}"), &shape))
        })
        .collect();
    let (all, corners) = (groups.iter().map(Vec::len).sum(), if on_triangles { 3 } else { 1 });
    let shift = t.shared("shift", &[3]);
    let (weights, rest) = (t.example("weights", &[corners, all]), t.example("rest", &[corners, 4]));
    let measured = t.example("measured", &[3]);
    let place = on_triangles.then(|| t.example("place", &[2]));
    let weights = match &place {
        Some(place) => {
            let last = 1.0 - place.sum().reshape(&[1]);
            weights * place.concat(&[&last], 0).reshape(&[3, 1])
        }
        None => weights,
    };
    let moved = parts.iter().zip(groups).filter(|(_, bones)| !bones.is_empty()).map(|([at, ..], bones)| {
        let point = weights.gather(1, bones).einsum("cb,cj->bj", &rest);
        at.matmul(&point.reshape(&[4 * bones.len()]))
    });
    let errors = moved.fold(measured - &shift, |errors, moved| errors - moved);
    let slopes = |seeds: &[(&Tracer, &Tracer)]| t.push_forward(seeds, &[&errors])[0].clone();
    let turns: Vec<_> = parts.iter().map(|[at, turns, _]| (at, turns)).collect();
    let mut columns: Vec<Tracer> = place.iter().map(|place| slopes(&[(place, &t.identity(2))])).collect();
    columns.extend([slopes(&turns), slopes(&[(&shift, &t.identity(3))])]);
    columns.extend(parts[1..].iter().map(|[at, _, bends]| slopes(&[(at, bends)])));
    columns.iter().enumerate().map(|(k, part)| (format!("columns{k}"), part.transpose())).collect()
}

/// The bones that no finger moves, and those that each moves, itself or by what they hang on.
fn groups(hand: &Hand) -> crate::Result<Vec<Vec<usize>>> {
    let mut groups = vec![Vec::new(); 1 + FINGERS];
    let mut movers: Vec<Option<usize>> = Vec::new();
    for (i, bone) in hand.bones.iter().enumerate() {
        // The first bone is the wrist, then come four of each finger, of which the last three bend.
        let bends = i >= 2 && i % 4 != 1 && (i - 2) / 4 < FINGERS;
        let own = bends.then(|| (i - 2) / 4);
        let above = bone.parent.and_then(|parent| movers[parent]);
        if own.is_some() && above.is_some() && own != above {
            return Err("`parents` are not to hang one finger on another".into());
        }
        movers.push(own.or(above));
        groups[own.or(above).map_or(0, |finger| 1 + finger)].push(i);
    }
    Ok(groups)
}
