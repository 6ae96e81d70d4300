//! Operations along axes: ranges, padding, gathering, joining, new shapes.

use std::ops::Range;
use std::panic::Location;

use smallvec::SmallVec;

use super::{EXAMPLE, Tracer};
use crate::tape::term::{extents, set_extents};
use crate::tape::{Extent, Label, Op, check_shape};

impl Tracer {
    /// An operation on one axis, which gets the length `length`.
    fn along(&self, axis: usize, op: Op, length: usize) -> Tracer {
        let term = self.aligned_right();
        let rank = self.shape().len();
        let (from, to) = ((rank - axis) as Label, rank as Label + 1);
        let out = term.operand.labels.iter().map(|&l| if l == from { to } else { l }).collect();
        let mut table = extents(&[&term]);
        set_extents(&mut table, &[(to, Extent::Fixed(length))]);
        Tracer::new(&self.builder, self.builder.borrow_mut().structural(op, term.operand, &out, &table))
    }

    /// A range of one axis.
    #[track_caller]
    #[must_use]
    pub fn slice(&self, axis: usize, range: Range<usize>) -> Tracer {
        match self.shape().get(axis) {
            Some(&n) if range.start <= range.end && range.end <= n => {
                if range.len() == n {
                    self.clone()
                } else {
                    self.along(axis, Op::Slice(range.start), range.len())
                }
            }
            _ => {
                let message = format!("slice: range {range:?} of axis {axis} of shape {:?}", self.shape());
                self.refuse(Location::caller(), message)
            }
        }
    }

    /// Element `index` of one axis, which disappears.
    #[track_caller]
    #[must_use]
    pub fn at(&self, axis: usize, index: usize) -> Tracer {
        match self.shape().get(axis) {
            Some(&n) if index < n => self.slice(axis, index..index + 1).sum_axis(axis),
            _ => {
                let message = format!("at: element {index} of axis {axis} of shape {:?}", self.shape());
                self.refuse(Location::caller(), message)
            }
        }
    }

    /// Zeros around one axis: the value stands at `start..` of an axis of length `length`.
    #[track_caller]
    #[must_use]
    pub fn pad(&self, axis: usize, start: usize, length: usize) -> Tracer {
        match self.shape().get(axis) {
            Some(&n) if start.checked_add(n).is_some_and(|end| end <= length) => {
                if n == length {
                    self.clone()
                } else {
                    self.along(axis, Op::Pad(start), length)
                }
            }
            _ => {
                let message =
                    format!("pad: axis {axis} of shape {:?} to {start}.. of {length}", self.shape());
                self.refuse(Location::caller(), message)
            }
        }
    }

    /// `y[j] = x[indices[j]]` along one axis.
    #[track_caller]
    #[must_use]
    pub fn gather(&self, axis: usize, indices: &[usize]) -> Tracer {
        match self.shape().get(axis) {
            Some(&n) if indices.iter().all(|&i| i < n) => {
                self.along(axis, Op::Gather(indices.into()), indices.len())
            }
            _ => {
                let message =
                    format!("gather: indices {indices:?} of axis {axis} of shape {:?}", self.shape());
                self.refuse(Location::caller(), message)
            }
        }
    }

    /// Values joined along one axis; their other axes are equal.
    #[track_caller]
    #[must_use]
    pub fn concat(&self, others: &[&Tracer], axis: usize) -> Tracer {
        let place = Location::caller();
        let all: Vec<&Tracer> = std::iter::once(self).chain(others.iter().copied()).collect();
        if let Some(void) = all.iter().find(|t| t.void) {
            return (*void).clone();
        }
        if let Err(error) = others.iter().try_for_each(|t| self.check_together(t, "concat", place)) {
            return Tracer::note(&self.builder, error);
        }
        let shapes: Vec<Vec<usize>> = all.iter().map(|t| t.shape()).collect();
        let beside = |s: &Vec<usize>| {
            s.iter().enumerate().filter(|&(k, _)| k != axis).map(|(_, &n)| n).collect::<Vec<_>>()
        };
        if shapes.iter().any(|s| axis >= s.len() || beside(s) != beside(&shapes[0])) {
            return self.refuse(place, format!("concat: shapes {shapes:?} do not join along axis {axis}"));
        }
        let length = shapes.iter().fold(0, |length: usize, s| length.saturating_add(s[axis]));
        let mut start = 0;
        let pad = |(t, s): (&&Tracer, &Vec<usize>)| {
            let part = t.pad(axis, start, length);
            start += s[axis];
            part
        };
        let parts: Vec<Tracer> = all.iter().zip(&shapes).map(pad).collect();
        // One sum of all of them, since that is what programs write part by part.
        let terms: Vec<(f64, &Tracer)> = parts.iter().map(|part| (1.0, part)).collect();
        Tracer::linear_combination(&terms).unwrap_or_else(|| self.clone())
    }

    /// The same elements, counted row-major, in another shape.
    #[track_caller]
    #[must_use]
    pub fn reshape(&self, shape: &[usize]) -> Tracer {
        if let Err(error) = check_shape(shape) {
            return Tracer::note(&self.builder, error.at(Location::caller()));
        }
        let own = self.shape();
        if own.iter().product::<usize>() != shape.iter().product::<usize>() {
            let message = format!("reshape: shape {own:?} does not have as many elements as {shape:?}");
            return self.refuse(Location::caller(), message);
        }
        if own == shape || self.void {
            return self.clone();
        }
        let term = self.aligned_right();
        let gap = own.len() as Label;
        let axes = (1..=shape.len() as Label).map(|k| gap + k);
        let mut table = extents(&[&term]);
        let new: SmallVec<[(Label, Extent); 4]> =
            axes.clone().zip(shape.iter().map(|&n| Extent::Fixed(n))).collect();
        set_extents(&mut table, &new);
        let out = self.has_example().then_some(EXAMPLE).into_iter().chain(axes).collect();
        Tracer::new(
            &self.builder,
            self.builder.borrow_mut().structural(Op::Reshape, term.operand, &out, &table),
        )
    }
}
