//! The sockets of connections that libcurl keeps, by their local ports: before a request is sent, libcurl tells only the
//! port.

use std::cell::RefCell;
use std::collections::HashMap;
use std::os::fd::RawFd;

thread_local! {
    static SOCKETS: RefCell<HashMap<u16, RawFd>> = RefCell::default();
}

/// Notes the socket of a connection that may be kept. One that is closed later need not be forgotten.
pub fn remember(port: u16, socket: RawFd) {
    SOCKETS.with_borrow_mut(|sockets| sockets.insert(port, socket));
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
        remember(port, listener.as_raw_fd());
        assert!(!has_unread(port), "another socket was taken for the connection's");
    }
}
