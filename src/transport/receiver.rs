//! Who takes what a transfer receives, and the callbacks by which libcurl hands it over.

use super::connecting;
use super::libcurl as api;
use super::open_connections::{self, Ends, OpenConnection};
use crate::host::guarded;
use curl_sys::{self as curl, CURL};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::net::IpAddr;
use std::os::fd::RawFd;
use std::ptr::NonNull;
use std::rc::Rc;

/// Whether a transfer goes on after bytes were received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// It does.
    Continue,
    /// It ends with `CURLE_WRITE_ERROR`; the receiver knows why.
    Stop,
}

/// What a [`Receiver`] may ask before a request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// It was used by another transfer before, and holds bytes that nobody has asked for.
    Unread,
    /// It was used by another transfer before, and the peer has closed it.
    Closed,
    /// It replaces one that broke after the request had gone out on it, together with others maybe.
    ReplacesBroken,
}

/// What libcurl tells when it is verbose (`CURLOPT_DEBUGFUNCTION`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trace {
    /// libcurl's own words.
    Text,
    /// Response header bytes.
    HeaderIn,
    /// Request header bytes, a whole block.
    HeaderOut,
}

/// Takes what a transfer receives.
pub trait Receiver {
    /// A connection is about to be made, to the address that libcurl was given. Says to which one it is made: an IPv6 address only
    /// where one was offered. `None`, and it is not made: `CURLE_COULDNT_CONNECT`.
    fn connect(&mut self, offered: IpAddr) -> Option<IpAddr> {
        Some(offered)
    }
    /// A request is about to be sent, the first or another that libcurl makes by itself, such as the one that answers a
    /// challenge, or is the same once more because the first one was lost. What comes now is its response. `is` asks about the
    /// connection; [`Flow::Stop`] ends the transfer before anything is sent.
    fn request(&mut self, is: impl Fn(Connection) -> bool) -> Flow;
    /// One complete header line, status lines and the blank line at the end among them, of every response on the way.
    fn header_line(&mut self, line: &[u8]) -> Flow;
    /// Body bytes of the final response.
    fn body(&mut self, bytes: &[u8]) -> Flow;
    /// Only when [`Easy::trace`] asked for it.
    fn trace(&mut self, kind: Trace, bytes: &[u8]);
}

/// Where libcurl words what went wrong (`CURLOPT_ERRORBUFFER`).
pub(super) type ErrorText = [c_char; curl::CURL_ERROR_SIZE];

/// What the callbacks of one transfer need.
pub(super) struct CallbackContext<R> {
    pub receiver: NonNull<R>,
    pub error_text: NonNull<ErrorText>,
    /// Sockets that were made for the transfer since its last request, be it for a connection or in vain.
    made: Vec<RawFd>,
    /// The last connection that was.
    opened: Option<Rc<OpenConnection>>,
    /// The connection that the last request took; `None` where it is not known.
    connection: Option<Rc<OpenConnection>>,
}

impl<R> CallbackContext<R> {
    pub fn new(receiver: NonNull<R>, error_text: NonNull<ErrorText>) -> Self {
        Self { receiver, error_text, made: Vec::new(), opened: None, connection: None }
    }

    /// No request yet.
    pub fn begin_anew(&mut self) {
        self.made.clear();
        self.opened = None;
        self.connection = None;
    }

    /// Whether HTTP/2 was spoken on the connection of the last request; `None` when nobody has got a response there.
    pub fn spoke_http2(&self) -> Option<bool> {
        self.connection.as_ref()?.is_http2()
    }

    /// Whether the last socket that was made awaits an answer to its SYN.
    pub fn awaits_peer(&self) -> bool {
        self.made.last().is_some_and(|socket| connecting::awaits_peer(*socket))
    }

    /// The connection that a request is about to take.
    fn connection_between(&mut self, ends: Ends) -> Option<Rc<OpenConnection>> {
        // The far end may be another one for the kernel: libcurl tells the address that it has asked for.
        let is_it = |socket: &RawFd| open_connections::local_end(*socket) == Some(ends.local);
        let Some(socket) = self.made.iter().copied().find(is_it) else {
            return open_connections::between(ends);
        };
        self.made.clear();
        self.opened = Some(open_connections::opened(ends, socket));
        self.opened.clone()
    }
}

