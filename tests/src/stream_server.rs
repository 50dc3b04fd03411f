//! A server of HTTP/2 (RFC 9113) that does with each stream what a test says: answer it, leave it open, reset it, say goodbye,
//! cut the connection. It writes frames itself, so that faults are where the test wants them.

mod connection;
mod frame;

pub use connection::Stream;
pub use frame::Code;

use crate::certificates::TlsSettings;
use crate::kamailio::{PATIENCE, wait_until};
use connection::{Script, State, serve};
use socket2::SockRef;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio_rustls::TlsAcceptor;

/// How long dropping the server waits for connections.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// How a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// With FIN, after what was sent.
    InOrder,
    /// With RST.
    Reset,
}

/// The running server, on 127.0.0.1. Dropping it closes its socket and every connection.
#[derive(Debug)]
pub struct StreamServer {
    origin: String,
    state: Arc<State>,
    /// Taken only when the server is dropped.
    runtime: Option<Runtime>,
}

impl StreamServer {
    /// Starts a server, with TLS where there are settings for it. `script` gets each stream as soon as its request is complete, in
    /// the order of each connection, and may keep it for later.
    ///
    /// # Panics
    /// No port is free, the system has no threads left, or rustls refuses the settings.
    pub fn start(tls: Option<TlsSettings>, script: impl Fn(Stream) + Send + Sync + 'static) -> Self {
        Self::start_with(tls, Close::InOrder, script)
    }

    /// The same, whose connections are closed in that way.
    ///
    /// # Panics
    /// As [`StreamServer::start`].
    pub fn start_with(tls: Option<TlsSettings>, close: Close, script: impl Fn(Stream) + Send + Sync + 'static) -> Self {
        let acceptor = tls.map(|settings| {
            let mut configuration = settings.server_configuration();
            configuration.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
            TlsAcceptor::from(Arc::new(configuration))
        });
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("streams").enable_all().build();
        let runtime = runtime.expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        let state = Arc::new(State::default());
        runtime.spawn(accept_connections(listener, acceptor, close, Arc::clone(&state), Arc::new(script)));
        Self { origin: format!("{scheme}://localhost:{port}"), state, runtime: Some(runtime) }
    }

    /// The URL of `path`, which begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// The port it listens on.
    ///
    /// # Panics
    /// Never: the origin ends in one.
    pub fn port(&self) -> u16 {
        let (_, port) = self.origin.rsplit_once(':').expect("the origin has a port");
        port.parse().expect("the port is a number")
    }

    /// Connections that were opened so far.
    pub fn connections(&self) -> u64 {
        self.state.connections.load(Ordering::Relaxed)
    }

    /// Requests that came so far.
    pub fn requests(&self) -> u64 {
        self.state.requests.load(Ordering::Relaxed)
    }

    /// Streams that the client has reset.
    pub fn resets(&self) -> u64 {
        self.state.resets.load(Ordering::Relaxed)
    }

    /// Waits for the request of that number.
    ///
    /// # Panics
    /// It does not come.
    pub fn wait_for_requests(&self, count: u64) {
        assert!(wait_until(PATIENCE, || self.requests() >= count), "{} of {count} requests came", self.requests());
    }
}

impl Drop for StreamServer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(STOP_WITHIN);
        }
    }
}

/// A client that goes away, or whose TLS handshake fails, is not an error of the server.
async fn accept_connections(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    close: Close,
    state: Arc<State>,
    script: Arc<Script>,
) {
    loop {
        // A connection that its client aborted before it was accepted is no reason to stop.
        let Ok((stream, _)) = listener.accept().await else { continue };
        if close == Close::Reset {
            SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("a socket");
        }
        let number = state.connections.fetch_add(1, Ordering::Relaxed) + 1;
        let (acceptor, state, script) = (acceptor.clone(), Arc::clone(&state), Arc::clone(&script));
        tokio::spawn(async move {
            match acceptor {
                None => serve(stream, number, close, state, script).await,
                Some(acceptor) => {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        serve(stream, number, close, state, script).await;
                    }
                }
            }
        });
    }
}
