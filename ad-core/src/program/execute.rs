//! Runs one instruction: its loops around its kernel.

use smallvec::SmallVec;

use super::examples::{Examples, Lent};
use super::instruction::{Instruction, Kernel, Place, Product, Run as RowRun};
use super::nest::{Axes, Axis, Lane, Offsets, for_each};
use super::numbers;
use super::shared::Shared;
use crate::kernels::{self, Aligned, ChainRun, Element, OPERANDS, Old, Rows, RowsMut, Strided, StripScratch};

/// Examples are processed in whole vectors: rows are padded to this many.
pub(super) const PADDING: usize = 16;

/// All values that an instruction can read, and what is known of the examples.
pub(super) struct Memory<'a, T> {
    pub(super) shared: Shared<'a, T>,
    pub(super) block: &'a [Aligned<T>],
    pub(super) late: &'a [Aligned<T>],
    pub(super) examples: Examples<'a, T>,
}

impl<'a, T: Copy> Memory<'a, T> {
    /// Operand `k` of an instruction, from element `first` of each example on, where the caller has it, if it can be read
    /// there.
    fn lent(&self, instruction: &Instruction, k: usize, first: usize) -> Option<Lent<'a, T>> {
        let lent = self.examples.lent(instruction.operands[k])?;
        instruction.cost_by_rows(k)?;
        let rows = Rows { data: &lent.rows.data[first..], ..lent.rows };
        Some(Lent { rows, ..lent })
    }
}

/// Memory for transposed and packed operands of products, and between the links of chains.
#[derive(Clone, Debug, Default)]
pub(super) struct Scratch<T> {
    rows: Aligned<T>,
    packed: Aligned<T>,
    strips: StripScratch<T>,
}

type Operands<'a, T> = SmallVec<[&'a [T]; OPERANDS]>;

/// Collects where the result stays: it is large, there is one for each instruction, and to move it costs as much as a
/// small instruction.
macro_rules! collect {
    (let $all:ident: $kind:ty = $values:expr) => {
        let mut $all: $kind = SmallVec::new();
        for value in $values {
            $all.push(value);
        }
    };
}
pub(super) use collect;

/// An instruction with its operands found.
struct Run<'a, T> {
    operands: &'a [&'a [T]],
    /// Elements per row step for values that have the lane.
    scale: usize,
    lanes: usize,
    examples: usize,
    /// Sums go on from what the iteration before left.
    goes_on: bool,
}

