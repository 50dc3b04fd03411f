//! Kamailio under valgrind's memcheck (`make memcheck`). It follows every process that Kamailio forks, and each writes a log
//! of its own, which is read when the instance has ended.

use std::fs;
use std::path::Path;
use std::time::Duration;

/// Names the file of suppressions. Where it is set, every Kamailio runs under memcheck.
const VARIABLE: &str = "HTTP_ASYNC_CLIENT_MEMCHECK";

/// Each error and each loss comes with one; a suppressed one is not shown.
const A_STACK: &str = "==    at 0x";

/// libcurl's memory comes from the C library's heap, which memcheck sees; and queries that say nothing about their time
/// get more of it.
pub const PARAMETERS: &str = "modparam(\"http_async_client\", \"memory_manager\", \"sys\")\n\
                              modparam(\"http_async_client\", \"connection_timeout\", 10000)\n";

/// Whether Kamailio runs under memcheck.
pub fn is_on() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

/// How long to wait for what takes `usual` at most without memcheck.
pub fn patience(usual: Duration) -> Duration {
    if is_on() { usual * 3 } else { usual }
}

/// The words that start Kamailio; with memcheck, its logs come into `folder`.
pub fn program(folder: &Path) -> Vec<String> {
    let mut words = Vec::new();
    if let Ok(suppressions) = std::env::var(VARIABLE) {
        words.extend(["valgrind", "--leak-check=full", "--show-leak-kinds=definite"].map(str::to_owned));
        words.extend(["--errors-for-leak-kinds=definite", "--num-callers=40"].map(str::to_owned));
        words.push(format!("--suppressions={suppressions}"));
        words.push(format!("--log-file={}/memcheck.%p", folder.display()));
    }
    words.push("kamailio".to_owned());
    words
}

/// Asserts that no process of an instance that has ended made an error or lost memory, and that each of `processes` was
/// followed to its end.
///
/// # Panics
/// One was not, or there is an error; the panic shows the log of its process.
pub fn check(folder: &Path, processes: &[u32]) {
    if !is_on() {
        return;
    }
    for process in processes {
        let log = fs::read_to_string(folder.join(format!("memcheck.{process}"))).unwrap_or_default();
        assert!(log.contains("ERROR SUMMARY: "), "memcheck did not see the end of process {process}:\n{log}");
    }
    let files = fs::read_dir(folder).expect("the run folder is there").map(|entry| entry.expect("an entry").path());
    let logs = files.filter(|file| file.file_stem().is_some_and(|stem| stem == "memcheck"));
    for log in logs.map(|file| fs::read_to_string(file).expect("a log of memcheck's")) {
        assert!(!log.contains(A_STACK), "memcheck found errors:\n{log}");
    }
}
