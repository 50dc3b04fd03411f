//! Descriptors that a program which a callback starts must not inherit: with a connection it could go on where a query was. What
//! this module opens closes by itself then (`O_CLOEXEC`); libcurl opens some without. HTTP workers.

use crate::host::log;
use std::ffi::c_int;
use std::fs;
use std::os::fd::RawFd;

/// Closes `descriptor` in programs that this process becomes.
fn mark(descriptor: RawFd) {
    // SAFETY: F_SETFD takes an int, and changes nothing but the descriptor's flag; it fails for one that is not open.
    unsafe { libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) };
}

/// Marks what is open after `open` and was not before. The process has one thread, and nothing is executed meanwhile.
pub(super) fn mark_opened_by<T>(open: impl FnOnce() -> T) -> T {
    let before = open_descriptors();
    let result = open();
    match before.zip(open_descriptors()) {
        Some((before, after)) => after.into_iter().filter(|descriptor| !before.contains(descriptor)).for_each(mark),
        None => log::warning!(
            "/proc/self/fd cannot be read: programs that callbacks start inherit descriptors of libcurl's"
        ),
    }
    result
}

fn open_descriptors() -> Option<Vec<RawFd>> {
    let entries = fs::read_dir("/proc/self/fd").ok()?;
    let mut descriptors: Vec<RawFd> =
        entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
    // That of the folder itself was among them.
    descriptors.retain(|descriptor| flags_of(*descriptor).is_some());
    Some(descriptors)
}

/// `None` where it is not open.
fn flags_of(descriptor: RawFd) -> Option<c_int> {
    // SAFETY: F_GETFD takes nothing and changes nothing; it fails for one that is not open.
    let flags = unsafe { libc::fcntl(descriptor, libc::F_GETFD) };
    (flags >= 0).then_some(flags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_opened_is_marked() {
        let mut ends = [-1; 2];
        // SAFETY: writes two descriptors.
        assert_eq!(mark_opened_by(|| unsafe { libc::pipe(ends.as_mut_ptr()) }), 0);
        for end in ends {
            assert!(flags_of(end).is_some_and(|flags| flags & libc::FD_CLOEXEC != 0));
            // SAFETY: the pipe is ours.
            assert_eq!(unsafe { libc::close(end) }, 0);
        }
    }
}
