//! Small blocks of memory, cut from larger ones that come from elsewhere: slabs. Blocks of one slab are of one size.
//!
//! The source is asked once a slab, for a handful to hundreds of blocks. A slab goes back as soon as all its blocks are free, but for
//! one of each size, which is kept for the next block. So what a slab holds in vain is bounded: less than [`SLAB`] bytes, or three
//! blocks of a large size, for each block in use, and never more than the small blocks once took together; and the kept ones,
//! [`SPARE`] bytes at most.
//!
//! Each block has a word before it that names its slab. The source must be asked for nothing else while blocks are in use in
//! another process: nothing here is shared.

use std::ptr::{NonNull, null_mut};

/// Where slabs come from.
///
/// # Safety
/// What is taken is aligned to a word, as long as asked for, and belongs to the one who took it until it is given back.
pub unsafe trait Source {
    /// A block of that many bytes; `None` when there is none to be had.
    fn take(&mut self, size: usize) -> Option<NonNull<u8>>;
    /// Takes a block back.
    ///
    /// # Safety
    /// It came from [`Source::take`], and nobody uses it any more.
    unsafe fn give_back(&mut self, block: NonNull<u8>);
}

/// Bytes of the word before each block.
pub const WORD: usize = size_of::<usize>();

/// Sizes of blocks, in bytes: close to each other where libcurl has many blocks, and where it has one large one for each transfer or
/// connection. 1032 and 2056 are its smallest receive buffers.
const SIZES: [usize; 23] =
    [8, 16, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256, 320, 384, 512, 640, 768, 928, 1032, 1280, 1536, 2056];
/// What is longer is not cut from slabs.
pub const LONGEST: usize = match SIZES.last() {
    Some(size) => *size,
    None => 0,
};
/// Bytes of a slab, roughly.
const SLAB: usize = 4000;
/// Blocks of a slab, at least.
const FEWEST: usize = 4;
/// Bytes of all slabs that are kept empty, at most.
#[cfg(test)]
const SPARE: usize = 23 * SLAB + 4 * FEWEST * LONGEST;

/// The head of a slab; its blocks follow.
#[repr(C)]
struct Slab {
    /// Others of its class that have room.
    next: *mut Slab,
    previous: *mut Slab,
    /// Blocks that have been in use and are free.
    free: *mut FreeBlock,
    /// Blocks in use.
    used: u16,
    /// Blocks that have never been in use are those from this one on.
    fresh: u16,
    class: u16,
}

/// A free block, where its bytes are.
struct FreeBlock {
    next: *mut FreeBlock,
}

/// The slabs of one size.
#[derive(Clone, Copy)]
struct Class {
    /// Those that have both free blocks and blocks in use.
    with_room: *mut Slab,
    /// One without blocks in use.
    spare: *mut Slab,
}

/// Cuts blocks from slabs.
pub struct Slabs<S: Source> {
    source: S,
    classes: [Class; SIZES.len()],
}

// SAFETY: the pointers are to slabs that this value owns, and their source goes along.
unsafe impl<S: Source + Send> Send for Slabs<S> {}

impl<S: Source> Slabs<S> {
    /// No slabs yet.
    pub const fn new(source: S) -> Self {
        Self { source, classes: [Class { with_room: null_mut(), spare: null_mut() }; SIZES.len()] }
    }

    /// A block of `size` bytes or more, aligned to a word; `None` for one longer than [`LONGEST`], and when the source has nothing.
    pub fn allocate(&mut self, size: usize) -> Option<NonNull<u8>> {
        let class = class_of(size)?;
        let slab = self.slab_with_room(class)?;
        // SAFETY: a live slab of that class with a free block, which is in its list.
        unsafe {
            let block = take_block(slab);
            if usize::from((*slab).used) == blocks_of(class) {
                self.unlink(slab);
            }
            Some(block)
        }
    }

    /// Takes a block back.
    ///
    /// # Safety
    /// It came from [`Slabs::allocate`] of this value, and nobody uses it any more.
    pub unsafe fn free(&mut self, block: NonNull<u8>) {
        // SAFETY: the caller's contract: the word before the block names a live slab of ours.
        unsafe {
            let slab = slab_of(block);
            if usize::from((*slab).used) == blocks_of(usize::from((*slab).class)) {
                self.link(slab);
            }
            put_block(slab, block);
            if (*slab).used == 0 {
                self.unlink(slab);
                self.keep_or_give_back(slab);
            }
        }
    }

    /// One that is in the list of its class.
    fn slab_with_room(&mut self, class: usize) -> Option<*mut Slab> {
        let slabs = self.classes.get_mut(class)?;
        if !slabs.with_room.is_null() {
            return Some(slabs.with_room);
        }
        let spare = std::mem::replace(&mut slabs.spare, null_mut());
        let slab = if spare.is_null() { self.new_slab(class)? } else { spare };
        // SAFETY: a live slab that is in no list.
        unsafe { self.link(slab) };
        Some(slab)
    }

