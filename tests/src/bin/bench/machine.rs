//! What the figures depend on.

use crate::figures::Figures;
use std::process::Command;
use std::{fs, thread};

/// Takes down machine, versions and date.
pub fn describe(figures: &mut Figures) {
    let processors = thread::available_parallelism().map_or(0, usize::from);
    let facts = [
        ("Debian", fs::read_to_string("/etc/debian_version").unwrap_or_default()),
        ("Kamailio", package("kamailio")),
        ("libcurl", libcurl()),
        ("libevent", package("libevent-core-2.1*")),
        ("nginx", package("nginx-light")),
        ("processor", format!("{processors} x {}", processor())),
        ("Linux", fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default()),
        ("date", output("date", &["--utc", "+%Y-%m-%d %H:%M UTC"])),
        ("load average before", fs::read_to_string("/proc/loadavg").unwrap_or_default()),
    ];
    for (name, value) in facts {
        figures.fact(name, value.trim());
    }
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    line.map_or_else(|| "?".to_owned(), |(_, name)| name.to_owned())
}

/// Version of an installed Debian package.
fn package(name: &str) -> String {
    let versions = output("dpkg-query", &["-W", "-f", "${Version}\n", name]);
    versions.lines().find(|version| !version.is_empty()).unwrap_or("?").to_owned()
}

/// Version of the libcurl that is loaded.
fn libcurl() -> String {
    // SAFETY: the number is one that this libcurl knows; it returns a static structure with a version string.
    let version = unsafe { (*curl_sys::curl_version_info(curl_sys::CURLVERSION_FOURTH)).version };
    // SAFETY: as above.
    unsafe { std::ffi::CStr::from_ptr(version) }.to_string_lossy().into_owned()
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}
