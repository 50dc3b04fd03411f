//! Processor time of another process, from `/proc`.

use std::fs;
use std::time::Duration;

/// User and system time that a process has used (`proc(5)`, fields 14 and 15 of `stat`).
///
/// # Panics
/// The process does not exist.
pub fn processor_time(process: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).expect("the process exists");
    // The second field is a name in parentheses, which may hold blanks.
    let (_, after_name) = stat.rsplit_once(')').expect("a name in parentheses");
    let field = |number: usize| after_name.split_whitespace().nth(number - 3).and_then(|text| text.parse::<u64>().ok());
    let ticks = field(14).unwrap_or(0) + field(15).unwrap_or(0);
    // SAFETY: reads a constant of the system.
    let ticks_a_second = u64::try_from(unsafe { libc::sysconf(libc::_SC_CLK_TCK) }).unwrap_or(100);
    Duration::from_micros(ticks * 1_000_000 / ticks_a_second)
}
