//! Collects the response of a transfer, in private memory.
//!
//! libcurl hands over complete header lines, of every response on the way. They are kept as they came.

use super::attempts::Attempts;
use super::head::{self, body_ends, is_persistent, trimmed};
use super::redirect::is_redirect;
use super::trace::TraceLog;
use crate::host::bytes::Buffer;
use crate::shared::clock::Instant;
use crate::transport::receiver::{Connection, Flow, Receiver, Trace};
use std::net::IpAddr;
use std::ops::Range;

/// Bytes that are set aside for a response when it begins.
const FIRST_ROOM: usize = 512;

/// Most bytes of header lines of one response.
pub const MAX_HEADER_BYTES: usize = 64 * 1024;

/// Most bytes of header lines of all responses to one query's request: interim ones, challenges, the last one, and its
/// trailers. libcurl keeps every line until the transfer ends.
pub const MAX_ALL_HEADER_BYTES: usize = 2 * MAX_HEADER_BYTES;

/// Why a response was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// Its headers are longer than [`MAX_HEADER_BYTES`].
    Headers,
    /// All headers on the way to it are longer than [`MAX_ALL_HEADER_BYTES`].
    AllHeaders,
    /// Its body is longer than the query allows.
    Body,
    /// Memory is exhausted.
    Memory,
}

/// The response as received: status line and headers, then the body, in one buffer.
#[derive(Debug, Default)]
pub struct Response {
    bytes: Buffer,
    head_length: usize,
    head_complete: bool,
    overflow: Option<Overflow>,
    redirects: Redirects,
    max_body: usize,
    body: Body,
    location: Option<Range<usize>>,
    ignored: usize,
    all_headers: usize,
    care: Care,
    requests: u32,
    attempts: Option<Box<Attempts>>,
    is_unfit: bool,
    trace: TraceLog,
}

/// What is looked at before a request is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Care {
    /// Nothing.
    #[default]
    None,
    /// A kept connection is not used when bytes wait on it.
    Silent,
    /// A kept connection is not used when the peer has closed it, and the request does not go out twice.
    Once,
}

/// What a length in the head says of the body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Body {
    /// How much of it there will be.
    #[default]
    Follows,
    /// The same, but for a challenge: libcurl answers it, and the body is nobody's.
    FollowsUnlessChallenged,
    /// Nothing: none follows.
    Missing,
}

/// What a redirect is to its query.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Redirects {
    /// A response like any other.
    #[default]
    Answer,
    /// A step on the way; its body is not kept.
    Lead,
    /// The same, after a HEAD request: no body follows the head, whatever it says.
    LeadWithoutBody,
}

impl Response {
    /// Nothing received yet, of a response whose body may have `max_body` bytes.
    pub fn new(redirects: Redirects, max_body: usize) -> Self {
        Self { redirects, max_body, ..Self::default() }
    }

    /// The same, on a connection that is not used when bytes wait on it before the request is sent. libcurl 7.88 would take
    /// them for the response. What speaks HTTP/2 may say something at any time, and so may TLS.
    pub fn on_silent_connection(self) -> Self {
        Self { care: Care::Silent, ..self }
    }

    /// The same, of a request on which the server may act once alone, where the connection may serve others as well: with them it
    /// may break after the server has acted.
    pub fn once(self) -> Self {
        Self { care: Care::Once, ..self }
    }

    /// The same, to a HEAD request: no body follows.
    pub fn without_body(self) -> Self {
        Self { body: Body::Missing, ..self }
    }

    /// The same, to a request with credentials, which libcurl may send once more when it is asked for them.
    pub fn after_challenges(self) -> Self {
        Self { body: Body::FollowsUnlessChallenged, ..self }
    }

    /// The same, from a host with several addresses.
    pub fn with_attempts(self, attempts: Option<Box<Attempts>>) -> Self {
        Self { attempts, ..self }
    }

    /// The attempts to connect to the host, where it has several addresses.
    pub fn attempts_mut(&mut self) -> Option<&mut Attempts> {
        self.attempts.as_deref_mut()
    }

    /// The same.
    pub fn attempts(&self) -> Option<&Attempts> {
        self.attempts.as_deref()
    }

    /// Takes them out, for another request.
    pub fn take_attempts(&mut self) -> Option<Box<Attempts>> {
        self.attempts.take()
    }

    /// Whether the request may begin anew where no connection could be made for it: it has not gone out before, or may go out
    /// twice.
    pub fn may_begin_anew(&self) -> bool {
        self.requests == 0 || self.care != Care::Once
    }

    /// Whether the kept connection was not fit to be used, and the request was not sent.
    pub fn was_unfit(&self) -> bool {
        self.is_unfit
    }

    /// Whether nothing has come, not even of an interim response.
    pub fn is_empty(&self) -> bool {
        self.all_headers == 0 && self.bytes.is_empty()
    }

    /// Bytes of the heads that have come, of all responses on the way.
    pub fn head_bytes(&self) -> usize {
        self.all_headers
    }

    /// Bytes that have come, of all responses on the way.
    pub fn received(&self) -> usize {
        self.all_headers + self.bytes.len().saturating_sub(self.head_length) + self.ignored
    }

    /// Most bytes of its body.
    pub fn max_body(&self) -> usize {
        self.max_body
    }

    /// Why the transfer was ended from here.
    pub fn overflow(&self) -> Option<Overflow> {
        self.overflow
    }

    /// The buffer, and how many bytes of it are the head.
    pub fn into_parts(self) -> (Buffer, usize) {
        (self.bytes, self.head_length)
    }

