//! Memory that begins at a cache line, so that no vector of a row lies across two.

use std::ops::{Deref, DerefMut};

/// Bytes of a cache line, and of the widest vector.
const LINE: usize = 64;

/// Numbers that begin at a cache line. The length is fixed.
#[derive(Debug, Default)]
pub(super) struct Aligned<T> {
    data: Vec<T>,
    start: usize,
    length: usize,
}

impl<T: Copy + Default> Aligned<T> {
    /// `length` zeros.
    pub(super) fn new(length: usize) -> Self {
        let data = vec![T::default(); length + LINE / size_of::<T>()];
        // An allocation stays where it is for as long as the vector is not grown.
        let start = data.as_ptr().align_offset(LINE).min(data.len() - length);
        Aligned { data, start, length }
    }
}

impl<T> Deref for Aligned<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.data[self.start..self.start + self.length]
    }
}

impl<T> DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.data[self.start..self.start + self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn begins_at_a_line_wherever_it_is_moved() {
        for length in [0, 1, 15, 16, 1000] {
            let mut rows = Aligned::<f32>::new(length);
            rows.fill(3.0);
            let moved = std::mem::take(&mut rows);
            assert_eq!(moved.as_ptr().align_offset(LINE), 0);
            assert_eq!(moved[..], vec![3.0; length]);
            assert!(rows.is_empty());
        }
    }
}
