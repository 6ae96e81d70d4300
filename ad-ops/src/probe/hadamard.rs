//! Hadamard matrices: signs whose rows are orthogonal.

/// A Hadamard matrix as a product of Sylvester's doubling (1867) and Paley's first construction (1933), an entry at a
/// time.
#[derive(Clone, Debug)]
pub(super) struct Hadamard {
    /// The order of Paley's factor, 1 or a prime and one; entry 1 + a of the residues is that of `a`.
    base: usize,
    residues: Vec<bool>,
}

impl Hadamard {
    /// The matrix of this order, where it is a power of two, times a prime `3 mod 4` and one.
    pub(super) fn new(order: usize) -> Option<Hadamard> {
        let halves = std::iter::successors(Some(order), |&n| (n > 0 && n % 2 == 0).then_some(n / 2));
        halves.filter(|&n| n == 1 || (n % 4 == 0 && is_prime(n.saturating_sub(1)))).last().map(|base| {
            let mut residues = vec![false; base.saturating_sub(1)];
            (1..residues.len()).for_each(|a| {
                let q = residues.len();
                residues[a * a % q] = true;
            });
            Hadamard { base, residues }
        })
    }

    /// Whether entry `(i, j)` is +1.
    pub(super) fn is_positive(&self, i: usize, j: usize) -> bool {
        let doubling = ((i / self.base) & (j / self.base)).count_ones().is_multiple_of(2);
        doubling == self.paley(i % self.base, j % self.base)
    }

    /// `I + S` with `S` skew: a border of ones, and the residues of differences.
    fn paley(&self, i: usize, j: usize) -> bool {
        match (i, j) {
            _ if i == j || i == 0 => true,
            (_, 0) => false,
            _ => self.residues[(i + self.residues.len() - j) % self.residues.len()],
        }
    }
}

fn is_prime(n: usize) -> bool {
    n > 1 && (2..n).take_while(|d| d * d <= n).all(|d| !n.is_multiple_of(d))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_orthogonal() {
        let orders: Vec<usize> = (0..=64).filter(|&n| Hadamard::new(n).is_some()).collect();
        assert_eq!(orders, [1, 2, 4, 8, 12, 16, 20, 24, 32, 40, 44, 48, 60, 64]);
        for n in orders {
            let h = Hadamard::new(n).unwrap();
            for (i, k) in (0..n).flat_map(|i| (0..n).map(move |k| (i, k))) {
                let agree = (0..n).filter(|&j| h.is_positive(i, j) == h.is_positive(k, j)).count();
                assert_eq!(2 * agree, if i == k { 2 * n } else { n }, "rows {i}, {k} of {n}");
            }
        }
    }
}
