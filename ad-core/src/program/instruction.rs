//! From a line of the tape to loops around a kernel.

use std::collections::{HashMap, HashSet};

use smallvec::SmallVec;

use super::execute::PADDING;
use super::fuse::Line;
use super::nest::{Axes, Axis, Lane, Layout, Storage, merged};
use crate::kernels::{Chain, FEW};
use crate::tape::{Extent, Label, Labels, Node, Op, all_distinct};

/// Where a value lives while a program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// A shared input, by its number among them.
    Given(usize),
    /// Computed once per binding of the shared inputs.
    Shared(usize),
    /// One row of examples per element, in a buffer of the workspace.
    Block(usize),
    /// Shared by all examples, but known only after a sum over them.
    Late(usize),
}

/// A value that an instruction writes.
#[derive(Clone, Debug)]
pub(super) struct Output {
    pub(super) place: Place,
    /// The rows that it moves from one iteration of a loop to the next.
    pub(super) stride: usize,
}

/// One line or a chain of them, ready to run.
#[derive(Clone, Debug)]
pub(super) struct Instruction {
    pub(super) outs: SmallVec<[Output; 1]>,
    pub(super) operands: SmallVec<[Place; 4]>,
    /// The row at which each operand begins.
    pub(super) offsets: SmallVec<[usize; 4]>,
    /// The rows that each operand moves from one iteration of a loop to the next.
    pub(super) strides: SmallVec<[usize; 4]>,
    pub(super) lane: Lane,
    /// A sum over the index of the loop: iterations but the first go on with what is there.
    pub(super) accumulates: bool,
    pub(super) kernel: Kernel,
}

/// The loops of a line that keeps its lane: over the result, then over what is summed.
#[derive(Clone, Debug)]
pub(super) struct Product {
    pub(super) alpha: f64,
    /// Over the result, outermost first.
    pub(super) over: Axes,
    pub(super) summed: Axes,
    /// Whether the operands have a row (or one number) per iteration.
    pub(super) rows: [bool; 2],
    /// The diagonal of the result is filled, with zeros beside it.
    pub(super) sparse: bool,
}

/// Rows that follow each other in the result and in the operand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) to: usize,
    pub(super) from: usize,
    pub(super) length: usize,
}

impl Run {
    /// Sorts pairs `(to, from)` of rows by where they go, and joins those that follow each other. What goes to one row keeps
    /// its order: first comes the first of each row, then the second of each, and so on.
    pub(super) fn join(pairs: impl IntoIterator<Item = (u32, u32)>) -> Vec<Run> {
        let mut counts: HashMap<u32, u32> = HashMap::new();
        let earlier = |(to, from)| {
            let count = counts.entry(to).or_default();
            *count += 1;
            (*count, to, from)
        };
        let mut pairs: Vec<(u32, u32, u32)> = pairs.into_iter().map(earlier).collect();
        pairs.sort_unstable();
        let mut runs: Vec<Run> = Vec::new();
        for (_, to, from) in pairs {
            let (to, from) = (to as usize, from as usize);
            match runs.last_mut() {
                Some(run) if (run.to + run.length, run.from + run.length) == (to, from) => run.length += 1,
                _ => runs.push(Run { to, from, length: 1 }),
            }
        }
        runs
    }
}

/// What runs.
#[derive(Clone, Debug)]
pub(super) enum Kernel {
    /// Elementwise lines.
    Chain(Chain),
    /// `alpha * sum (product of operands)`.
    Product(Product),
    /// `alpha * sum_k a[m, k] * b[k, lane]`, by the matrix kernel: `a` is operand `scalar`, which has no lane.
    Matmul { alpha: f64, scalar: usize, m: Axis, k: Axis, over: Axes, summed: Axes },
    /// `alpha * sum_k a[m, k] * b[k, n]`, a product of matrices in each lane: `m` moves in the first operand only, `n` in
    /// the second.
    Lanewise { alpha: f64, m: Axis, k: Axis, n: Axis, over: Axes },
    /// `alpha * sum_e a[m, e] * b[n, e]` into a sum over examples, by the matrix kernel; `n` is contiguous in the
    /// result and belongs to operand `columns`.
    LaneMatmul { alpha: f64, columns: usize, m: Axis, n: Axis, over: Axes },
    /// `alpha * sum (product of operands)` into a sum over examples, row by row.
    LaneSum(Product),
    /// Rows set to zero, then rows of each operand copied (or added) from place to place.
    Rows { runs: SmallVec<[Vec<Run>; 1]>, zeros: Vec<Run>, add: bool },
    /// A shared matrix of this many rows and columns, transposed; its rows lie `stride` apart.
    Transposed { shape: [usize; 2], stride: usize },
}

