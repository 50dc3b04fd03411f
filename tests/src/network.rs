//! A network of a test's own, with loopback alone.

use socket2::{Domain, Socket, Type};
use std::net::Ipv6Addr;
use std::os::fd::AsRawFd;

/// The index of loopback, which every network begins with.
const LOOPBACK: libc::c_int = 1;

/// Puts the calling thread, and all that it starts from now on, into a network whose loopback has `address` beside its own ones.
///
/// # Panics
/// This user may not do that.
pub fn enter_own_with(address: Ipv6Addr) {
    // SAFETY: takes a number, and changes this thread alone.
    assert_eq!(unsafe { libc::unshare(libc::CLONE_NEWNET) }, 0, "a network of one's own");
    let socket = Socket::new(Domain::IPV6, Type::DGRAM, None).expect("a socket");
    // SAFETY: all-zero is a valid request.
    let mut flags: libc::ifreq = unsafe { std::mem::zeroed() };
    for (place, byte) in flags.ifr_name.iter_mut().zip(b"lo") {
        *place = *byte as libc::c_char;
    }
    flags.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: netdevice(7): the request is one of these for the whole call.
    assert_eq!(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS as _, &flags) }, 0, "loopback goes up");
    let wish = libc::in6_ifreq {
        ifr6_addr: libc::in6_addr { s6_addr: address.octets() },
        ifr6_prefixlen: 64,
        ifr6_ifindex: LOOPBACK,
    };
    // SAFETY: the same for IPv6.
    assert_eq!(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFADDR as _, &wish) }, 0, "an address");
}
