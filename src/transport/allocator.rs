//! libcurl's memory. With `memory_manager` `shm` it is Kamailio's shared memory, but the C library's private one while shared
//! memory is scarce: a transfer then goes on, and tm has what it needs to answer the caller. What libcurl takes is bounded
//! by `max_in_flight` either way.
//!
//! Any process in which libcurl runs. A block is given back to where it came from, which its address tells.

use super::global::MemoryManager;
use super::shared_blocks::{self, SHARED_BLOCKS};
use crate::host::memory;
use std::ffi::{CStr, c_char, c_void};
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

static SHARES: AtomicBool = AtomicBool::new(false);
/// Whether libcurl has asked these functions for memory. No counter: adding to one takes as long as an allocation.
static IS_USED: AtomicBool = AtomicBool::new(false);
/// Those that have failed.
static FAILURES: AtomicU64 = AtomicU64::new(0);

/// Says whose memory it is, before libcurl asks for any.
pub(super) fn choose(manager: MemoryManager) {
    SHARES.store(manager == MemoryManager::Shm, Ordering::Relaxed);
}

/// Whether libcurl asks these functions for memory while `act` runs.
pub(super) fn is_used_by(act: impl FnOnce()) -> bool {
    IS_USED.store(false, Ordering::Relaxed);
    act();
    IS_USED.load(Ordering::Relaxed)
}

/// How many of them have failed. Some of libcurl's functions fail for lack of memory and do not say so.
pub(super) fn failed_allocations() -> u64 {
    FAILURES.load(Ordering::Relaxed)
}

fn counted<T>(block: *mut T) -> *mut T {
    IS_USED.store(true, Ordering::Relaxed);
    if block.is_null() {
        FAILURES.fetch_add(1, Ordering::Relaxed);
    }
    block
}

fn shared(size: usize) -> *mut c_void {
    let block = if SHARES.load(Ordering::Relaxed) { SHARED_BLOCKS.allocate(size) } else { None };
    block.map_or(null_mut(), |block| block.as_ptr().cast())
}

/// `curl_malloc_callback`.
pub(super) extern "C" fn malloc(size: usize) -> *mut c_void {
    let block = shared(size);
    // SAFETY: malloc takes any size.
    counted(if block.is_null() { unsafe { libc::malloc(size) } } else { block })
}

/// `curl_free_callback`.
pub(super) extern "C" fn free(block: *mut c_void) {
    // SAFETY: libcurl gives back, once, null or what one of these functions gave; its address tells which allocator's
    // it is.
    unsafe {
        match shared_at(block) {
            Some(block) => SHARED_BLOCKS.free(block),
            None => libc::free(block),
        }
    }
}

fn shared_at(block: *mut c_void) -> Option<NonNull<u8>> {
    NonNull::new(block.cast()).filter(|_| memory::has(block))
}

/// `curl_realloc_callback`. A shared block goes on as a private one where shared memory is scarce; a private one stays one.
pub(super) extern "C" fn realloc(block: *mut c_void, size: usize) -> *mut c_void {
    if block.is_null() {
        return malloc(size);
    }
    // SAFETY: libcurl hands in a live block of these functions, as in free().
    counted(unsafe {
        match shared_at(block) {
            Some(block) => reallocate_shared(block, size),
            None => libc::realloc(block, size),
        }
    })
}

/// # Safety
/// A live shared block, which is libcurl's to give back.
unsafe fn reallocate_shared(block: NonNull<u8>, size: usize) -> *mut c_void {
    // SAFETY: the caller's contract; the private block has as many bytes as are copied, and overlaps no other.
    unsafe {
        if let Some(moved) = SHARED_BLOCKS.reallocate(block, size) {
            return moved.as_ptr().cast();
        }
        let private = libc::malloc(size);
        if !private.is_null() {
            private.copy_from_nonoverlapping(block.as_ptr().cast(), shared_blocks::length_of(block).min(size));
            SHARED_BLOCKS.free(block);
        }
        private
    }
}

/// `curl_calloc_callback`.
pub(super) extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
    let Some(bytes) = count.checked_mul(size) else {
        return counted(null_mut());
    };
    let block = malloc(bytes);
    if !block.is_null() {
        // SAFETY: the block just made has `bytes` bytes.
        unsafe { block.cast::<u8>().write_bytes(0, bytes) };
    }
    block
}

/// `curl_strdup_callback`.
pub(super) extern "C" fn strdup(text: *const c_char) -> *mut c_char {
    // SAFETY: libcurl hands in a NUL-terminated string.
    let bytes = unsafe { CStr::from_ptr(text) }.to_bytes_with_nul();
    let copy = malloc(bytes.len()).cast::<c_char>();
    if !copy.is_null() {
        // SAFETY: both blocks have that many bytes, and the new one overlaps nothing.
        unsafe { copy.copy_from_nonoverlapping(text, bytes.len()) };
    }
    copy
}
