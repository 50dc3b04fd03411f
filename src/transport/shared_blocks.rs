//! Blocks of Kamailio's shared memory for libcurl: small ones cut from slabs, longer ones as they are.
//!
//! Slabs belong to the HTTP worker in which they were made: it begins without any ([`SharedBlocks::cut_slabs`]). All other processes,
//! main before the fork among them, have whole blocks only, which any process may give back. A word before each block tells which
//! it is. libcurl may come from several threads.

use super::slabs::{self, LONGEST, Slabs, Source, WORD};
use crate::host::memory;
use crate::shared::scarcity;
use parking_lot::Mutex;
use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};

/// Those of this process.
pub static SHARED_BLOCKS: SharedBlocks = SharedBlocks::new();

/// Gives blocks out and takes them back.
pub struct SharedBlocks {
    cuts_slabs: AtomicBool,
    slabs: Mutex<Slabs<SharedMemory>>,
}

impl SharedBlocks {
    const fn new() -> Self {
        Self { cuts_slabs: AtomicBool::new(false), slabs: Mutex::new(Slabs::new(SharedMemory)) }
    }

    /// From here on small blocks are cut from slabs. Call it after the fork, in a process that does not fork another one which
    /// uses libcurl.
    pub fn cut_slabs(&self) {
        self.cuts_slabs.store(true, Ordering::Relaxed);
    }

    /// A block of `size` bytes, aligned to a word; `None` while shared memory is scarce.
    pub fn allocate(&self, size: usize) -> Option<NonNull<u8>> {
        if size <= LONGEST && self.cuts_slabs.load(Ordering::Relaxed) {
            self.slabs.lock().allocate(size)
        } else {
            whole(size)
        }
    }

    /// Takes a block back.
    ///
    /// # Safety
    /// It came from this value, in this process or in the one it was forked from, and nobody uses it any more.
    pub unsafe fn free(&self, block: NonNull<u8>) {
        // SAFETY: the caller's contract. A block of a slab is this process's: what it was forked from cuts none.
        unsafe {
            match whole_length(block) {
                Some(_) => memory::shm_free(start_of(block)),
                None => self.slabs.lock().free(block),
            }
        }
    }

    /// The same bytes in a block of `size` bytes, maybe at another place; `None` while shared memory is scarce, and the block
    /// is then still there.
    ///
    /// # Safety
    /// As for [`SharedBlocks::free`]; after success nobody uses the old block any more.
    pub unsafe fn reallocate(&self, block: NonNull<u8>, size: usize) -> Option<NonNull<u8>> {
        // SAFETY: the caller's contract. A new block has as many bytes as are copied, and overlaps no other.
        unsafe {
            let length = length_of(block);
            let is_long = size > LONGEST;
            if size <= length && is_long == (length > LONGEST) {
                return Some(block);
            }
            let moved = self.allocate(size)?;
            moved.copy_from_nonoverlapping(block, length.min(size));
            self.free(block);
            Some(moved)
        }
    }
}

/// Bytes that a block of [`SharedBlocks`] has, at least those that were asked for.
///
/// # Safety
/// It is in use.
pub unsafe fn length_of(block: NonNull<u8>) -> usize {
    // SAFETY: the caller's contract; what is not whole is from a slab.
    unsafe { whole_length(block).unwrap_or_else(|| slabs::length_of(block)) }
}

/// A block that is Kamailio's as it is. The word before it is twice its length and one; the address of a slab is even.
fn whole(size: usize) -> Option<NonNull<u8>> {
    let word = size.checked_mul(2)? + 1;
    let start = SharedMemory.take(size.checked_add(WORD)?)?.cast::<usize>();
    // SAFETY: the block has a word and `size` bytes.
    unsafe {
        start.write(word);
        Some(start.add(1).cast())
    }
}

/// # Safety
/// As for [`length_of`].
unsafe fn whole_length(block: NonNull<u8>) -> Option<usize> {
    // SAFETY: the caller's contract: each block has a word before it.
    let word = unsafe { block.cast::<usize>().sub(1).read() };
    (word % 2 == 1).then_some(word / 2)
}

/// # Safety
/// A whole block.
unsafe fn start_of(block: NonNull<u8>) -> *mut c_void {
    // SAFETY: a whole block begins with its word.
    unsafe { block.cast::<usize>().sub(1).as_ptr().cast() }
}

/// Kamailio's shared memory, while there is enough of it.
struct SharedMemory;

// SAFETY: Kamailio's allocator gives blocks that are aligned to a word and belong to who asked for them.
unsafe impl Source for SharedMemory {
    fn take(&mut self, size: usize) -> Option<NonNull<u8>> {
        if scarcity::is_scarce() { None } else { NonNull::new(memory::shm_malloc(size).cast()) }
    }

