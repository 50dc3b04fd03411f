//! One connection: requests in, scripted steps out, until one side ends it.

use std::io;
use std::ops::ControlFlow;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::Handler;
use super::request::{Received, read_request};
use super::response::{Response, Step};
use super::state::OpenConnection;

/// A plain or encrypted byte stream over TCP.
pub(super) trait Transport: AsyncRead + AsyncWrite + Unpin + Send {
    /// The TCP connection underneath.
    fn tcp(&self) -> &TcpStream;
}

impl Transport for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Transport for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// Whether the connection goes on after a step.
type Progress = ControlFlow<()>;

/// The server's side of a connection. Fields drop in order: the socket is closed before the connection is counted so.
pub(super) struct Connection<T> {
    transport: T,
    /// Bytes received and not yet taken.
    received: Vec<u8>,
    opened: OpenConnection,
}

impl<T: Transport> Connection<T> {
    pub(super) fn new(transport: T, opened: OpenConnection) -> Self {
        Self { transport, received: Vec::new(), opened }
    }

    /// The number of the connection, counted from 1.
    pub(super) fn number(&self) -> u64 {
        self.opened.number()
    }

    /// The bytes received and not yet taken.
    pub(super) fn received(&self) -> &[u8] {
        &self.received
    }

    /// Takes the first `length` received bytes.
    pub(super) fn take(&mut self, length: usize) -> Vec<u8> {
        self.received.drain(..length).collect()
    }

    /// Waits for more bytes and appends them. Nothing is lost when the wait is given up.
    ///
    /// # Errors
    /// `UnexpectedEof` when the client has closed, or the error of the socket.
    pub(super) async fn receive_more(&mut self) -> io::Result<()> {
        match self.transport.read_buf(&mut self.received).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// Answers requests until the client, a step or the test ends the connection.
    ///
    /// # Errors
    /// Whatever ended it on the client's side.
    pub(super) async fn serve(mut self, handler: &Handler) -> io::Result<()> {
        while self.wait_for_request().await?.is_continue() {
            if self.answer_one(handler).await?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Waits, idle, for the first bytes of a request.
    async fn wait_for_request(&mut self) -> io::Result<Progress> {
        if !self.received.is_empty() {
            return Ok(Progress::Continue(()));
        }
        tokio::select! {
            // A request that has already arrived is answered, even if the test asks to close at the same moment.
            biased;
            read = self.transport.read_buf(&mut self.received) => match read? {
                0 => Ok(Progress::Break(())),
                _ => Ok(Progress::Continue(())),
            },
            () = self.opened.asked_to_close() => self.close().await,
        }
    }

    async fn answer_one(&mut self, handler: &Handler) -> io::Result<Progress> {
        let Received { request, keep_alive } = match read_request(self).await {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => return self.refuse(&error).await,
            received => received?,
        };
        self.opened.record_request(request.clone());
        // Handlers belong to the tests and may block, for example on a channel.
        let response = tokio::task::block_in_place(|| handler(&request));
        let keep_alive = keep_alive && response.keeps_alive();
        if self.run(response.into_steps(&request.method)).await?.is_break() {
            return Ok(Progress::Break(()));
        }
        if keep_alive { Ok(Progress::Continue(())) } else { self.close().await }
    }

    /// Tells the client that its bytes are not an HTTP request.
    async fn refuse(&mut self, error: &io::Error) -> io::Result<Progress> {
        let response = Response::new(400, "Bad Request").header("Connection", "close").body(error.to_string());
        self.send(&response.to_bytes()).await?;
        self.close().await
    }

    async fn run(&mut self, steps: Vec<Step>) -> io::Result<Progress> {
        let last_send = steps.iter().rposition(|step| matches!(step, Step::Send(_)));
        for (index, step) in steps.into_iter().enumerate() {
            if Some(index) == last_send {
                // Before the bytes leave, for the client may have them all before this task runs again.
                self.opened.becomes_idle();
            }
            if self.run_step(step).await?.is_break() {
                return Ok(Progress::Break(()));
            }
        }
        Ok(Progress::Continue(()))
    }

    async fn run_step(&mut self, step: Step) -> io::Result<Progress> {
        match step {
            Step::Send(bytes) => self.send(&bytes).await.map(Progress::Continue),
            Step::SendForever(bytes) => self.send_forever(&bytes).await,
            Step::Wait(duration) => self.wait(duration).await,
            Step::WaitForever => self.client_gone().await,
            Step::Close => self.close().await,
            // Dropping the socket is all that the system would do.
            Step::Vanish => Ok(Progress::Break(())),
            Step::Reset => self.reset(),
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.transport.write_all(bytes).await?;
        self.transport.flush().await
    }

    /// Sends until the client closes, which is then the error of the socket.
    async fn send_forever(&mut self, bytes: &[u8]) -> io::Result<Progress> {
        loop {
            self.send(bytes).await?;
        }
    }

    /// Waits, unless the client goes away first.
    async fn wait(&mut self, duration: Duration) -> io::Result<Progress> {
        tokio::select! {
            () = tokio::time::sleep(duration) => Ok(Progress::Continue(())),
            gone = self.client_gone() => gone,
        }
    }

    /// Waits until the client closes. Requests it sends meanwhile stay in the buffer.
    async fn client_gone(&mut self) -> io::Result<Progress> {
        loop {
            self.receive_more().await?;
        }
    }

    /// Ends the connection in order: for TLS with a close alert (RFC 8446 section 6.1), then with FIN.
    async fn close(&mut self) -> io::Result<Progress> {
        self.transport.shutdown().await?;
        Ok(Progress::Break(()))
    }

    /// Makes the coming close of the socket send RST.
    fn reset(&self) -> io::Result<Progress> {
        self.transport.tcp().set_zero_linger()?;
        Ok(Progress::Break(()))
    }
}
