//! A request as the server received it, and the parsing of its head (RFC 9112 sections 2 to 5).

use std::io;
use std::time::Instant;

use super::body::read_body;
use super::connection::{Connection, Transport};

/// More header fields than any test sends.
const MOST_HEADERS: usize = 256;

/// One HTTP request, read completely before the handler saw it.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method as sent, for example `POST`.
    pub method: String,
    /// The request target as sent (RFC 9112 section 3.2): path and query, or a whole URL sent to a proxy.
    pub target: String,
    /// Names as spelled by the client, in order, with the raw bytes of the values.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The content, with the chunked coding removed.
    pub body: Vec<u8>,
    /// Which TCP connection of the server brought it, counted from 1.
    pub connection: u64,
    /// When the last byte had been received.
    pub at: Instant,
}

impl Request {
    /// The first value of a header field; names compare without case. Values that are not UTF-8 are passed over.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.values(name).next()
    }

    /// All values of a header field, in order, except those that are not UTF-8.
    pub fn header_values(&self, name: &str) -> Vec<&str> {
        self.values(name).collect()
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.headers.iter().filter(move |(field, _)| field.eq_ignore_ascii_case(name));
        named.filter_map(|(_, value)| std::str::from_utf8(value).ok())
    }

    /// Whether a header field with a comma-separated list (RFC 9110 section 5.6.1) contains `token`.
    pub(super) fn header_lists(&self, name: &str, token: &str) -> bool {
        self.values(name).flat_map(|value| value.split(',')).any(|item| item.trim().eq_ignore_ascii_case(token))
    }
}

/// A received request and what its version means for the connection.
pub(super) struct Received {
    pub(super) request: Request,
    /// Whether the client lets the connection stay open (RFC 9112 section 9.3).
    pub(super) keep_alive: bool,
}

/// The request line and the header section.
struct Head {
    request: Request,
    minor_version: u8,
    /// Bytes up to and including the empty line.
    length: usize,
}

/// Reads one request.
///
/// # Errors
/// `InvalidData` when the bytes are not an HTTP/1 request, `UnexpectedEof` when the client closed before its end, or the
/// error of the socket.
pub(super) async fn read_request<T: Transport>(connection: &mut Connection<T>) -> io::Result<Received> {
    let head = loop {
        match parse_head(connection.received(), connection.number())? {
            Some(head) => break head,
            None => connection.receive_more().await?,
        }
    };
    connection.take(head.length);
    let mut request = head.request;
    request.body = read_body(connection, &request).await?;
    request.at = Instant::now();
    let keep_alive = head.minor_version >= 1 && !request.header_lists("Connection", "close");
    Ok(Received { request, keep_alive })
}

/// Parses a head, or returns `None` when more bytes are needed.
fn parse_head(received: &[u8], connection: u64) -> io::Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let length = match parsed.parse(received).map_err(malformed)? {
        httparse::Status::Complete(length) => length,
        httparse::Status::Partial => return Ok(None),
    };
    let headers = parsed.headers.iter().map(|header| (header.name.to_owned(), header.value.to_vec())).collect();
    let request = Request {
        method: parsed.method.unwrap_or_default().to_owned(),
        target: parsed.path.unwrap_or_default().to_owned(),
        headers,
        body: Vec::new(),
        connection,
        at: Instant::now(),
    };
    Ok(Some(Head { request, minor_version: parsed.version.unwrap_or_default(), length }))
}

/// The error of a request that breaks the grammar.
pub(super) fn malformed(reason: impl ToString) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason.to_string())
}
