//! libcurl's process-wide state: initialised once, in `mod_init` of the main process, and inherited by every fork.

use super::error::TransferError;
use crate::host::memory;
use curl_sys as curl;
use std::ffi::{c_char, c_void};
use std::sync::atomic::{AtomicU64, Ordering};

/// Whose memory libcurl uses, in this whole process tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryManager {
    /// Kamailio's shared memory.
    Shm,
    /// The C library's.
    System,
}

/// Allocations that libcurl has made through this module in this process. It only tells whether libcurl uses us.
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

extern "C" fn counted_malloc(size: usize) -> *mut c_void {
    ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
    memory::shm_malloc(size)
}

extern "C" fn free(block: *mut c_void) {
    memory::shm_free(block);
}

extern "C" fn realloc(block: *mut c_void, size: usize) -> *mut c_void {
    memory::shm_realloc(block, size)
}

extern "C" fn counted_calloc(count: usize, size: usize) -> *mut c_void {
    ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
    memory::shm_calloc(count, size)
}

extern "C" fn counted_strdup(text: *const c_char) -> *mut c_char {
    ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
    // SAFETY: libcurl hands in a NUL-terminated string (CURL's curl_strdup_callback).
    unsafe { memory::shm_strdup(text) }
}

/// Initialises libcurl. Returns whether it uses the memory asked for: another module may have initialised it before
/// with its own, and libcurl does not say so.
///
/// # Errors
/// libcurl's own error, when it cannot be initialised at all.
pub fn initialise(manager: MemoryManager) -> Result<bool, TransferError> {
    let code = match manager {
        // SAFETY: the five functions follow malloc's contracts and stay loaded as long as the process.
        MemoryManager::Shm => unsafe {
            curl::curl_global_init_mem(
                curl::CURL_GLOBAL_ALL,
                counted_malloc,
                free,
                realloc,
                counted_strdup,
                counted_calloc,
            )
        },
        // SAFETY: called from mod_init, while the process has one thread.
        MemoryManager::System => unsafe { curl::curl_global_init(curl::CURL_GLOBAL_ALL) },
    };
    TransferError::check(code)?;
    Ok(manager == MemoryManager::System || uses_our_memory())
}

/// Lets libcurl make a small object and looks whether it asked us for the memory.
fn uses_our_memory() -> bool {
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    // SAFETY: curl_slist_append copies the text; curl_slist_free_all takes null or a list.
    unsafe { curl::curl_slist_free_all(curl::curl_slist_append(std::ptr::null_mut(), c"probe".as_ptr())) };
    ALLOCATIONS.load(Ordering::Relaxed) != before
}
