//! The eventfd that wakes an HTTP worker. Made in main before the fork, so that every process has it.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// A non-blocking eventfd (`eventfd(2)`), open in every process until the server ends.
pub(super) struct Wake(RawFd);

impl Wake {
    /// A new eventfd.
    pub(super) fn new() -> io::Result<Self> {
        // SAFETY: no pointers.
        let descriptor = unsafe { libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC) };
        if descriptor < 0 { Err(io::Error::last_os_error()) } else { Ok(Self(descriptor)) }
    }

    /// Makes it readable. Never blocks: the counter is non-blocking, and a full one is readable already. A signal may
    /// interrupt any system call; nobody else would wake the consumer then.
    pub(super) fn notify(&self) {
        let one = 1u64;
        loop {
            // SAFETY: writes the eight bytes of `one`.
            let written = unsafe { libc::write(self.0, std::ptr::from_ref(&one).cast(), size_of::<u64>()) };
            if written >= 0 || io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
                return;
            }
        }
    }

    /// Makes it unreadable.
    pub(super) fn clear(&self) {
        let mut count = 0u64;
        // SAFETY: reads eight bytes into `count`; nothing to read is fine.
        unsafe { libc::read(self.0, std::ptr::from_mut(&mut count).cast(), size_of::<u64>()) };
    }

    /// Closes it in this process.
    pub(super) fn close(&self) {
        // SAFETY: called once, by mod_destroy in main, when no other code of this process uses the table any more.
        drop(unsafe { OwnedFd::from_raw_fd(self.0) });
    }
}

impl AsRawFd for Wake {
    fn as_raw_fd(&self) -> RawFd {
        self.0
    }
}
