//! Tracking of a hand: how far measured points are from a hand in a pose.

mod jacobian;
mod pose;

use examples::problems::Number;
use serde_json::Value;

use crate::input::{expect, field, list, numbers, width};
use crate::{Job, Result};
use jacobian::Jacobian;
use pose::{Matrix, Pose};

/// Of a rotation, a shift, and five fingers.
const POSE: usize = 26;

struct Hand {
    bones: Vec<Bone>,
    /// Points of the resting hand, with a fourth coordinate, 1.
    rest: Vec<[f64; 4]>,
    /// How much each point goes with each bone.
    weights: Vec<Vec<f64>>,
    triangles: Vec<[usize; 3]>,
    is_mirrored: bool,
    /// A point of the hand, or a triangle, for each measured point.
    correspondences: Vec<usize>,
    measured: Vec<[f64; 3]>,
    theta: Vec<f64>,
    /// Where on its triangle a point is; empty where it is a point of the hand.
    places: Vec<[f64; 2]>,
}

struct Bone {
    parent: Option<usize>,
    relative: Matrix<f64>,
    inverse_rest: Matrix<f64>,
}

pub(crate) fn job(function: &str, input: &Value) -> Result<Option<Job>> {
    let hand = Hand::read(input)?;
    let columns = POSE + if hand.places.is_empty() { 0 } else { 2 };
    Ok(match function {
        "objective" => Some(Job::list(move || Ok(hand.errors(&hand.theta, &hand.places)))),
        "jacobian" => {
            let mut jacobian = Jacobian::new(&hand)?;
            Some(Job::rows(columns, move || Ok(jacobian.rows(&hand)?)))
        }
        _ => None,
    })
}

impl Hand {
    fn read(input: &Value) -> Result<Hand> {
        let data = field(input, "data")?;
        let model = field(data, "model")?;
        let theta = numbers(input, "theta")?;
        expect("theta", theta.len(), POSE)?;
        let parents = list(model, "parents")?;
        if parents.is_empty() {
            return Err("`parents` are to have a bone".into());
        }
        let relatives = matrices(model, "base_relatives")?;
        let inverses = matrices(model, "inverse_base_absolutes")?;
        expect("base_relatives", relatives.len(), parents.len())?;
        expect("inverse_base_absolutes", inverses.len(), parents.len())?;
        let mut bones = Vec::new();
        for (i, ((parent, relative), inverse_rest)) in parents.iter().zip(relatives).zip(inverses).enumerate()
        {
            let parent = parent.as_u64().map(|parent| parent as usize);
            if parent.is_some_and(|parent| parent >= i) {
                return Err("`parents` are to come before their bones".into());
            }
            bones.push(Bone { parent, relative, inverse_rest });
        }
        let wide = width(model, "base_positions")?;
        let rest: Vec<[f64; 4]> = numbers(model, "base_positions")?
            .chunks(wide)
            .map(|p| std::array::from_fn(|i| p.get(i).copied().unwrap_or(1.0)))
            .collect();
        let weights = numbers(model, "weights")?;
        expect("weights", weights.len(), rest.len() * bones.len())?;
        let weights = weights.chunks(bones.len().max(1)).map(<[f64]>::to_vec).collect();
        let triangles = indices(model, "triangles")?.chunks_exact(3).map(|t| [t[0], t[1], t[2]]).collect();
        let places = numbers(input, "us")?.chunks_exact(2).map(|u| [u[0], u[1]]).collect();
        let measured = numbers(data, "points")?.chunks_exact(3).map(|p| [p[0], p[1], p[2]]).collect();
        let hand = Hand {
            bones,
            rest,
            weights,
            triangles,
            is_mirrored: field(model, "is_mirrored")?.as_bool().unwrap_or(false),
            correspondences: indices(data, "correspondences")?,
            measured,
            theta,
            places,
        };
        hand.check()?;
        Ok(hand)
    }

    fn check(&self) -> Result<()> {
        expect("points", self.measured.len(), self.correspondences.len())?;
        if !self.places.is_empty() {
            expect("us", self.places.len(), self.correspondences.len())?;
        }
        let bound = if self.places.is_empty() { self.rest.len() } else { self.triangles.len() };
        let corners = self.triangles.iter().flatten();
        if self.correspondences.iter().any(|&i| i >= bound) || corners.clone().any(|&i| i >= self.rest.len())
        {
            return Err("`correspondences` and `triangles` are to name points that there are".into());
        }
        Ok(())
    }

    /// Measured points less those of the hand.
    fn errors<T: Number>(&self, theta: &[T], places: &[[T; 2]]) -> Vec<T> {
        let pose = Pose::new(self, theta);
        let mut errors = Vec::with_capacity(3 * self.correspondences.len());
        for (i, (&at, measured)) in self.correspondences.iter().zip(&self.measured).enumerate() {
            let point = match places.get(i) {
                None => pose.point(at),
                Some(&[u, v]) => {
                    let [a, b, c] = self.triangles[at].map(|corner| pose.point(corner));
                    let w = T::less_than(1.0, u) - v;
                    std::array::from_fn(|j| u * a[j] + v * b[j] + w * c[j])
                }
            };
            errors.extend((0..3).map(|j| T::less_than(measured[j], point[j])));
        }
        errors
    }
}

/// The Jacobian by numbers with one tangent, variable by variable.
#[cfg(test)]
pub(crate) fn by_numbers(input: &Value) -> Result<Vec<Vec<f64>>> {
    let hand = Hand::read(input)?;
    let on_triangles = if hand.places.is_empty() { 0 } else { 2 };
    let column = |column: usize| {
        let seed = |x: f64, own: usize| ad_core::Dual::<f64>::new(x, [f64::from(u8::from(own == column))]);
        let theta: Vec<_> = hand.theta.iter().enumerate().map(|(i, &x)| seed(x, on_triangles + i)).collect();
        let places: Vec<_> = hand.places.iter().map(|&[u, v]| [seed(u, 0), seed(v, 1)]).collect();
        hand.errors(&theta, &places).iter().map(|error| error.tangent[0]).collect()
    };
    Ok((0..on_triangles + POSE).map(column).collect())
}

fn matrices(input: &Value, key: &str) -> Result<Vec<Matrix<f64>>> {
    let numbers = numbers(input, key)?;
    expect(key, numbers.len() % 16, 0)?;
    Ok(numbers.chunks(16).map(|m| std::array::from_fn(|i| std::array::from_fn(|j| m[4 * i + j]))).collect())
}

fn indices(input: &Value, key: &str) -> Result<Vec<usize>> {
    let wrapped =
        |n: f64| if n >= 0.0 { Ok(n as usize) } else { Err(format!("`{key}` is to be made of indices")) };
    Ok(numbers(input, key)?.into_iter().map(wrapped).collect::<std::result::Result<_, _>>()?)
}
