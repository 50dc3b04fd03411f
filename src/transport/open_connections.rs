//! The connections that libcurl has open. Before a request is sent libcurl tells the ends of its connection, and nothing else; so
//! a connection is found by its ends.
//!
//! It is known from its first request until its socket is closed. Transfers keep what they have taken, and what is learned of it
//! after that.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::CStr;
use std::mem::ManuallyDrop;
use std::net::{IpAddr, TcpStream};
use std::os::fd::{FromRawFd, RawFd};
use std::rc::Rc;

/// The two ends of a TCP connection, addresses and ports; there is no other between them while its socket is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ends {
    /// This machine's.
    pub local: (IpAddr, u16),
    /// The server's, or the proxy's.
    pub remote: (IpAddr, u16),
}

impl Ends {
    /// From addresses in text; `None` when one is not an IP address.
    pub fn new(local: (&CStr, u16), remote: (&CStr, u16)) -> Option<Self> {
        let end = |(address, port): (&CStr, u16)| Some((address.to_str().ok()?.parse().ok()?, port));
        Some(Self { local: end(local)?, remote: end(remote)? })
    }
}

/// This machine's end of a socket; `None` when it is no TCP socket.
pub fn local_end(socket: RawFd) -> Option<(IpAddr, u16)> {
    // SAFETY: never closed here; what is no TCP socket is an error of the call below.
    let stream = ManuallyDrop::new(unsafe { TcpStream::from_raw_fd(socket) });
    stream.local_addr().ok().map(|address| (address.ip(), address.port()))
}

/// A connection that has taken a request.
#[derive(Debug)]
pub struct OpenConnection {
    /// `None` once it is closed.
    socket: Cell<Option<RawFd>>,
    is_http2: Cell<Option<bool>>,
    /// Requests in the present call of libcurl.
    requests: Cell<u32>,
}

#[derive(Default)]
struct OpenConnections {
    by_ends: HashMap<Ends, Rc<OpenConnection>>,
    ends_of: HashMap<RawFd, Ends>,
    /// Where a request has gone out in the present call of libcurl.
    written: Vec<Rc<OpenConnection>>,
}

thread_local! {
    static OPEN: RefCell<OpenConnections> = RefCell::default();
}

/// The connection between these ends, where a request has taken it before.
pub fn between(ends: Ends) -> Option<Rc<OpenConnection>> {
    OPEN.with_borrow(|open| open.by_ends.get(&ends).cloned())
}

/// A connection that takes its first request.
pub fn opened(ends: Ends, socket: RawFd) -> Rc<OpenConnection> {
    closes(socket);
    let connection =
        Rc::new(OpenConnection { socket: Cell::new(Some(socket)), is_http2: Cell::new(None), requests: Cell::new(0) });
    OPEN.with_borrow_mut(|open| {
        open.by_ends.insert(ends, Rc::clone(&connection));
        open.ends_of.insert(socket, ends);
    });
    connection
}

/// To be called before a socket is closed, whether its connection is known or not.
pub fn closes(socket: RawFd) {
    OPEN.with_borrow_mut(|open| {
        let connection = open.ends_of.remove(&socket).and_then(|ends| open.by_ends.remove(&ends));
        connection.inspect(|connection| connection.socket.set(None));
    });
}

/// To be called after libcurl has been called: what was collected goes out ([`OpenConnection::sends`]).
pub fn send_collected() {
    OPEN.with_borrow_mut(|open| {
        for connection in open.written.drain(..) {
            if let (2.., Some(socket)) = (connection.requests.take(), connection.socket.get()) {
                collect(socket, false);
            }
        }
    });
}

impl OpenConnection {
    /// Whether HTTP/2 is spoken; `None` before the first response.
    pub fn is_http2(&self) -> Option<bool> {
        self.is_http2.get()
    }

    /// Learns from a header line of a response what is spoken: the first line of each begins with it, and a connection that has
    /// spoken HTTP/1.1 changes to HTTP/2 with a 101 (RFC 7540 section 3.2).
    pub fn learn(&self, line: &[u8]) {
        if !line.starts_with(b"HTTP/") || self.is_http2.get() == Some(true) {
            return;
        }
        let is_http2 = line.starts_with(b"HTTP/2") || line.starts_with(b"HTTP/1.1 101");
        self.is_http2.set(Some(is_http2));
        if let (true, Some(socket)) = (is_http2, self.socket.get()) {
            limit_silence(socket);
        }
    }

    /// Whether bytes wait that nobody has read; never waits itself.
    pub fn has_unread(&self) -> bool {
        let mut byte = 0u8;
        // SAFETY: writes one byte at most.
        self.socket.get().is_some_and(|socket| unsafe {
            libc::recv(socket, (&raw mut byte).cast(), 1, libc::MSG_PEEK | libc::MSG_DONTWAIT) > 0
        })
    }

    /// Whether the peer has closed it; never waits itself.
    pub fn was_closed(&self) -> bool {
        self.socket.get().is_some_and(|socket| {
            let mut state = libc::pollfd { fd: socket, events: libc::POLLRDHUP, revents: 0 };
            // SAFETY: one structure, which the call fills; it does not wait.
            unsafe { libc::poll(&mut state, 1, 0) > 0 }
        })
    }

    /// To be called before a request is sent. When several go out on one HTTP/2 connection in one call of libcurl, it would send each
    /// by a call of its own, and each in a segment of its own: from the second on, the kernel collects them until
    /// [`send_collected`].
    pub fn sends(self: &Rc<Self>) {
        let (Some(true), Some(socket)) = (self.is_http2.get(), self.socket.get()) else {
            return;
        };
        self.requests.set(self.requests.get() + 1);
        match self.requests.get() {
            1 => OPEN.with_borrow_mut(|open| open.written.push(Rc::clone(self))),
            2 => collect(socket, true),
            _ => {}
        }
    }
}

