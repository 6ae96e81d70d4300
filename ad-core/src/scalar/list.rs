//! The list of what reverse mode has computed, and the way back through it.

use alloc::{boxed::Box, vec, vec::Vec};
use core::cell::{Cell, RefCell};
use core::mem::ManuallyDrop;
use core::panic::Location;
use core::sync::atomic::{AtomicU32, Ordering};

use super::{Scalar, absolute};
use crate::error::{Error, Result};

/// One number that was computed: the places of its operands and the slopes along them.
///
/// A number of one operand names itself as the second, with slope 0, and a variable names itself as both: so the way
/// back has no branches.
#[derive(Clone, Copy, Debug)]
struct Node<T> {
    slopes: [T; 2],
    operands: [u32; 2],
}

/// What was computed with a number that does not belong to the list.
#[derive(Clone, Copy)]
struct Fault {
    what: &'static str,
    why: &'static str,
    place: &'static Location<'static>,
}

/// Where a number stands: a generation in the upper half, and a place in the list in the lower.
///
/// One word rather than two fields: written in halves and read whole, it would stall the processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "std"), expect(unreachable_pub, reason = "only `Recorded` shows it"))]
pub struct Tag(u64);

impl Tag {
    /// Of constants, which stand in no list.
    pub(super) const CONSTANT: Tag = Tag(0);
    /// Of what was computed from a number of another list.
    pub(super) const STALE: Tag = Tag(1 << 32);
    /// Of a list that is not recording, before its first place.
    pub(super) const IDLE: Tag = Tag(2 << 32);

    /// A generation that no other recording of this process has. Their count comes round after 2^32.
    fn new_generation() -> Tag {
        static NEXT: AtomicU32 = AtomicU32::new(3);
        loop {
            let generation = Tag(u64::from(NEXT.fetch_add(1, Ordering::Relaxed)) << 32);
            if generation.0 > Tag::IDLE.0 {
                return generation;
            }
        }
    }

    /// Whether both stand in the list that this is of.
    #[inline(always)]
    pub(super) fn has(self, a: Tag, b: Tag) -> bool {
        ((self.0 ^ a.0) | (self.0 ^ b.0)) >> 32 == 0
    }

    /// The place of `a` in the list that this is of, if it stands there.
    pub(super) fn place_of(self, a: Tag) -> Option<u32> {
        self.has(a, a).then_some(a.place())
    }

    #[inline(always)]
    pub(super) fn is_constant(self) -> bool {
        self == Tag::CONSTANT
    }

    #[inline(always)]
    pub(super) fn place(self) -> u32 {
        self.0 as u32
    }

    /// The tag `n` places behind.
    #[inline(always)]
    pub(super) fn behind(self, n: usize) -> Tag {
        Tag(self.0 + n as u64)
    }
}

/// How many numbers a block of memory holds.
const BLOCK: usize = 1024;

/// A block, which whoever owns it has to drop: reading and writing a cell of it then costs no check.
type Block<T> = ManuallyDrop<Box<[Node<T>; BLOCK]>>;

/// The numbers of one recording in the order they were computed, 24 bytes each with `f64`, and 8 for its cotangent.
///
/// A thread has one for [`Var`](crate::Var)s. One of your own is for [`VarIn`](crate::VarIn)s, where there are no threads.
pub struct List<T = f64> {
    /// The tag of the next number.
    next: Cell<Tag>,
    /// The block that is being filled; while a number is written, it is out of the cell. (A `RefCell` would do the same
    /// with a flag, which costs a third of the time.)
    block: Cell<Option<Block<T>>>,
    /// How many variables come first: the way back ends there.
    leading: Cell<usize>,
    fault: Cell<Option<Fault>>,
    memory: RefCell<Memory<T>>,
}

