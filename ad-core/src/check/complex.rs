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
            Binary::Pow if a.re <= 0.0 => Complex::new(f64::NAN, f64::NAN),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the slope along the imaginary axis at `z` is that along the real one: with the values on the real axis, that
    /// leaves one function.
    #[track_caller]
    fn assert_analytic(name: &str, f: impl Fn(Complex) -> Complex, z: Complex) {
        let h = 1e-5;
        let slope = |step: Complex| (f(z + step) - f(z - step)) / step.scale(2.0);
        let (along, across) = (slope(Complex::real(h)), slope(Complex::new(0.0, h)));
        let off = (along.re - across.re).hypot(along.im - across.im);
        assert!(off < 1e-8, "{name} at {z:?}: {along:?} along, {across:?} across");
    }

    #[test]
    fn functions_are_analytic_through_the_values_of_the_table() {
        for &f in Unary::ALL {
            for re in [0.3, 0.45] {
                let re = if f == Unary::Acosh { 1.0 + re } else { re };
                let value = Complex::real(re).unary(f);
                let close = (value.re - f.value(re)).abs() < 1e-15 * (4.0 + 4.0 * value.re.abs());
                assert!(close && value.im == 0.0, "{} {re}: {value:?}", f.name());
                for im in [0.6, -0.25] {
                    assert_analytic(f.name(), |z| z.unary(f), Complex::new(re, im));
                }
            }
        }
        let w = Complex::new(1.3, -0.4);
        for &f in Binary::ALL.iter().filter(|f| **f != Binary::Atan2) {
            let z = Complex::new(0.7, 0.2);
            assert_analytic(f.name(), |z| z.binary(f, &w), z);
            assert_analytic(f.name(), |w| z.binary(f, &w), w);
            let value = Complex::real(0.7).binary(f, &Complex::real(1.3));
            assert!((value.re - f.value(0.7, 1.3)).abs() < 1e-15, "{}", f.name());
        }
        assert_eq!((Complex::new(2.0, 3.0) * Complex::new(5.0, 7.0)), Complex::new(-11.0, 29.0));
    }

    #[test]
    fn ties_are_halved_and_powers_of_what_is_not_positive_are_no_numbers() {
        let (a, b) = (Complex::new(2.0, 1.0), Complex::new(2.0, 5.0));
        assert_eq!([a.max(&b), a.min(&b)], [Complex::new(2.0, 3.0); 2]);
        for re in [-1.0, 0.0] {
            let power = Complex::new(re, 1.0).pow(&b);
            assert!(power.re.is_nan() && power.im.is_nan());
        }
    }
}
