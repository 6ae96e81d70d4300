//! Blocks to and from rows of a batch.

use super::Program;
use super::runtime::{Binding, Workspace};
use super::shared::Shared;
use crate::kernels::{self, Element, Rows, RowsMut};

impl<T: Element> Program<T> {
    /// Writes input `k` of the first examples of a block: `rows`, one after another, row-major. Nothing if the input is
    /// shared.
    ///
    /// # Panics
    /// Where there is no input `k`, or there are more rows than the workspace has places.
    pub fn write_rows(&self, workspace: &mut Workspace<T>, k: usize, rows: &[T]) {
        let (n, stride) = (self.inputs[k].size(), workspace.stride());
        let dst = self.input_mut(workspace, k);
        if !dst.is_empty() {
            let src = Rows { data: rows, stride: n };
            kernels::transpose([rows.len() / n, n], src, RowsMut { data: dst, stride });
        }
    }

    /// Reads output `k` of the first examples of a block into `rows`, as [`Program::write_rows`] has them. Nothing if
    /// examples do not have their own.
    ///
    /// # Panics
    /// Where there is no output `k`, or there are more rows than the workspace has places.
    pub fn read_rows(&self, binding: &Binding<T>, workspace: &Workspace<T>, k: usize, rows: &mut [T]) {
        self.read_rows_with(binding.shared(), workspace, k, rows);
    }

    pub(super) fn read_rows_with(
        &self,
        shared: Shared<'_, T>,
        workspace: &Workspace<T>,
        k: usize,
        rows: &mut [T],
    ) {
        if self.outputs[k].has_example() {
            let lanes = self.output_with(shared, workspace, k);
            lanes_to_rows(lanes, workspace.stride(), rows, self.outputs[k].size());
        }
    }
}

/// Examples side by side, `stride` from one element to the next, as rows of `n` elements each.
///
/// # Panics
/// Where there are more rows than lanes.
pub fn lanes_to_rows<T: Element>(lanes: &[T], stride: usize, rows: &mut [T], n: usize) {
    if n > 0 {
        let shape = [n, rows.len() / n];
        kernels::transpose(shape, Rows { data: lanes, stride }, RowsMut { data: rows, stride: n });
    }
}
