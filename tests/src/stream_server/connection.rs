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
    Write(Frame),
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
        let _ = self.orders.send(Order::Write(frame));
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
    let settings = Frame::new(frame::SETTINGS, 0, 0, &[]);
    let _ = orders.send(Order::Write(settings));
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
    while let Some(Order::Write(frame)) = to_do.recv().await {
        writer.write_all(&frame.bytes()).await?;
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
    let mut preface = [0; PREFACE.len()];
    reader.read_exact(&mut preface).await?;
    assert_eq!(&preface, PREFACE, "the client does not speak HTTP/2");
    loop {
        let received = Frame::read(&mut reader).await?;
        let acknowledged = received.flags & frame::ACK != 0;
        match received.kind {
            frame::SETTINGS | frame::PING if !acknowledged => {
                let payload: &[u8] = if received.kind == frame::PING { &received.payload } else { &[] };
                let _ = orders.send(Order::Write(Frame::new(received.kind, frame::ACK, 0, payload)));
            }
            frame::HEADERS | frame::DATA if received.flags & frame::END_STREAM != 0 => {
                let has_body = received.kind == frame::DATA;
                state.requests.fetch_add(1, Ordering::Relaxed);
                script(Stream { connection, id: received.stream, has_body, orders: orders.clone() });
            }
            frame::RST_STREAM => {
                state.resets.fetch_add(1, Ordering::Relaxed);
            }
            _ => {}
        }
    }
}
