//! libcurl's memory with `memory_manager` `shm`: Kamailio's shared memory, and the C library's private one while shared
//! memory is scarce. A transfer then goes on, and tm has what it needs to answer the caller. What libcurl takes is bounded
//! by `max_in_flight` either way.
//!
//! Any process in which libcurl runs. A block is given back to where it came from, which its address tells.

use crate::host::memory;
use crate::shared::scarcity;
use std::ffi::{CStr, c_char, c_void};
use std::sync::atomic::{AtomicU64, Ordering};

/// Allocations of this process. It only tells whether libcurl uses these functions.
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

/// How many allocations there were in this process.
pub(super) fn allocations() -> u64 {
    ALLOCATIONS.load(Ordering::Relaxed)
}

/// `curl_malloc_callback`.
pub(super) extern "C" fn malloc(size: usize) -> *mut c_void {
    ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
    let shared = if scarcity::is_scarce() { std::ptr::null_mut() } else { memory::shm_malloc(size) };
    if !shared.is_null() {
        return shared;
    }
    // SAFETY: takes any size.
    unsafe { libc::malloc(size) }
}

/// `curl_free_callback`.
pub(super) extern "C" fn free(block: *mut c_void) {
    // SAFETY: libcurl gives back, once, null or what one of these functions gave; its address tells which allocator's
    // it is.
    unsafe {
        if memory::has(block) {
            memory::shm_free(block);
        } else {
            libc::free(block);
        }
    }
}

/// `curl_realloc_callback`. A shared block stays one: nobody tells its length.
pub(super) extern "C" fn realloc(block: *mut c_void, size: usize) -> *mut c_void {
    if block.is_null() {
        return malloc(size);
    }
    // SAFETY: libcurl hands in a live block of these functions, as in free().
    unsafe { if memory::has(block) { memory::shm_realloc(block, size) } else { libc::realloc(block, size) } }
}

/// `curl_calloc_callback`.
pub(super) extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
    let Some(bytes) = count.checked_mul(size) else {
        return std::ptr::null_mut();
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
