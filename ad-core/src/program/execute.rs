//! Runs one instruction: its loops around its kernel.

use smallvec::SmallVec;

use super::aligned::Aligned;
use super::instruction::{Instruction, Kernel, Place, Pointwise, Product};
use super::nest::{Axes, Axis, Lane, Offsets, for_each};
use super::numbers;
use crate::elementary::{Binary, Unary};
use crate::kernels::{self, Element, Rows, RowsMut, Strided};

/// Examples are processed in whole vectors: rows are padded to this many.
pub(super) const PADDING: usize = 16;

/// All values that an instruction can read, and how many examples there are.
pub(super) struct Memory<'a, T> {
    pub(super) shared: &'a [Vec<T>],
    pub(super) block: &'a [Aligned<T>],
    pub(super) late: &'a [Vec<T>],
    pub(super) examples: usize,
    /// Elements from one row of examples to the next.
    pub(super) stride: usize,
}

/// Rows for numbers that a kernel wants as rows, and for transposed operands.
pub(super) type Scratch<T> = [Vec<T>; 3];

/// An instruction with its operands found.
struct Run<'a, T> {
    operands: SmallVec<[&'a [T]; 4]>,
    /// Elements per row step for values that have the lane.
    scale: usize,
    lanes: usize,
    examples: usize,
}

pub(super) fn run<T: Element>(
    instruction: &Instruction,
    memory: &Memory<'_, T>,
    y: &mut [T],
    scratch: &mut Scratch<T>,
) {
    let find = |place: &Place| match *place {
        Place::Shared(k) => &memory.shared[k][..],
        Place::Block(k) => &memory.block[k][..],
        Place::Late(k) => &memory.late[k][..],
    };
    let (scale, lanes) = match instruction.lane {
        Lane::Examples => (memory.stride, memory.stride),
        Lane::Fixed(n) => (1, n),
    };
    let operands = instruction.operands.iter().map(find).collect();
    let run = Run { operands, scale, lanes, examples: memory.examples };
    match &instruction.kernel {
        Kernel::Unary(f, point) => run.unary(*f, point, y),
        Kernel::UnaryInPlace(f) => kernels::unary_in_place(*f, y),
        Kernel::Binary(f, point) => run.binary(*f, point, y, scratch),
        Kernel::Select(point) => run.select(point, y, scratch),
        Kernel::Add(terms) => run.add(terms, y),
        Kernel::Product(product) => run.product(product, y),
        Kernel::Matmul { alpha, scalar, m, k, over, summed } => {
            run.matmul(T::from_f64(*alpha), *scalar, [*m, *k], over, summed, y);
        }
        Kernel::LaneMatmul { alpha, columns, m, n, over } => {
            run.lane_matmul(T::from_f64(*alpha), *columns, [*m, *n], over, y, scratch);
        }
        Kernel::LaneSum(product) => run.lane_sum(product, y, scratch),
        Kernel::Rows { table, add } => run.rows(table, *add, y),
    }
}