impl Instruction {
    /// The transposition of a shared matrix that begins at `offset` and whose rows lie `stride` apart.
    pub(super) fn transposed(
        shape: [usize; 2],
        out: Place,
        operand: Place,
        [offset, stride]: [usize; 2],
    ) -> Instruction {
        Instruction {
            outs: SmallVec::from_iter([Output { place: out, stride: 0 }]),
            operands: SmallVec::from_iter([operand]),
            offsets: SmallVec::from_iter([offset]),
            strides: SmallVec::from_iter([0]),
            lane: Lane::Fixed(1),
            accumulates: false,
            kernel: Kernel::Transposed { shape, stride },
        }
    }

    /// Whether this sum over examples adds once to each of its elements.
    pub(super) fn adds_once(&self) -> bool {
        let once = |axes: &Axes| axes.iter().all(|axis| axis.size == 1 || axis.steps[0] != 0);
        match &self.kernel {
            Kernel::LaneMatmul { over, .. } => once(over),
            Kernel::LaneSum(product) => once(&product.summed),
            _ => false,
        }
    }

    /// What it takes to read operand `k`, which has examples, one row per example, if it can be read so: the numbers of each
    /// example that are turned, and as many as registers that are filled in part cost.
    pub(super) fn cost_by_rows(&self, k: usize) -> Option<usize> {
        match &self.kernel {
            Kernel::Matmul { scalar, m, k: sum, over, summed, .. } => {
                let alone =
                    over.is_empty() && summed.is_empty() && !self.accumulates && self.lane == Lane::Examples;
                let unused = m.size.next_multiple_of(PADDING) - m.size;
                let cost = m.size + sum.size * unused / PADDING;
                (alone && k != *scalar && m.steps[scalar + 1] == 1).then_some(cost)
            }
            Kernel::LaneMatmul { columns, m, n, .. } => {
                let axis = if k == *columns { n } else { m };
                (m.size.min(n.size) > FEW && axis.steps[k + 1] == 1).then_some(0)
            }
            _ => None,
        }
    }

