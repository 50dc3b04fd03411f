//! Kamailio's processes: which one runs, and the fork of an HTTP worker.

use super::sys;
use std::ffi::{CString, c_int};

/// What `child_init` is told about the process it runs in (`PROC_*` of `core/sr_module.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The main process, where extra processes are forked.
    Main,
    /// Any other.
    Other,
}

impl Role {
    pub(super) fn of_rank(rank: c_int) -> Self {
        if rank == sys::PROC_MAIN as c_int { Self::Main } else { Self::Other }
    }
}

/// Which side of a fork this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fork {
    /// The new process.
    Child,
    /// The process that forked.
    Parent,
}

/// An error of Kamailio's process functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessError;

/// Announces `count` extra processes. Main process, in `mod_init`.
///
/// # Errors
/// Kamailio's configuration framework refused.
pub fn register_workers(count: u32) -> Result<(), ProcessError> {
    let count = c_int::try_from(count).map_err(|_| ProcessError)?;
    // SAFETY: no pointers; the core allows it from mod_init.
    if unsafe { sys::shim_workers_register(count) } < 0 { Err(ProcessError) } else { Ok(()) }
}

/// Forks one extra process, shown as `description` by `kamcmd core.psx`. Main process, in `child_init`.
///
/// # Errors
/// The fork failed. A child that cannot join the configuration framework ends itself.
pub fn fork_worker(description: &str) -> Result<Fork, ProcessError> {
    let description = CString::new(description).map_err(|_| ProcessError)?;
    // SAFETY: the core copies the text into its process table; allowed from child_init(PROC_MAIN).
    match unsafe { sys::shim_worker_fork(description.as_ptr().cast_mut()) } {
        error if error < 0 => Err(ProcessError),
        0 => {
            // SAFETY: no pointers; the new process calls it once, before its loop.
            if unsafe { sys::shim_worker_started() } < 0 {
                // Returning would let the child go on as if it were main.
                exit_with_failure();
            }
            Ok(Fork::Child)
        }
        _ => Ok(Fork::Parent),
    }
}

/// Number of this process in Kamailio's process table.
pub fn number() -> i32 {
    // SAFETY: reads a global of the core that each process sets once, at its fork.
    unsafe { sys::shim_process_number() }
}

/// Raises the soft limit of open descriptors to the hard one; returns what is then allowed. HTTP workers.
pub fn raise_descriptor_limit() -> usize {
    const ASSUMED: usize = 1024;
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: reads and writes one rlimit of this process.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) != 0 {
            return ASSUMED;
        }
        let raised = libc::rlimit { rlim_cur: limit.rlim_max, rlim_max: limit.rlim_max };
        if libc::setrlimit(libc::RLIMIT_NOFILE, &raised) == 0 {
            limit = raised;
        }
    }
    usize::try_from(limit.rlim_cur).unwrap_or(usize::MAX)
}

/// Ends this process at once, without the clean-up that belongs to main.
pub fn exit_with_failure() -> ! {
    // SAFETY: ends the process.
    unsafe { libc::_exit(1) }
}
