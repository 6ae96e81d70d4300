//! The laws of the derivatives of a function on numbers.

use super::ladder::{Slope, Verdict, steps};
use super::subject::{Function, Ruled, Subject};
use super::{Choices, Tester};
use crate::error::{Error, Result};
use crate::scalar::{Dual, Recording, Rule, Segment, Var, check_rule, record};

/// Checks a function at a point, in all modes and to second order; see [`Tester::function`].
///
/// # Errors
/// As [`Tester::function`].
pub fn function<F: Segment>(f: &F, x: &[f64]) -> Result<()> {
    Tester::default().function(f, x)
}

/// Checks a rule at a point; see [`Tester::rule`].
///
/// # Errors
/// As [`Tester::rule`].
pub fn rule<R: Rule>(r: &R, x: &[f64]) -> Result<()> {
    Tester::default().rule(r, x)
}

/// Checks at any point, in the domain or not, that numbers with derivatives have the bits of plain ones, NaN and
/// infinities where those have them.
///
/// # Errors
/// The first value that differs, with the kind of number.
pub fn values<F: Segment>(f: &F, x: &[f64]) -> Result<()> {
    Laws::new(&Tester::default(), &Function(f), x)?.values()
}

/// Checks a function of some numbers, written as a closure and generic over [`Scalar`](crate::Scalar), at a point: in
/// all modes and to second order. The body sees its argument, and no variable around it; a function that holds
/// parameters implements [`Segment`](crate::Segment) and goes to [`check::function`](crate::check::function).
///
/// ```
/// use num_traits::Float;
/// ad_core::check_function!(|x| [x[0].sin() * x[1], x[0].hypot(x[1])], &[0.3, -1.2])?;
/// # Ok::<(), ad_core::Error>(())
/// ```
#[macro_export]
macro_rules! check_function {
    (|$x:ident| $code:expr, $point:expr) => {{
        struct Closure;
        impl $crate::Segment for Closure {
            fn run<T: $crate::Scalar>(&self, $x: &[T]) -> ::std::vec::Vec<T> {
                ::std::vec::Vec::from($code)
            }
        }
        $crate::check::function(&Closure, $point)
    }};
}

impl Tester {
    /// Checks a function at a point:
    ///
    /// * its values on `Dual`, `Var` and all nestings of two of them have the bits of plain numbers, and a second
    ///   evaluation those of the first;
    /// * the jvp is what differences say, extrapolated along a ladder of steps;
    /// * `<y_bar, J x_dot> = <J^T y_bar, x_dot>`, and each element of the Jacobian forward against reverse;
    /// * the jvp is linear in the tangent, the vjp in the cotangent;
    /// * the derivative of `<y_bar, J x_dot>`, forward over forward, forward over reverse, reverse over forward and
    ///   reverse over reverse, is one, and what differences of the gradient say;
    /// * the Hessian of `<y_bar, y>` is symmetric.
    ///
    /// # Errors
    /// The first law that does not hold, with the point, the direction, the element and both numbers; and a value that
    /// is not finite, since derivatives cannot be checked there.
    pub fn function<F: Segment>(&self, f: &F, x: &[f64]) -> Result<()> {
        Laws::new(self, &Function(f), x)?.all()
    }

    /// Checks a rule at a point: its jvp, and its vjp, against differences and each other, element by element; and then
    /// all of [`Tester::function`] for numbers that go through it.
    ///
    /// # Errors
    /// As [`Tester::function`]; and where a rule has neither jvp nor vjp, or one returns too few or too many numbers.
    pub fn rule<R: Rule>(&self, r: &R, x: &[f64]) -> Result<()> {
        let at = |error| Error::new(format!("{error}, at x = {x:?}"));
        check_rule(r, x).map_err(at)?;
        Laws::new(self, &Ruled(r), x)?.all()
    }
}

/// A linear map.
type Map<'m> = &'m dyn Fn(&[f64]) -> Result<Vec<f64>>;

/// A function at a point, with a direction and a cotangent.
pub(super) struct Laws<'a> {
    tester: &'a Tester,
    subject: &'a dyn Subject,
    x: &'a [f64],
    y: Vec<f64>,
    x_dot: Vec<f64>,
    y_bar: Vec<f64>,
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The sum of the sizes of the terms of an inner product.
fn size(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a * b).abs()).sum()
}

fn unit(n: usize, k: usize) -> Vec<f64> {
    (0..n).map(|j| f64::from(j == k)).collect()
}

