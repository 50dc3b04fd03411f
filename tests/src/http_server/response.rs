//! The script of an answer: a message written out in full, or single steps.

use std::time::Duration;

/// What the server does next with a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Sends exactly these bytes.
    Send(Vec<u8>),
    /// Sends these bytes again and again, until the client closes the connection or the server is dropped.
    SendForever(Vec<u8>),
    /// Does nothing for this long. Ends the connection early when the client closes it.
    Wait(Duration),
    /// Never answers; keeps the connection open until the client closes it or the server is dropped.
    WaitForever,
    /// Closes the connection with FIN.
    Close,
    /// Ends the connection with FIN alone, as the system does for a process that was killed: with TLS without an alert.
    Vanish,
    /// Aborts the connection with RST.
    Reset,
}

/// What the server does with one request.
#[derive(Debug, Clone)]
pub struct Response {
    delay: Duration,
    content: Content,
    close: bool,
}

#[derive(Debug, Clone)]
enum Content {
    Message(Message),
    Steps(Vec<Step>),
}

/// A response message (RFC 9112 section 4) whose length is known.
#[derive(Debug, Clone)]
struct Message {
    status: u16,
    reason: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Response {
    /// A message without header fields and body. `Content-Length` is added when it is sent, unless the test sets it.
    pub fn new(status: u16, reason: &str) -> Self {
        let message = Message { status, reason: reason.to_owned(), headers: Vec::new(), body: Vec::new() };
        Self::of(Content::Message(message))
    }

    /// A 200 with a JSON body.
    pub fn json(text: impl Into<String>) -> Self {
        Self::new(200, "OK").header("Content-Type", "application/json").body(text.into())
    }

    /// A 200 with a plain text body.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(200, "OK").header("Content-Type", "text/plain; charset=utf-8").body(text.into())
    }

    /// Exactly these bytes; the connection stays open unless the client wants it closed.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self::steps(vec![Step::Send(bytes.into())])
    }

    /// These steps, one after the other.
    pub fn steps(steps: Vec<Step>) -> Self {
        Self::of(Content::Steps(steps))
    }

    /// A 200 in the chunked coding (RFC 9112 section 7.1), one send for each chunk. Chunks must not be empty, for an
    /// empty one is the end of the body.
    pub fn chunked<C: AsRef<[u8]>>(chunks: impl IntoIterator<Item = C>, trailers: &[(&str, &str)]) -> Self {
        let announced: String = trailers.iter().map(|(name, _)| format!("Trailer: {name}\r\n")).collect();
        let head = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n{announced}\r\n");
        let mut steps = vec![Step::Send(head.into_bytes())];
        steps.extend(chunks.into_iter().map(|bytes| Step::Send(chunk(bytes.as_ref()))));
        let section: String = trailers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        steps.push(Step::Send(format!("0\r\n{section}\r\n").into_bytes()));
        Self::steps(steps)
    }

    /// Exactly these bytes, sent one at a time with `per_byte` between them. See [`Response::to_bytes`] for dripping a
    /// message.
    pub fn drip(bytes: impl AsRef<[u8]>, per_byte: Duration) -> Self {
        let mut steps = Vec::new();
        for &byte in bytes.as_ref() {
            steps.extend([Step::Wait(per_byte), Step::Send(vec![byte])]);
        }
        // The pause belongs between the bytes: the first one is sent at once.
        Self::steps(steps.split_off(1.min(steps.len())))
    }

    /// Adds a header field. A name may be given more than once.
    ///
    /// # Panics
    /// When the response is not a message made with [`Response::new`], [`Response::json`] or [`Response::text`].
    #[must_use]
    #[track_caller]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.message("a header").headers.push((name.to_owned(), value.into()));
        self
    }

    /// Sets the body.
    ///
    /// # Panics
    /// As [`Response::header`].
    #[must_use]
    #[track_caller]
    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.message("a body").body = bytes.into();
        self
    }

    /// Waits this long before anything is sent.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay += delay;
        self
    }

    /// Closes the connection with FIN after everything is sent, without announcing it.
    #[must_use]
    pub fn then_close(mut self) -> Self {
        self.close = true;
        self
    }

    /// Everything the response sends, without its pauses.
    pub fn to_bytes(&self) -> Vec<u8> {
        let steps = self.clone().into_steps("GET").into_iter();
        steps.flat_map(|step| if let Step::Send(bytes) = step { bytes } else { Vec::new() }).collect()
    }

    /// Whether the connection may serve another request afterwards.
    pub(super) fn keeps_alive(&self) -> bool {
        match &self.content {
            Content::Message(message) => !message.has_header("Connection", Some("close")),
            Content::Steps(_) => true,
        }
    }

    /// The steps that answer a request with `method`.
    pub(super) fn into_steps(self, method: &str) -> Vec<Step> {
        let mut steps = Vec::new();
        if !self.delay.is_zero() {
            steps.push(Step::Wait(self.delay));
        }
        match self.content {
            Content::Message(message) => steps.push(Step::Send(message.into_bytes(method))),
            Content::Steps(scripted) => steps.extend(scripted),
        }
        if self.close {
            steps.push(Step::Close);
        }
        steps
    }

    fn of(content: Content) -> Self {
        Self { delay: Duration::ZERO, content, close: false }
    }

    #[track_caller]
    fn message(&mut self, part: &str) -> &mut Message {
        match &mut self.content {
            Content::Message(message) => message,
            Content::Steps(_) => panic!("a response made of steps cannot be given {part}"),
        }
    }
}

impl Message {
    fn has_header(&self, name: &str, value: Option<&str>) -> bool {
        let mut named = self.headers.iter().filter(|(field, _)| field.eq_ignore_ascii_case(name));
        named.any(|(_, given)| value.is_none_or(|value| given.eq_ignore_ascii_case(value)))
    }

    /// Whether the status rules out content (RFC 9110 section 6.4.1).
    fn never_has_content(&self) -> bool {
        matches!(self.status, 100..=199 | 204 | 304)
    }

    fn into_bytes(self, method: &str) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, self.reason);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !self.never_has_content() && !self.has_header("Content-Length", None) {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        // The answer to HEAD describes the content without sending it (RFC 9110 section 9.3.2).
        if method != "HEAD" && !self.never_has_content() {
            bytes.extend(self.body);
        }
        bytes
    }
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    assert!(!bytes.is_empty(), "an empty chunk would end the body");
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}
