//! Blocks of shared memory that wait for the next queries. Kamailio's allocator has one lock for the whole server and
//! looks through its free lists for each block; nearly every query is as small as one of these, and takes one without
//! either.
//!
//! A bit for each block says that it is free. Whoever clears a bit that was set owns the block, and nobody waits for
//! anybody: a bit that another process clears first leads to the next one.

use super::atomic::{AtomicU64, Ordering};
use crate::host::memory;
use std::alloc::Layout;
use std::io;
use std::ptr::NonNull;
use std::sync::OnceLock;

/// Bytes of a block. A query with a long URL, some headers and a small body fits.
const BLOCK: usize = 1024;
/// Words of bits. There are as many blocks as are in flight under a high load; whoever finds none asks Kamailio.
const WORDS: usize = 8;
const MOST_BLOCKS: usize = WORDS * BITS;
const BITS: usize = u64::BITS as usize;
/// All blocks together take no more than one part in so many of shared memory.
const PART: usize = 128;

/// Which blocks are free. Lies in shared memory.
struct FreeBlocks([AtomicU64; WORDS]);

impl FreeBlocks {
    /// The first `count` are free; there are no others.
    fn first(count: usize) -> Self {
        let mask = |bits: usize| if bits == 0 { 0 } else { u64::MAX >> (BITS - bits) };
        Self(std::array::from_fn(|index| AtomicU64::new(mask(count.saturating_sub(index * BITS).min(BITS)))))
    }

    /// Takes a block, by its number; `None` when all are taken.
    fn take(&self) -> Option<usize> {
        self.0.iter().enumerate().find_map(|(index, word)| {
            let bit = take_bit(word)?;
            Some(index * BITS + bit.trailing_zeros() as usize)
        })
    }

    fn put_back(&self, number: usize) {
        if let Some(word) = self.0.get(number / BITS) {
            // What the last owner did with the block comes before what the next one does.
            word.fetch_or(1 << (number % BITS), Ordering::Release);
        }
    }
}

/// Clears the lowest bit that is set.
fn take_bit(word: &AtomicU64) -> Option<u64> {
    let mut seen = word.load(Ordering::Relaxed);
    while seen != 0 {
        let lowest = seen & seen.wrapping_neg();
        seen = word.fetch_and(!lowest, Ordering::Acquire);
        if seen & lowest != 0 {
            return Some(lowest);
        }
    }
    None
}

/// The pool of this server. Lies in shared memory, and is never freed: it lives as long as the server.
#[derive(Clone, Copy)]
struct Pool {
    free: NonNull<FreeBlocks>,
    blocks: NonNull<u8>,
    count: usize,
}

// SAFETY: FreeBlocks is atomics; a block is used by the one process that took it.
unsafe impl Send for Pool {}
// SAFETY: as above.
unsafe impl Sync for Pool {}

static POOL: OnceLock<Pool> = OnceLock::new();

impl Pool {
    fn free(&self) -> &FreeBlocks {
        // SAFETY: create() wrote it, and it is never freed.
        unsafe { self.free.as_ref() }
    }

    fn take(&self) -> Option<NonNull<u8>> {
        let number = self.free().take()?;
        // SAFETY: create() made so many blocks of that size.
        Some(unsafe { self.blocks.add(number * BLOCK) })
    }

    /// Whether the block is one of these; it is free then.
    fn put_back(&self, block: NonNull<u8>) -> bool {
        let number = block.addr().get().wrapping_sub(self.blocks.addr().get()) / BLOCK;
        let is_ours = number < self.count;
        if is_ours {
            self.free().put_back(number);
        }
        is_ours
    }
}

/// Makes the pool. Main process, in `mod_init`, once.
///
/// # Errors
/// Shared memory is exhausted.
pub fn create() -> io::Result<()> {
    let count = (memory::size() / PART / BLOCK).min(MOST_BLOCKS);
    let layout = Layout::array::<[u8; BLOCK]>(count).map_err(io::Error::other)?;
    let blocks = memory::allocate(layout).ok_or(io::ErrorKind::OutOfMemory)?;
    let free = memory::allocate(Layout::new::<FreeBlocks>()).ok_or(io::ErrorKind::OutOfMemory)?.cast();
    // SAFETY: the block is new, and large and aligned enough.
    unsafe { free.write(FreeBlocks::first(count)) };
    POOL.set(Pool { free, blocks, count }).map_err(|_| io::ErrorKind::AlreadyExists.into())
}

/// A block for `layout`, from the pool or from Kamailio; `None` when shared memory is exhausted, or when more than
/// [`memory::ALIGNMENT`] is asked for. Any process.
pub fn allocate(layout: Layout) -> Option<NonNull<u8>> {
    let fits = layout.size() <= BLOCK && layout.align() <= memory::ALIGNMENT;
    let pooled = if fits { POOL.get().and_then(Pool::take) } else { None };
    pooled.or_else(|| memory::allocate(layout))
}

/// Gives a block back to where it came from.
///
/// # Safety
/// `block` came from [`allocate`], in this or another process, is given back once, and nobody uses it any more.
pub unsafe fn free(block: NonNull<u8>) {
    if !POOL.get().is_some_and(|pool| pool.put_back(block)) {
        // SAFETY: not of the pool, so from memory::allocate; the rest is the caller's contract.
        unsafe { memory::free(block) }
    }
}

#[cfg(test)]
#[cfg(loom)]
mod model;

// Two attributes: clippy knows tests by this one alone.
#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn each_block_is_handed_out_once_until_it_is_put_back() {
        for count in [0, 1, BITS, BITS + 1, MOST_BLOCKS] {
            let free = FreeBlocks::first(count);
            let taken: HashSet<usize> = std::iter::from_fn(|| free.take()).collect();
            assert_eq!(taken, (0..count).collect());
        }
        let free = FreeBlocks::first(MOST_BLOCKS);
        while free.take().is_some() {}
        free.put_back(200);
        assert_eq!((free.take(), free.take()), (Some(200), None));
    }

    #[test]
    fn blocks_of_the_pool_come_back_to_it_and_others_do_not() {
        const COUNT: usize = 100;
        let mut blocks = vec![0u8; BLOCK * COUNT];
        let mut free = FreeBlocks::first(COUNT);
        let start = NonNull::new(blocks.as_mut_ptr()).unwrap();
        let pool = Pool { free: NonNull::from(&mut free), blocks: start, count: COUNT };
        let block = pool.take().unwrap();
        assert_ne!(pool.take(), Some(block));
        assert!(pool.put_back(block));
        assert_eq!(pool.take(), Some(block));
        for other in [start.addr().get() - 1, start.addr().get() + BLOCK * COUNT] {
            assert!(!pool.put_back(NonNull::new(std::ptr::without_provenance_mut(other)).unwrap()));
        }
    }
}
