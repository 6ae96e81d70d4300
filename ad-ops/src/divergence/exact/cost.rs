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
