//! What is known of the connections that libcurl has, by their local ports: before a request is sent, and after one has failed,
//! libcurl tells only the port.

use std::cell::RefCell;
use std::collections::HashMap;
use std::os::fd::RawFd;

thread_local! {
    static SOCKETS: RefCell<HashMap<u16, RawFd>> = RefCell::default();
    /// Whether HTTP/2 was spoken on a connection, since its first response.
    static SPOKE_HTTP2: RefCell<HashMap<u16, bool>> = RefCell::default();
}

/// Notes the socket of a connection that may be kept. One that is closed later need not be forgotten.
pub fn remember(port: u16, socket: RawFd) {
    SOCKETS.with_borrow_mut(|sockets| sockets.insert(port, socket));
}

/// Ends a connection on which the peer acknowledges nothing for so long, ms (`TCP_USER_TIMEOUT` of tcp(7)). Without it one whose
/// peer has vanished takes queries until the kernel gives up after a quarter of an hour: libcurl does not close a shared
/// connection when a query on it ends early.
const LONGEST_SILENCE: libc::c_uint = 10_000;

/// Sets that limit. Where it cannot be set, the connection goes on without.
pub fn limit_silence(socket: RawFd) {
    let length = size_of_val(&LONGEST_SILENCE) as libc::socklen_t;
    let value: *const libc::c_uint = &LONGEST_SILENCE;
    // SAFETY: reads one unsigned int; what is no TCP socket is an error.
    unsafe { libc::setsockopt(socket, libc::IPPROTO_TCP, libc::TCP_USER_TIMEOUT, value.cast(), length) };
}

/// Notes what a connection speaks, after a response.
pub fn remember_version(port: u16, is_http2: bool) {
    SPOKE_HTTP2.with_borrow_mut(|ports| ports.insert(port, is_http2));
}

/// Forgets the connection that had a local port before.
pub fn is_new(port: u16) {
    SPOKE_HTTP2.with_borrow_mut(|ports| ports.remove(&port));
}

/// Whether HTTP/2 was spoken on the connection with that local port; `None` before its first response.
pub fn spoke_http2(port: u16) -> Option<bool> {
    SPOKE_HTTP2.with_borrow(|ports| ports.get(&port).copied())
}

/// Whether bytes wait on the kept connection with that local port; never waits itself.
pub fn has_unread(port: u16) -> bool {
    let socket = SOCKETS.with_borrow(|sockets| sockets.get(&port).copied());
    // In this order there is one system call less for nearly all requests.
    socket.is_some_and(|socket| bytes_wait(socket) && local_port(socket) == Some(port))
}

/// The port shows whether a descriptor is still that of the connection.
fn local_port(socket: RawFd) -> Option<u16> {
    // SAFETY: all-zero is a sockaddr_in6, which has room for a sockaddr_in.
    let mut address: libc::sockaddr_in6 = unsafe { std::mem::zeroed() };
    let mut length = size_of::<libc::sockaddr_in6>() as libc::socklen_t;
    // SAFETY: writes `length` bytes at most; what is no socket is an error. Both kinds have the port in the same place.
    let result = unsafe { libc::getsockname(socket, (&raw mut address).cast(), &mut length) };
    (result == 0).then(|| u16::from_be(address.sin6_port))
}

/// Whether the peer has closed the kept connection with that local port; never waits itself.
pub fn was_closed(port: u16) -> bool {
    let socket = SOCKETS.with_borrow(|sockets| sockets.get(&port).copied());
    socket.is_some_and(|socket| local_port(socket) == Some(port) && is_half_closed(socket))
}

fn is_half_closed(socket: RawFd) -> bool {
    let mut state = libc::pollfd { fd: socket, events: libc::POLLRDHUP, revents: 0 };
    // SAFETY: one structure, which the call fills; it does not wait.
    unsafe { libc::poll(&mut state, 1, 0) > 0 }
}

fn bytes_wait(socket: RawFd) -> bool {
    let mut byte = 0u8;
    // SAFETY: writes one byte at most.
    unsafe { libc::recv(socket, (&raw mut byte).cast(), 1, libc::MSG_PEEK | libc::MSG_DONTWAIT) > 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsRawFd;

    #[test]
    fn bytes_that_wait_are_found_by_the_port_while_the_socket_is_that_of_the_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let client = TcpStream::connect(listener.local_addr().expect("it is bound")).expect("it listens");
        let (mut server, _) = listener.accept().expect("a connection");
        let port = client.local_addr().expect("it is connected").port();
        assert!(!has_unread(port));
        remember(port, client.as_raw_fd());
        assert!(!has_unread(port));
        server.write_all(b"x").expect("the client is there");
        client.peek(&mut [0]).expect("the byte comes");
        assert!(has_unread(port));
        assert!(!was_closed(port));
        drop(server);
        client.peek(&mut [0; 2]).expect("the byte is still there");
        let closed = std::iter::repeat_with(|| was_closed(port)).take(1_000_000).any(|closed| closed);
        assert!(closed, "the end behind the byte is not seen");
        remember(port, listener.as_raw_fd());
        assert!(!has_unread(port), "another socket was taken for the connection's");
    }
}
