//! The inner loops: elementwise functions, contractions and transposition over lanes.

mod element;
mod elementwise;
mod exp;
mod lanes;
mod log;
mod matmul;
mod real;
mod simd;
mod transpose;
mod trig;

pub use element::Element;
pub use elementwise::{binary, unary, unary_in_place};
pub use lanes::{dot_lanes, linear_combination, multiply, scale, sum_lanes};
pub use matmul::{matmul, matmul_lanes};
pub use transpose::transpose;

/// The most examples that one block of a program holds.
pub const BLOCK: usize = 64;

/// A matrix with any strides: entry `(i, j)` is `data[i * row_stride + j * col_stride]`.
#[derive(Clone, Copy, Debug)]
pub struct Strided<'a, T> {
    /// The elements.
    pub data: &'a [T],
    /// Elements from one row to the next.
    pub row_stride: usize,
    /// Elements from one column to the next.
    pub col_stride: usize,
}

/// A matrix whose rows are contiguous: row `i` begins at `data[i * stride]`.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a, T> {
    /// The elements.
    pub data: &'a [T],
    /// Elements from one row to the next.
    pub stride: usize,
}

/// As [`Rows`], to be written.
#[derive(Debug)]
pub struct RowsMut<'a, T> {
    /// The elements.
    pub data: &'a mut [T],
    /// Elements from one row to the next.
    pub stride: usize,
}
