//! Where the bones and points of a hand are.

use examples::problems::Number;

use super::Hand;

pub(super) type Matrix<T> = [[T; 4]; 4];

/// A hand in a pose.
pub(super) struct Pose<'a, T> {
    hand: &'a Hand,
    /// Where each bone takes a point of the resting hand.
    pub(super) bones: Vec<[[T; 4]; 3]>,
    rotation: [[T; 3]; 3],
    shift: [T; 3],
}

impl<'a, T: Number> Pose<'a, T> {
    pub(super) fn new(hand: &'a Hand, theta: &[T]) -> Self {
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

    pub(super) fn point(&self, at: usize) -> [T; 3] {
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
pub(super) fn turn<T: Number>(axis: [T; 3]) -> [[T; 3]; 3] {
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
