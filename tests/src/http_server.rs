//! A scripted HTTP/1.1 server (RFC 9112) for end-to-end tests.
//!
//! A test hands over a handler that says, for each request, what the server does: send these bytes, wait, never answer,
//! end the connection. The server listens on a free port of the loopback address, runs on threads of its own and stops
//! when it is dropped, so tests stay synchronous. Everything it saw can be asked for afterwards.

mod body;
mod connection;
mod digest;
pub mod handlers;
mod request;
mod response;
mod state;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio_rustls::TlsAcceptor;

use crate::certificates::TlsSettings;
use connection::Connection;
pub use request::Request;
pub use response::{Response, Step};
pub use state::Handshakes;
use state::State;

/// How long dropping a server waits for handlers that still run.
const STOP_WITHIN: Duration = Duration::from_secs(5);

type Handler = Arc<dyn Fn(&Request) -> Response + Send + Sync>;

/// A running server. Dropping it closes the listening socket and every connection.
#[derive(Debug)]
pub struct HttpServer {
    address: SocketAddr,
    encrypted: bool,
    state: Arc<State>,
    /// Taken only when the server is dropped.
    runtime: Option<Runtime>,
    listener: std::net::TcpListener,
}

impl HttpServer {
    /// Starts a plain TCP server on 127.0.0.1 and a free port.
    ///
    /// # Panics
    /// When the machine has no free port or threads left.
    pub fn start(handler: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Self {
        Self::start_on(any_loopback_port(), handler).expect("an HTTP server on a free port of 127.0.0.1")
    }

    /// Starts a plain TCP server on `address`, for tests in which a server comes back on its old port.
    ///
    /// # Errors
    /// When the address cannot be bound, for example because another server still listens there.
    pub fn start_on(
        address: SocketAddr,
        handler: impl Fn(&Request) -> Response + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Self::serve(std::net::TcpListener::bind(address)?, None, Arc::new(handler))
    }

    /// Serves, from now on, what comes to a listening socket and what has been waiting there: a server that comes back
    /// to life, with TLS where `tls` is given.
    ///
    /// # Errors
    /// When the system refuses threads or another descriptor.
    ///
    /// # Panics
    /// As [`HttpServer::start_tls`].
    pub fn take_over(
        listener: std::net::TcpListener,
        tls: Option<TlsSettings>,
        handler: impl Fn(&Request) -> Response + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Self::serve(listener, tls, Arc::new(handler))
    }

    /// Starts a TLS server on 127.0.0.1 and a free port.
    ///
    /// # Panics
    /// When `tls` holds a certificate or key that rustls refuses, or no port is free.
    pub fn start_tls(tls: TlsSettings, handler: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Self {
        let listener = std::net::TcpListener::bind(any_loopback_port()).expect("a free port of 127.0.0.1");
        Self::take_over(listener, Some(tls), handler).expect("threads for an HTTPS server")
    }

    fn serve(listener: std::net::TcpListener, tls: Option<TlsSettings>, handler: Handler) -> io::Result<Self> {
        let acceptor = tls.map(|tls| TlsAcceptor::from(Arc::new(tls.server_configuration())));
        let runtime = Builder::new_multi_thread().worker_threads(2).thread_name("http-server").enable_all().build()?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let accepting = {
            let _context = runtime.enter();
            TcpListener::from_std(listener.try_clone()?)?
        };
        let state = Arc::new(State::default());
        let encrypted = acceptor.is_some();
        runtime.spawn(accept_connections(accepting, acceptor, handler, Arc::clone(&state)));
        Ok(Self { address, encrypted, state, runtime: Some(runtime), listener })
    }

    /// Stops as a server does that hangs: every connection is closed, the system goes on taking new ones, and nobody
    /// serves them.
    ///
    /// # Panics
    /// When no descriptor is left.
    pub fn leave(self) -> std::net::TcpListener {
        let listener = self.listener.try_clone().expect("another descriptor");
        drop(self);
        listener
    }

    /// The TCP port the server listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The URL of `path`, which begins with a slash: `http://127.0.0.1:port/path`, or `https://localhost:port/path` for
    /// a TLS server, whose certificate names `localhost`.
    pub fn url(&self, path: &str) -> String {
        if self.encrypted {
            format!("https://localhost:{}{path}", self.port())
        } else {
            format!("http://{}{path}", self.address)
        }
    }

    /// Every request received so far, in order of arrival.
    pub fn requests(&self) -> Vec<Request> {
        self.state.requests()
    }

    /// Forgets the requests received so far, for a run with more of them than memory should hold.
    pub fn forget_requests(&self) {
        self.state.forget_requests();
    }

    /// Waits until at least `count` requests have been received, and returns all of them.
    ///
    /// # Panics
    /// When that takes longer than `within`.
    #[track_caller]
    pub fn wait_for_requests(&self, count: usize, within: Duration) -> Vec<Request> {
        self.state.wait_for_requests(count, within)
    }

    /// The number of TCP connections accepted so far, including those whose TLS handshake failed.
    pub fn connections(&self) -> u64 {
        self.state.connections()
    }

    /// The number of TCP connections open now.
    pub fn open_connections(&self) -> usize {
        self.state.open_connections()
    }

    /// The TLS handshakes so far; one counts before the first request of its connection does.
    pub fn handshakes(&self) -> Handshakes {
        self.state.handshakes()
    }

    /// Waits until exactly `count` connections are open.
    ///
    /// # Panics
    /// When that takes longer than `within`.
    #[track_caller]
    pub fn wait_for_open_connections(&self, count: usize, within: Duration) {
        self.state.wait_for_open_connections(count, within);
    }

    /// Closes every connection that is between two requests, as a server does whose keep-alive time is over.
    ///
    /// A connection whose answer has been sent counts as between requests, even if the client has only just read it.
    pub fn close_idle_connections(&self) {
        self.state.close_idle_connections();
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(STOP_WITHIN);
        }
    }
}

fn any_loopback_port() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

async fn accept_connections(listener: TcpListener, acceptor: Option<TlsAcceptor>, handler: Handler, state: Arc<State>) {
    loop {
        // A connection that its client aborted before it was accepted is no reason to stop.
        let Ok((stream, _)) = listener.accept().await else { continue };
        let opened = State::connection_opened(&state);
        tokio::spawn(serve_stream(stream, acceptor.clone(), Arc::clone(&handler), opened));
    }
}

/// Serves one connection. A client that goes away, or whose TLS handshake fails, is not an error of the server.
async fn serve_stream(
    stream: TcpStream,
    acceptor: Option<TlsAcceptor>,
    handler: Handler,
    opened: state::OpenConnection,
) -> io::Result<()> {
    // Steps that send a few bytes at a time must reach the client one by one.
    stream.set_nodelay(true)?;
    match acceptor {
        Some(acceptor) => {
            let stream = acceptor.accept(stream).await?;
            opened.record_handshake(stream.get_ref().1.handshake_kind());
            Connection::new(stream, opened).serve(&handler).await
        }
        None => Connection::new(stream, opened).serve(&handler).await,
    }
}