fn mix(a: f64, u: &[f64], b: f64, v: &[f64]) -> Vec<f64> {
    u.iter().zip(v).map(|(u, v)| a * u + b * v).collect()
}

impl<'a> Laws<'a> {
    pub(super) fn new(tester: &'a Tester, subject: &'a dyn Subject, x: &'a [f64]) -> Result<Self> {
        let mut choices = Choices::from_seed(tester.seed);
        let y = subject.plain(x)?;
        // A direction that moves each number by less than itself, so that signs and domains are kept.
        let scale = |x: f64| if x == 0.0 { 1.0 } else { x.abs().min(1.0) };
        let x_dot = x.iter().map(|&x| scale(x) * choices.between(-1.0, 1.0)).collect();
        let y_bar = y.iter().map(|_| choices.between(-1.0, 1.0)).collect();
        Ok(Laws { tester, subject, x, y, x_dot, y_bar })
    }

    pub(super) fn all(&self) -> Result<()> {
        self.values()?;
        if let Some(k) = self.y.iter().position(|y| !y.is_finite()) {
            return Err(self.broken(&format!("y[{k}] is {}: derivatives cannot be checked there", self.y[k])));
        }
        self.differences()?;
        self.duality()?;
        self.jacobian()?;
        self.linearity()?;
        if self.tester.order > 1 { self.second() } else { Ok(()) }
    }

    fn broken(&self, what: &str) -> Error {
        Error::new(format!("{what}, at x = {:?}", self.x))
    }

    fn along(&self, what: &str) -> Error {
        Error::new(format!("{what}, at x = {:?} along x_dot = {:?}", self.x, self.x_dot))
    }

    /// Two numbers that ought to be one.
    fn equal(&self, law: &str, [a, b]: [(&str, f64); 2], size: f64) -> Result<()> {
        let tolerance = self.tester.identities * (1.0 + size.max(a.1.abs()).max(b.1.abs()));
        if (a.1 - b.1).abs() <= tolerance {
            return Ok(());
        }
        Err(self.along(&format!("{law}: {} is {}, {} is {}", a.0, a.1, b.0, b.1)))
    }

    pub(super) fn values(&self) -> Result<()> {
        let x = self.x;
        let dual = |x: f64| Dual::<f64>::variable(x);
        let kinds = [
            ("plain numbers, a second time,", self.subject.plain(x)?),
            (
                "Dual",
                self.subject
                    .forward(&x.iter().map(|&x| dual(x)).collect::<Vec<_>>())?
                    .iter()
                    .map(|y| y.value)
                    .collect(),
            ),
            (
                "Var",
                record(|r| {
                    Ok::<_, Error>(self.subject.reverse(&r.variables(x))?.iter().map(|y| y.value()).collect())
                })?,
            ),
            ("Dual<Dual>", self.forward_over_forward(&self.x_dot, &self.x_dot)?.0),
            ("Var<Dual>", self.forward_over_reverse(&self.x_dot)?.0),
            ("Dual<Var>", self.reverse_over_forward(&self.x_dot)?.0),
            ("Var<Var>", self.reverse_over_reverse(&self.x_dot)?.0),
        ];
        for (kind, values) in kinds {
            if values.len() != self.y.len() {
                let (n, m) = (values.len(), self.y.len());
                return Err(self.broken(&format!("{kind} gives {n} numbers, plain numbers {m}")));
            }
            let differs = |(a, b): (&f64, &f64)| a.to_bits() != b.to_bits() && !(a.is_nan() && b.is_nan());
            if let Some(k) = values.iter().zip(&self.y).position(differs) {
                let (got, want) = (values[k], self.y[k]);
                return Err(self.broken(&format!("y[{k}] is {got:e} on {kind}, {want:e} on plain numbers")));
            }
        }
        Ok(())
    }

    /// `J x_dot`.
    fn jvp(&self, x_dot: &[f64]) -> Result<Vec<f64>> {
        let x: Vec<Dual> = self.x.iter().zip(x_dot).map(|(&x, &t)| Dual::new(x, [t])).collect();
        Ok(self.subject.forward(&x)?.iter().map(|y| y.tangent[0]).collect())
    }

    /// `J^T y_bar`.
    fn vjp(&self, y_bar: &[f64]) -> Result<Vec<f64>> {
        self.vjp_at(self.x, y_bar)
    }

    fn vjp_at(&self, x: &[f64], y_bar: &[f64]) -> Result<Vec<f64>> {
        record(|r| {
            let x = r.variables(x);
            let y = self.subject.reverse(&x)?;
            let seeds: Vec<(Var, f64)> = y.into_iter().zip(y_bar.iter().copied()).collect();
            r.pull_back(&seeds, &x)
        })
    }

