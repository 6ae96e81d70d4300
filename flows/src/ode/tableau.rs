//! Explicit Runge-Kutta tableaus that check themselves.
//!
//! A step of size `h` from `(t, y)` evaluates `s` stages and adds them up:
//!
//! ```text
//! k_i    = f(t + c_i h, y + h sum_{j<i} a_ij k_j)        i = 0 .. s
//! y_next = y + h sum_i b_i k_i
//! error  = h sum_i b_error_i k_i                         b_error = b - b_hat
//! ```
//!
//! A [`Tableau`] states these coefficients and nothing else. Its order, the order of the embedded method
//! `b_hat` and whether its last stage is the first one of the next step are derived from them:
//! a method has order p exactly when `sum_i b_i phi_i(tree) = 1 / gamma(tree)` for every rooted tree of at
//! most p nodes (Butcher; Hairer, Norsett, Wanner, *Solving Ordinary Differential Equations I*, theorem
//! II.2.13).

use thiserror::Error;

use super::tableaus;

/// Conditions are sums of products of rounded coefficients: where one of the tableaus here meets its
/// conditions it does so to 1e-14, and where it misses one it does so by 1e-4 or more.
const TOLERANCE: f64 = 1e-13;

/// No method is known, or wanted, of a higher order; it bounds the search for one.
const MAX_ORDER: usize = 10;

/// An explicit Runge-Kutta method with `s = b.len()` stages.
///
/// ```
/// use flows::ode::tableau::Tableau;
///
/// let tsit5 = Tableau::by_name("tsit5")?;
/// assert_eq!((tsit5.stages(), tsit5.order(), tsit5.embedded_order()), (7, 5, Some(4)));
/// assert!(tsit5.is_fsal());
/// # Ok::<(), flows::ode::tableau::TableauError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tableau {
    /// The name by which users ask for it: lower case, no spaces.
    pub name: &'static str,
    /// Where in the step each stage is evaluated; `s` entries, `c[i]` the sum of `a[i]`.
    pub c: &'static [f64],
    /// What each stage takes of the stages before it; `s` rows, row `i` has `i` entries.
    pub a: &'static [&'static [f64]],
    /// The weights of the stages in the step; `s` entries that sum to one.
    pub b: &'static [f64],
    /// The weights of the stages in the error estimate, `b - b_hat`; `s` entries that sum to zero.
    /// `None`: the method estimates no error and runs with constant steps only.
    pub b_error: Option<&'static [f64]>,
}

/// Why a tableau is not one, or is not to be had.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum TableauError {
    /// No tableau has this name.
    #[error("there is no tableau '{name}'; known: {}", known.join(", "))]
    Unknown {
        /// The name asked for.
        name: String,
        /// All names there are.
        known: Vec<&'static str>,
    },
    /// A list of coefficients has the wrong length.
    #[error("tableau {tableau}: {list} has {found} entries, should have {expected}")]
    Length {
        /// The tableau's name.
        tableau: &'static str,
        /// Which list.
        list: String,
        /// Its length.
        found: usize,
        /// The length that the number of stages asks for.
        expected: usize,
    },
    /// A sum of coefficients, or a coefficient, is not what consistency asks for.
    #[error("tableau {tableau}: {what} is {found}, should be {expected}")]
    Value {
        /// The tableau's name.
        tableau: &'static str,
        /// Which sum.
        what: String,
        /// Its value.
        found: f64,
        /// What it should be.
        expected: f64,
    },
    /// The error weights are all zero: every step would be accepted.
    #[error("tableau {tableau}: b_error is zero throughout and estimates nothing; write None")]
    NoEstimate {
        /// The tableau's name.
        tableau: &'static str,
    },
}

