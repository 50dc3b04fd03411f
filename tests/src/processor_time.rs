//! Processor time of another process.

use std::io;
use std::time::Duration;

/// User and system time that a process has used, as its processor time clock tells it (`clock_getcpuclockid(3)`): to the
/// nanosecond, where `/proc` counts in ticks.
///
/// # Panics
/// There is no such process.
pub fn processor_time(process: u32) -> Duration {
    let mut clock = 0;
    // SAFETY: writes the number of a clock.
    let error = unsafe { libc::clock_getcpuclockid(process as libc::pid_t, &mut clock) };
    assert_eq!(error, 0, "process {process}: {}", io::Error::from_raw_os_error(error));
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes a time.
    let result = unsafe { libc::clock_gettime(clock, &mut time) };
    assert_eq!(result, 0, "process {process}: {}", io::Error::last_os_error());
    Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
}
