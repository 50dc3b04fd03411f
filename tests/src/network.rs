//! A network of a test's own, with loopback alone.

use std::net::Ipv6Addr;
use std::process::Command;

/// Puts the calling thread, and all that it starts from now on, into a network whose loopback has `address` beside its own ones.
///
/// # Panics
/// This user may not do that, or there is no `ip`.
pub fn enter_own_with(address: Ipv6Addr) {
    // SAFETY: takes a number, and changes this thread alone.
    assert_eq!(unsafe { libc::unshare(libc::CLONE_NEWNET) }, 0, "a network of one's own");
    let address = format!("{address}/64");
    for arguments in [&["link", "set", "lo", "up"][..], &["-6", "address", "add", &address, "dev", "lo", "nodad"]] {
        let status = Command::new("ip").args(arguments).status().expect("ip is installed");
        assert!(status.success(), "ip {arguments:?}");
    }
}
