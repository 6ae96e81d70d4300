//! What contractions cost in a `Program`, measured once on its kernels; the unit is a multiply-add of a matrix product.

use ad_core::{Extent, Node, Op, Tape};

/// How much a divergence is used for each binding of the parameters, so that what is free of the examples can be weighed
/// against what is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Workload {
    /// The examples of a batch.
    pub examples: usize,
    /// How often the tape runs on each of them before the parameters change: the stages of all steps of a solve.
    pub evaluations: usize,
}

impl Default for Workload {
    /// 256 examples, evaluated once.
    fn default() -> Self {
        Workload { examples: 256, evaluations: 1 }
    }
}

impl Workload {
    /// How often a value that all examples share is used.
    pub(super) fn uses(self) -> f64 {
        (self.examples.max(1) * self.evaluations.max(1)) as f64
    }
}

/// The kernel that a line runs on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kernel {
    /// No examples: once for each binding.
    Shared,
    /// A value that examples share times one that they have their own of, summed over a common index.
    Matrix,
    /// Both have examples, and an index is summed.
    Dot,
    /// Products, sums and copies row by row.
    Rows,
}

/// Per multiply-add.
const MATRIX: f64 = 1.0;
const DOT: f64 = 1.5;
const ROWS: f64 = 2.0;
/// An elementary function of one number.
const ELEMENTARY: f64 = 20.0;
/// Per number that is read or written for each example, in the cache and where a value is too large for it.
const INSIDE: f64 = 0.5;
const OUTSIDE: f64 = 2.0;
/// How much a product costs more where what its examples share is too large for the cache, and the most numbers that are not: a
/// block of examples reads all of it once. As it is measured it takes twice the time; what counts here decides between routes
/// that are otherwise alike, for directions through residual blocks take still more than their count.
const SHARED_OUTSIDE: f64 = 1.1;
const SHARED_CACHE: f64 = 131_072.0;
/// The most numbers an example of a value that stays in the cache.
const CACHE: f64 = 1024.0;
/// Per multiply-add, and per number that is written, of what is made once for each binding: on one thread, while blocks of
/// examples run on all.
const SHARED: f64 = 3.0;
const SHARED_WRITE: f64 = 16.0;
/// The most numbers of a value that each example has its own of: for a block of 128 examples in f64, 64 MB.
pub(super) const MAX_VALUE: f64 = 65536.0;
/// The most numbers of a value that is made once.
const MAX_SHARED: f64 = 16_777_216.0;

/// The cost for each example of a line that runs over `work` index values. `own` are the numbers of the result and of
/// operands that each example has its own of.
pub(super) fn line(kernel: Kernel, work: f64, own: &[f64], workload: Workload) -> f64 {
    let moved = |&size: &f64| size * if size > CACHE { OUTSIDE } else { INSIDE };
    let moved: f64 = own.iter().map(moved).sum();
    match kernel {
        Kernel::Shared => SHARED * work / workload.uses(),
        Kernel::Matrix => MATRIX * work + moved,
        Kernel::Dot => DOT * work + moved,
        Kernel::Rows => ROWS * work + moved,
    }
}

/// The cost for each example of a value of `size` numbers that is made once for each binding, beside the work for it.
pub(super) fn shared(size: f64, workload: Workload) -> f64 {
    if size > MAX_SHARED { f64::INFINITY } else { SHARED_WRITE * size / workload.uses() }
}

/// The cost of a tape for each example.
pub(crate) fn tape(tape: &Tape, workload: Workload) -> f64 {
    tape.nodes().iter().map(|node| node_cost(tape, node, workload)).sum()
}

fn node_cost(tape: &Tape, node: &Node, workload: Workload) -> f64 {
    // A program has no marks of rules, nor of where derivatives stop.
    if let Op::Rule(..) | Op::Stop = node.op {
        return 0.0;
    }
    let work = node.work();
    let size = |node: &Node| node.shape().iter().map(|&n| n as f64).product::<f64>();
    let total = work.multiply_adds + work.passes + ELEMENTARY * work.elementary;
    if !node.extents.contains(&Extent::Example) {
        return line(Kernel::Shared, total, &[], workload) + shared(size(node), workload);
    }
    let operands = node.operands.iter().map(|o| tape.node(o.node)).chain([node]);
    let own: Vec<f64> = operands.filter(|n| n.has_example()).map(size).collect();
    let examples = node.operands.iter().filter(|o| tape.node(o.node).has_example()).count();
    let summed = (0..node.extents.len() as ad_core::Label).any(|l| {
        let common = node.operands.iter().all(|o| o.labels.contains(&l));
        common && node.extent(l) != Extent::Example && !node.out.contains(&l)
    });
    let kernel = match (&node.op, node.operands.len()) {
        (Op::Contract(_), 2) if summed && examples == 1 => Kernel::Matrix,
        (Op::Contract(_), 2) if summed || !node.has_example() => Kernel::Dot,
        _ => Kernel::Rows,
    };
    let operands = node.operands.iter().map(|o| tape.node(o.node));
    let shared = operands.filter(|n| !n.has_example()).map(size).fold(0.0, f64::max);
    let far = kernel == Kernel::Matrix && shared > SHARED_CACHE;
    line(kernel, if far { SHARED_OUTSIDE * total } else { total }, &own, workload)
}

