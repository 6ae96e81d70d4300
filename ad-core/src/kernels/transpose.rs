//! Transposition.

use super::{Element, Rows, RowsMut};

/// `dst[j, i] = src[i, j]` for `shape = [rows, cols]` of `src`.
pub fn transpose<T: Element>([rows, cols]: [usize; 2], src: Rows<'_, T>, dst: RowsMut<'_, T>) {
    for i in 0..rows {
        for j in 0..cols {
            dst.data[j * dst.stride + i] = src.data[i * src.stride + j];
        }
    }
}
