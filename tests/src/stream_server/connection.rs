//! One connection: a task that reads its frames, and one that writes what the test says.

use super::Close;
use super::frame::{self, Code, Frame, PREFACE};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What a test does with each stream.
pub type Script = dyn Fn(Stream) + Send + Sync;

/// What the server counts.
#[derive(Debug, Default)]
pub struct State {
    pub connections: AtomicU64,
    pub requests: AtomicU64,
    pub resets: AtomicU64,
}

/// What the writing task does next.
#[derive(Debug)]
enum Order {
    Write(Vec<u8>),
    Cut,
}

/// A request whose response has not been sent.
#[derive(Clone, Debug)]
pub struct Stream {
    /// Number of its connection, from 1.
    pub connection: u64,
    /// Its own number: 1, 3, 5 and so on.
    pub id: u32,
    /// Whether the request came with a body.
    pub has_body: bool,
    orders: UnboundedSender<Order>,
}

impl Stream {
    /// Whether it is the first of its connection.
    pub fn is_first(&self) -> bool {
        self.id == 1
    }

    /// Answers with 200 and a body, of less than the first flow control window.
    pub fn respond(&self, body: &str) {
        self.begin();
        self.write(Frame::new(frame::DATA, frame::END_STREAM, self.id, body.as_bytes()));
    }

    /// Sends the head of the answer, and nothing after it.
    pub fn begin(&self) {
        self.write(Frame::new(frame::HEADERS, frame::END_HEADERS, self.id, frame::STATUS_200));
    }

    /// Ends it with RST_STREAM.
    pub fn reset(&self, code: Code) {
        self.write(Frame::new(frame::RST_STREAM, 0, self.id, &(code as u32).to_be_bytes()));
    }

    /// Sends GOAWAY: streams up to `last` are being served, later ones are not.
    pub fn say_goodbye(&self, last: u32) {
        let payload = [last.to_be_bytes(), (Code::NoError as u32).to_be_bytes()].concat();
        self.write(Frame::new(frame::GOAWAY, 0, 0, &payload));
    }

    /// Closes the connection, after what was sent before.
    pub fn cut(&self) {
        // The client may have closed it before.
        let _ = self.orders.send(Order::Cut);
    }

    fn write(&self, frame: Frame) {
        let _ = self.orders.send(Order::Write(frame.bytes()));
    }
}

/// Serves a connection until either side closes it.
pub async fn serve(
    stream: impl AsyncRead + AsyncWrite + Send + 'static,
    number: u64,
    close: Close,
    state: Arc<State>,
    script: Arc<Script>,
) {
    let (reader, writer) = tokio::io::split(stream);
    let (orders, to_do) = unbounded_channel();
    tokio::select! {
        _ = read(reader, number, orders, state, script) => {}
        _ = write(writer, to_do, close) => {}
    }
}

async fn write(
    mut writer: impl AsyncWrite + Unpin,
    mut to_do: UnboundedReceiver<Order>,
    close: Close,
) -> io::Result<()> {
    while let Some(Order::Write(bytes)) = to_do.recv().await {
        writer.write_all(&bytes).await?;
        writer.flush().await?;
    }
    if close == Close::InOrder { writer.shutdown().await } else { Ok(()) }
}

async fn read(
    mut reader: impl AsyncRead + Unpin,
    connection: u64,
    orders: UnboundedSender<Order>,
    state: Arc<State>,
    script: Arc<Script>,
) -> io::Result<()> {
    let stream = |id, has_body| {
        state.requests.fetch_add(1, Ordering::Relaxed);
        script(Stream { connection, id, has_body, orders: orders.clone() });
    };
    let upgraded = begin(&mut reader, &orders).await?;
    let _ = orders.send(Order::Write(Frame::new(frame::SETTINGS, 0, 0, &[]).bytes()));
    if upgraded {
        stream(1, false);
    }
    loop {
        let received = Frame::read(&mut reader).await?;
        let acknowledged = received.flags & frame::ACK != 0;
        match received.kind {
            frame::SETTINGS | frame::PING if !acknowledged => {
                let payload: &[u8] = if received.kind == frame::PING { &received.payload } else { &[] };
                let _ = orders.send(Order::Write(Frame::new(received.kind, frame::ACK, 0, payload).bytes()));
            }
            frame::HEADERS | frame::DATA if received.flags & frame::END_STREAM != 0 => {
                stream(received.stream, received.kind == frame::DATA);
            }
            frame::RST_STREAM => {
                state.resets.fetch_add(1, Ordering::Relaxed);
            }
            _ => {}
        }
    }
}

/// Comes to HTTP/2, at once or by the upgrade of a request without a body (RFC 7540 section 3.2), which is stream 1 then: whether
/// there was one. Other requests of HTTP/1.1 are answered with 200 and their own bytes.
async fn begin(reader: &mut (impl AsyncRead + Unpin), orders: &UnboundedSender<Order>) -> io::Result<bool> {
    let mut upgraded = false;
    loop {
        let mut request = vec![0; PREFACE.len()];
        reader.read_exact(&mut request).await?;
        if request == PREFACE {
            return Ok(upgraded);
        }
        while !is_complete(&request) {
            request.push(reader.read_u8().await?);
        }
        upgraded = request.starts_with(b"GET") && String::from_utf8_lossy(&request).contains("Upgrade: h2c");
        let response = if upgraded {
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n".to_vec()
        } else {
            [format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", request.len()).as_bytes(), &request].concat()
        };
        let _ = orders.send(Order::Write(response));
    }
}

/// Whether head and body (RFC 9112 section 6.2) of a request are there.
fn is_complete(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}