impl<T: Element> Run<'_, T> {
    /// Where the offset of operand `k` begins, in elements; `row` says whether it has the lane.
    fn start(&self, offset: usize, row: bool) -> usize {
        if row { offset * self.scale } else { offset }
    }

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

    /// Operand `k` as a row: its own, or `filler` filled with its number.
    fn row_or_filled<'a>(
        &'a self,
        k: usize,
        row: bool,
        at: &Offsets,
        length: usize,
        filler: &'a mut Vec<T>,
    ) -> &'a [T] {
        if row {
            return self.row(k, at, length);
        }
        if filler.len() < length {
            filler.resize(length, T::zero());
        }
        filler[..length].fill(self.number(k, at));
        &filler[..length]
    }

    fn unary(&self, f: Unary, point: &Pointwise, y: &mut [T]) {
        let (over, length) = self.slab(&point.over, &point.rows);
        for_each(over, [0; 4], &mut |at| {
            let y = &mut y[at[0] * self.scale..][..length];
            if point.rows[0] {
                kernels::unary(f, self.row(0, &at, length), y);
            } else {
                let mut value = [T::zero()];
                kernels::unary(f, &[self.number(0, &at)], &mut value);
                y.fill(value[0]);
            }
        });
    }

    fn binary(&self, f: Binary, point: &Pointwise, y: &mut [T], [first, second, _]: &mut Scratch<T>) {
        let (over, length) = self.slab(&point.over, &point.rows);
        for_each(over, [0; 4], &mut |at| {
            let a = self.row_or_filled(0, point.rows[0], &at, length, first);
            let b = self.row_or_filled(1, point.rows[1], &at, length, second);
            kernels::binary(f, a, b, &mut y[at[0] * self.scale..][..length]);
        });
    }

    fn select(&self, point: &Pointwise, y: &mut [T], [first, second, third]: &mut Scratch<T>) {
        let (over, length) = self.slab(&point.over, &point.rows);
        for_each(over, [0; 4], &mut |at| {
            let mask = self.row_or_filled(0, point.rows[0], &at, length, first);
            let a = self.row_or_filled(1, point.rows[1], &at, length, second);
            let b = self.row_or_filled(2, point.rows[2], &at, length, third);
            let y = &mut y[at[0] * self.scale..][..length];
            for (y, ((&mask, &a), &b)) in y.iter_mut().zip(mask.iter().zip(a).zip(b)) {
                *y = if mask == T::zero() { b } else { a };
            }
        });
    }

    /// Terms that walk as the first row of them does are added in one pass, in order; the others follow.
    fn add(&self, terms: &[(f64, Pointwise)], y: &mut [T]) {
        let together = terms.iter().find(|(_, p)| p.rows[0]).map(|(_, p)| p);
        let is_together = |p: &Pointwise| together.is_some_and(|t| t.over == p.over && p.rows[0]);
        if let Some(point) = together {
            let (over, length) = self.slab(&point.over, &point.rows);
            let joined = || terms.iter().enumerate().filter(|(_, (_, p))| is_together(p));
            let coefficients: SmallVec<[T; 8]> = joined().map(|(_, (c, _))| T::from_f64(*c)).collect();
            for_each(over, [0; 4], &mut |at| {
                let start = at[1] * self.scale;
                let rows: SmallVec<[&[T]; 8]> =
                    joined().map(|(k, _)| &self.operands[k][start..][..length]).collect();
                kernels::linear_combination(&coefficients, &rows, &mut y[at[0] * self.scale..][..length]);
            });
        }
        let mut begun = together.is_some();
        for (k, (c, point)) in terms.iter().enumerate().filter(|(_, (_, p))| !is_together(p)) {
            self.add_term(T::from_f64(*c), k, point, begun, y);
            begun = true;
        }
    }

    fn add_term(&self, c: T, k: usize, point: &Pointwise, accumulate: bool, y: &mut [T]) {
        let (over, length) = self.slab(&point.over, &point.rows);
        for_each(over, [0; 4], &mut |at| {
            let y = &mut y[at[0] * self.scale..][..length];
            if point.rows[0] {
                kernels::scale(c, &self.operands[k][at[1] * self.scale..][..length], y, accumulate);
            } else {
                spread(c * self.operands[k][at[1]], y, accumulate);
            }
        });
    }

    fn product(&self, product: &Product, y: &mut [T]) {
        let rows = &product.rows[..self.operands.len()];
        let alpha = T::from_f64(product.alpha);
        if product.sparse {
            y.fill(T::zero());
        }
        if self.lanes == 1 && !rows.contains(&true) {
            let one = [T::one()];
            let operand = |k: usize| self.operands.get(k).copied().unwrap_or(&one);
            return numbers::product(alpha, &product.over, &product.summed, [operand(0), operand(1)], y);
        }
        if let (&[sum], &[true, true]) = (&product.summed[..], rows) {
            let stride = |k: usize| sum.steps[k] * self.scale;
            return for_each(&product.over, [0; 4], &mut |at| {
                let operand = |k: usize| Rows {
                    data: &self.operands[k][at[k + 1] * self.scale..],
                    stride: stride(k + 1),
                };
                let y = &mut y[at[0] * self.scale..][..self.lanes];
                kernels::dot_lanes(sum.size, alpha, operand(0), operand(1), y, false);
            });
        }
        let (over, length) = if product.summed.is_empty() {
            self.slab(&product.over, rows)
        } else {
            (&product.over[..], self.lanes)
        };
        for_each(over, [0; 4], &mut |at| {
            let y = &mut y[at[0] * self.scale..][..length];
            let mut begun = false;
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

    fn matmul(&self, alpha: T, scalar: usize, [m, k]: [Axis; 2], over: &Axes, summed: &Axes, y: &mut [T]) {
        let lanes = 1 - scalar;
        let mut rows = [true; 2];
        rows[scalar] = false;
        let (over, n) = self.slab(over, &rows);
        for_each(over, [0; 4], &mut |at| {
            let mut begun = false;
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
                kernels::matmul([m.size, k.size, n], alpha, a, b, c, begun);
                begun = true;
            });
        });
    }

    fn lane_matmul(
        &self,
        alpha: T,
        columns: usize,
        [m, n]: [Axis; 2],
        over: &Axes,
        y: &mut [T],
        scratch: &mut Scratch<T>,
    ) {
        let rows = 1 - columns;
        let [scratch, ..] = scratch;
        if scratch.len() < n.size * self.lanes {
            scratch.resize(n.size * self.lanes, T::zero());
        }
        for_each(over, [0; 4], &mut |at| {
            let operand = |k: usize, axis: Axis| Rows {
                data: &self.operands[k][at[k + 1] * self.scale..],
                stride: axis.steps[k + 1] * self.scale,
            };
            let g = RowsMut { data: &mut y[at[0]..], stride: m.steps[0] };
            let shape = [m.size, self.examples, n.size];
            kernels::matmul_lanes(shape, alpha, operand(rows, m), operand(columns, n), g, scratch);
        });
    }

    fn lane_sum(&self, product: &Product, y: &mut [T], [scratch, ..]: &mut Scratch<T>) {
        let rows = &product.rows[..self.operands.len()];
        let (alpha, n) = (T::from_f64(product.alpha), self.examples);
        if scratch.len() < n {
            scratch.resize(n, T::zero());
        }
        for_each(&product.over, [0; 4], &mut |at| {
            let start = at[0];
            for_each(&product.summed, at, &mut |at| {
                // Without a row every example counts once.
                let row = &mut scratch[..n];
                self.multiply(alpha, rows, &at, row, false);
                y[start] = y[start] + kernels::sum_lanes(row, n);
            });
        });
    }

    fn rows(&self, table: &[(u32, u32)], add: bool, y: &mut [T]) {
        // Rows that nothing is copied to are zero.
        y.fill(T::zero());
        for &(to, from) in table {
            let x = &self.operands[0][self.start(from as usize, true)..][..self.lanes];
            let y = &mut y[self.start(to as usize, true)..][..self.lanes];
            if add { kernels::scale(T::one(), x, y, true) } else { y.copy_from_slice(x) }
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
