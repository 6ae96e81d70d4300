//! Memory that begins at a cache line, so that no vector of a row lies across two: that costs twice the time.

use std::ops::{Deref, DerefMut};

/// Bytes of a cache line, and of the widest vector.
const LINE: usize = 64;

/// Numbers that begin at a cache line.
#[derive(Debug)]
pub(crate) struct Aligned<T> {
    data: Vec<T>,
    start: usize,
    length: usize,
}

impl<T: Copy + Default> Aligned<T> {
    /// `length` zeros.
    pub(crate) fn new(length: usize) -> Self {
        let data = vec![T::default(); length + LINE / size_of::<T>()];
        let start = first_line(&data, length);
        Aligned { data, start, length }
    }

    /// The numbers `values`.
    pub(crate) fn of(values: impl ExactSizeIterator<Item = T>) -> Self {
        let mut own = Aligned::new(values.len());
        own.iter_mut().zip(values).for_each(|(own, value)| *own = value);
        own
    }

    /// The first `length` of them, of which there may be more than before; what they were is lost then.
    pub(crate) fn at_least(&mut self, length: usize) -> &mut [T] {
        if self.length < length {
            *self = Aligned::new(length);
        }
        &mut self[..length]
    }
}

/// Where the first line begins that leaves room for `length` numbers. An allocation stays where it is for as long as the
/// vector is not grown.
fn first_line<T>(data: &[T], length: usize) -> usize {
    data.as_ptr().align_offset(LINE).min(data.len() - length)
}

impl<T> Default for Aligned<T> {
    fn default() -> Self {
        Aligned { data: Vec::new(), start: 0, length: 0 }
    }
}

impl<T: Clone> Clone for Aligned<T> {
    fn clone(&self) -> Self {
        let (mut data, length) = (self.data.clone(), self.length);
        let start = first_line(&data, length);
        if start < self.start {
            data.rotate_left(self.start - start);
        } else {
            data.rotate_right(start - self.start);
        }
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
            assert_eq!(rows.at_least(length).len(), length);
            rows.fill(3.0);
            assert_eq!(rows.at_least(length / 2), vec![3.0; length / 2]);
            // At least one of many is an allocation that begins elsewhere in a line.
            let others: Vec<Aligned<f32>> = (0..8).map(|_| moved.clone()).collect();
            for other in others {
                assert_eq!(other.as_ptr().align_offset(LINE), 0);
                assert_eq!(other[..], moved[..]);
            }
        }
    }
}