    /// Values without examples side by side: each of `parts` is a padding of one.
    pub(super) fn side_by_side(out: Place, parts: &[Line<'_>]) -> Instruction {
        let runs = |part: &Line<'_>| Run::join(row_table(&part.node, &part.storage));
        Instruction {
            outs: SmallVec::from_iter([Output { place: out, stride: 0 }]),
            operands: parts.iter().map(|part| part.operands[0]).collect(),
            offsets: parts.iter().map(|part| part.storage.offset(0)).collect(),
            strides: SmallVec::from_elem(0, parts.len()),
            lane: Lane::Fixed(1),
            accumulates: false,
            kernel: Kernel::Rows { runs: parts.iter().map(runs).collect(), zeros: Vec::new(), add: false },
        }
    }

    /// The instruction for a line that is neither elementwise nor an input nor a constant.
    pub(super) fn new(
        node: &Node,
        storage: &Storage,
        out: Place,
        operands: SmallVec<[Place; 4]>,
    ) -> Instruction {
        let layout = Layout::new(node, storage);
        let mut lane = layout.lane;
        let empty = node.extents.contains(&Extent::Fixed(0));
        let moves =
            matches!(node.op, Op::Slice(_) | Op::Pad(_) | Op::Gather(_) | Op::Scatter(_) | Op::Reshape);
        if (empty || moves) && lane != Lane::Examples {
            lane = Lane::Fixed(1);
        }
        let none = Kernel::Rows { runs: SmallVec::new(), zeros: Vec::new(), add: false };
        let kernel = match &node.op {
            // A sum over examples goes on from what is there.
            _ if empty && layout.lane == Lane::Examples && !layout.has_lane[0] => none,
            // Nothing is read, and a sum of nothing is zero.
            _ if empty => rows(node, storage, Vec::new(), false),
            Op::Contract(c) if layout.lane == Lane::Examples && !layout.has_lane[0] => {
                lane_sum(node, &layout, c.0)
            }
            Op::Contract(c) => contraction(node, &layout, c.0),
            _ if moves => rows(node, storage, row_table(node, storage), matches!(node.op, Op::Scatter(_))),
            // Elementwise lines are chains; what is given is not computed.
            _ => none,
        };
        let looped = |l: &Label| storage.rolled == Some(*l);
        let strides = (1..=node.operands.len()).map(|array| storage.stride(node, array)).collect();
        let accumulates = storage.rolled.is_some() && !node.out.iter().any(looped);
        let outs = SmallVec::from_iter([Output { place: out, stride: storage.stride(node, 0) }]);
        let offsets = (0..node.operands.len()).map(|operand| storage.offset(operand)).collect();
        Instruction { outs, operands, offsets, strides, lane, accumulates, kernel }
    }
}

fn contraction(node: &Node, layout: &Layout, alpha: f64) -> Kernel {
    let in_out = |l: Label| node.out.contains(&l);
    let operand_labels = || node.operands.iter().flat_map(|o| o.labels.iter().copied());
    let sparse = !all_distinct(&node.out);
    if let Some(kernel) = matmul(node, layout, alpha).filter(|_| !sparse) {
        return kernel;
    }
    let over = merged(&layout.axes(node.out.iter().copied(), |_| true));
    let summed = merged(&layout.axes(operand_labels(), |l| !in_out(l)));
    if let (&[k], true, true, false) = (&summed[..], layout.has_lane[1], layout.has_lane[2], sparse) {
        let longest = |moves: usize, stays: usize| {
            let alone = over.iter().filter(|axis| axis.steps[moves] != 0 && axis.steps[stays] == 0);
            alone.max_by_key(|axis| axis.size).copied()
        };
        let [m, n] = [longest(1, 2), longest(2, 1)];
        if m.or(n).is_some() {
            let over = over.into_iter().filter(|axis| Some(*axis) != m && Some(*axis) != n).collect();
            let [m, n] = [m, n].map(|axis| axis.unwrap_or(Axis::ONCE));
            return Kernel::Lanewise { alpha, m, k, n, over };
        }
    }
    Kernel::Product(Product { alpha, over, summed, rows: [layout.has_lane[1], layout.has_lane[2]], sparse })
}

/// A contraction of a value without the lane and one with it, over at least one common index.
fn matmul(node: &Node, layout: &Layout, alpha: f64) -> Option<Kernel> {
    let [a, b] = &node.operands[..] else { return None };
    let scalar = match (layout.has_lane[1], layout.has_lane[2]) {
        (false, true) => 0,
        (true, false) => 1,
        _ => return None,
    };
    let (matrix, lanes) = if scalar == 0 { (a, b) } else { (b, a) };
    let in_out = |l: Label| node.out.contains(&l);
    let all: Labels = node.out.iter().chain(&a.labels).chain(&b.labels).copied().collect();
    // The longest of each kind goes to the kernel, the rest to loops.
    let longest = |axes: Axes| axes.iter().copied().enumerate().max_by_key(|(_, x)| x.size);
    let mut m_axes = merged(
        &layout.axes(node.out.iter().copied(), |l| matrix.labels.contains(&l) && !lanes.labels.contains(&l)),
    );
    let mut k_axes = merged(&layout.axes(all.iter().copied(), |l| {
        matrix.labels.contains(&l) && lanes.labels.contains(&l) && !in_out(l)
    }));
    let (place, k) = longest(k_axes.clone())?;
    k_axes.remove(place);
    let m = longest(m_axes.clone()).map_or(Axis::ONCE, |(place, m)| {
        m_axes.remove(place);
        m
    });
    let rest = layout.axes(all.iter().copied(), |l| {
        in_out(l) && (lanes.labels.contains(&l) || !matrix.labels.contains(&l))
    });
    let alone = layout.axes(all, |l| !in_out(l) && (matrix.labels.contains(&l) != lanes.labels.contains(&l)));
    let over = m_axes.into_iter().chain(rest).collect::<Axes>();
    let summed = k_axes.into_iter().chain(alone).collect::<Axes>();
    Some(Kernel::Matmul { alpha, scalar, m, k, over: merged(&over), summed: merged(&summed) })
}

/// A contraction that sums over the examples.
fn lane_sum(node: &Node, layout: &Layout, alpha: f64) -> Kernel {
    let all: Labels =
        node.out.iter().copied().chain(node.operands.iter().flat_map(|o| o.labels.iter().copied())).collect();
    let in_out = |l: Label| node.out.contains(&l);
    let distinct = all_distinct(&node.out);
    let contiguous = node.out.last().copied();
    if let ([a, b], Some(last), true, true) =
        (&node.operands[..], contiguous, layout.has_lane[1] && layout.has_lane[2], distinct)
    {
        let columns = usize::from(b.labels.contains(&last));
        let (rows_of, columns_of) = if columns == 1 { (a, b) } else { (b, a) };
        let n = layout.axes([last], |l| columns_of.labels.contains(&l) && !rows_of.labels.contains(&l));
        let m = layout.axes(node.out.iter().copied(), |l| {
            rows_of.labels.contains(&l) && !columns_of.labels.contains(&l)
        });
        if let (&[n], Some(&m)) = (&n[..], m.iter().max_by_key(|m| m.size))
            && n.steps[0] == 1
        {
            let others = layout.axes(all.iter().copied(), |_| true);
            let over = others.into_iter().filter(|x| *x != m && *x != n).collect();
            return Kernel::LaneMatmul { alpha, columns, m, n, over };
        }
    }
    let over = merged(&layout.axes(node.out.iter().copied(), |_| true));
    let summed = merged(&layout.axes(all, |l| !in_out(l)));
    Kernel::LaneSum(Product {
        alpha,
        over,
        summed,
        rows: [layout.has_lane[1], layout.has_lane[2]],
        sparse: !distinct,
    })
}

/// A copy of rows; those that nothing is copied to, and those that are added to, begin as zero.
fn rows(node: &Node, storage: &Storage, table: Vec<(u32, u32)>, add: bool) -> Kernel {
    let sizes: Vec<usize> = node.out.iter().map(|&l| storage.looped_size(node, l)).collect();
    let steps = storage.steps(node, 0);
    let place = |number: usize| {
        let index = unflatten(number, &sizes);
        steps.iter().zip(&index).map(|((_, step), i)| step * i).sum::<usize>() as u32
    };
    let written: HashSet<u32> = table.iter().filter(|_| !add).map(|row| row.0).collect();
    let zeros = (0..sizes.iter().product()).map(place).filter(|row| !written.contains(row));
    let zeros = Run::join(zeros.map(|row| (row, row)));
    Kernel::Rows { runs: SmallVec::from_iter([Run::join(table)]), zeros, add }
}

/// Which row of the operand each row of the result is, for the operations on local indices.
pub(super) fn row_table(node: &Node, storage: &Storage) -> Vec<(u32, u32)> {
    let (from, to) = node.local_labels();
    let size = |l: Label| storage.looped_size(node, l);
    let outside: Labels = node.out.iter().copied().filter(|l| !to.contains(l)).collect();
    let (sizes, count) = (
        |ls: &[Label]| ls.iter().map(|&l| size(l)).collect::<Vec<_>>(),
        |ls: &[Label]| ls.iter().map(|&l| size(l)).product::<usize>(),
    );
    let steps = [0, 1].map(|array| storage.steps(node, array));
    let place = |array: usize, value: &dyn Fn(Label) -> usize| {
        steps[array].iter().map(|&(label, step)| step * value(label)).sum::<usize>() as u32
    };
    let pairs: Vec<(usize, usize)> = match &node.op {
        Op::Slice(start) => (0..count(&to)).map(|j| (j, j + start)).collect(),
        Op::Pad(start) => (0..count(&from)).map(|i| (i + start, i)).collect(),
        Op::Gather(indices) => indices.iter().copied().enumerate().collect(),
        Op::Scatter(indices) => indices.iter().enumerate().map(|(i, &j)| (j, i)).collect(),
        _ => (0..count(&to)).map(|j| (j, j)).collect(),
    };
    let mut table = Vec::with_capacity(pairs.len() * count(&outside));
    for rest in 0..count(&outside) {
        let rest = unflatten(rest, &sizes(&outside));
        for &(j, i) in &pairs {
            let (j, i) = (unflatten(j, &sizes(&to)), unflatten(i, &sizes(&from)));
            let value = |l: Label| {
                let find = |labels: &Labels, values: &[usize]| {
                    labels.iter().position(|&m| m == l).map(|p| values[p])
                };
                find(&outside, &rest).or_else(|| find(&to, &j)).or_else(|| find(&from, &i)).unwrap_or(0)
            };
            table.push((place(0, &value), place(1, &value)));
        }
    }
    table
}

fn unflatten(mut at: usize, sizes: &[usize]) -> Vec<usize> {
    let mut index = vec![0; sizes.len()];
    for (i, &n) in index.iter_mut().zip(sizes).rev() {
        *i = at % n.max(1);
        at /= n.max(1);
    }
    index
}
