use ad_ops::random::Stream;
use std::f64::consts::{FRAC_PI_4, PI, TAU};

/// A distribution in the plane that is a few curves blurred by noise.
///
/// A point is `curve(arm, u)`, plus noise uniform in a square, plus Gaussian noise; all arms are equally
/// likely and
/// `u` is uniform in [0, 1).
pub(super) struct Shape {
    pub(super) arms: u32,
    pub(super) curve: fn(u32, f64) -> [f64; 2],
    /// The side of the square [0, width)^2 of uniform noise.
    pub(super) width: f64,
    /// The deviation of the Gaussian noise.
    pub(super) sigma: f64,
}

pub(super) const MOONS: Shape = Shape {
    arms: 2,
    curve: |arm, u| {
        let (sin, cos) = (PI * u).sin_cos();
        let [x, y] = if arm == 0 { [cos, sin] } else { [1.0 - cos, 0.5 - sin] };
        [2.0 * x - 1.0, 2.0 * y - 0.2]
    },
    width: 0.0,
    sigma: 0.2,
};

pub(super) const EIGHT_GAUSSIANS: Shape = Shape {
    arms: 8,
    curve: |arm, _| on_circle(4.0 / 1.414, f64::from(arm) * FRAC_PI_4),
    width: 0.0,
    sigma: 0.5 / 1.414,
};

pub(super) const CIRCLES: Shape =
    Shape { arms: 2, curve: |arm, u| on_circle([3.0, 1.5][arm as usize], TAU * u), width: 0.0, sigma: 0.24 };

pub(super) const RINGS: Shape =
    Shape { arms: 4, curve: |arm, u| on_circle(0.75 * f64::from(arm + 1), TAU * u), width: 0.0, sigma: 0.08 };

pub(super) const TWO_SPIRALS: Shape = Shape {
    arms: 2,
    curve: |arm, u| {
        let n = 3.0 * PI * u.sqrt();
        let [x, y] = [-n * n.cos() / 3.0, n * n.sin() / 3.0];
        // The second arm is the first turned by 180 degrees, its square of noise included.
        if arm == 0 { [x, y] } else { [-x - SPIRAL_WIDTH, -y - SPIRAL_WIDTH] }
    },
    width: SPIRAL_WIDTH,
    sigma: 0.1,
};

const SPIRAL_WIDTH: f64 = 0.5 / 3.0;

pub(super) const SWISS_ROLL: Shape = Shape {
    arms: 1,
    curve: |_, u| {
        let t = 1.5 * PI * (1.0 + 2.0 * u);
        on_circle(t / 5.0, t)
    },
    width: 0.0,
    sigma: 0.2,
};

fn on_circle(radius: f64, angle: f64) -> [f64; 2] {
    [radius * angle.cos(), radius * angle.sin()]
}

impl Shape {
    pub(super) fn sample(&self, stream: &mut Stream) -> [f64; 2] {
        let arm = (stream.uniform() * f64::from(self.arms)) as u32;
        (self.curve)(arm, stream.uniform())
            .map(|centre| centre + self.width * stream.uniform() + self.sigma * stream.standard_normal())
    }

    /// The length of an arm.
    pub(super) fn length(&self, arm: u32) -> f64 {
        const CHORDS: u32 = 256;
        let point = |i: u32| (self.curve)(arm, f64::from(i) / f64::from(CHORDS));
        let chord = |i| {
            let ([ax, ay], [bx, by]) = (point(i), point(i + 1));
            (bx - ax).hypot(by - ay)
        };
        (0..CHORDS).map(chord).sum()
    }
}
