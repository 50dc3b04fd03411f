//! How often a process has run (`proc_pid_status(5)`).

use std::fs;

/// How often a process has been given up by a processor since it began, because it slept or because others ran. While
/// it sleeps, this stays as it is.
///
/// # Panics
/// There is no such process.
pub fn context_switches(process: u32) -> u64 {
    waits(process) + count(process, "nonvoluntary_ctxt_switches:")
}

/// How often a process has begun to wait since it began. Under load that tells how busy it is.
///
/// # Panics
/// There is no such process.
pub fn waits(process: u32) -> u64 {
    count(process, "voluntary_ctxt_switches:")
}

fn count(process: u32, field: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("the process is there");
    let count = status.lines().find_map(|line| line.strip_prefix(field));
    count.and_then(|count| count.trim().parse().ok()).expect("Linux tells it")
}

#[cfg(test)]
mod tests {
    use super::{context_switches, waits};
    use crate::kamailio::{PATIENCE, wait_until};
    use std::io::Write;
    use std::process::{Command, Stdio};

    #[test]
    fn a_process_that_is_woken_counts_and_one_that_sleeps_does_not() {
        let mut reader = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("there is cat");
        let mut input = reader.stdin.take().expect("it is piped");
        let mut count = 0;
        let sleeps = || std::mem::replace(&mut count, context_switches(reader.id())) == count && count > 0;
        assert!(wait_until(PATIENCE, sleeps));
        input.write_all(b"x").expect("it reads");
        assert!(wait_until(PATIENCE, || context_switches(reader.id()) > count));
        assert!(waits(reader.id()) > 0);
        drop(input);
        reader.wait().expect("it ends");
    }
}
