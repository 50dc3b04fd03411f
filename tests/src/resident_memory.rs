//! How much memory a process has and has had (`proc_pid_status(5)`).

use std::fs;

/// Resident memory of a process that is its own, in bytes (`RssAnon`).
///
/// # Panics
/// There is no such process.
pub fn resident_memory(process: u32) -> u64 {
    bytes(process, "RssAnon:")
}

/// The most bytes that a process has had in memory at once since it began (`VmHWM`).
///
/// # Panics
/// There is no such process.
pub fn peak(process: u32) -> u64 {
    bytes(process, "VmHWM:")
}

fn bytes(process: u32, field: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("the process is there");
    let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("Linux tells it");
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number of kB");
    kilobytes * 1024
}

#[cfg(test)]
mod tests {
    use super::peak;

    #[test]
    fn what_was_written_counts() {
        let before = peak(std::process::id());
        let block = vec![1u8; 64 * 1024 * 1024];
        assert!(peak(std::process::id()) >= before + 48 * 1024 * 1024, "{} bytes were written", block.len());
    }
}
