//! What is known of the connections that libcurl has open, since a transfer on them has ended. Before a request is sent libcurl
//! tells the ends of its connection, and nothing else.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::CStr;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::RawFd;

/// The two ends of a TCP connection; there is no other between them while its socket is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ends {
    /// This machine's.
    pub local: SocketAddr,
    /// The server's, or the proxy's.
    pub remote: SocketAddr,
}

impl Ends {
    /// From addresses in text; `None` when one is not an IP address.
    pub fn new(local: (&CStr, u16), remote: (&CStr, u16)) -> Option<Self> {
        let end = |(address, port): (&CStr, u16)| {
            let address: IpAddr = address.to_str().ok()?.parse().ok()?;
            Some(SocketAddr::new(address, port))
        };
        Some(Self { local: end(local)?, remote: end(remote)? })
    }
}

/// What is known of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// `None` once it is closed.
    pub socket: Option<RawFd>,
    /// Whether HTTP/2 is spoken there; `None` before the first response.
    pub is_http2: Option<bool>,
    /// Requests in the present call of libcurl.
    requests: u32,
}

#[derive(Default)]
struct OpenConnections {
    known: HashMap<Ends, Known>,
    ends_of: HashMap<RawFd, Ends>,
    /// Transfers that broke with their connection still ask what it spoke.
    closed: Vec<Ends>,
    /// Where a request has gone out in the present call of libcurl.
    written: Vec<Ends>,
}

thread_local! {
    static OPEN: RefCell<OpenConnections> = RefCell::default();
}

/// Notes a connection, and what is spoken there, where there was a response.
pub fn note(ends: Ends, socket: RawFd, is_http2: Option<bool>) {
    OPEN.with_borrow_mut(|open| {
        open.known.insert(ends, Known { socket: Some(socket), is_http2, requests: 0 });
        open.ends_of.insert(socket, ends);
    });
}

/// To be called before a socket is closed, whether its connection was noted or not.
pub fn closes(socket: RawFd) {
    OPEN.with_borrow_mut(|open| {
        let Some(ends) = open.ends_of.remove(&socket) else {
            return;
        };
        if let Some(known) = open.known.get_mut(&ends) {
            known.socket = None;
            open.closed.push(ends);
        }
    });
}

/// To be called when no transfer is left that broke with its connection.
pub fn forget_closed() {
    OPEN.with_borrow_mut(|open| {
        for ends in open.closed.drain(..) {
            if open.known.get(&ends).is_some_and(|known| known.socket.is_none()) {
                open.known.remove(&ends);
            }
        }
    });
}

/// To be called before a request is sent. When several go out on one HTTP/2 connection in one call of libcurl, it would send each by a
/// call of its own, and each in a segment of its own: from the second on, the kernel collects them until [`send_collected`].
pub fn sends(ends: Ends) {
    OPEN.with_borrow_mut(|open| {
        let Some(Known { socket: Some(socket), is_http2: Some(true), requests }) = open.known.get_mut(&ends) else {
            return;
        };
        *requests += 1;
        match requests {
            1 => open.written.push(ends),
            2 => collect(*socket, true),
            _ => {}
        }
    });
}

/// To be called after libcurl has been called: what was collected goes out.
pub fn send_collected() {
    OPEN.with_borrow_mut(|open| {
        while let Some(ends) = open.written.pop() {
            let Some(known) = open.known.get_mut(&ends) else { continue };
            if let (2.., Some(socket)) = (std::mem::take(&mut known.requests), known.socket) {
                collect(socket, false);
            }
        }
    });
}

/// Whether the kernel keeps segments until they are full (`TCP_CORK` of tcp(7)). Where it cannot, it sends each at once.
fn collect(socket: RawFd, on: bool) {
    let value = libc::c_int::from(on);
    let length = size_of_val(&value) as libc::socklen_t;
    // SAFETY: reads one int; what is no TCP socket is an error.
    unsafe { libc::setsockopt(socket, libc::IPPROTO_TCP, libc::TCP_CORK, (&raw const value).cast(), length) };
}

