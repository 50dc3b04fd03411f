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
    let option = |level, name| option_of(&socket, level, name);
    let on = option(libc::SOL_SOCKET, libc::SO_KEEPALIVE) != 0;
    on.then(|| (option(libc::IPPROTO_TCP, libc::TCP_KEEPIDLE), option(libc::IPPROTO_TCP, libc::TCP_KEEPINTVL)))
}

/// `TCP_USER_TIMEOUT` in ms of the process's connection to `port` on loopback.
///
/// # Panics
/// As [`keepalive`].
pub fn user_timeout(process: u32, port: u16) -> i32 {
    option_of(&connection_to(process, port), libc::IPPROTO_TCP, libc::TCP_USER_TIMEOUT)
}

fn option_of(socket: &TcpStream, level: libc::c_int, name: libc::c_int) -> libc::c_int {
    let mut value: libc::c_int = 0;
    let mut length = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: reads one int option of a socket that is open.
    let result = unsafe {
        libc::getsockopt(socket.as_raw_fd(), level, name, std::ptr::from_mut(&mut value).cast(), &mut length)
    };
    assert_eq!(result, 0, "getsockopt: {}", std::io::Error::last_os_error());
    value
}

/// Segments with bytes that the process has sent on its connection to `port` on loopback.
///
/// # Panics
/// As [`keepalive`].
pub fn segments_sent(process: u32, port: u16) -> u32 {
    /// Where `tcpi_data_segs_out` is in `struct tcp_info` of `linux/tcp.h`; the libc crate ends before it.
    const OFFSET: usize = 156;
    let mut info = [0u8; OFFSET + size_of::<u32>()];
    let mut length = info.len() as libc::socklen_t;
    let socket = connection_to(process, port);
    // SAFETY: writes as many bytes as the array has about a socket that is open.
    let result = unsafe {
        libc::getsockopt(socket.as_raw_fd(), libc::IPPROTO_TCP, libc::TCP_INFO, info.as_mut_ptr().cast(), &mut length)
    };
    assert_eq!((result, length as usize), (0, info.len()), "getsockopt: {}", std::io::Error::last_os_error());
    let (_, segments) = info.split_at(OFFSET);
    u32::from_ne_bytes(segments.try_into().expect("four bytes"))
}

/// Bytes that have arrived on the process's connections to `port` on loopback and that it has not read.
///
/// # Panics
/// This user may not look at the process.
pub fn unread_bytes(process: u32, port: u16) -> usize {
    connections_to(process, port).map(|socket| unread(&socket)).sum()
}

fn unread(socket: &TcpStream) -> usize {
    let mut count: libc::c_int = 0;
    // SAFETY: writes one int about a socket that is open.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::FIONREAD, std::ptr::from_mut(&mut count)) };
    assert_eq!(result, 0, "ioctl: {}", std::io::Error::last_os_error());
    usize::try_from(count).expect("a number of bytes")
}

fn connection_to(process: u32, port: u16) -> TcpStream {
    connections_to(process, port).next().expect("the process has a connection to the server")
}

fn connections_to(process: u32, port: u16) -> impl Iterator<Item = TcpStream> {
    let folder = format!("/proc/{process}/fd");
    let entries = fs::read_dir(&folder).expect("the process is there");
    let descriptors = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<RawFd>().ok());
    descriptors
        .filter_map(move |descriptor| copy(process, descriptor))
        .map(TcpStream::from)
        .filter(move |socket| socket.peer_addr().is_ok_and(|peer| peer.port() == port))
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

/// States of a TCP connection that tests wait for, as `/proc/net/tcp` numbers them (`enum` in `include/net/tcp_states.h`
/// of Linux).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpState {
    /// Both sides have it.
    Established = 1,
    /// The SYN has not been answered.
    SynSent = 2,
    /// The peer has closed, this side has not.
    CloseWait = 8,
}

impl TcpState {
    /// As the table writes it.
    pub fn code(self) -> String {
        format!("{:02X}", self as u8)
    }
}

/// Whether any connection to `port` of 127.0.0.1 is in that state, as its client sees it.
///
/// # Panics
/// There is no `/proc`.
pub fn any_connection_to(port: u16, state: TcpState) -> bool {
    let table = fs::read_to_string("/proc/net/tcp").expect("Linux tells it");
    let wanted = [format!("0100007F:{port:04X}"), state.code()];
    table.lines().skip(1).any(|line| line.split_whitespace().skip(2).take(2).eq(wanted.iter()))
}
