//! The list of what reverse mode has computed, and the way back through it.

use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::panic::Location;
use core::sync::atomic::{AtomicU32, Ordering};

use super::{Scalar, absolute};
use crate::error::{Error, Result};

/// One number that was computed: the places of its operands and the slopes along them.
///
/// A number of one operand names itself as the second, with slope 0, and a variable names itself as both, with slope 1
/// and 0: so the way back has no branches.
#[derive(Clone, Copy, Debug)]
struct Node<T> {
    slopes: [T; 2],
    operands: [u32; 2],
}

/// What was computed with a number that does not belong to the list.
#[derive(Clone, Copy)]
struct Fault {
    what: &'static str,
    place: &'static Location<'static>,
}

/// The generation of constants, which belong to no list.
pub(super) const CONSTANT: u32 = 0;
/// The generation of what came of a fault, and of a list that is not recording.
pub(super) const STALE: u32 = 1;
const IDLE: u32 = 2;

/// A generation that no other recording of this process has (the count comes round after 2^32 of them).
fn next_generation() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(IDLE + 1);
    loop {
        let generation = NEXT.fetch_add(1, Ordering::Relaxed);
        if generation > IDLE {
            return generation;
        }
    }
}

/// The numbers of one recording in the order they were computed, 24 bytes each with `f64`, and 8 for its cotangent.
pub struct List<T = f64> {
    generation: Cell<u32>,
    /// How many variables come first: the way back ends there.
    leading: Cell<usize>,
    fault: Cell<Option<Fault>>,
    buffers: RefCell<Buffers<T>>,
}

/// The memory of a list, which outlives it.
pub(super) struct Buffers<T> {
    nodes: Vec<Node<T>>,
    /// Variables made after other numbers.
    late: Vec<u32>,
    /// As long as some list was, and zero between passes.
    cotangents: Vec<T>,
}

impl<T> Buffers<T> {
    pub(super) const fn new() -> Self {
        Buffers { nodes: Vec::new(), late: Vec::new(), cotangents: Vec::new() }
    }
}

/// A recording that was interrupted by another one.
pub(super) struct Suspended<T> {
    generation: u32,
    leading: usize,
    fault: Option<Fault>,
    buffers: Buffers<T>,
}

impl<T> Suspended<T> {
    pub(super) fn into_buffers(self) -> Buffers<T> {
        self.buffers
    }
}

impl<T: Scalar> List<T> {
    /// A list that records nothing.
    pub(super) const fn idle() -> Self {
        List {
            generation: Cell::new(IDLE),
            leading: Cell::new(0),
            fault: Cell::new(None),
            buffers: RefCell::new(Buffers::new()),
        }
    }

    /// Begins a recording in the given memory and returns what it interrupts.
    pub(super) fn begin(&self, mut buffers: Buffers<T>) -> Suspended<T> {
        buffers.nodes.clear();
        buffers.late.clear();
        self.resume(Suspended { generation: next_generation(), leading: 0, fault: None, buffers })
    }

    /// Goes on with a recording and returns the one it ends.
    pub(super) fn resume(&self, earlier: Suspended<T>) -> Suspended<T> {
        Suspended {
            generation: self.generation.replace(earlier.generation),
            leading: self.leading.replace(earlier.leading),
            fault: self.fault.replace(earlier.fault),
            buffers: self.buffers.replace(earlier.buffers),
        }
    }

    /// How many numbers it holds.
    pub fn len(&self) -> usize {
        self.buffers.borrow().nodes.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline(always)]
    pub(super) fn generation(&self) -> u32 {
        self.generation.get()
    }

    /// A new variable's place.
    pub(super) fn leaf(&self) -> u32 {
        let place = self.len();
        let itself = place as u32;
        if place == self.leading.get() {
            self.leading.set(place + 1);
        } else {
            self.buffers.borrow_mut().late.push(itself);
        }
        self.push([T::one(), T::zero()], [itself; 2])
    }

    /// The place of a number of one operand.
    #[inline(always)]
    pub(super) fn push1(&self, slope: T, operand: u32) -> u32 {
        // The place of the new node is only known once it is there.
        self.push_with(|itself| Node { slopes: [slope, T::zero()], operands: [operand, itself] })
    }

    #[inline(always)]
    pub(super) fn push(&self, slopes: [T; 2], operands: [u32; 2]) -> u32 {
        self.push_with(|_| Node { slopes, operands })
    }

    #[inline(always)]
    fn push_with(&self, node: impl FnOnce(u32) -> Node<T>) -> u32 {
        let mut buffers = self.buffers.borrow_mut();
        let place = buffers.nodes.len();
        if place == buffers.nodes.capacity() {
            grow(&mut buffers.nodes);
        }
        buffers.nodes.push(node(place as u32));
        place as u32
    }

    /// Notes the first use of a number that is not of this list.
    #[cold]
    #[inline(never)]
    pub(super) fn fault(&self, what: &'static str, place: &'static Location<'static>) {
        if self.generation.get() != IDLE && self.fault.get().is_none() {
            self.fault.set(Some(Fault { what, place }));
        }
    }

    /// # Errors
    /// The first use of a number that is not of this list.
    pub(super) fn check(&self) -> Result<()> {
        self.fault.get().map_or(Ok(()), |Fault { what, place }| Err(foreign(what).at(place)))
    }

    /// Adds up the cotangents of all numbers for those of some, lets `read` look at them, and clears them.
    pub(super) fn sweep<R>(&self, seeds: &[(u32, T)], read: impl FnOnce(&[T]) -> R) -> R {
        let mut buffers = self.buffers.borrow_mut();
        let Buffers { nodes, late, cotangents } = &mut *buffers;
        if cotangents.len() < nodes.len() {
            cotangents.resize(nodes.len(), T::zero());
        }
        let cotangents = &mut cotangents[..nodes.len()];
        let mut end = 0;
        for &(place, cotangent) in seeds {
            cotangents[place as usize] += cotangent;
            end = end.max(place as usize + 1);
        }
        let leading = self.leading.get();
        back(nodes.get(leading..end).unwrap_or_default(), leading, cotangents);
        let result = read(cotangents);
        cotangents[..leading].fill(T::zero());
        late.iter().for_each(|&place| cotangents[place as usize] = T::zero());
        result
    }
}

/// The way back through `nodes`, whose first has place `first`. Leaves zeros behind, but for variables.
fn back<T: Scalar>(nodes: &[Node<T>], first: usize, cotangents: &mut [T]) {
    for (k, node) in nodes.iter().enumerate().rev() {
        let y_bar = core::mem::replace(&mut cotangents[first + k], T::zero());
        let [a, b] = node.operands.map(|place| place as usize);
        let [p, q] = node.slopes;
        let (mut p_bar, mut q_bar) = (p * y_bar, q * y_bar);
        if (p_bar + q_bar).is_nan() {
            (p_bar, q_bar) = (absolute(p, y_bar), absolute(q, y_bar));
        }
        cotangents[a] += p_bar;
        cotangents[b] += q_bar;
    }
}

#[cold]
#[inline(never)]
fn grow<T>(nodes: &mut Vec<Node<T>>) {
    let more = nodes.len().max(1 << 10);
    // Places are 32 bits wide.
    assert!(nodes.len() + more <= 1 << 32, "a recording of more than 2^32 numbers");
    nodes.reserve_exact(more);
}

/// What is wrong with a number of another recording.
pub(super) fn foreign(what: &str) -> Error {
    Error::new(alloc::format!(
        "`{what}` was given a Var of another recording: of one that has ended, of another thread, or of one around this one (nest derivatives by types, such as Var<Var> or Dual<Var>)"
    ))
}