    unsafe fn give_back(&mut self, block: NonNull<u8>) {
        // SAFETY: the caller's contract; the block is from shm_malloc.
        unsafe { memory::shm_free(block.as_ptr().cast()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// A block of `size` bytes, all of which say `content`.
    fn written(blocks: &SharedBlocks, size: usize, content: u8) -> NonNull<u8> {
        let block = blocks.allocate(size).expect("there is memory");
        // SAFETY: it has that many bytes.
        unsafe { block.write_bytes(content, size) };
        block
    }

    fn assert_holds(block: NonNull<u8>, size: usize, content: u8) {
        // SAFETY: a live block of that size, written before.
        let bytes = unsafe { std::slice::from_raw_parts(block.as_ptr(), size) };
        assert!(bytes.iter().all(|byte| *byte == content), "{size} bytes of {content}: {bytes:?}");
    }

    #[test]
    fn before_slabs_are_cut_every_block_is_kamailios() {
        let blocks = SharedBlocks::new();
        let early = written(&blocks, 100, 1);
        blocks.cut_slabs();
        let late = written(&blocks, 100, 2);
        // SAFETY: both are in use until they are freed, once.
        unsafe {
            assert_eq!((whole_length(early), whole_length(late)), (Some(100), None));
            assert_eq!(length_of(late), 128);
            blocks.free(early);
            blocks.free(late);
        }
    }

    #[test]
    fn a_block_grows_and_shrinks_with_its_bytes() {
        let blocks = SharedBlocks::new();
        blocks.cut_slabs();
        let mut block = written(&blocks, 8, 7);
        let mut least = 8;
        for size in [8, 9, 64, 2056, 2057, 100_000, 50_000, 2057, 2056, 3, 10_000] {
            least = least.min(size);
            // SAFETY: the block is in use; the old one is forgotten.
            block = unsafe { blocks.reallocate(block, size) }.expect("there is memory");
            assert_holds(block, least, 7);
            // SAFETY: in use.
            assert!(unsafe { length_of(block) } >= size);
        }
        // SAFETY: in use until here.
        unsafe { blocks.free(block) };
    }

    #[test]
    fn no_size_is_too_large_to_be_refused() {
        let blocks = SharedBlocks::new();
        assert!([usize::MAX, usize::MAX / 2, isize::MAX as usize].iter().all(|size| blocks.allocate(*size).is_none()));
    }

    #[test]
    fn threads_give_each_others_blocks_back() {
        const THREADS: usize = 4;
        let blocks = SharedBlocks::new();
        blocks.cut_slabs();
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..THREADS).map(|_| mpsc::channel::<(usize, usize)>()).unzip();
        std::thread::scope(|scope| {
            for (number, receiver) in receivers.into_iter().enumerate() {
                let (next, blocks) = (senders[(number + 1) % THREADS].clone(), &blocks);
                scope.spawn(move || {
                    for round in 0..2000 {
                        let size = 1 + (round * 37 + number * 101) % 3000;
                        let block = written(blocks, size, size as u8);
                        next.send((block.as_ptr() as usize, size)).expect("the other thread takes as many");
                        let (address, size) = receiver.recv().expect("the other thread sends as many");
                        let block = NonNull::new(address as *mut u8).expect("a block");
                        assert_holds(block, size, size as u8);
                        // SAFETY: handed over by the thread that made it.
                        unsafe { blocks.free(block) };
                    }
                });
            }
        });
        assert!(blocks.slabs.lock().are_unused());
    }

    #[test]
    fn what_was_there_before_a_fork_goes_back_to_kamailio() {
        let blocks = SharedBlocks::new();
        let early = written(&blocks, 100, 5);
        // SAFETY: the child calls what works in the child of a program with threads, and ends by _exit.
        let child = unsafe { libc::fork() };
        if child == 0 {
            blocks.cut_slabs();
            let own = blocks.allocate(100);
            // SAFETY: both are in use until they are freed, once in this process.
            let only_own_are_of_slabs = unsafe {
                let own_is = own.is_some_and(|own| whole_length(own).is_none());
                let early_is = whole_length(early).is_none();
                blocks.free(early);
                own.inspect(|own| blocks.free(*own));
                own_is && !early_is && blocks.slabs.lock().are_unused()
            };
            // SAFETY: ends the child.
            unsafe { libc::_exit(i32::from(!only_own_are_of_slabs)) };
        }
        let mut status = 0;
        // SAFETY: our child; writes one number.
        assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
        assert_eq!(status, 0, "the child's status");
        assert_holds(early, 100, 5);
        // SAFETY: in use until here in this process.
        unsafe { blocks.free(early) };
    }
}