/// `CURLOPT_SOCKOPTFUNCTION`: a socket was made, and will be connected. Its connection may be found by it later.
pub(super) extern "C" fn on_socket<R: Receiver>(
    context: *mut c_void,
    socket: curl::curl_socket_t,
    _: curl::curlsocktype,
) -> c_int {
    guarded("a new socket", (), || {
        // SAFETY: the pointer that connect_callbacks set; nothing else uses what is behind it while libcurl runs.
        let context = unsafe { &mut *context.cast::<CallbackContext<R>>() };
        // Without memory the connection is not known, which is the careful side.
        if context.made.try_reserve(1).is_ok() {
            context.made.push(socket);
        }
    });
    api::CURL_SOCKOPT_OK as c_int
}

/// `CURLOPT_PREREQFUNCTION`: anything but `CURL_PREREQFUNC_OK` ends the transfer.
pub(super) extern "C" fn on_request<R: Receiver>(
    context: *mut c_void,
    remote_address: *mut c_char,
    local_address: *mut c_char,
    remote_port: c_int,
    local_port: c_int,
) -> c_int {
    guarded("a receiver", api::CURL_PREREQFUNC_ABORT as c_int, || {
        // SAFETY: libcurl hands in texts that live during this call.
        let (local, remote) = unsafe { (end(local_address, local_port), end(remote_address, remote_port)) };
        let ends = local.zip(remote).and_then(|(local, remote)| Ends::new(local, remote));
        // SAFETY: as in on_socket(); the receiver as in on_body().
        let (context, receiver) = unsafe {
            let context = &mut *context.cast::<CallbackContext<R>>();
            let mut receiver = context.receiver;
            (context, receiver.as_mut())
        };
        let flow = context.before_request(receiver, ends);
        (if flow == Flow::Continue { api::CURL_PREREQFUNC_OK } else { api::CURL_PREREQFUNC_ABORT }) as c_int
    })
}

/// # Safety
/// `address` is null or a NUL-terminated text that lives as long as the result is used.
unsafe fn end<'a>(address: *const c_char, port: c_int) -> Option<(&'a CStr, u16)> {
    if address.is_null() {
        return None;
    }
    // SAFETY: the caller's contract.
    Some((unsafe { CStr::from_ptr(address) }, u16::try_from(port).ok()?))
}

impl<R: Receiver> CallbackContext<R> {
    fn before_request(&mut self, receiver: &mut R, ends: Option<Ends>) -> Flow {
        let connection = ends.and_then(|ends| self.connection_between(ends));
        // One that this transfer has opened is not given up for what came after a challenge.
        let is_its_own = |used: &&Rc<_>| self.opened.as_ref().is_some_and(|opened| Rc::ptr_eq(opened, used));
        let used = connection.as_ref().filter(|used| !is_its_own(used));
        let flow = receiver.request(|question| match question {
            Connection::Unread => used.is_some_and(|used| used.has_unread()),
            Connection::Closed => used.is_some_and(|used| used.was_closed()),
            // libcurl has nothing to say where a peer did not take a request, but for one that asks for HTTP/1.1 instead.
            Connection::ReplacesBroken => self.has_complained() && self.spoke_http2() != Some(false),
        });
        if flow == Flow::Continue {
            connection.iter().for_each(OpenConnection::sends);
        }
        self.connection = connection;
        flow
    }

    fn has_complained(&self) -> bool {
        // SAFETY: libcurl writes a NUL-terminated text there, and not while it calls back.
        let text = unsafe { CStr::from_ptr(self.error_text.as_ptr().cast::<c_char>()) }.to_bytes();
        const NOT_TAKEN: &[u8] = b"HTTP_1_1_REQUIRED";
        !text.is_empty() && !text.windows(NOT_TAKEN.len()).any(|part| part == NOT_TAKEN)
    }
}

/// `CURLOPT_WRITEFUNCTION`: anything but `size * count` ends the transfer.
pub(super) extern "C" fn on_body<R: Receiver>(
    bytes: *mut c_char,
    size: usize,
    count: usize,
    receiver: *mut c_void,
) -> usize {
    let length = size * count;
    guarded("a receiver", usize::MAX, || {
        // SAFETY: libcurl hands in `length` bytes, and the pointer that connect_callbacks set; see Easy::receiver_mut.
        let (bytes, receiver) = unsafe { (slice(bytes, length), &mut *receiver.cast::<R>()) };
        if receiver.body(bytes) == Flow::Continue { length } else { usize::MAX }
    })
}

