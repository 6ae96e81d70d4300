//! Where elementary functions can be differentiated safely.

use crate::elementary::Unary;

/// Arguments at which a function is smooth and of moderate size.
pub(super) enum Domain {
    /// Between two numbers.
    Within(f64, f64),
    /// Anywhere but near these numbers.
    Beside(&'static [f64]),
}

/// The safe arguments of a function.
pub(super) fn domain(f: Unary) -> Domain {
    match f {
        Unary::Abs | Unary::Sign | Unary::Step | Unary::Relu => Domain::Beside(&[0.0]),
        Unary::Floor => Domain::Beside(&[0.0, -4.0, -3.0, -2.0, -1.0, 1.0, 2.0, 3.0, 4.0]),
        Unary::Recip | Unary::Sqrt | Unary::Cbrt | Unary::Ln => Domain::Within(0.4, 2.5),
        Unary::Ln1p => Domain::Within(-0.6, 2.5),
        Unary::Asin | Unary::Acos | Unary::Atanh => Domain::Within(-0.75, 0.75),
        Unary::Acosh => Domain::Within(1.3, 3.0),
        Unary::Tan => Domain::Within(-1.0, 1.0),
        Unary::Exp | Unary::ExpM1 | Unary::Sinh | Unary::Cosh => Domain::Within(-2.0, 2.0),
        Unary::Sin
        | Unary::Cos
        | Unary::Atan
        | Unary::Tanh
        | Unary::Asinh
        | Unary::Sigmoid
        | Unary::Softplus => Domain::Within(-4.0, 4.0),
    }
}