/// Runs one iteration of an instruction; outside a loop there is one.
pub(super) fn run<T: Element>(
    instruction: &Instruction,
    iteration: usize,
    memory: &Memory<'_, T>,
    ys: &mut [&mut [T]],
    scratch: &mut Scratch<T>,
) {
    let first = |k: usize| instruction.offsets[k] + iteration * instruction.strides[k];
    let find = |k: usize| {
        let row = first(k);
        match instruction.operands[k] {
            Place::Given(k) => &memory.shared.given.get(k)[row..],
            Place::Shared(k) => &memory.shared.values[k][row..],
            Place::Block(k) => &memory.block[k][row * memory.examples.stride..],
            Place::Late(k) => &memory.late[k][row..],
        }
    };
    let (scale, lanes) = match instruction.lane {
        Lane::Examples => (memory.examples.stride, memory.examples.stride),
        Lane::Fixed(n) => (1, n),
    };
    collect!(let operands: Operands<'_, T> = (0..instruction.operands.len()).map(find));
    let goes_on = instruction.accumulates && iteration > 0;
    let run = Run { operands: &operands, scale, lanes, examples: memory.examples.count, goes_on };
    let lent = |k: usize| memory.lent(instruction, k, first(k));
    match &instruction.kernel {
        Kernel::Chain(chain) => kernels::chain(ChainRun {
            chain,
            reads: run.operands,
            writes: ys,
            scratch: &mut scratch.strips,
            lanes,
            scale,
            goes_on: iteration > 0,
        }),
        Kernel::Product(product) => run.product(product, ys[0], scratch),
        Kernel::Matmul { alpha, scalar, m, k, over, summed } => {
            let (alpha, axes) = (T::from_f64(*alpha), [*m, *k]);
            let by_rows = match lent(1 - scalar).filter(|lent| !lent.turned) {
                Some(Lent { rows, .. }) => {
                    Some(Strided { data: rows.data, row_stride: rows.stride, col_stride: 1 })
                }
                // A register for each of a few examples is less than one for all of them at each entry of the result.
                None => (2 * run.examples * m.size.div_ceil(PADDING) <= m.size)
                    .then(|| instruction.cost_by_rows(1 - scalar))
                    .flatten()
                    .map(|_| Strided { data: operands[1 - scalar], row_stride: 1, col_stride: scale }),
            };
            match by_rows {
                Some(rows) => run.matmul_by_rows(alpha, *scalar, axes, rows, ys[0], scratch),
                None => run.matmul(alpha, *scalar, axes, [over, summed], ys[0], &mut scratch.packed),
            }
        }
        Kernel::Lanewise { alpha, m, k, n, over } => {
            run.lanewise(T::from_f64(*alpha), [*m, *k, *n], over, ys[0]);
        }
        Kernel::LaneMatmul { alpha, columns, m, n, over } => {
            let lent = [0, 1].map(|k| lent(k).map(|lent| lent.rows));
            run.lane_matmul(T::from_f64(*alpha), *columns, [*m, *n], (over, lent), ys[0], scratch);
        }
        Kernel::LaneSum(product) => run.lane_sum(product, ys[0]),
        Kernel::Rows { runs, zeros, add } => run.rows(runs, zeros, *add, ys[0]),
        Kernel::Transposed { shape: [rows, columns], stride } => {
            let src = Rows { data: run.operands[0], stride: *stride };
            kernels::transpose([*rows, *columns], src, RowsMut { data: ys[0], stride: *rows });
        }
    }
}

impl<T: Element> Run<'_, T> {
    /// The loops left, and the length of a row, when the innermost loop walks rows that follow each other.
    fn slab<'a>(&self, over: &'a [Axis], rows: &[bool]) -> (&'a [Axis], usize) {
        if let Some((inner, outer)) = over.split_last() {
            let follows = |k: usize, row: bool| {
                if row { inner.steps[k] * self.scale == self.lanes } else { inner.steps[k] == 0 }
            };
            if follows(0, true) && rows.iter().enumerate().all(|(k, &row)| follows(k + 1, row)) {
                return (outer, inner.size * self.lanes);
            }
        }
        (over, self.lanes)
    }

    fn row(&self, k: usize, at: &Offsets, length: usize) -> &[T] {
        &self.operands[k][at[k + 1] * self.scale..][..length]
    }

    fn number(&self, k: usize, at: &Offsets) -> T {
        self.operands[k][at[k + 1]]
    }

    fn product(&self, product: &Product, y: &mut [T], scratch: &mut Scratch<T>) {
        let rows = &product.rows[..self.operands.len()];
        let alpha = T::from_f64(product.alpha);
        if product.sparse {
            y.fill(T::zero());
        }
        if self.lanes == 1 && !rows.contains(&true) {
            let one = [T::one()];
            let operand = |k: usize| self.operands.get(k).copied().unwrap_or(&one);
            return numbers::product(
                alpha,
                &product.over,
                &product.summed,
                [operand(0), operand(1)],
                y,
                [&mut scratch.rows, &mut scratch.packed],
            );
        }
        if let (&[sum], &([true, true] | [true])) = (&product.summed[..], rows) {
            let stride = |k: usize| sum.steps[k] * self.scale;
            return for_each(&product.over, [0; 4], &mut |at| {
                let operand = |k: usize| Rows {
                    data: &self.operands[k][at[k + 1] * self.scale..],
                    stride: stride(k + 1),
                };
                let y = &mut y[at[0] * self.scale..][..self.lanes];
                let second = (rows.len() == 2).then(|| operand(1));
                kernels::dot_lanes(sum.size, alpha, operand(0), second, y, self.goes_on);
            });
        }
        let (over, length) = if product.summed.is_empty() {
            self.slab(&product.over, rows)
        } else {
            (&product.over[..], self.lanes)
        };
        for_each(over, [0; 4], &mut |at| {
            let y = &mut y[at[0] * self.scale..][..length];
            let mut begun = self.goes_on;
            for_each(&product.summed, at, &mut |at| {
                self.multiply(alpha, rows, &at, y, begun);
                begun = true;
            });
            if !begun {
                y.fill(T::zero());
            }
        });
    }

    /// `y (+)= alpha * (product of operands)`, each a row or a number.
    fn multiply(&self, alpha: T, rows: &[bool], at: &Offsets, y: &mut [T], accumulate: bool) {
        let length = y.len();
        match *rows {
            [true, true] => {
                kernels::multiply(alpha, self.row(0, at, length), self.row(1, at, length), y, accumulate);
            }
            [true] => kernels::scale(alpha, self.row(0, at, length), y, accumulate),
            [true, false] => {
                kernels::scale(alpha * self.number(1, at), self.row(0, at, length), y, accumulate);
            }
            [false, true] => {
                kernels::scale(alpha * self.number(0, at), self.row(1, at, length), y, accumulate);
            }
            _ => {
                let value = (0..rows.len()).fold(alpha, |value, k| value * self.number(k, at));
                spread(value, y, accumulate);
            }
        }
    }

    fn matmul(
        &self,
        alpha: T,
        scalar: usize,
        [m, k]: [Axis; 2],
        [over, summed]: [&Axes; 2],
        y: &mut [T],
        packed: &mut Aligned<T>,
    ) {
        let lanes = 1 - scalar;
        let mut rows = [true; 2];
        rows[scalar] = false;
        let (over, n) = self.slab(over, &rows);
        for_each(over, [0; 4], &mut |at| {
            let mut old = if self.goes_on { Old::GoesOn } else { Old::Dropped };
            for_each(summed, at, &mut |at| {
                let a = Strided {
                    data: &self.operands[scalar][at[scalar + 1]..],
                    row_stride: m.steps[scalar + 1],
                    col_stride: k.steps[scalar + 1],
                };
                let b = Rows {
                    data: &self.operands[lanes][at[lanes + 1] * self.scale..],
                    stride: k.steps[lanes + 1] * self.scale,
                };
                let c = RowsMut { data: &mut y[at[0] * self.scale..], stride: m.steps[0] * self.scale };
                kernels::matmul([m.size, k.size, n], alpha, a, b, c, old, packed);
                old = Old::GoesOn;
            });
        });
    }

    /// The same by rows of the operand, one for each example: the result is turned, not the operand.
    fn matmul_by_rows(
        &self,
        alpha: T,
        scalar: usize,
        [m, k]: [Axis; 2],
        rows: Strided<&[T]>,
        y: &mut [T],
        scratch: &mut Scratch<T>,
    ) {
        let (examples, m_size) = (self.examples, m.size);
        let product = scratch.rows.at_least(self.lanes * m_size);
        // Beside the examples are zeros: what an earlier line left there, subnormal perhaps, would slow those that compute on it.
        product[examples * m_size..].fill(T::zero());
        let a = Strided { col_stride: rows.col_stride * k.steps[2 - scalar], ..rows };
        let b = Rows { data: self.operands[scalar], stride: k.steps[scalar + 1] };
        let c = RowsMut { data: &mut *product, stride: m_size };
        kernels::matmul([examples, k.size, m_size], alpha, a, b, c, Old::Dropped, &mut scratch.packed);
        let c = RowsMut { data: y, stride: m.steps[0] * self.scale };
        kernels::transpose([self.lanes, m_size], Rows { data: product, stride: m_size }, c);
    }

    fn lanewise(&self, alpha: T, [m, k, n]: [Axis; 3], over: &Axes, y: &mut [T]) {
        for_each(over, [0; 4], &mut |at| {
            let operand = |operand: usize, [row, column]: [Axis; 2]| Strided {
                data: &self.operands[operand][at[operand + 1] * self.scale..],
                row_stride: row.steps[operand + 1] * self.scale,
                col_stride: column.steps[operand + 1] * self.scale,
            };
            let y = Strided {
                data: &mut y[at[0] * self.scale..],
                row_stride: m.steps[0] * self.scale,
                col_stride: n.steps[0] * self.scale,
            };
            let operands = [operand(0, [m, k]), operand(1, [k, n])];
            let shape = [m.size, k.size, n.size];
            kernels::matmul_lanewise(shape, self.lanes, alpha, operands, y, self.goes_on);
        });
    }

    fn lane_matmul(
        &self,
        alpha: T,
        columns: usize,
        [m, n]: [Axis; 2],
        (over, lent): (&Axes, [Option<Rows<'_, T>>; 2]),
        y: &mut [T],
        scratch: &mut Scratch<T>,
    ) {
        let rows = 1 - columns;
        for_each(over, [0; 4], &mut |at| {
            let operand = |k: usize, axis: Axis| {
                let (first, step) = (at[k + 1], axis.steps[k + 1]);
                match lent[k] {
                    Some(Rows { data, stride }) => {
                        Strided { data: &data[first..], row_stride: step, col_stride: stride }
                    }
                    None => Strided {
                        data: &self.operands[k][first * self.scale..],
                        row_stride: step * self.scale,
                        col_stride: 1,
                    },
                }
            };
            let g = RowsMut { data: &mut y[at[0]..], stride: m.steps[0] };
            let shape = [m.size, self.examples, n.size];
            let scratch = [&mut scratch.rows, &mut scratch.packed];
            kernels::matmul_lanes(shape, alpha, operand(rows, m), operand(columns, n), g, scratch);
        });
    }

    fn lane_sum(&self, product: &Product, y: &mut [T]) {
        let rows = &product.rows[..self.operands.len()];
        let n = self.examples;
        let (inner, outer) = product.over.split_last().unwrap_or((&Axis::ONCE, &[]));
        // Numbers are factors; without any row every example counts once.
        let mut lanes = (0..rows.len()).filter(|&k| rows[k]);
        let pair = [lanes.next(), lanes.next()];
        let numbers: SmallVec<[usize; 2]> = (0..rows.len()).filter(|&k| !rows[k]).collect();
        let in_kernel = pair[0].is_some() && numbers.iter().all(|&k| inner.steps[k + 1] == 0);
        let (over, count) = if in_kernel { (outer, inner.size) } else { (&product.over[..], 1) };
        for_each(over, [0; 4], &mut |at| {
            for_each(&product.summed, at, &mut |from| {
                let alpha =
                    numbers.iter().fold(T::from_f64(product.alpha), |c, &k| c * self.number(k, &from));
                let operand = |k: usize| Rows {
                    data: &self.operands[k][from[k + 1] * self.scale..],
                    stride: inner.steps[k + 1] * self.scale,
                };
                let y = &mut y[at[0]..];
                match pair.map(|k| k.map(operand)) {
                    [Some(a), b] => kernels::sums_over_lanes([count, n], alpha, a, b, y, inner.steps[0]),
                    [None, _] => y[0] = y[0] + alpha * T::from_f64(n as f64),
                }
            });
        });
    }

    fn rows(&self, runs: &[Vec<RowRun>], zeros: &[RowRun], add: bool, y: &mut [T]) {
        for run in zeros {
            y[run.to * self.scale..][..run.length * self.lanes].fill(T::zero());
        }
        for (operand, runs) in self.operands.iter().zip(runs) {
            for run in runs {
                let x = &operand[run.from * self.scale..][..run.length * self.lanes];
                let y = &mut y[run.to * self.scale..][..x.len()];
                if add { kernels::scale(T::one(), x, y, true) } else { y.copy_from_slice(x) }
            }
        }
    }
}

fn spread<T: Element>(value: T, y: &mut [T], accumulate: bool) {
    if accumulate {
        for y in y {
            *y = *y + value;
        }
    } else {
        y.fill(value);
    }
}
