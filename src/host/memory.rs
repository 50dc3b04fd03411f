//! Kamailio's shared memory (SHM). Any process, once the core has set it up (from `mod_init` on).
//!
//! SHM is mapped at one address before the core forks, so a pointer into it is good in every process. The allocator
//! takes one lock for the whole server: few, larger blocks are kinder to everyone.

#[cfg(not(any(test, fuzzing)))]
use super::sys as kamailio;
use std::alloc::Layout;
use std::ffi::c_void;
use std::ptr::NonNull;

/// Kamailio's allocators give this alignment (`ROUNDTO` in `core/mem/f_malloc.h`, `q_malloc.h`).
pub const ALIGNMENT: usize = 8;

/// A block for `layout`; `None` when SHM is exhausted, or when more than [`ALIGNMENT`] is asked for.
pub fn allocate(layout: Layout) -> Option<NonNull<u8>> {
    if layout.align() > ALIGNMENT {
        return None;
    }
    NonNull::new(shm_malloc(layout.size()).cast())
}

/// Gives a block back.
///
/// # Safety
/// `block` came from [`allocate`], in this or another process, is given back once, and nobody uses it any more.
pub unsafe fn free(block: NonNull<u8>) {
    // SAFETY: the caller's contract.
    unsafe { shm_free(block.as_ptr().cast()) }
}

/// Bytes that nobody has, in pieces of any size, as the allocator counts them. Takes its lock.
pub fn available() -> usize {
    // SAFETY: reads the counters of the allocator that the core set up.
    unsafe { kamailio::shim_shm_available() }
}

/// Bytes of SHM as the server was started with (`-m`).
pub fn size() -> usize {
    // SAFETY: reads a global that the core sets before it loads modules.
    unsafe { kamailio::shim_shm_size() }
}

/// A block that nobody looks into, given back when it is dropped.
pub struct Block(NonNull<u8>);

impl Block {
    /// One of `size` bytes; `None` when SHM has none, which the core logs as an error.
    pub fn new(size: usize) -> Option<Self> {
        let layout = Layout::from_size_align(size, 1).ok()?;
        allocate(layout).map(Self)
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: from allocate(), owned, and nobody looks into it.
        unsafe { free(self.0) }
    }
}

/// Whether `block` lies in SHM.
pub fn has(block: *const c_void) -> bool {
    // SAFETY: compares the address with those of the pools.
    unsafe { kamailio::shm_address_in(block.cast_mut()) != 0 }
}

/// `malloc` over SHM.
pub fn shm_malloc(size: usize) -> *mut c_void {
    // SAFETY: shm_malloc takes any size.
    unsafe { kamailio::shim_shm_malloc(size) }
}

/// `free` over SHM.
///
/// # Safety
/// `block` came from [`shm_malloc`], is given back once, and nobody uses it any more.
pub unsafe fn shm_free(block: *mut c_void) {
    // SAFETY: the caller's contract.
    unsafe { kamailio::shim_shm_free(block) }
}

/// Unit tests and fuzz targets have no shared memory; the C library's serves them.
#[cfg(any(all(test, not(loom)), fuzzing))]
mod kamailio {
    pub use libc::{free as shim_shm_free, malloc as shim_shm_malloc};

    pub unsafe fn shm_address_in(_: *mut std::ffi::c_void) -> i32 {
        1
    }

    pub unsafe fn shim_shm_available() -> usize {
        64 << 20
    }

    pub unsafe fn shim_shm_size() -> usize {
        64 << 20
    }
}

#[cfg(all(test, loom))]
#[path = "memory_model.rs"]
mod kamailio;