impl Tableau {
    /// The built-in tableau of this name; see [`names`](Self::names).
    ///
    /// # Errors
    /// If there is none; the message lists those there are.
    pub fn by_name(name: &str) -> Result<&'static Self, TableauError> {
        let unknown = || TableauError::Unknown { name: name.to_owned(), known: Self::names().collect() };
        tableaus::ALL.into_iter().find(|tableau| tableau.name == name).ok_or_else(unknown)
    }

    /// The names of all built-in tableaus.
    pub fn names() -> impl Iterator<Item = &'static str> {
        tableaus::ALL.into_iter().map(|tableau| tableau.name)
    }

    /// The number of stages, `s`: evaluations of the field in one step, one fewer if
    /// [`is_fsal`](Self::is_fsal).
    pub fn stages(&self) -> usize {
        self.b.len()
    }

    /// The order of the method, from the order conditions of all rooted trees: its local error is
    /// `O(h^(order + 1))`. Zero if not even `sum b = 1`.
    pub fn order(&self) -> usize {
        self.order_of(self.b)
    }

    /// The order of the embedded method `b_hat = b - b_error`, derived as [`order`](Self::order) is.
    pub fn embedded_order(&self) -> Option<usize> {
        let b_error = self.b_error?;
        let b_hat: Vec<f64> = self.b.iter().zip(b_error).map(|(b, error)| b - error).collect();
        Some(self.order_of(&b_hat))
    }

    /// First same as last: the last stage is evaluated where the step ends, so that it is the first stage of
    /// the next step and need not be evaluated twice.
    pub fn is_fsal(&self) -> bool {
        match (self.a.last(), self.b.split_last()) {
            (Some(last_row), Some((0.0, weights))) => {
                !weights.is_empty() && *last_row == weights && self.c.last() == Some(&1.0)
            }
            _ => false,
        }
    }

    /// Checks that the lists have matching lengths, `c_i = sum_j a_ij`, `sum b = 1` and `sum b_error = 0`
    /// without being zero throughout.
    ///
    /// # Errors
    /// The first of these that fails, with the value found. A coefficient that is not finite makes its sum
    /// fail.
    pub fn verify(&self) -> Result<(), TableauError> {
        self.verify_lengths()?;
        for (i, (c, row)) in self.c.iter().zip(self.a).enumerate() {
            self.verify_value(|| format!("the sum of a[{i}], against c[{i}],"), row.iter().sum(), *c)?;
        }
        self.verify_value(|| "the sum of b".to_owned(), self.b.iter().sum(), 1.0)?;
        if let Some(b_error) = self.b_error {
            self.verify_value(|| "the sum of b_error".to_owned(), b_error.iter().sum(), 0.0)?;
            if b_error.iter().all(|weight| *weight == 0.0) {
                return Err(TableauError::NoEstimate { tableau: self.name });
            }
        }
        Ok(())
    }

    fn verify_lengths(&self) -> Result<(), TableauError> {
        let stages = self.stages().max(1);
        let lists = [("b", Some(self.b.len())), ("c", Some(self.c.len())), ("a", Some(self.a.len()))]
            .into_iter()
            .chain([("b_error", self.b_error.map(<[f64]>::len))])
            .filter_map(|(list, found)| Some((list.to_owned(), found?, stages)));
        let rows = self.a.iter().enumerate().map(|(i, row)| (format!("a[{i}]"), row.len(), i));
        match lists.chain(rows).find(|(_, found, expected)| found != expected) {
            Some((list, found, expected)) => {
                Err(TableauError::Length { tableau: self.name, list, found, expected })
            }
            None => Ok(()),
        }
    }

    fn verify_value(&self, what: impl Fn() -> String, found: f64, expected: f64) -> Result<(), TableauError> {
        if (found - expected).abs() <= TOLERANCE {
            Ok(())
        } else {
            Err(TableauError::Value { tableau: self.name, what: what(), found, expected })
        }
    }

    fn order_of(&self, weights: &[f64]) -> usize {
        let mut trees = Vec::new();
        for order in 1..=MAX_ORDER {
            let grown = self.trees(order, &trees);
            if !grown.iter().all(|tree| tree.condition_holds(weights)) {
                return order - 1;
            }
            trees.extend(grown);
        }
        MAX_ORDER
    }

    /// All rooted trees of `order` nodes: a root over every multiset of `smaller` trees that has one node
    /// fewer.
    fn trees(&self, order: usize, smaller: &[Tree]) -> Vec<Tree> {
        let mut grown = Vec::new();
        let mut roots = vec![(order - 1, 0, order as f64, vec![1.0; self.stages()])];
        while let Some((missing, first, density, weights)) = roots.pop() {
            if missing == 0 {
                let inner = self.a.iter().map(|row| dot(row, &weights)).collect();
                grown.push(Tree { order, density, weights, inner });
                continue;
            }
            let children = smaller.iter().enumerate().skip(first).filter(|(_, tree)| tree.order <= missing);
            roots.extend(children.map(|(k, child)| {
                let product = weights.iter().zip(&child.inner).map(|(w, inner)| w * inner).collect();
                (missing - child.order, k, density * child.density, product)
            }));
        }
        grown
    }
}

