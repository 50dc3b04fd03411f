//! Frames of HTTP/2 (RFC 9113 section 4.1).

use std::io;
use tokio::io::{AsyncRead, AsyncReadExt};

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;

/// Of DATA and HEADERS: the last of their side of the stream.
pub const END_STREAM: u8 = 1;
/// Of SETTINGS and PING.
pub const ACK: u8 = 1;
/// Of HEADERS: no CONTINUATION follows.
pub const END_HEADERS: u8 = 4;

/// What a client sends first (RFC 9113 section 3.4).
pub const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// `:status: 200` as HPACK has it in its static table (RFC 7541 appendix A).
pub const STATUS_200: &[u8] = &[0x88];

/// Error codes (RFC 9113 section 7).
#[derive(Clone, Copy, Debug)]
#[repr(u32)]
pub enum Code {
    /// No error.
    NoError = 0,
    /// The server's own fault.
    InternalError = 2,
    /// Nothing was done with the request.
    RefusedStream = 7,
    /// The same; it is welcome over HTTP/1.1.
    Http11Required = 13,
}

/// One frame.
#[derive(Debug)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

impl Frame {
    pub fn new(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Self {
        Self { kind, flags, stream, payload: payload.to_vec() }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let length = u32::try_from(self.payload.len()).expect("a short payload").to_be_bytes();
        [&length[1..], &[self.kind, self.flags], &self.stream.to_be_bytes(), &self.payload].concat()
    }

    /// The next one.
    pub async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Self> {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        let [high, middle, low, kind, flags, id @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, high, middle, low]) as usize];
        stream.read_exact(&mut payload).await?;
        Ok(Self { kind, flags, stream: u32::from_be_bytes(id), payload })
    }
}
