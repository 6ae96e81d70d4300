//! The Jacobian of the errors.
//!
//! Bones and their derivatives are numbers, since the tree of bones is data. A point is linear in the bones: that is a tape,
//! whose examples are the points, and whose directions are the variables.

use ad_core::{Dual, Program, Result, Runner, Tape};

use super::pose::Pose;
use super::{Hand, POSE};

/// Variables of a rotation and of a shift; the others are four of each finger.
const RIGID: usize = 6;
const BEND: usize = 4;

pub(super) struct Jacobian {
    runner: Runner<f64, Program<f64>>,
    /// The finger that moves each bone, if there is one.
    fingers: Vec<Option<usize>>,
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
        Ok(Jacobian {
            runner: record(hand.bones.len(), on_triangles)?.compile()?.into_runner(),
            fingers: fingers(hand)?,
            weights: all.iter().flat_map(|&at| hand.weights[at].clone()).collect(),
            rest: all.iter().flat_map(|&at| hand.rest[at]).collect(),
            measured: hand.measured.concat(),
            places: hand.places.concat(),
        })
    }

    /// By rows. The columns of the places on triangles come first; a row has those of its own triangle.
    pub(super) fn rows(&mut self, hand: &Hand) -> Result<Vec<f64>> {
        let (bones, slopes) = self.bones(hand);
        let shift = &hand.theta[3..RIGID];
        let mut inputs: Vec<&[f64]> = vec![&bones, &slopes, shift, &self.weights, &self.rest, &self.measured];
        if !self.places.is_empty() {
            inputs.push(&self.places);
        }
        self.runner.call(hand.measured.len(), &inputs)?;
        Ok(self.runner.output(0).to_vec())
    }

    /// Where all bones take a point, mirrored and turned, `[3, bones, 4]`, and the derivatives of that.
    fn bones(&self, hand: &Hand) -> (Vec<f64>, Vec<f64>) {
        // A bone moves with one finger: the same four directions do for all of them.
        let bend = |(i, &x): (usize, &f64)| match i.checked_sub(RIGID) {
            Some(i) => Dual::<f64, BEND>::along(x, i % BEND),
            None => Dual::fixed(x),
        };
        let bent = Pose::new(hand, &hand.theta.iter().enumerate().map(bend).collect::<Vec<_>>());
        let turned: Vec<_> =
            hand.theta[..3].iter().enumerate().map(|(i, &x)| Dual::<f64, 3>::along(x, i)).collect();
        let rotation = super::pose::turn([turned[0], turned[1], turned[2]]);
        let size = 12 * hand.bones.len();
        let (mut bones, mut slopes) = (vec![0.0; size], vec![0.0; POSE * size]);
        for (b, (bone, finger)) in bent.bones.iter().zip(&self.fingers).enumerate() {
            for (i, turn) in rotation.iter().enumerate() {
                let at = (i * hand.bones.len() + b) * 4;
                for j in 0..4 {
                    let mirror = if hand.is_mirrored { -1.0 } else { 1.0 };
                    let column = [bone[0][j].value * mirror, bone[1][j].value, bone[2][j].value];
                    bones[at + j] = (0..3).map(|k| turn[k].value * column[k]).sum();
                    for direction in 0..3 {
                        slopes[direction * size + at + j] =
                            (0..3).map(|k| turn[k].tangent[direction] * column[k]).sum();
                    }
                    let Some(finger) = finger else { continue };
                    for direction in 0..BEND {
                        let [x, y, z] = [0, 1, 2].map(|k| bone[k][j].tangent[direction]);
                        slopes[(RIGID + finger * BEND + direction) * size + at + j] =
                            turn[0].value * x * mirror + turn[1].value * y + turn[2].value * z;
                    }
                }
            }
        }
        (bones, slopes)
    }
}

/// Errors of one point, in all directions.
fn record(bones: usize, on_triangles: bool) -> Result<Tape> {
    let corners = if on_triangles { 3 } else { 1 };
    Tape::record(|t| {
        let (at, slopes) = (t.shared("bones", &[3, bones * 4]), t.shared("slopes", &[POSE, 3, bones * 4]));
        let shift = t.shared("shift", &[3]);
        let (weights, rest) = (t.example("weights", &[corners, bones]), t.example("rest", &[corners, 4]));
        let measured = t.example("measured", &[3]);
        let moves = t.identity(3).pad(0, 3, POSE);
        if !on_triangles {
            let all = weights.einsum("cb,cj->bj", &rest).reshape(&[bones * 4]);
            let errors = measured - at.matmul(&all) - &shift;
            let columns = t.push_forward(&[(&at, &slopes), (&shift, &moves)], &[&errors]);
            return [("rows", columns[0].transpose())];
        }
        let place = t.example("place", &[2]);
        let last = 1.0 - place.sum().reshape(&[1]);
        let shares = place.concat(&[&last], 0);
        let all = (weights * shares.reshape(&[3, 1])).einsum("cb,cj->bj", &rest).reshape(&[bones * 4]);
        let errors = measured - at.matmul(&all) - &shift;
        let by_place = t.push_forward(&[(&place, &t.identity(2))], &[&errors]);
        let by_pose = t.push_forward(&[(&at, &slopes), (&shift, &moves)], &[&errors]);
        [("rows", by_place[0].concat(&[&by_pose[0]], 0).transpose())]
    })
}

/// The finger that moves each bone, itself or those it hangs on.
fn fingers(hand: &Hand) -> crate::Result<Vec<Option<usize>>> {
    let mut fingers: Vec<Option<usize>> = Vec::new();
    for (i, bone) in hand.bones.iter().enumerate() {
        // The first bone is the wrist, then come four of each finger, of which the last three bend.
        let own =
            (i % 4 != 1).then(|| i.checked_sub(2)).flatten().map(|i| i / 4).filter(|&finger| finger < 5);
        let above = bone.parent.and_then(|parent| fingers[parent]);
        if own.is_some() && above.is_some() && own != above {
            return Err("`parents` are not to hang one finger on another".into());
        }
        fingers.push(own.or(above));
    }
    Ok(fingers)
}
