//! Complex numbers with the table of elementary functions, for derivatives by a complex step.

use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::elementary::{Binary, Elementary, Unary};

/// The imaginary step: its square is nothing beside 1, and its cube nothing at all.
pub(super) const STEP: f64 = 1e-40;

/// A number beside the real axis. Functions are the analytic ones through the values of the table: kinks are taken by
/// the real part, and what jumps is constant. Written so that an imaginary part of any smallness keeps its digits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Complex {
    /// The real part.
    pub re: f64,
    /// The imaginary part.
    pub im: f64,
}

impl Complex {
    /// `re + i im`.
    pub const fn new(re: f64, im: f64) -> Self {
        Complex { re, im }
    }

    fn real(re: f64) -> Self {
        Complex { re, im: 0.0 }
    }

    fn scale(self, c: f64) -> Self {
        Complex { re: c * self.re, im: c * self.im }
    }

    fn exponential(self) -> Self {
        let size = self.re.exp();
        Complex { re: size * self.im.cos(), im: size * self.im.sin() }
    }

    fn logarithm(self) -> Self {
        Complex { re: self.re.hypot(self.im).ln(), im: self.im.atan2(self.re) }
    }

    fn sine(self) -> Self {
        let (sin, cos) = self.re.sin_cos();
        Complex { re: sin * self.im.cosh(), im: cos * self.im.sinh() }
    }

    fn root(self) -> Self {
        let re = f64::midpoint(self.re.hypot(self.im), self.re).sqrt();
        Complex { re, im: self.im / (2.0 * re) }
    }

    /// The imaginary part is a quarter of `ln((re^2 + (1 + im)^2) / (re^2 + (1 - im)^2))`.
    fn arc_tangent(self) -> Self {
        let (a, b) = (self.re, self.im);
        let below = a * a + (1.0 - b) * (1.0 - b);
        Complex { re: (2.0 * a).atan2(1.0 - a * a - b * b) / 2.0, im: (4.0 * b / below).ln_1p() / 4.0 }
    }

    /// `ln(z + sqrt(z^2 + c))`.
    fn area(self, c: f64) -> Self {
        (self + (self * self + Complex::real(c)).root()).logarithm()
    }
}

impl Add for Complex {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Complex { re: self.re + other.re, im: self.im + other.im }
    }
}

impl Sub for Complex {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Complex { re: self.re - other.re, im: self.im - other.im }
    }
}

impl Mul for Complex {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        Complex { re: self.re * other.re - self.im * other.im, im: self.re * other.im + self.im * other.re }
    }
}

impl Div for Complex {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        let size = other.re * other.re + other.im * other.im;
        (self * Complex { re: other.re, im: -other.im }).scale(1.0 / size)
    }
}

impl Neg for Complex {
    type Output = Self;
    fn neg(self) -> Self {
        Complex { re: -self.re, im: -self.im }
    }
}

impl Elementary for Complex {
    fn lift(&self, c: f64) -> Self {
        Complex::real(c)
    }

    fn unary(&self, f: Unary) -> Self {
        let (z, one) = (*self, Complex::real(1.0));
        match f {
            Unary::Recip => one / z,
            Unary::Abs => z.scale(Unary::Sign.value(z.re)),
            Unary::Relu => z.scale(Unary::Step.value(z.re)),
            Unary::Sign | Unary::Step | Unary::Floor => Complex::real(f.value(z.re)),
            Unary::Sqrt => z.root(),
            Unary::Cbrt => {
                let sign = z.re.signum();
                z.scale(sign).logarithm().scale(1.0 / 3.0).exponential().scale(sign)
            }
            Unary::Exp => z.exponential(),
            Unary::ExpM1 => z.exponential() - one,
            Unary::Ln => z.logarithm(),
            Unary::Ln1p => (z + one).logarithm(),
            Unary::Sin => z.sine(),
            // cos z = sin(z + pi/2), with the parts written out.
            Unary::Cos => Complex { re: z.re.cos() * z.im.cosh(), im: -z.re.sin() * z.im.sinh() },
            Unary::Tan => z.sine() / z.cos(),
            Unary::Asin => (z / (one - z * z).root()).arc_tangent(),
            Unary::Acos => Complex::real(std::f64::consts::FRAC_PI_2) - z.asin(),
            Unary::Atan => z.arc_tangent(),
            Unary::Sinh => Complex { re: z.re.sinh() * z.im.cos(), im: z.re.cosh() * z.im.sin() },
            Unary::Cosh => Complex { re: z.re.cosh() * z.im.cos(), im: z.re.sinh() * z.im.sin() },
            Unary::Tanh => z.sinh() / z.cosh(),
            Unary::Asinh => z.area(1.0),
            Unary::Acosh => z.area(-1.0),
            Unary::Atanh => ((one + z) / (one - z)).logarithm().scale(0.5),
            Unary::Sigmoid => one / (one + (-z).exponential()),
            Unary::Softplus => (one + z.exponential()).logarithm(),
        }
    }

    fn binary(&self, f: Binary, other: &Self) -> Self {
        let (a, b) = (*self, *other);
        match f {
            Binary::Div => a / b,
            // The principal value of a negative base is not what real code means.
            Binary::Pow if a.re <= 0.0 => Complex::real(f64::NAN) * Complex::new(1.0, f64::NAN),
            Binary::Pow => (b * a.logarithm()).exponential(),
            Binary::Max | Binary::Min if a.re == b.re => (a + b).scale(0.5),
            Binary::Max => {
                if a.re > b.re {
                    a
                } else {
                    b
                }
            }
            Binary::Min => {
                if a.re < b.re {
                    a
                } else {
                    b
                }
            }
            // The angle of the quotient, or the rest to a right angle; the real part is exact.
            Binary::Atan2 => {
                let angle =
                    if b.re.abs() > a.re.abs() { (a / b).arc_tangent() } else { -(b / a).arc_tangent() };
                Complex { re: f.value(a.re, b.re), im: angle.im }
            }
            Binary::Hypot => (a * a + b * b).root(),
            Binary::Less => Complex::real(f.value(a.re, b.re)),
        }
    }

    fn select(&self, a: &Self, b: &Self) -> Self {
        if self.re == 0.0 { *b } else { *a }
    }
}
