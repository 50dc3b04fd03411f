//! Data of libraries that belongs to a thread, in a process that a fork has just made.
//!
//! With tls.so, OpenSSL's memory is Kamailio's shared memory. What it keeps for a thread (its list of errors, its
//! random numbers) then lies there, and every process forked from main would use main's without a lock: an error of one
//! process becomes an error of another, or is freed twice. Kamailio 5.6 leaves it so, Kamailio 6 with `tls_threads_mode` 0.

use super::memory;

/// Lets go of thread-specific data that lies in shared memory; libraries make their own anew. It is not freed, for other
/// processes use it. HTTP worker, before it calls any library.
pub fn forget_what_is_shared() {
    for key in 0..number_of_keys() {
        // SAFETY: in glibc and musl a key is an index below the limit, and one that nobody made gives null.
        let data = unsafe { libc::pthread_getspecific(key) };
        if memory::has(data) {
            // SAFETY: as above; its owner takes null as the state of a new thread (pthread_getspecific(3)).
            unsafe { libc::pthread_setspecific(key, std::ptr::null()) };
        }
    }
}

fn number_of_keys() -> libc::pthread_key_t {
    /// What POSIX promises (`_POSIX_THREAD_KEYS_MAX`).
    const LEAST: libc::pthread_key_t = 128;
    // SAFETY: reads a constant of the C library.
    libc::pthread_key_t::try_from(unsafe { libc::sysconf(libc::_SC_THREAD_KEYS_MAX) }).unwrap_or(LEAST)
}