/// The memory of a list, which outlives it.
#[cfg_attr(not(feature = "std"), expect(unreachable_pub, reason = "only `Recorded` shows it"))]
pub struct Memory<T> {
    /// The full blocks, in order.
    blocks: Vec<Box<[Node<T>; BLOCK]>>,
    spare: Vec<Box<[Node<T>; BLOCK]>>,
    /// Variables made after other numbers.
    late: Vec<u32>,
    /// As long as some list was, and zero between passes.
    cotangents: Vec<T>,
}

impl<T> Memory<T> {
    pub(super) const fn new() -> Self {
        Memory { blocks: Vec::new(), spare: Vec::new(), late: Vec::new(), cotangents: Vec::new() }
    }
}

impl<T: Scalar> Memory<T> {
    fn block(&mut self) -> Block<T> {
        let fresh = || {
            let nodes = vec![Node { slopes: [T::zero(); 2], operands: [0; 2] }; BLOCK];
            nodes.into_boxed_slice().try_into().unwrap_or_else(|_| unreachable!("the lengths are equal"))
        };
        ManuallyDrop::new(self.spare.pop().unwrap_or_else(fresh))
    }
}

/// A recording that was interrupted by another one.
pub(super) struct Suspended<T> {
    next: Tag,
    block: Option<Block<T>>,
    leading: usize,
    fault: Option<Fault>,
    memory: Memory<T>,
}

impl<T> Suspended<T> {
    pub(super) fn into_memory(mut self) -> Memory<T> {
        self.memory.spare.extend(self.block.map(ManuallyDrop::into_inner));
        self.memory
    }
}

impl<T> Drop for List<T> {
    fn drop(&mut self) {
        drop(self.block.take().map(ManuallyDrop::into_inner));
    }
}

impl<T: Scalar> Default for List<T> {
    fn default() -> Self {
        List::new()
    }
}

impl<T: Scalar> List<T> {
    /// A list that records nothing.
    pub(super) const fn idle() -> Self {
        List {
            next: Cell::new(Tag::IDLE),
            block: Cell::new(None),
            leading: Cell::new(0),
            fault: Cell::new(None),
            memory: RefCell::new(Memory::new()),
        }
    }

    /// An empty list that records.
    pub fn new() -> Self {
        let list = List::idle();
        list.begin(Memory::new());
        list
    }

    /// Forgets all numbers and keeps the memory.
    pub fn clear(&mut self) {
        let nothing =
            Suspended { next: Tag::IDLE, block: None, leading: 0, fault: None, memory: Memory::new() };
        let ended = self.resume(nothing);
        self.begin(ended.into_memory());
    }

    /// Begins a recording in the given memory and returns what it interrupts.
    pub(super) fn begin(&self, mut memory: Memory<T>) -> Suspended<T> {
        // The way back ended at the first block, so that is the one in the cache: it comes first again.
        memory.spare.extend(memory.blocks.drain(..).rev());
        memory.late.clear();
        let block = Some(memory.block());
        self.resume(Suspended { next: Tag::new_generation(), block, leading: 0, fault: None, memory })
    }

    /// Goes on with a recording and returns the one it ends.
    pub(super) fn resume(&self, earlier: Suspended<T>) -> Suspended<T> {
        Suspended {
            next: self.next.replace(earlier.next),
            block: self.block.replace(earlier.block),
            leading: self.leading.replace(earlier.leading),
            fault: self.fault.replace(earlier.fault),
            memory: self.memory.replace(earlier.memory),
        }
    }