    /// Values of a function of the step, at both sides of each step.
    fn sides(&self, f: impl Fn(&[f64]) -> Result<Vec<f64>>) -> Result<Vec<[Vec<f64>; 2]>> {
        let at = |h: f64| f(&mix(1.0, self.x, h, &self.x_dot));
        steps().map(|h| Ok([at(h)?, at(-h)?])).collect()
    }

    fn judge(&self, what: &str, sides: &[[Vec<f64>; 2]], derivatives: &[f64], sizes: &[f64]) -> Result<()> {
        for (k, &derivative) in derivatives.iter().enumerate() {
            let slope = Slope::of(sides.iter().map(|sides| [0, 1].map(|side| sides[side][k])));
            slope.judge(derivative, sizes[k].abs(), self.tester.differences).map_err(|verdict| {
                let and = if matches!(verdict, Verdict::Unsettled(_)) { ";" } else { "," };
                self.along(&format!("the derivative of {what}[{k}] is {derivative}{and} {verdict}"))
            })?;
        }
        Ok(())
    }

    fn differences(&self) -> Result<()> {
        let sides = self.sides(|x| self.subject.plain(x))?;
        self.judge("y", &sides, &self.jvp(&self.x_dot)?, &self.y)
    }

    fn duality(&self) -> Result<()> {
        let (y_dot, x_bar) = (self.jvp(&self.x_dot)?, self.vjp(&self.y_bar)?);
        let sizes = size(&self.y_bar, &y_dot).max(size(&x_bar, &self.x_dot));
        let sides = [
            ("<y_bar, J x_dot>", dot(&self.y_bar, &y_dot)),
            ("<J^T y_bar, x_dot>", dot(&x_bar, &self.x_dot)),
        ];
        self.equal(&format!("duality, with y_bar = {:?}", self.y_bar), sides, sizes)
    }

    fn jacobian(&self) -> Result<()> {
        let (n, m) = (self.x.len(), self.y.len());
        if n + m > self.tester.jacobian {
            return Ok(());
        }
        let columns = (0..n).map(|k| self.jvp(&unit(n, k))).collect::<Result<Vec<_>>>()?;
        for i in 0..m {
            for (j, (by_vjp, column)) in self.vjp(&unit(m, i))?.into_iter().zip(&columns).enumerate() {
                let law = format!("forward = reverse, the derivative of y[{i}] by x[{j}]");
                self.equal(&law, [("forward", column[i]), ("reverse", by_vjp)], 0.0)?;
            }
        }
        Ok(())
    }

