//! Bases that are kept: by example, over steps and over training steps, with a rule when to renew them.

use std::collections::HashMap;

use ad_core::{Element, Error, Result};

use super::{HutchPp, Sketch, Sketched};

/// When a kept basis is made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Refresh {
    /// At every evaluation.
    #[default]
    Always,
    /// After so many evaluations.
    Every(u32),
    /// When the rest, as [`Bases::note`] is told of it, has grown so much since the basis was new that a new basis at
    /// each evaluation would give less variance for the same number of products.
    Adaptive,
}

/// The bases of some examples, each kept under a key of the user's (the row of a data set, say).
///
/// ```
/// use ad_core::Tape;
/// use ad_ops::hutch_pp::{Bases, HutchPp, Refresh, Sketch, Sketcher};
///
/// let field = Tape::record(|t| {
///     let (x, w) = (t.example("x", &[3]), t.shared("w", &[3, 3]));
///     [("x_dot", x.matmul(&w))]
/// })?;
/// let sketcher = Sketcher::<f64>::new(&field, "x", "x_dot", 1, Sketch::Jacobian)?;
/// let mut kept = Bases::new(HutchPp { basis: 1, probes: 2 }, Sketch::Jacobian, Refresh::Every(10));
/// let w = [1.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 3.0];
/// for step in 0..20 {
///     let x = [0.5; 2 * 3];
///     // Those that are due: here both, at steps 0 and 10.
///     let basis = kept.renew(&[7, 3], |due| {
///         assert!(step % 10 == 0 && due.len() == 2);
///         sketcher.bases(due.len(), &[&x, &w, &[1.0, -1.0, 1.0, 1.0, 1.0, -1.0]])
///     })?;
///     assert_eq!(basis.basis.len(), 2 * 3);
/// }
/// # Ok::<(), ad_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Bases<T> {
    settings: HutchPp,
    sketch: Sketch,
    refresh: Refresh,
    held: HashMap<u64, Held<T>>,
    products: u64,
}

#[derive(Clone, Debug)]
struct Held<T> {
    basis: Vec<T>,
    shift: Option<T>,
    /// Evaluations since the basis was new.
    age: u32,
    /// The rest at the first evaluation, and lately.
    rest: Option<[f64; 2]>,
}

impl<T: Element> Bases<T> {
    /// No bases yet.
    pub fn new(settings: HutchPp, sketch: Sketch, refresh: Refresh) -> Self {
        Bases { settings, sketch, refresh, held: HashMap::new(), products: 0 }
    }

    /// The bases of the examples called `keys`, each key once. Those that are due are made by `make`, which is given
    /// their places in `keys` and answers for those alone, in that order. Counts as one evaluation.
    ///
    /// # Errors
    /// What `make` fails with; where it answers for another number of examples.
    pub fn renew(
        &mut self,
        keys: &[u64],
        make: impl FnOnce(&[usize]) -> Result<Sketched<T>>,
    ) -> Result<Sketched<T>> {
        let due: Vec<usize> = (0..keys.len()).filter(|&k| self.is_due(keys[k])).collect();
        if !due.is_empty() {
            let made = make(&due)?;
            let size = made.basis.len() / due.len();
            let shifts = made.shift.len();
            if size * due.len() != made.basis.len() || size == 0 || (shifts != 0 && shifts != due.len()) {
                let (numbers, examples) = (made.basis.len(), due.len());
                let message =
                    format!("bases of {numbers} numbers and {shifts} shifts for {examples} examples");
                return Err(Error::new(message));
            }
            for (n, (&k, basis)) in due.iter().zip(made.basis.chunks_exact(size)).enumerate() {
                let shift = made.shift.get(n).copied();
                self.held.insert(keys[k], Held { basis: basis.to_vec(), shift, age: 0, rest: None });
            }
            self.products += (due.len() * self.settings.basis * self.sketch.products_per_row()) as u64;
        }
        let mut all = Sketched { basis: Vec::new(), shift: Vec::new() };
        for key in keys {
            let Some(held) = self.held.get_mut(key) else { continue };
            held.age = held.age.saturating_add(1);
            all.basis.extend_from_slice(&held.basis);
            all.shift.extend(held.shift);
        }
        self.products += (keys.len() * (self.settings.basis + self.settings.probes)) as u64;
        Ok(all)
    }

    /// Whether the example called `key` has no basis, or one that is to be renewed.
    pub fn is_due(&self, key: u64) -> bool {
        let Some(held) = self.held.get(&key) else { return true };
        match self.refresh {
            Refresh::Always => true,
            Refresh::Every(n) => held.age >= n,
            Refresh::Adaptive => held.rest.is_some_and(|[new, now]| now > new * self.worth()),
        }
    }

    /// Tells of the output [`REST`](super::REST) of each example at an evaluation with its basis. It is averaged over
    /// evaluations, the last ones most.
    pub fn note(&mut self, keys: &[u64], rest: &[T]) {
        for (key, rest) in keys.iter().zip(rest) {
            let Some(held) = self.held.get_mut(key) else { continue };
            let rest = rest.to_double();
            let [new, now] = held.rest.unwrap_or([rest; 2]);
            held.rest = Some([new, 0.5 * (now + rest)]);
        }
    }

    /// Forgets all bases but those of the examples called `keys`.
    pub fn retain(&mut self, keys: &[u64]) {
        self.held.retain(|key, _| keys.contains(key));
    }

    /// The Jacobian-vector products of all evaluations so far, sketches included.
    pub fn products(&self) -> u64 {
        self.products
    }

    /// How much larger the variance may be with an old basis: by as much as a new one costs in products. Variance is
    /// inverse to products.
    fn worth(&self) -> f64 {
        let with_old = (self.settings.basis + self.settings.probes) as f64;
        self.settings.products(self.sketch) as f64 / with_old
    }
}
