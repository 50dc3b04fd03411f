//! One clock for all processes: `CLOCK_MONOTONIC`.

use std::time::Duration;

/// A point in time that means the same in every process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant {
    microseconds: u64,
}

impl Instant {
    /// Now.
    pub fn now() -> Self {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: writes one timespec; the clock exists on every Linux, so the call cannot fail.
        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
        let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
        let nanoseconds = u64::try_from(time.tv_nsec).unwrap_or(0);
        Self { microseconds: seconds * 1_000_000 + nanoseconds / 1_000 }
    }

    /// As a number that other processes read; see [`Instant::from_microseconds`].
    pub(super) fn microseconds(self) -> u64 {
        self.microseconds
    }

    pub(super) fn from_microseconds(microseconds: u64) -> Self {
        Self { microseconds }
    }

    /// `duration` later.
    pub fn after(self, duration: Duration) -> Self {
        let duration = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        Self { microseconds: self.microseconds.saturating_add(duration) }
    }

    /// Time from `earlier` to this point; zero when it is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.microseconds.saturating_sub(earlier.microseconds))
    }
}
