//! Tracking of a hand: how far measured points are from a hand in a pose.

use ad_core::Dual;
use examples::problems::Number;
use serde_json::Value;

use crate::input::{expect, field, list, numbers, width};
use crate::{Job, Result};

/// How many variables are differentiated by at once: 26, and two for all places on triangles.
const LANES: usize = 14;
const POSE: usize = 26;

type Matrix<T> = [[T; 4]; 4];

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
        "jacobian" => Some(Job::rows(columns, move || Ok(hand.jacobian()))),
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

    /// By rows. The columns of the places on triangles come first; a row has those of its own triangle.
    fn jacobian(&self) -> Vec<f64> {
        let on_triangles = if self.places.is_empty() { 0 } else { 2 };
        let columns = on_triangles + POSE;
        let mut rows = vec![0.0; 3 * self.correspondences.len() * columns];
        for start in (0..columns).step_by(LANES) {
            let seed = |x: f64, column: usize| match column.checked_sub(start) {
                Some(lane) if lane < LANES => Dual::<f64, LANES>::along(x, lane),
                _ => Dual::fixed(x),
            };
            let theta: Vec<_> =
                self.theta.iter().enumerate().map(|(i, &x)| seed(x, on_triangles + i)).collect();
            let places: Vec<_> = self.places.iter().map(|&[u, v]| [seed(u, 0), seed(v, 1)]).collect();
            let wanted = LANES.min(columns - start);
            for (row, error) in rows.chunks_mut(columns).zip(self.errors(&theta, &places)) {
                row[start..start + wanted].copy_from_slice(&error.tangent[..wanted]);
            }
        }
        rows
    }
}

/// A hand in a pose.
struct Pose<'a, T> {
    hand: &'a Hand,
    /// Where each bone takes a point of the resting hand.
    bones: Vec<[[T; 4]; 3]>,
    rotation: [[T; 3]; 3],
    shift: [T; 3],
}

impl<'a, T: Number> Pose<'a, T> {
    fn new(hand: &'a Hand, theta: &[T]) -> Self {
        let zero = T::constant(0.0);
        // Of each bone three angles. The first bone is the wrist; then come five fingers of four bones, of which the last
        // three bend, and the first of these goes to the side too.
        let mut angles = vec![[zero; 3]; hand.bones.len().max(22)];
        for (finger, theta) in theta[6..].chunks(4).enumerate() {
            let first = 2 + 4 * finger;
            angles[first] = [theta[0], theta[1], zero];
            angles[first + 1][0] = theta[2];
            angles[first + 2][0] = theta[3];
        }
        let mut absolute: Vec<Matrix<T>> = Vec::with_capacity(hand.bones.len());
        let mut bones = Vec::with_capacity(hand.bones.len());
        for (bone, angles) in hand.bones.iter().zip(angles) {
            let relative = turned(&bone.relative, angles);
            let own = bone.parent.map_or(relative, |parent| product(&absolute[parent], &relative));
            absolute.push(own);
            bones.push(std::array::from_fn(|i| combined(&own[i], &bone.inverse_rest)));
        }
        let rotation = turn([theta[0], theta[1], theta[2]]);
        Pose { hand, bones, rotation, shift: [theta[3], theta[4], theta[5]] }
    }

    fn point(&self, at: usize) -> [T; 3] {
        let rest = &self.hand.rest[at];
        let mut p = [T::constant(0.0); 3];
        for (bone, &weight) in self.bones.iter().zip(&self.hand.weights[at]).filter(|(_, w)| **w != 0.0) {
            for (p, row) in p.iter_mut().zip(bone) {
                let moved = row.iter().zip(rest).map(|(&t, &x)| t * x).reduce(|a, b| a + b);
                *p = *p + moved.unwrap_or(row[0]) * weight;
            }
        }
        if self.hand.is_mirrored {
            p[0] = -p[0];
        }
        std::array::from_fn(|i| {
            let r = &self.rotation[i];
            r[0] * p[0] + r[1] * p[1] + r[2] * p[2] + self.shift[i]
        })
    }
}

/// A plain matrix times the rotation by angles about x, then y (the third), then z (the second).
fn turned<T: Number>(relative: &Matrix<f64>, [x, z, y]: [T; 3]) -> Matrix<T> {
    let [(sx, cx), (sy, cy), (sz, cz)] = [x, y, z].map(|a| (a.sin(), a.cos()));
    let r = [
        [cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx],
        [sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx],
        [-sy, cy * sx, cy * cx],
    ];
    relative.map(|row| {
        std::array::from_fn(|j| match j {
            3 => T::constant(row[3]),
            j => r[0][j] * row[0] + r[1][j] * row[1] + r[2][j] * row[2],
        })
    })
}

fn product<T: Number>(a: &Matrix<T>, b: &Matrix<T>) -> Matrix<T> {
    a.map(|row| {
        std::array::from_fn(|j| row[0] * b[0][j] + row[1] * b[1][j] + row[2] * b[2][j] + row[3] * b[3][j])
    })
}

/// A row times a plain matrix.
fn combined<T: Number>(row: &[T; 4], b: &Matrix<f64>) -> [T; 4] {
    std::array::from_fn(|j| row[0] * b[0][j] + row[1] * b[1][j] + row[2] * b[2][j] + row[3] * b[3][j])
}

/// The rotation about an axis by its length; none where it is shorter than 1e-4, as the suite has it.
fn turn<T: Number>(axis: [T; 3]) -> [[T; 3]; 3] {
    let angle = (axis[0] * axis[0] + axis[1] * axis[1] + axis[2] * axis[2]).sqrt();
    if angle.plain() < 1e-4 {
        return std::array::from_fn(|i| std::array::from_fn(|j| T::constant(f64::from(u8::from(i == j)))));
    }
    let (s, c) = (angle.sin(), angle.cos());
    let w = axis.map(|a| a / angle);
    std::array::from_fn(|i| {
        std::array::from_fn(|j| {
            let square = w[i] * w[j];
            match (3 + j - i) % 3 {
                0 => square + T::less_than(1.0, square) * c,
                1 => square * T::less_than(1.0, c) - w[(i + 2) % 3] * s,
                _ => square * T::less_than(1.0, c) + w[(i + 1) % 3] * s,
            }
        })
    })
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
