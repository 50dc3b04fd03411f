//! libcurl's process-wide state: initialised once, in `mod_init` of the main process, and inherited by every fork.

use super::allocator;
use super::error::TransferError;
use super::shared_blocks::SHARED_BLOCKS;
use curl_sys as curl;
use std::ffi::c_uint;
use std::sync::OnceLock;

/// Whose memory libcurl uses, in this whole process tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryManager {
    /// Kamailio's shared memory, while there is enough of it.
    Shm,
    /// The C library's.
    System,
}

/// Initialises libcurl. Returns whether it uses the memory asked for: another module may have initialised it before
/// with its own, and libcurl does not say so.
///
/// # Errors
/// libcurl's own error, when it cannot be initialised at all.
pub fn initialise(manager: MemoryManager) -> Result<bool, TransferError> {
    allocator::choose(manager);
    // SAFETY: the five functions follow malloc's contracts and stay loaded as long as the process; called from mod_init,
    // while the process has one thread.
    let code = unsafe {
        curl::curl_global_init_mem(
            curl::CURL_GLOBAL_ALL,
            allocator::malloc,
            allocator::free,
            allocator::realloc,
            allocator::strdup,
            allocator::calloc,
        )
    };
    TransferError::check(code)?;
    Ok(manager == MemoryManager::System || uses_our_memory())
}

/// Lets libcurl in this process have shared memory of its own to cut small blocks from. HTTP worker, after its fork.
pub fn begin_worker() {
    SHARED_BLOCKS.cut_slabs();
}

/// The first libcurl that has one receive buffer for all transfers of a multi handle (8.7.0).
const BUFFER_IS_SHARED: c_uint = 0x08_07_00;

/// Whether each transfer has a receive buffer of its own.
pub(super) fn transfers_own_buffers() -> bool {
    version() < BUFFER_IS_SHARED
}

/// The first libcurl with which several HTTP/2 streams share a connection, as its version number has it (8.12.0).
const MULTIPLEXING_IS_SOUND: c_uint = 0x08_0c_00;

/// Whether several HTTP/2 streams may share a connection.
pub fn multiplexing_is_sound() -> bool {
    version() >= MULTIPLEXING_IS_SOUND
}

/// The first libcurl that keeps with the request, not with its connection, that it is a probe without a body (8.7.0).
const PROBE_IS_A_REQUEST: c_uint = 0x08_07_00;

/// Whether a connection remembers that its last request was a probe, one without its body that a server was to challenge. The
/// next request on it is sent without its body then, unless it has a user: for such a one libcurl decides anew.
pub fn connections_remember_probes() -> bool {
    version() < PROBE_IS_A_REQUEST
}

/// The version number of the libcurl that was found at run time; 0 when it does not say.
fn version() -> c_uint {
    static VERSION: OnceLock<c_uint> = OnceLock::new();
    *VERSION.get_or_init(|| {
        // SAFETY: libcurl returns a static structure; CURLVERSION_FIRST has the version number.
        let information = unsafe { curl::curl_version_info(curl::CURLVERSION_FIRST).as_ref() };
        information.map_or(0, |information| information.version_num)
    })
}

/// Lets libcurl make a small object and looks whether it asked us for the memory.
fn uses_our_memory() -> bool {
    // SAFETY: curl_slist_append copies the text; curl_slist_free_all takes null or a list.
    allocator::is_used_by(|| unsafe {
        curl::curl_slist_free_all(curl::curl_slist_append(std::ptr::null_mut(), c"probe".as_ptr()));
    })
}
