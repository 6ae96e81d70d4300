//! The inner loops: elementwise functions, contractions and transposition over lanes.

#![allow(
    clippy::inline_always,
    reason = "code of an instruction level must be inlined into the function that enables it"
)]

mod aligned;
mod area;
mod chain;
mod element;
mod elementwise;
mod exp;
mod lanes;
mod lanewise;
mod log;
mod matmul;
mod real;
mod simd;
#[cfg(test)]
mod tests;
mod transpose;
mod trig;

pub(crate) use aligned::Aligned;
pub(crate) use chain::{
    Argument, Arithmetic, Chain, ChainAxis, ChainRun, Function, LONGEST, Link, OPERANDS, StripScratch, chain,
};
pub use element::Element;
pub(crate) use lanes::{dot_lanes, multiply, scale, sums_over_lanes};
pub(crate) use lanewise::matmul_lanewise;
pub(crate) use matmul::{FEW, Old, matmul, matmul_lanes};
pub(crate) use transpose::transpose;

/// The most examples that one block of a program holds.
pub const BLOCK: usize = 128;

/// A matrix with any strides: entry `(i, j)` is `data[i * row_stride + j * col_stride]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strided<D> {
    /// The elements.
    pub(crate) data: D,
    /// Elements from one row to the next.
    pub(crate) row_stride: usize,
    /// Elements from one column to the next.
    pub(crate) col_stride: usize,
}

impl<D> Strided<D> {
    /// Where entry `(i, j)` is.
    fn place(&self, [i, j]: [usize; 2]) -> usize {
        i * self.row_stride + j * self.col_stride
    }

    /// Its columns as rows.
    fn turned(self) -> Self {
        Strided { data: self.data, row_stride: self.col_stride, col_stride: self.row_stride }
    }
}

/// A matrix whose rows are contiguous: row `i` begins at `data[i * stride]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows<'a, T> {
    /// The elements.
    pub(crate) data: &'a [T],
    /// Elements from one row to the next.
    pub(crate) stride: usize,
}

impl<'a, T> Strided<&'a [T]> {
    /// Its rows, whose entries follow each other.
    fn rows(self) -> Rows<'a, T> {
        Rows { data: self.data, stride: self.row_stride }
    }
}

impl<'a, T> Rows<'a, T> {
    /// One row, again and again.
    fn again(&self, row: usize) -> Rows<'a, T> {
        Rows { data: &self.data[row * self.stride..], stride: 0 }
    }
}

/// As [`Rows`], to be written.
#[derive(Debug)]
pub(crate) struct RowsMut<'a, T> {
    /// The elements.
    pub(crate) data: &'a mut [T],
    /// Elements from one row to the next.
    pub(crate) stride: usize,
}