/// A rooted tree as the order conditions see it.
struct Tree {
    order: usize,
    /// gamma: the product over all nodes of the size of the subtree that hangs there.
    density: f64,
    /// `phi_i`: the product over the root's children of their `inner_i`.
    weights: Vec<f64>,
    /// `sum_j a_ij phi_j`: what this tree contributes where it hangs under another root.
    inner: Vec<f64>,
}

impl Tree {
    fn condition_holds(&self, b: &[f64]) -> bool {
        (dot(b, &self.weights) - 1.0 / self.density).abs() <= TOLERANCE
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
pub(in crate::ode) mod tests {
    use proptest::prelude::*;

    use super::{
        super::tableaus::{HEUN, RK4, TSIT5},
        *,
    };

    /// One step of a scalar equation, written straight from the formulas above: the next value and the error.
    pub(in crate::ode) fn step(
        tableau: &Tableau,
        f: fn(f64, f64) -> f64,
        t: f64,
        y: f64,
        h: f64,
    ) -> [f64; 2] {
        let mut k = Vec::new();
        for (c, row) in tableau.c.iter().zip(tableau.a) {
            k.push(f(t + c * h, y + h * dot(row, &k)));
        }
        [y + h * dot(tableau.b, &k), h * tableau.b_error.map_or(0.0, |b_error| dot(b_error, &k))]
    }

    fn leak<const N: usize>(values: [f64; N]) -> &'static [f64] {
        Box::leak(Box::new(values))
    }

    #[test]
    fn built_in_tableaus_have_the_orders_their_authors_state() {
        let facts = tableaus::ALL.map(|t| (t.name, t.stages(), t.order(), t.embedded_order(), t.is_fsal()));
        let published = [
            ("tsit5", 7, 5, Some(4), true),
            ("dopri5", 7, 5, Some(4), true),
            ("heun", 2, 2, Some(1), false),
            ("rk4", 4, 4, None, false),
        ];
        assert_eq!(facts, published);
        for tableau in tableaus::ALL {
            assert_eq!(tableau.verify(), Ok(()));
            assert_eq!(Tableau::by_name(tableau.name), Ok(tableau));
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let message = Tableau::by_name("Tsit5").unwrap_err().to_string();
        assert_eq!(message, "there is no tableau 'Tsit5'; known: tsit5, dopri5, heun, rk4");
    }

    /// Rooted trees by number of nodes, OEIS A000081.
    #[test]
    fn every_rooted_tree_is_grown_once() {
        let mut trees = Vec::new();
        for (order, count) in [(1, 1), (2, 1), (3, 2), (4, 4), (5, 9), (6, 20), (7, 48), (8, 115)] {
            let grown = RK4.trees(order, &trees);
            assert_eq!(grown.len(), count);
            trees.extend(grown);
        }
    }

    /// What is derived from the coefficients shows in the numbers: halving `h` divides the error of the
    /// solution by 2^order, and the local error estimate by 2^(embedded order + 1).
    #[test]
    fn halving_the_step_shows_the_derived_orders() {
        let f = |t: f64, y: f64| y * t.cos();
        for tableau in tableaus::ALL {
            let error = |steps: u32| {
                let h = 3.0 / f64::from(steps);
                let y = (0..steps).fold(1.0, |y, k| step(tableau, f, f64::from(k) * h, y, h)[0]);
                (y - 3.0_f64.sin().exp()).abs()
            };
            let slope = (error(64) / error(128)).log2();
            assert!((slope - tableau.order() as f64).abs() < 0.2, "{}: {slope}", tableau.name);

            if let Some(embedded) = tableau.embedded_order() {
                let estimate = |h: f64| step(tableau, f, 0.3, 1.0, h)[1].abs();
                let slope = (estimate(0.02) / estimate(0.01)).log2();
                assert!((slope - (embedded + 1) as f64).abs() < 0.1, "{}: {slope}", tableau.name);
            }
        }
    }

    #[test]
    fn a_malformed_tableau_is_named() {
        let message = |tableau: Tableau| tableau.verify().unwrap_err().to_string();
        assert_eq!(message(Tableau { c: &[0.0], ..HEUN }), "tableau heun: c has 1 entries, should have 2");
        assert_eq!(
            message(Tableau { a: &[&[], &[1.0, 0.0]], ..HEUN }),
            "tableau heun: a[1] has 2 entries, should have 1"
        );
        assert_eq!(
            message(Tableau { b_error: Some(&[]), ..HEUN }),
            "tableau heun: b_error has 0 entries, should have 2"
        );
        assert_eq!(
            message(Tableau { name: "none", c: &[], a: &[], b: &[], b_error: None }),
            "tableau none: b has 0 entries, should have 1"
        );
        assert_eq!(
            message(Tableau { a: &[&[], &[f64::NAN]], ..HEUN }),
            "tableau heun: the sum of a[1], against c[1], is NaN, should be 1"
        );
        assert_eq!(
            message(Tableau { b: &[0.5, 0.25], ..HEUN }),
            "tableau heun: the sum of b is 0.75, should be 1"
        );
        assert_eq!(
            message(Tableau { b_error: Some(&[0.5, 0.5]), ..HEUN }),
            "tableau heun: the sum of b_error is 1, should be 0"
        );
        assert!(message(Tableau { b_error: Some(&[0.0, 0.0]), ..HEUN }).contains("estimates nothing"));
    }

    proptest! {
        /// A wrong digit of Tsit5 that keeps all sums still costs it its order.
        #[test]
        fn a_wrong_digit_costs_the_order(row in 2_usize..6, shift in prop_oneof![-1e-6..-1e-9, 1e-9..1e-6]) {
            let mut entries = TSIT5.a[row].to_vec();
            entries[0] += shift;
            entries[1] -= shift;
            let mut a = TSIT5.a.to_vec();
            a[row] = entries.leak();
            let wrong = Tableau { a: a.leak(), ..TSIT5 };
            prop_assert_eq!(wrong.verify(), Ok(()));
            prop_assert!(wrong.order() < 5);
        }

        /// Two stages: order two for any second node if `b_1 = 1 / (2 c_1)`, order three for none (HNW I,
        /// II.1).
        #[test]
        fn two_stages_reach_order_two(node in 0.05..1.0_f64) {
            let b = leak([1.0 - 0.5 / node, 0.5 / node]);
            let a: &[&[f64]] = Box::leak(Box::new([leak([]), leak([node])]));
            let tableau = Tableau { name: "two", c: leak([0.0, node]), a, b, b_error: None };
            prop_assert_eq!(tableau.verify(), Ok(()));
            prop_assert_eq!(tableau.order(), 2);
        }

        /// Three stages: Kutta's one-parameter family of order three (HNW I, exercise II.1.4, c_1 = c_2 =
        /// 2/3).
        #[test]
        fn three_stages_reach_order_three(free in 0.1..2.0_f64) {
            let third = 2.0 / 3.0;
            let row = leak([third - 0.25 / free, 0.25 / free]);
            let a: &[&[f64]] = Box::leak(Box::new([leak([]), leak([third]), row]));
            let b = leak([0.25, 0.75 - free, free]);
            let tableau = Tableau { name: "three", c: leak([0.0, third, third]), a, b, b_error: None };
            prop_assert_eq!(tableau.verify(), Ok(()));
            prop_assert_eq!(tableau.order(), 3);
        }
    }
}
