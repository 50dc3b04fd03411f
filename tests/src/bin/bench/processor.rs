//! One processor for what is measured and another for the rest, so that the one is neither interrupted by the other nor moved.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::thread;

const MEASURED: usize = 1;
const OTHERS: usize = 0;

/// Gives a process the processor of what is measured.
pub fn measure_on_its_own(process: u32) {
    pin(process, MEASURED);
}

/// Keeps a process off that processor.
pub fn keep_aside(process: u32) {
    pin(process, OTHERS);
}

/// Where there is one processor alone, nothing is pinned.
fn pin(process: u32, processor: usize) {
    if thread::available_parallelism().map_or(1, usize::from) < 2 {
        return;
    }
    // SAFETY: a set of processors of this function's own, as large as the call is told.
    let result = unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(processor, &mut set);
        libc::sched_setaffinity(process as libc::pid_t, size_of::<libc::cpu_set_t>(), &set)
    };
    assert_eq!(result, 0, "process {process}: {}", std::io::Error::last_os_error());
}

/// Makes a command begin on the processor of what is measured.
pub fn on_its_own(command: &mut Command) -> &mut Command {
    let pin_itself = || {
        pin(0, MEASURED);
        Ok(())
    };
    // SAFETY: the closure only makes one system call, and one that reads how many processors there are.
    unsafe { command.pre_exec(pin_itself) }
}