    fn linearity(&self) -> Result<()> {
        let (a, b) = (0.75, -1.5);
        let mut choices = Choices::from_seed(self.tester.seed + 1);
        let mut like = |v: &[f64]| v.iter().map(|_| choices.between(-1.0, 1.0)).collect::<Vec<f64>>();
        let (u, w) = (like(&self.x_dot), like(&self.y_bar));
        let maps: [(&str, Map<'_>, &[f64], &[f64]); 2] = [
            ("the jvp is linear", &|v| self.jvp(v), &self.x_dot, &u),
            ("the vjp is linear", &|v| self.vjp(v), &self.y_bar, &w),
        ];
        for (law, map, u, v) in maps {
            let (left, right) = (map(u)?, map(v)?);
            let (together, apart) = (map(&mix(a, u, b, v))?, mix(a, &left, b, &right));
            for (k, (&t, &s)) in together.iter().zip(&apart).enumerate() {
                let sizes = left[k].abs() + right[k].abs();
                let law = format!("{law}, element {k}");
                self.equal(&law, [("of the sum", t), ("the sum", s)], sizes)?;
            }
        }
        Ok(())
    }

    /// The derivative of `<y_bar, J x_dot>` by `x` in all four ways, and that the Hessian is symmetric.
    fn second(&self) -> Result<()> {
        let n = self.x.len();
        let by_columns = |k| Ok(dot(&self.y_bar, &self.forward_over_forward(&self.x_dot, &unit(n, k))?.1));
        let ways = [
            ("forward over forward", (0..n).map(by_columns).collect::<Result<Vec<f64>>>()?),
            ("forward over reverse", self.forward_over_reverse(&self.x_dot)?.1),
            ("reverse over forward", self.reverse_over_forward(&self.x_dot)?.1),
            ("reverse over reverse", self.reverse_over_reverse(&self.x_dot)?.1),
        ];
        let sides = self.sides(|x| self.vjp_at(x, &self.y_bar))?;
        let (first, others) = (&ways[0], &ways[1..]);
        self.judge("the gradient of <y_bar, y>", &sides, &first.1, &self.vjp(&self.y_bar)?)?;
        let largest = first.1.iter().fold(0.0_f64, |size, h| size.max(h.abs()));
        for (name, product) in others {
            for (k, (&a, &b)) in first.1.iter().zip(product).enumerate() {
                let law = format!("second derivatives, element {k}");
                self.equal(&law, [(first.0, a), (name, b)], largest)?;
            }
        }
        let mut choices = Choices::from_seed(self.tester.seed + 2);
        let v: Vec<f64> = self.x.iter().map(|_| choices.between(-1.0, 1.0)).collect();
        let (hu, hv) = (&ways[1].1, self.forward_over_reverse(&v)?.1);
        let sizes = size(&v, hu).max(size(&self.x_dot, &hv));
        let sides = [("<v, H x_dot>", dot(&v, hu)), ("<x_dot, H v>", dot(&self.x_dot, &hv))];
        self.equal(&format!("the Hessian is symmetric, with v = {v:?}"), sides, sizes)
    }

    /// Values and second derivatives along two directions.
    fn forward_over_forward(&self, u: &[f64], v: &[f64]) -> Result<(Vec<f64>, Vec<f64>)> {
        let x: Vec<Dual<Dual>> =
            (0..self.x.len()).map(|k| Dual::new(Dual::new(self.x[k], [u[k]]), [Dual::fixed(v[k])])).collect();
        let y = self.subject.forward_over_forward(&x)?;
        Ok(y.iter().map(|y| (y.value.value, y.tangent[0].tangent[0])).unzip())
    }

    /// Values, and the gradient of `<y_bar, y>` differentiated along `v`.
    fn forward_over_reverse(&self, v: &[f64]) -> Result<(Vec<f64>, Vec<f64>)> {
        let x: Vec<Dual> = self.x.iter().zip(v).map(|(&x, &v)| Dual::new(x, [v])).collect();
        record(|r| {
            let x = r.variables(&x);
            let y = self.subject.forward_over_reverse(&x)?;
            let seeds: Vec<(Var<Dual>, Dual)> =
                y.iter().zip(&self.y_bar).map(|(&y, &w)| (y, Dual::fixed(w))).collect();
            let x_bar = r.pull_back(&seeds, &x)?;
            let values = y.iter().map(|y| y.value().value).collect();
            Ok((values, x_bar.iter().map(|x_bar| x_bar.tangent[0]).collect()))
        })
    }

    /// Values, and the gradient of `<y_bar, J v>`.
    fn reverse_over_forward(&self, v: &[f64]) -> Result<(Vec<f64>, Vec<f64>)> {
        record(|r: &Recording| {
            let x = r.variables(self.x);
            let moving: Vec<Dual<Var>> =
                x.iter().zip(v).map(|(&x, &v)| Dual::new(x, [Var::fixed(v)])).collect();
            let y = self.subject.reverse_over_forward(&moving)?;
            let seeds: Vec<(Var, f64)> = y.iter().zip(&self.y_bar).map(|(y, &w)| (y.tangent[0], w)).collect();
            let values = y.iter().map(|y| y.value.value()).collect();
            Ok((values, r.pull_back(&seeds, &x)?))
        })
    }

    /// Values, and the gradient of `<J^T y_bar, v>`.
    fn reverse_over_reverse(&self, v: &[f64]) -> Result<(Vec<f64>, Vec<f64>)> {
        record(|outer: &Recording| {
            let x = outer.variables(self.x);
            let (values, gradient) = record(|inner: &Recording<Var>| -> Result<(Vec<f64>, Vec<Var>)> {
                let x = inner.variables(&x);
                let y = self.subject.reverse_over_reverse(&x)?;
                let seeds: Vec<(Var<Var>, Var)> =
                    y.iter().zip(&self.y_bar).map(|(&y, &w)| (y, Var::fixed(w))).collect();
                let values = y.iter().map(|y| y.value().value()).collect();
                Ok((values, inner.pull_back(&seeds, &x)?))
            })?;
            let seeds: Vec<(Var, f64)> = gradient.into_iter().zip(v.iter().copied()).collect();
            Ok((values, outer.pull_back(&seeds, &x)?))
        })
    }
}

#[cfg(test)]
mod tests;
