//! The eventfd's counter as the model checker sees it, in the place of `wake.rs`.

use loom::sync::{Condvar, Mutex};
use std::io;
use std::os::fd::{AsRawFd, RawFd};

/// Readable while its counter is not 0.
pub(super) struct Wake {
    count: Mutex<u64>,
    readable: Condvar,
}

impl Wake {
    /// A new counter of 0.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { count: Mutex::new(0), readable: Condvar::new() })
    }

    /// Makes it readable.
    pub(super) fn notify(&self) {
        *self.count.lock().unwrap() += 1;
        self.readable.notify_one();
    }

    /// Waits until it is readable, as the event loop does. loom ends the model when nobody is left who could make it so.
    pub(super) fn wait(&self) {
        let mut count = self.count.lock().unwrap();
        while *count == 0 {
            count = self.readable.wait(count).unwrap();
        }
    }

    /// Makes it unreadable.
    pub(super) fn clear(&self) {
        *self.count.lock().unwrap() = 0;
    }

    /// There is nothing to close.
    pub(super) fn close(&self) {}
}

impl AsRawFd for Wake {
    fn as_raw_fd(&self) -> RawFd {
        -1
    }
}