/// Whether the kernel keeps segments until they are full (`TCP_CORK` of tcp(7)). Where it cannot, it sends each at once.
fn collect(socket: RawFd, on: bool) {
    set_tcp_option(socket, libc::TCP_CORK, on.into());
}

/// Ends a connection on which the peer acknowledges or takes nothing of what is to be sent for so long, ms (`TCP_USER_TIMEOUT` of
/// tcp(7)). Without it one whose peer has vanished takes queries until the kernel gives up after a quarter of an hour: libcurl does
/// not close a shared connection when a query on it ends early.
const LONGEST_SILENCE: libc::c_int = 10_000;

/// Sets that limit. Where it cannot be set, the connection goes on without.
fn limit_silence(socket: RawFd) {
    set_tcp_option(socket, libc::TCP_USER_TIMEOUT, LONGEST_SILENCE);
}

fn set_tcp_option(socket: RawFd, option: libc::c_int, value: libc::c_int) {
    let length = size_of_val(&value) as libc::socklen_t;
    // SAFETY: reads one int; what is no TCP socket is an error.
    unsafe { libc::setsockopt(socket, libc::IPPROTO_TCP, option, (&raw const value).cast(), length) };
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::io::Write;
    use std::net::TcpListener;
    use std::os::fd::AsRawFd;

    fn connection() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let client = TcpStream::connect(listener.local_addr().expect("it is bound")).expect("it listens");
        (client, listener.accept().expect("a connection").0)
    }

    pub fn ends_of(client: &TcpStream) -> Ends {
        let remote = client.peer_addr().expect("it is connected");
        let local = local_end(client.as_raw_fd()).expect("it is bound");
        Ends { local, remote: (remote.ip(), remote.port()) }
    }

    fn opened_by(client: &TcpStream) -> (Ends, Rc<OpenConnection>) {
        let ends = ends_of(client);
        (ends, opened(ends, client.as_raw_fd()))
    }

    #[test]
    fn bytes_that_wait_and_a_peer_that_has_gone_are_found() {
        let (client, mut server) = connection();
        let (_, known) = opened_by(&client);
        assert!(!known.has_unread());
        server.write_all(b"x").expect("the client is there");
        client.peek(&mut [0]).expect("the byte comes");
        assert!(known.has_unread());
        assert!(!known.was_closed());
        drop(server);
        client.peek(&mut [0; 2]).expect("the byte is still there");
        let closed = std::iter::repeat_with(|| known.was_closed()).take(1_000_000).any(|closed| closed);
        assert!(closed, "the end behind the byte is not seen");
    }

    #[test]
    fn connections_from_one_port_to_two_servers_are_told_apart() {
        let (client, _server) = connection();
        let (other_client, _other_server) = connection();
        let (ends, known) = opened_by(&client);
        let other_ends = Ends { remote: ([127, 0, 0, 2].into(), ends.remote.1), ..ends };
        assert!(between(other_ends).is_none());
        let other = opened(other_ends, other_client.as_raw_fd());
        assert!(between(ends).is_some_and(|found| Rc::ptr_eq(&found, &known)));
        assert!(between(other_ends).is_some_and(|found| Rc::ptr_eq(&found, &other)));
    }

    #[test]
    fn a_closed_connection_is_known_to_its_transfers_alone() {
        let (client, mut server) = connection();
        let (ends, known) = opened_by(&client);
        known.learn(b"HTTP/2 200\r\n");
        server.write_all(b"x").expect("the client is there");
        client.peek(&mut [0]).expect("the byte comes");
        closes(client.as_raw_fd());
        assert_eq!((known.is_http2(), known.has_unread(), known.was_closed()), (Some(true), false, false));
        OPEN.with_borrow(|open| assert!(open.by_ends.is_empty() && open.ends_of.is_empty()));
        let (_, next) = opened_by(&client);
        assert_eq!((next.is_http2(), Rc::strong_count(&known)), (None, 1));
        assert!(between(ends).is_some_and(|found| Rc::ptr_eq(&found, &next)));
    }

    #[test]
    fn what_is_spoken_is_learned_from_status_lines_and_never_changes_back() {
        let (client, _server) = connection();
        for (lines, is_http2) in [
            (["HTTP/1.1 200 OK\r\n", "HTTP: no\r\n"], false),
            (["HTTP/1.1 401 Who\r\n", "HTTP/1.1 101 Switching Protocols\r\n"], true),
            (["HTTP/2 200\r\n", "HTTP/1.1 200 OK\r\n"], true),
        ] {
            let (_, known) = opened_by(&client);
            assert_eq!(known.is_http2(), None);
            lines.iter().for_each(|line| known.learn(line.as_bytes()));
            assert_eq!(known.is_http2(), Some(is_http2), "{lines:?}");
        }
    }

    #[test]
    fn ends_are_read_as_libcurl_writes_them() {
        let ends = Ends::new((c"127.0.0.1", 40_000), (c"::1", 443)).expect("both are addresses");
        let local = ([127, 0, 0, 1].into(), 40_000);
        assert_eq!(ends, Ends { local, remote: (std::net::Ipv6Addr::LOCALHOST.into(), 443) });
        assert_eq!(Ends::new((c"", 1), (c"::1", 2)), None);
    }
}