/// What is known of the connection between these ends; nothing before [`note`].
pub fn known(ends: Ends) -> Known {
    OPEN.with_borrow(|open| open.known.get(&ends).copied().unwrap_or_default())
}

/// Whether the peer has closed a connection; never waits itself.
pub fn was_closed(socket: RawFd) -> bool {
    let mut state = libc::pollfd { fd: socket, events: libc::POLLRDHUP, revents: 0 };
    // SAFETY: one structure, which the call fills; it does not wait.
    unsafe { libc::poll(&mut state, 1, 0) > 0 }
}

/// Whether bytes wait on a connection; never waits itself.
pub fn has_unread(socket: RawFd) -> bool {
    let mut byte = 0u8;
    // SAFETY: writes one byte at most.
    unsafe { libc::recv(socket, (&raw mut byte).cast(), 1, libc::MSG_PEEK | libc::MSG_DONTWAIT) > 0 }
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsRawFd;

    fn connection() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let client = TcpStream::connect(listener.local_addr().expect("it is bound")).expect("it listens");
        (client, listener.accept().expect("a connection").0)
    }

    fn ends_of(client: &TcpStream) -> Ends {
        Ends { local: client.local_addr().expect("it is bound"), remote: client.peer_addr().expect("it is connected") }
    }

    #[test]
    fn bytes_that_wait_and_a_peer_that_has_gone_are_found() {
        let (client, mut server) = connection();
        let socket = client.as_raw_fd();
        assert!(!has_unread(socket));
        server.write_all(b"x").expect("the client is there");
        client.peek(&mut [0]).expect("the byte comes");
        assert!(has_unread(socket));
        assert!(!was_closed(socket));
        drop(server);
        client.peek(&mut [0; 2]).expect("the byte is still there");
        let closed = std::iter::repeat_with(|| was_closed(socket)).take(1_000_000).any(|closed| closed);
        assert!(closed, "the end behind the byte is not seen");
    }

    #[test]
    fn connections_from_one_port_to_two_servers_are_told_apart() {
        let (client, _server) = connection();
        let (other_client, _other_server) = connection();
        let ends = ends_of(&client);
        let other = Ends { remote: ends_of(&other_client).remote, ..ends };
        note(ends, client.as_raw_fd(), Some(true));
        note(other, other_client.as_raw_fd(), Some(false));
        assert_eq!(known(ends), Known { socket: Some(client.as_raw_fd()), is_http2: Some(true), requests: 0 });
        assert_eq!(known(other), Known { socket: Some(other_client.as_raw_fd()), is_http2: Some(false), requests: 0 });
    }

    #[test]
    fn of_a_closed_connection_is_known_what_it_spoke_until_its_transfers_have_ended() {
        let (client, _server) = connection();
        let ends = ends_of(&client);
        note(ends, client.as_raw_fd(), Some(true));
        closes(client.as_raw_fd());
        assert_eq!(known(ends), Known { socket: None, is_http2: Some(true), requests: 0 });
        forget_closed();
        assert_eq!(known(ends), Known::default());
        OPEN.with_borrow(|open| assert!(open.known.is_empty() && open.ends_of.is_empty() && open.closed.is_empty()));
    }

    #[test]
    fn a_new_connection_is_not_forgotten_with_the_closed_one_that_had_its_ends() {
        let (client, _server) = connection();
        let ends = ends_of(&client);
        note(ends, client.as_raw_fd(), Some(true));
        closes(client.as_raw_fd());
        note(ends, client.as_raw_fd(), Some(false));
        forget_closed();
        assert_eq!(known(ends).is_http2, Some(false));
    }

    #[test]
    fn ends_are_read_as_libcurl_writes_them() {
        let ends = Ends::new((c"127.0.0.1", 40_000), (c"::1", 443)).expect("both are addresses");
        assert_eq!(format!("{} {}", ends.local, ends.remote), "127.0.0.1:40000 [::1]:443");
        assert_eq!(Ends::new((c"", 1), (c"::1", 2)), None);
    }
}
