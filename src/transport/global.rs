//! libcurl's process-wide state: initialised once, in `mod_init` of the main process, and inherited by every fork.

use super::error::TransferError;
use crate::host::memory;
use curl_sys as curl;
use std::ffi::{c_char, c_uint, c_void};
use std::sync::OnceLock;
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
/// Those that have failed.
static FAILURES: AtomicU64 = AtomicU64::new(0);

/// How many of libcurl's allocations have failed in this process. Some of libcurl's functions fail for lack of memory
/// and do not say so.
pub(super) fn failed_allocations() -> u64 {
    FAILURES.load(Ordering::Relaxed)
}

fn counted<T>(block: *mut T) -> *mut T {
    ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
    failure_counted(block)
}

fn failure_counted<T>(block: *mut T) -> *mut T {
    if block.is_null() {
        FAILURES.fetch_add(1, Ordering::Relaxed);
    }
    block
}

/// Over Kamailio's shared memory.
mod shm {
    use super::{c_char, c_void, counted, memory};

    pub extern "C" fn malloc(size: usize) -> *mut c_void {
        counted(memory::shm_malloc(size))
    }

    pub extern "C" fn free(block: *mut c_void) {
        memory::shm_free(block);
    }

    pub extern "C" fn realloc(block: *mut c_void, size: usize) -> *mut c_void {
        counted(memory::shm_realloc(block, size))
    }

    pub extern "C" fn strdup(text: *const c_char) -> *mut c_char {
        // SAFETY: libcurl hands in a NUL-terminated string (CURL's curl_strdup_callback).
        counted(unsafe { memory::shm_strdup(text) })
    }

    pub extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
        counted(memory::shm_calloc(count, size))
    }
}

/// Over the C library's heap.
mod system {
    use super::{c_char, c_void, failure_counted};

    pub extern "C" fn malloc(size: usize) -> *mut c_void {
        // SAFETY: malloc takes any size.
        failure_counted(unsafe { libc::malloc(size) })
    }

    pub extern "C" fn free(block: *mut c_void) {
        // SAFETY: libcurl hands in null or a live block of these functions.
        unsafe { libc::free(block) }
    }

    pub extern "C" fn realloc(block: *mut c_void, size: usize) -> *mut c_void {
        // SAFETY: as in free().
        failure_counted(unsafe { libc::realloc(block, size) })
    }

    pub extern "C" fn strdup(text: *const c_char) -> *mut c_char {
        // SAFETY: libcurl hands in a NUL-terminated string (CURL's curl_strdup_callback).
        failure_counted(unsafe { libc::strdup(text) })
    }

    pub extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
        // SAFETY: calloc takes any numbers.
        failure_counted(unsafe { libc::calloc(count, size) })
    }
}

/// Initialises libcurl. Returns whether it uses the memory asked for: another module may have initialised it before
/// with its own, and libcurl does not say so.
///
/// # Errors
/// libcurl's own error, when it cannot be initialised at all.
pub fn initialise(manager: MemoryManager) -> Result<bool, TransferError> {
    let flags = curl::CURL_GLOBAL_ALL;
    // SAFETY: the five functions follow malloc's contracts and stay loaded as long as the process; called from mod_init,
    // while the process has one thread.
    let code = unsafe {
        match manager {
            MemoryManager::Shm => {
                curl::curl_global_init_mem(flags, shm::malloc, shm::free, shm::realloc, shm::strdup, shm::calloc)
            }
            MemoryManager::System => curl::curl_global_init_mem(
                flags,
                system::malloc,
                system::free,
                system::realloc,
                system::strdup,
                system::calloc,
            ),
        }
    };
    TransferError::check(code)?;
    Ok(manager == MemoryManager::System || uses_our_memory())
}

/// The first libcurl whose cache of TLS sessions survives the end of its memory, as its version number has it (8.12.0).
/// That of 7.88 keeps a session's name after it has freed it, and frees it again with the next session.
const SESSION_CACHE_IS_SAFE: c_uint = 0x08_0c_00;

/// Whether TLS sessions may be kept for other connections.
pub(super) fn session_cache_is_safe() -> bool {
    static IS_SAFE: OnceLock<bool> = OnceLock::new();
    *IS_SAFE.get_or_init(|| {
        // SAFETY: libcurl returns a static structure; CURLVERSION_FIRST has the version number.
        let information = unsafe { curl::curl_version_info(curl::CURLVERSION_FIRST).as_ref() };
        information.is_some_and(|information| information.version_num >= SESSION_CACHE_IS_SAFE)
    })
}

/// Lets libcurl make a small object and looks whether it asked us for the memory.
fn uses_our_memory() -> bool {
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    // SAFETY: curl_slist_append copies the text; curl_slist_free_all takes null or a list.
    unsafe { curl::curl_slist_free_all(curl::curl_slist_append(std::ptr::null_mut(), c"probe".as_ptr())) };
    ALLOCATIONS.load(Ordering::Relaxed) != before
}