    /// Whether a status that libcurl tells is that of the first line, and one that ends an exchange (RFC 9110 section 15).
    /// libcurl takes `HTTP/` and any word for a 200, a 99 for a status, and an interim response for the last one when the
    /// peer closes after it.
    pub fn confirms(&self, status: u16) -> bool {
        matches!(status, 101 | 200..=999) && self.status() == status
    }

    /// Status of the present response, from its first line; 0 when there is none.
    fn status(&self) -> u16 {
        head::status(&self.bytes)
    }

    /// Where the query goes on: the `Location` of a redirect that is followed, as soon as its head is there. Nothing
    /// that happens to its body matters.
    pub fn leads_to(&self) -> Option<&[u8]> {
        if self.redirects == Redirects::Answer || !self.head_complete || !is_redirect(self.status()) {
            return None;
        }
        self.bytes.get(self.location.clone()?)
    }

    /// Whether a body that nobody wants is read, so that the connection can be used again.
    fn is_worth_reading(&self) -> bool {
        let head = self.bytes.get(..self.head_length).unwrap_or_default();
        self.redirects == Redirects::LeadWithoutBody || (is_persistent(head) && body_ends(head, self.max_body))
    }

    /// Whether another response to the same request follows (RFC 9110 section 15.2).
    fn is_interim(&self) -> bool {
        matches!(self.status(), 100..=199)
    }

    fn forget(&mut self) {
        self.bytes.clear();
        self.head_length = 0;
        self.head_complete = false;
        self.location = None;
        self.ignored = 0;
    }

    fn note_location(&mut self, line: &[u8]) {
        if self.location.is_some() || !line.get(..9).is_some_and(|name| name.eq_ignore_ascii_case(b"Location:")) {
            return;
        }
        let start = self.bytes.len() - line.len();
        self.location = Some(trimmed(&self.bytes, start + 9..self.bytes.len())).filter(|value| !value.is_empty());
    }

    /// Whether the head tells of a longer body than the query allows (RFC 9112 section 6.3).
    fn announces_too_much(&self) -> bool {
        let follows = match (self.body, self.status()) {
            (Body::Missing, _) | (_, 100..=199 | 204 | 304) | (Body::FollowsUnlessChallenged, 401 | 407) => false,
            (Body::Follows | Body::FollowsUnlessChallenged, _) => true,
        };
        let head = || self.bytes.get(..self.head_length).unwrap_or_default();
        follows && head::body_length(head()).is_some_and(|length| length > self.max_body)
    }

    fn append(&mut self, bytes: &[u8]) -> Flow {
        // In one piece what most heads have, instead of many that double.
        let room = if self.bytes.has_room() { bytes.len() } else { bytes.len().max(FIRST_ROOM) };
        match self.bytes.reserve(room).and_then(|()| self.bytes.append(bytes)) {
            Ok(()) => Flow::Continue,
            Err(_) => self.stop(Overflow::Memory),
        }
    }

    fn stop(&mut self, overflow: Overflow) -> Flow {
        self.overflow = Some(overflow);
        Flow::Stop
    }
}

impl Receiver for Response {
    fn connect(&mut self, offered: IpAddr) -> Option<IpAddr> {
        match &mut self.attempts {
            Some(attempts) => attempts.connect(offered, Instant::now()),
            None => Some(offered),
        }
    }

    /// What came before was a challenge's.
    fn request(&mut self, is: impl Fn(Connection) -> bool) -> Flow {
        if let Some(attempts) = &mut self.attempts {
            attempts.connected(Instant::now());
        }
        // After a challenge there is the challenge's head.
        let is_repeated = self.requests > 0 && self.bytes.is_empty();
        self.requests += 1;
        self.forget();
        let would_be_twice = is_repeated && self.care == Care::Once && is(Connection::ReplacesBroken);
        self.is_unfit = !would_be_twice
            && match self.care {
                Care::None => false,
                Care::Silent => is(Connection::Unread),
                Care::Once => is(Connection::Closed),
            };
        if self.is_unfit || would_be_twice { Flow::Stop } else { Flow::Continue }
    }

    /// After the head of an interim response the next one begins. Lines after another head are trailers of a chunked
    /// body, whatever they look like; they belong to neither head nor body.
    fn header_line(&mut self, line: &[u8]) -> Flow {
        self.all_headers += line.len();
        if self.all_headers > MAX_ALL_HEADER_BYTES {
            return self.stop(Overflow::AllHeaders);
        }
        if self.head_complete {
            if !self.is_interim() {
                return Flow::Continue;
            }
            self.forget();
        }
        if self.head_length + line.len() > MAX_HEADER_BYTES {
            return self.stop(Overflow::Headers);
        }
        if self.append(line) == Flow::Stop {
            return Flow::Stop;
        }
        self.note_location(line);
        self.head_length = self.bytes.len();
        self.head_complete = line.iter().all(|byte| matches!(byte, b'\r' | b'\n'));
        if self.leads_to().is_some() {
            return if self.is_worth_reading() { Flow::Continue } else { Flow::Stop };
        }
        if self.head_complete && self.announces_too_much() { self.stop(Overflow::Body) } else { Flow::Continue }
    }

    fn body(&mut self, bytes: &[u8]) -> Flow {
        if self.leads_to().is_some() {
            self.ignored += bytes.len();
            return if self.ignored > self.max_body { Flow::Stop } else { Flow::Continue };
        }
        if self.bytes.len() - self.head_length + bytes.len() > self.max_body {
            return self.stop(Overflow::Body);
        }
        self.append(bytes)
    }

    fn trace(&mut self, kind: Trace, bytes: &[u8]) {
        self.trace.write(kind, bytes);
    }
}

#[cfg(test)]
mod tests;
