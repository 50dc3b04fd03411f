//! Kamailio's shared memory (SHM). Any process, once the core has set it up (from `mod_init` on).
//!
//! SHM is mapped at one address before the core forks, so a pointer into it is good in every process. The allocator
//! takes one lock for the whole server: few, larger blocks are kinder to everyone.

#[cfg(not(test))]
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
    shm_free(block.as_ptr().cast());
}

/// `malloc` over SHM, for libcurl (`curl_global_init_mem`).
pub extern "C" fn shm_malloc(size: usize) -> *mut c_void {
    // SAFETY: shm_malloc takes any size.
    unsafe { kamailio::shim_shm_malloc(size) }
}

/// `free` over SHM, for libcurl.
pub extern "C" fn shm_free(block: *mut c_void) {
    if !block.is_null() {
        // SAFETY: whoever calls gives back what one of these functions gave, once.
        unsafe { kamailio::shim_shm_free(block) }
    }
}

/// `realloc` over SHM, for libcurl.
pub extern "C" fn shm_realloc(block: *mut c_void, size: usize) -> *mut c_void {
    // SAFETY: libcurl hands in null or a live block of these functions.
    unsafe { kamailio::shim_shm_realloc(block, size) }
}

/// `calloc` over SHM, for libcurl.
pub extern "C" fn shm_calloc(count: usize, size: usize) -> *mut c_void {
    let Some(bytes) = count.checked_mul(size) else {
        return std::ptr::null_mut();
    };
    let block = shm_malloc(bytes);
    if !block.is_null() {
        // SAFETY: the block just made has `bytes` bytes.
        unsafe { block.cast::<u8>().write_bytes(0, bytes) };
    }
    block
}

/// `strdup` over SHM, for libcurl.
///
/// # Safety
/// `text` is a NUL-terminated string, as libcurl's `curl_strdup_callback` promises.
pub unsafe extern "C" fn shm_strdup(text: *const std::ffi::c_char) -> *mut std::ffi::c_char {
    // SAFETY: the caller's contract.
    let bytes = unsafe { std::ffi::CStr::from_ptr(text) }.to_bytes_with_nul();
    let copy = shm_malloc(bytes.len()).cast::<std::ffi::c_char>();
    if !copy.is_null() {
        // SAFETY: both blocks have that many bytes, and the new one overlaps nothing.
        unsafe { copy.copy_from_nonoverlapping(text, bytes.len()) };
    }
    copy
}

/// Unit tests have no shared memory; the C library's serves them.
#[cfg(all(test, not(loom)))]
mod kamailio {
    pub use libc::{free as shim_shm_free, malloc as shim_shm_malloc, realloc as shim_shm_realloc};
}

#[cfg(all(test, loom))]
#[path = "memory_model.rs"]
mod kamailio;
