//! What was measured of a function.

use ad_core::Unary;
use serde_json::json;

use crate::points::Bits;
use crate::{Result, program, values};

/// The error that no function should exceed.
const LIMIT: f64 = 2.5;

/// The largest error so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Worst {
    /// In units in the last place; infinite where a sign is wrong, or one of value and truth is NaN.
    pub(crate) error: f64,
    /// The argument.
    pub(crate) at: f64,
    /// The error where the argument is subnormal.
    subnormal: f64,
}

impl Worst {
    /// The error at one argument.
    pub(crate) fn one<T: Bits>(x: T, error: f64) -> Self {
        let subnormal = if x.is_subnormal() { error } else { 0.0 };
        Self { error, at: x.to_double(), subnormal }
    }

    /// Of two, the first where they are equal.
    pub(crate) fn or(self, other: Self) -> Self {
        let larger = if other.error > self.error { other } else { self };
        Self { subnormal: self.subnormal.max(other.subnormal), ..larger }
    }
}

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Finding {
    function: &'static str,
    dtype: &'static str,
    /// How many arguments.
    arguments: usize,
    worst: Worst,
    /// Whether all values have the bits of `std`.
    std: bool,
    /// The kinds of arguments whose values are not right.
    wrong: Vec<&'static str>,
}

impl Finding {
    /// The head of the table.
    pub(crate) const HEAD: &'static str = "| function | type | worst error, ulp | at | bits of `std` | NaN, infinities, zeros, subnormals | arguments |\n\
         |---|---|---|---|---|---|---|";

    /// Adds what the special arguments give.
    pub(crate) fn new<T: Bits>(f: Unary, arguments: usize, worst: Worst, std: bool) -> Result<Self> {
        let specials = [
            ("NaN", T::nan()),
            ("inf", T::infinity()),
            ("-inf", T::neg_infinity()),
            ("0", T::zero()),
            ("-0", -T::zero()),
        ];
        let got = values(&program::<T>(f)?, &specials.map(|(_, x)| x))?;
        // Values at these are exact, or NaN, or correctly rounded in `std` too.
        let right = |got: T, want: T| got.bits() == want.bits() || (got.is_nan() && want.is_nan());
        let mut wrong: Vec<_> = specials
            .iter()
            .zip(got)
            .filter(|&(&(_, x), got)| !right(got, f.value(x)))
            .map(|((name, _), _)| *name)
            .collect();
        if worst.subnormal > LIMIT {
            wrong.push("subnormals");
        }
        Ok(Self { function: f.name(), dtype: T::NAME, arguments, worst, std, wrong })
    }

    /// A row of the table.
    pub(crate) fn row(&self) -> String {
        let Self { function, dtype, arguments, worst: Worst { error, at, .. }, .. } = self;
        // The shortest digits that name the number in its type.
        let at = if *dtype == f32::NAME { format!("{:e}", *at as f32) } else { format!("{at:e}") };
        let at = if *error == 0.0 { String::new() } else { at };
        let over = if *error > LIMIT { " (over)" } else { "" };
        let std = if self.std { "yes" } else { "" };
        let wrong =
            if self.wrong.is_empty() { "right".into() } else { format!("wrong: {}", self.wrong.join(", ")) };
        format!("| `{function}` | {dtype} | {error:.2}{over} | {at} | {std} | {wrong} | {arguments} |")
    }

    /// The same as JSON; an infinite error is `null`.
    pub(crate) fn json(&self) -> String {
        json!({
            "function": self.function, "dtype": self.dtype, "ulp": self.worst.error, "at": self.worst.at,
            "std": self.std, "wrong": self.wrong, "arguments": self.arguments,
        })
        .to_string()
    }
}
