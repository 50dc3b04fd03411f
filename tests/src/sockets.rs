//! Looks at the sockets of another process, through copies of its descriptors (`pidfd_getfd(2)`).

use std::fs;
use std::net::TcpStream;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// `TCP_KEEPIDLE` and `TCP_KEEPINTVL` in seconds of the process's connection to `port` on loopback; `None` when its
/// `SO_KEEPALIVE` is off.
///
/// # Panics
/// The process has no such connection, or this user may not look at it.
pub fn keepalive(process: u32, port: u16) -> Option<(i32, i32)> {
    let socket = connection_to(process, port);
    let option = |level, name| {
        let mut value: libc::c_int = 0;
        let mut length = size_of::<libc::c_int>() as libc::socklen_t;
        // SAFETY: reads one int option of a socket that is open.
        let result = unsafe {
            libc::getsockopt(socket.as_raw_fd(), level, name, std::ptr::from_mut(&mut value).cast(), &mut length)
        };
        assert_eq!(result, 0, "getsockopt: {}", std::io::Error::last_os_error());
        value
    };
    let on = option(libc::SOL_SOCKET, libc::SO_KEEPALIVE) != 0;
    on.then(|| (option(libc::IPPROTO_TCP, libc::TCP_KEEPIDLE), option(libc::IPPROTO_TCP, libc::TCP_KEEPINTVL)))
}

fn connection_to(process: u32, port: u16) -> TcpStream {
    let folder = format!("/proc/{process}/fd");
    let entries = fs::read_dir(&folder).expect("the process is there");
    let descriptors = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<RawFd>().ok());
    descriptors
        .filter_map(|descriptor| copy(process, descriptor))
        .map(TcpStream::from)
        .find(|socket| socket.peer_addr().is_ok_and(|peer| peer.port() == port))
        .expect("the process has a connection to the server")
}

fn copy(process: u32, descriptor: RawFd) -> Option<OwnedFd> {
    // SAFETY: two system calls without pointers; each descriptor that they return is new and owned here.
    unsafe {
        let handle = libc::syscall(libc::SYS_pidfd_open, process, 0);
        if handle < 0 {
            return None;
        }
        let handle = OwnedFd::from_raw_fd(handle as RawFd);
        let copy = libc::syscall(libc::SYS_pidfd_getfd, handle.as_raw_fd(), descriptor, 0);
        (copy >= 0).then(|| OwnedFd::from_raw_fd(copy as RawFd))
    }
}