/// `CURLOPT_HEADERFUNCTION`: one complete line a call.
pub(super) extern "C" fn on_header<R: Receiver>(
    bytes: *mut c_char,
    size: usize,
    count: usize,
    context: *mut c_void,
) -> usize {
    let length = size * count;
    guarded("a receiver", usize::MAX, || {
        // SAFETY: libcurl hands in `length` bytes; the pointers as in on_request().
        let (line, context, receiver) = unsafe {
            let context = &*context.cast::<CallbackContext<R>>();
            let mut receiver = context.receiver;
            (slice(bytes, length), context, receiver.as_mut())
        };
        context.connection.iter().for_each(|connection| connection.learn(line));
        if receiver.header_line(line) == Flow::Continue { length } else { usize::MAX }
    })
}

/// # Safety
/// `bytes` is null or points to `length` bytes that live as long as the result is used.
unsafe fn slice<'a>(bytes: *const c_char, length: usize) -> &'a [u8] {
    if bytes.is_null() || length == 0 {
        return &[];
    }
    // SAFETY: the caller's contract.
    unsafe { std::slice::from_raw_parts(bytes.cast(), length) }
}

/// `CURLOPT_DEBUGFUNCTION`.
pub(super) extern "C" fn on_trace<R: Receiver>(
    _: *mut CURL,
    kind: curl::curl_infotype,
    bytes: *mut c_char,
    length: usize,
    receiver: *mut c_void,
) -> c_int {
    let kind = match kind {
        curl::CURLINFO_TEXT => Trace::Text,
        curl::CURLINFO_HEADER_IN => Trace::HeaderIn,
        curl::CURLINFO_HEADER_OUT => Trace::HeaderOut,
        _ => return 0,
    };
    guarded("a receiver", 0, || {
        // SAFETY: as in on_body().
        let (bytes, receiver) = unsafe { (slice(bytes, length), &mut *receiver.cast::<R>()) };
        receiver.trace(kind, bytes);
        0
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::transport::open_connections::tests::ends_of;
    use std::io::Write;
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsRawFd;

    /// Takes everything, and notes what it is told when it asks for bytes that wait.
    pub struct Asks(pub Option<bool>);

    impl Receiver for Asks {
        fn request(&mut self, is: impl Fn(Connection) -> bool) -> Flow {
            self.0 = Some(is(Connection::Unread));
            Flow::Continue
        }
        fn header_line(&mut self, _: &[u8]) -> Flow {
            Flow::Continue
        }
        fn body(&mut self, _: &[u8]) -> Flow {
            Flow::Continue
        }
        fn trace(&mut self, _: Trace, _: &[u8]) {}
    }

    fn asked(context: &mut CallbackContext<Asks>, ends: Ends) -> Option<bool> {
        let mut receiver = Asks(None);
        context.before_request(&mut receiver, Some(ends));
        receiver.0
    }

    /// A connection on which a byte waits.
    fn connection(listener: &TcpListener) -> (TcpStream, Ends) {
        let client = TcpStream::connect(listener.local_addr().expect("it is bound")).expect("it listens");
        let (mut server, _) = listener.accept().expect("a connection");
        server.write_all(b"x").expect("the client is there");
        client.peek(&mut [0]).expect("the byte comes");
        let ends = ends_of(&client);
        (client, ends)
    }

    #[test]
    fn bytes_that_wait_matter_to_other_transfers_than_the_one_that_opened_the_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let (ones, one) = connection(&listener);
        let (others, other) = connection(&listener);
        let context = || CallbackContext::new(NonNull::dangling(), NonNull::dangling());
        let (mut opener, mut other_opener) = (context(), context());
        opener.made = vec![listener.as_raw_fd(), ones.as_raw_fd()];
        other_opener.made = vec![others.as_raw_fd()];
        assert_eq!(asked(&mut opener, one), Some(false));
        assert_eq!(asked(&mut opener, one), Some(false));
        assert_eq!(asked(&mut other_opener, other), Some(false));
        assert_eq!(asked(&mut opener, other), Some(true), "it has opened one, but not this");
    }
}