    /// How many numbers it holds.
    pub fn len(&self) -> usize {
        self.next.get().place() as usize
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The tag of the next number.
    #[inline(always)]
    pub(super) fn next(&self) -> Tag {
        self.next.get()
    }

    /// A new variable.
    pub(super) fn leaf(&self) -> Tag {
        let place = self.len();
        if place == self.leading.get() {
            self.leading.set(place + 1);
        } else {
            self.memory.borrow_mut().late.push(place as u32);
        }
        self.push1(T::zero(), place as u32).unwrap_or_else(|tag| self.store(tag))
    }

    /// The first of `count` new variables that follow each other.
    pub(super) fn leaves(&self, count: usize) -> Tag {
        let first = self.next.get();
        if first.place() as usize != self.leading.get() {
            (0..count).for_each(|_| _ = self.leaf());
            return first;
        }
        // The way back ends before them, so that there is nothing to write.
        self.leading.set(first.place() as usize + count);
        let mut left = count;
        while left > 0 {
            let place = self.len();
            let step = left.min(BLOCK - place % BLOCK);
            left -= step;
            let last = self.next.get().behind(step - 1);
            self.next.set(last.behind(1));
            if (place + step) % BLOCK == 0 {
                self.store(last);
            }
        }
        first
    }

    /// Adds a number of one operand. An error is its tag and a call to [`List::store`].
    #[inline(always)]
    pub(super) fn push1(&self, slope: T, operand: u32) -> core::result::Result<Tag, Tag> {
        let itself = self.next.get().place();
        self.push([slope, T::zero()], [operand, itself])
    }

    /// Adds a number of two operands. An error is its tag and a call to [`List::store`].
    #[inline(always)]
    pub(super) fn push(&self, slopes: [T; 2], operands: [u32; 2]) -> core::result::Result<Tag, Tag> {
        let tag = self.next.get();
        let mut block = self.block.take();
        if let Some(block) = &mut block {
            block[tag.place() as usize % BLOCK] = Node { slopes, operands };
        }
        self.block.set(block);
        let next = Tag(tag.0 + 1);
        self.next.set(next);
        if next.place() as usize % BLOCK == 0 { Err(tag) } else { Ok(tag) }
    }

    /// Keeps a full block and begins another; returns the tag it was given, of the last number.
    pub(super) fn store(&self, last: Tag) -> Tag {
        if last.place() == u32::MAX {
            // The block is overwritten from here on: nothing is right any more, and this says so.
            self.next.set(Tag(last.0 + 1 - BLOCK as u64));
            self.fault("a recording", "holds 2^32 numbers and no more", Location::caller());
        } else {
            let mut memory = self.memory.borrow_mut();
            let full = self.block.replace(Some(memory.block()));
            memory.blocks.extend(full.map(ManuallyDrop::into_inner));
        }
        last
    }

    /// Notes the first thing that went wrong.
    pub(super) fn fault(&self, what: &'static str, why: &'static str, place: &'static Location<'static>) {
        if self.next.get() != Tag::IDLE && self.fault.get().is_none() {
            self.fault.set(Some(Fault { what, why, place }));
        }
    }

    /// # Errors
    /// The first thing that went wrong.
    pub(super) fn check(&self) -> Result<()> {
        let error = |Fault { what, why, place }| Error::new(alloc::format!("`{what}` {why}")).at(place);
        self.fault.get().map_or(Ok(()), |fault| Err(error(fault)))
    }

    /// The cotangents of some numbers that belong to those of some others.
    ///
    /// # Errors
    /// The first thing that went wrong, or that one of them is not of this list.
    pub(super) fn pull_back(
        &self,
        outputs: impl Iterator<Item = (Tag, T)>,
        inputs: impl Iterator<Item = Tag>,
    ) -> Result<Vec<T>> {
        self.check()?;
        let place = |tag: Tag| match self.next().place_of(tag) {
            None if !tag.is_constant() => Err(Error::new(alloc::format!("`pull_back` {FOREIGN}"))),
            place => Ok(place),
        };
        let mut seeds = Vec::new();
        for (tag, cotangent) in outputs {
            seeds.extend(place(tag)?.map(|place| (place, cotangent)));
        }
        let places = inputs.map(place).collect::<Result<Vec<_>>>()?;
        Ok(self.sweep(&seeds, &places))
    }

    /// The cotangents of the numbers in some places that belong to those of some others.
    fn sweep(&self, seeds: &[(u32, T)], places: &[Option<u32>]) -> Vec<T> {
        let mut memory = self.memory.borrow_mut();
        memory.blocks.extend(self.block.take().map(ManuallyDrop::into_inner));
        let (all, leading) = (self.len(), self.leading.get());
        if memory.cotangents.len() < all {
            memory.cotangents.resize(all, T::zero());
        }
        let mut result = memory.sweep(leading, seeds, places, back);
        // A product with a factor 0 that is not 0 is NaN, and NaN goes all the way: only then is there something to mend.
        if result.iter().any(|x_bar| x_bar.is_nan()) {
            result = memory.sweep(leading, seeds, places, back_carefully);
        }
        self.block.set(memory.blocks.pop().map(ManuallyDrop::new));
        result
    }
}

impl<T: Scalar> Memory<T> {
    /// Goes back through all blocks and leaves the cotangents zero.
    fn sweep(
        &mut self,
        leading: usize,
        seeds: &[(u32, T)],
        places: &[Option<u32>],
        back: WayBack<T>,
    ) -> Vec<T> {
        let Memory { blocks, late, cotangents, .. } = self;
        // Whose cotangents are wanted at the end, behind the leading variables.
        let wanted = places.iter().flatten().filter(|&&place| place as usize >= leading);
        let mut kept: Vec<usize> = late.iter().chain(wanted).map(|&place| place as usize).collect();
        kept.sort_unstable();
        let mut end = 0;
        for &(place, cotangent) in seeds {
            cotangents[place as usize] += cotangent;
            end = end.max(place as usize + 1);
        }
        for (number, block) in blocks.iter().enumerate().rev() {
            let first = number * BLOCK;
            let from = leading.saturating_sub(first);
            let nodes = block.get(from..end.saturating_sub(first).min(BLOCK)).unwrap_or_default();
            let own = first + from..first + from + nodes.len();
            let cells = Cell::from_mut(&mut cotangents[..]).as_slice_of_cells();
            back(nodes, &cells[own.clone()], cells);
            // What was passed on is cleared while it is at hand.
            let [from, to] = [own.start, own.end].map(|end| kept.partition_point(|&place| place < end));
            let values: Vec<T> = kept[from..to].iter().map(|&place| cotangents[place]).collect();
            cotangents[own].fill(T::zero());
            kept[from..to].iter().zip(values).for_each(|(&place, value)| cotangents[place] = value);
        }
        let result = places.iter().map(|place| place.map_or(T::zero(), |p| cotangents[p as usize])).collect();
        cotangents[..leading].fill(T::zero());
        for place in kept {
            cotangents[place] = T::zero();
        }
        result
    }
}

/// Passes on what `nodes` have.
type WayBack<T> = fn(nodes: &[Node<T>], own: &[Cell<T>], all: &[Cell<T>]);

/// The way back through `nodes` whose cotangents are `own`, among `all`.
fn back<T: Scalar>(nodes: &[Node<T>], own: &[Cell<T>], all: &[Cell<T>]) {
    for (node, y_bar) in nodes.iter().zip(own).rev() {
        let y_bar = y_bar.get();
        let [a, b] = node.operands.map(|place| &all[place as usize]);
        a.set(a.get() + node.slopes[0] * y_bar);
        b.set(b.get() + node.slopes[1] * y_bar);
    }
}

/// The same by the products of [`absolute`].
fn back_carefully<T: Scalar>(nodes: &[Node<T>], own: &[Cell<T>], all: &[Cell<T>]) {
    for (node, y_bar) in nodes.iter().zip(own).rev() {
        let y_bar = y_bar.get();
        let [a, b] = node.operands.map(|place| &all[place as usize]);
        a.set(a.get() + absolute(node.slopes[0], y_bar));
        b.set(b.get() + absolute(node.slopes[1], y_bar));
    }
}

/// What is wrong with a number of another recording.
pub(super) const FOREIGN: &str = "was given a Var of another recording: of one that has ended, of another thread, or of one around this one (nest derivatives by types, such as Var<Var> or Dual<Var>)";