/// The most numbers of a value on a tape that each example has its own of.
pub(super) fn largest(tape: &Tape) -> f64 {
    let own = tape.nodes().iter().filter(|node| node.has_example());
    own.map(|node| node.shape().iter().map(|&n| n as f64).product()).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONCE: Workload = Workload { examples: 1, evaluations: 1 };

    fn near(got: f64, want: f64) {
        assert!((got - want).abs() <= 1e-12 * want.abs(), "{got} of {want}");
    }

    /// A value costs what it moves: in the cache up to its last number, outside from the next one on; each by itself.
    #[test]
    fn values_leave_the_cache_at_its_size() {
        for kernel in [Kernel::Matrix, Kernel::Dot, Kernel::Rows] {
            let moved = |own: &[f64]| line(kernel, 0.0, own, ONCE);
            near(moved(&[CACHE]), INSIDE * CACHE);
            near(moved(&[CACHE + 1.0]), OUTSIDE * (CACHE + 1.0));
            near(moved(&[3.0, CACHE + 1.0]), moved(&[3.0]) + moved(&[CACHE + 1.0]));
            near(line(kernel, 7.0, &[3.0], ONCE), line(kernel, 7.0, &[], ONCE) + moved(&[3.0]));
        }
        let works = [(Kernel::Matrix, MATRIX), (Kernel::Dot, DOT), (Kernel::Rows, ROWS)];
        for (kernel, each) in works {
            near(line(kernel, 7.0, &[], ONCE), 7.0 * each);
        }
    }

    /// What is made once is paid by all uses; no use is one, and there is a size that is not made.
    #[test]
    fn what_is_shared_is_paid_by_all_uses() {
        for (examples, evaluations, uses) in [(0, 0, 1.0), (5, 0, 5.0), (0, 3, 3.0), (5, 3, 15.0)] {
            let workload = Workload { examples, evaluations };
            near(line(Kernel::Shared, 30.0, &[9.0], workload), 30.0 * SHARED / uses);
            near(shared(30.0, workload), 30.0 * SHARED_WRITE / uses);
        }
        assert!(shared(MAX_SHARED, ONCE).is_finite() && shared(MAX_SHARED + 1.0, ONCE).is_infinite());
    }

    /// What one more line costs, of inputs `x`, `y` `[3]` for each example and `w` `[3, n]`.
    fn added(n: usize, more: impl Fn([&ad_core::Tracer; 3]) -> ad_core::Tracer) -> f64 {
        let tape = |with: bool| {
            let tape = Tape::record(|t| {
                let (x, y, w) = (t.example("x", &[3]), t.example("y", &[3]), t.shared("w", &[3, n]));
                let mut outputs = vec![("x", x.clone()), ("y", y.clone()), ("w", w.clone())];
                outputs.extend(with.then(|| ("more", more([&x, &y, &w]))));
                outputs
            });
            super::tape(&tape.unwrap(), Workload { examples: 10, evaluations: 2 })
        };
        tape(true) - tape(false)
    }

    /// Each line is counted on the kernel that it runs on.
    #[test]
    fn lines_run_on_their_kernels() {
        use ad_core::Elementary;
        near(added(5, |[x, _, w]| x.matmul(w)), MATRIX * 15.0 + INSIDE * 8.0);
        near(added(5, |[x, y, _]| x.dot(y)), DOT * 3.0 + INSIDE * 7.0);
        near(added(5, |[x, y, _]| x * y), ROWS * 3.0 + INSIDE * 9.0);
        near(added(5, |[x, _, w]| x.einsum("i,ij->ij", w)), ROWS * 15.0 + INSIDE * 18.0);
        near(added(5, |[_, _, w]| w.einsum("ij,ik->jk", w)), (SHARED * 75.0 + SHARED_WRITE * 25.0) / 20.0);
        near(added(5, |[x, _, w]| x.einsum("i,ij->i", w)), ROWS * 15.0 + INSIDE * 6.0);
        near(added(5, |[x, y, _]| x + y), ROWS * 6.0 + INSIDE * 9.0);
        near(added(5, |[x, _, _]| x.tanh()), ROWS * ELEMENTARY * 3.0 + INSIDE * 6.0);
        // 3 n numbers that examples share are in the cache up to its size.
        let last = 43_690;
        let work = |n: usize| MATRIX * 3.0 * n as f64;
        let moved = |n: usize| INSIDE * 3.0 + OUTSIDE * n as f64;
        assert!(3.0 * last as f64 <= SHARED_CACHE && 3.0 * (last + 1) as f64 > SHARED_CACHE);
        near(added(last, |[x, _, w]| x.matmul(w)), work(last) + moved(last));
        near(added(last + 1, |[x, _, w]| x.matmul(w)), SHARED_OUTSIDE * work(last + 1) + moved(last + 1));
    }

    #[test]
    fn the_largest_value_is_one_of_an_example() {
        let tape = Tape::record(|t| {
            let (x, w) = (t.example("x", &[3]), t.shared("w", &[3, 50]));
            [("y", x.matmul(&w)), ("w", ad_core::Elementary::square(&w)), ("z", x.dot(&x))]
        });
        assert_eq!(largest(&tape.unwrap()), 50.0);
    }
}