    fn new_slab(&mut self, class: usize) -> Option<*mut Slab> {
        let slab = self.source.take(size_of::<Slab>() + blocks_of(class) * stride_of(class))?.cast::<Slab>().as_ptr();
        let class = class as u16;
        // SAFETY: the source gave that many bytes, aligned to a word.
        unsafe {
            slab.write(Slab { next: null_mut(), previous: null_mut(), free: null_mut(), used: 0, fresh: 0, class })
        };
        Some(slab)
    }

    /// # Safety
    /// A live slab of ours in no list, with no block in use.
    unsafe fn keep_or_give_back(&mut self, slab: *mut Slab) {
        // SAFETY: the caller's contract; nobody uses a block of it, so nobody uses the slab.
        unsafe {
            match self.classes.get_mut(usize::from((*slab).class)) {
                Some(slabs) if slabs.spare.is_null() => slabs.spare = slab,
                _ => self.source.give_back(NonNull::new_unchecked(slab).cast()),
            }
        }
    }

    /// # Safety
    /// A live slab of ours in no list.
    unsafe fn link(&mut self, slab: *mut Slab) {
        // SAFETY: the caller's contract; what a list names is live.
        unsafe {
            let Some(slabs) = self.classes.get_mut(usize::from((*slab).class)) else {
                return;
            };
            (*slab).previous = null_mut();
            (*slab).next = slabs.with_room;
            if let Some(next) = slabs.with_room.as_mut() {
                next.previous = slab;
            }
            slabs.with_room = slab;
        }
    }

    /// # Safety
    /// A live slab of ours in the list of its class.
    unsafe fn unlink(&mut self, slab: *mut Slab) {
        // SAFETY: the caller's contract; what a list names is live.
        unsafe {
            let (previous, next) = ((*slab).previous, (*slab).next);
            match previous.as_mut() {
                Some(previous) => previous.next = next,
                None => {
                    if let Some(slabs) = self.classes.get_mut(usize::from((*slab).class)) {
                        slabs.with_room = next;
                    }
                }
            }
            if let Some(next) = next.as_mut() {
                next.previous = previous;
            }
        }
    }
}

impl<S: Source> Drop for Slabs<S> {
    /// Slabs with blocks in use stay.
    fn drop(&mut self) {
        for class in &self.classes {
            if let Some(spare) = NonNull::new(class.spare) {
                // SAFETY: ours, without a block in use.
                unsafe { self.source.give_back(spare.cast()) };
            }
        }
    }
}

/// Bytes that a block of [`Slabs::allocate`] has.
///
/// # Safety
/// The block is in use.
pub unsafe fn length_of(block: NonNull<u8>) -> usize {
    // SAFETY: the caller's contract: the word before the block names a live slab.
    size_of_class(usize::from(unsafe { (*slab_of(block)).class }))
}

/// # Safety
/// A block of a live slab.
unsafe fn slab_of(block: NonNull<u8>) -> *mut Slab {
    // SAFETY: the word before a block names its slab.
    unsafe { block.cast::<*mut Slab>().sub(1).read() }
}

/// # Safety
/// A live slab with a free block.
unsafe fn take_block(slab: *mut Slab) -> NonNull<u8> {
    // SAFETY: the caller's contract. A free block has room for its FreeBlock; a fresh one lies within the slab's bytes.
    unsafe {
        (*slab).used += 1;
        if let Some(block) = NonNull::new((*slab).free) {
            (*slab).free = block.as_ref().next;
            return block.cast();
        }
        let offset = usize::from((*slab).fresh) * stride_of(usize::from((*slab).class));
        (*slab).fresh += 1;
        let word = slab.add(1).byte_add(offset).cast::<*mut Slab>();
        word.write(slab);
        NonNull::new_unchecked(word.add(1).cast())
    }
}

/// # Safety
/// A block of a live slab, in use until now.
unsafe fn put_block(slab: *mut Slab, block: NonNull<u8>) {
    let block = block.cast::<FreeBlock>();
    // SAFETY: the caller's contract; a block has room for a FreeBlock.
    unsafe {
        block.write(FreeBlock { next: (*slab).free });
        (*slab).free = block.as_ptr();
        (*slab).used -= 1;
    }
}

fn class_of(size: usize) -> Option<usize> {
    (size <= LONGEST).then(|| SIZES.partition_point(|class| *class < size))
}

fn size_of_class(class: usize) -> usize {
    SIZES.get(class).copied().unwrap_or(LONGEST)
}

fn stride_of(class: usize) -> usize {
    WORD + size_of_class(class)
}

fn blocks_of(class: usize) -> usize {
    (SLAB / stride_of(class)).max(FEWEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::alloc::Layout;
    use std::collections::HashMap;

    /// The heap, which refuses when it is told to.
    #[derive(Default)]
    struct Heap {
        taken: HashMap<usize, Layout>,
        refuses: bool,
    }

    // SAFETY: blocks of the heap, aligned to a word.
    unsafe impl Source for Heap {
        fn take(&mut self, size: usize) -> Option<NonNull<u8>> {
            if self.refuses {
                return None;
            }
            let layout = Layout::from_size_align(size, WORD).expect("a small size");
            // SAFETY: the size is not zero.
            let block = NonNull::new(unsafe { std::alloc::alloc(layout) })?;
            self.taken.insert(block.as_ptr() as usize, layout);
            Some(block)
        }

        unsafe fn give_back(&mut self, block: NonNull<u8>) {
            let layout = self.taken.remove(&(block.as_ptr() as usize)).expect("a block that was taken");
            // SAFETY: from take().
            unsafe { std::alloc::dealloc(block.as_ptr(), layout) };
        }
    }

    impl Heap {
        fn bytes(&self) -> usize {
            self.taken.values().map(Layout::size).sum()
        }
    }

    impl<S: Source> Slabs<S> {
        /// Whether no block is in use.
        pub fn are_unused(&self) -> bool {
            self.classes.iter().all(|class| class.with_room.is_null())
        }
    }

    fn slabs() -> Slabs<Heap> {
        Slabs::new(Heap::default())
    }

    /// A block in use, and the byte that fills it.
    struct Filled {
        block: NonNull<u8>,
        size: usize,
        content: u8,
    }

    impl Filled {
        fn new(slabs: &mut Slabs<Heap>, size: usize, content: u8) -> Self {
            let block = slabs.allocate(size).expect("the heap has it");
            assert!(block.as_ptr() as usize % WORD == 0);
            // SAFETY: a new block, as long as length_of() says, at least `size`.
            unsafe {
                let size = length_of(block);
                block.write_bytes(content, size);
                Self { block, size, content }
            }
        }

        fn free(self, slabs: &mut Slabs<Heap>) {
            // SAFETY: in use, written when it was made.
            let bytes = unsafe { std::slice::from_raw_parts(self.block.as_ptr(), self.size) };
            assert!(bytes.iter().all(|byte| *byte == self.content), "another block lies over this one");
            // SAFETY: in use until here.
            unsafe { slabs.free(self.block) };
        }
    }

    #[test]
    fn every_size_has_a_block_that_is_long_enough_and_not_twice_as_long() {
        let mut slabs = slabs();
        for size in 0..=LONGEST {
            let block = slabs.allocate(size).expect("the heap has it");
            // SAFETY: in use until it is freed.
            unsafe {
                let length = length_of(block);
                assert!(length >= size && length <= (2 * size).max(WORD), "{length} bytes for {size}");
                slabs.free(block);
            }
        }
        assert!(slabs.allocate(LONGEST + 1).is_none());
    }

    #[test]
    fn of_the_empty_slabs_of_a_size_one_is_kept() {
        let mut slabs = slabs();
        let blocks: Vec<Filled> = (0..1000).map(|_| Filled::new(&mut slabs, 100, 1)).collect();
        assert!(slabs.source.taken.len() > 10);
        blocks.into_iter().for_each(|block| block.free(&mut slabs));
        assert_eq!(slabs.source.taken.len(), 1);
        Filled::new(&mut slabs, 100, 1).free(&mut slabs);
        assert_eq!(slabs.source.taken.len(), 1);
    }

    #[test]
    fn a_source_without_memory_costs_one_block_and_no_more() {
        let mut slabs = slabs();
        slabs.source.refuses = true;
        assert!(slabs.allocate(100).is_none());
        slabs.source.refuses = false;
        let first = Filled::new(&mut slabs, 100, 1);
        slabs.source.refuses = true;
        // What there is goes on.
        Filled::new(&mut slabs, 100, 2).free(&mut slabs);
        first.free(&mut slabs);
    }

    proptest! {
        #[test]
        fn blocks_never_overlap_and_all_goes_back(
            steps in prop::collection::vec((any::<prop::sample::Index>(), 0..=LONGEST, 0..5u8), 0..2000),
        ) {
            let mut slabs = slabs();
            let mut blocks = Vec::new();
            for (number, (which, size, kind)) in steps.into_iter().enumerate() {
                if kind < 3 && blocks.len() < 500 || blocks.is_empty() {
                    // Small ones more often.
                    let size = if kind == 0 { size } else { size % 100 };
                    blocks.push(Filled::new(&mut slabs, size, number as u8));
                } else {
                    blocks.swap_remove(which.index(blocks.len())).free(&mut slabs);
                }
            }
            blocks.into_iter().for_each(|block| block.free(&mut slabs));
            prop_assert!(slabs.are_unused());
            prop_assert!(slabs.source.bytes() <= SPARE, "{} bytes are kept", slabs.source.bytes());
            prop_assert!(slabs.source.taken.len() <= SIZES.len());
        }
    }
}
