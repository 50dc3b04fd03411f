//! A server that speaks HTTP/2 to whoever begins with it (RFC 9113 section 3.3) or asks for it in TLS (RFC 7301), and
//! HTTP/1.1 to others. Its answers say how they were asked for.

use crate::certificates::TlsSettings;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, HeaderValue, LOCATION, WWW_AUTHENTICATE};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio_rustls::TlsAcceptor;

/// How long dropping the server waits for connections.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// The running server, on 127.0.0.1. Dropping it closes its socket and every connection.
#[derive(Debug)]
pub struct Http2Server {
    origin: String,
    /// Taken only when the server is dropped.
    runtime: Option<Runtime>,
}

impl Http2Server {
    /// Starts a server without TLS.
    ///
    /// # Panics
    /// When no port is free or the system has no threads left.
    pub fn start() -> Self {
        Self::listen(None)
    }

    /// Starts a server with TLS.
    ///
    /// # Panics
    /// As [`Http2Server::start`], or when rustls refuses the settings.
    pub fn start_tls(settings: TlsSettings) -> Self {
        let mut configuration = settings.server_configuration();
        configuration.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Self::listen(Some(TlsAcceptor::from(Arc::new(configuration))))
    }

    fn listen(acceptor: Option<TlsAcceptor>) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("http2").enable_all().build();
        let runtime = runtime.expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        runtime.spawn(accept_connections(listener, acceptor));
        Self { origin: format!("{scheme}://localhost:{port}"), runtime: Some(runtime) }
    }

    /// The URL of `path`, which begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }
}

impl Drop for Http2Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(STOP_WITHIN);
        }
    }
}

async fn accept_connections(listener: TcpListener, acceptor: Option<TlsAcceptor>) {
    for number in 1u64.. {
        // A connection that its client aborted before it was accepted is no reason to stop.
        let Ok((stream, _)) = listener.accept().await else { continue };
        tokio::spawn(serve(stream, acceptor.clone(), number));
    }
}

/// Serves one connection. A client that goes away, or whose TLS handshake fails, is not an error of the server.
async fn serve(stream: TcpStream, acceptor: Option<TlsAcceptor>, number: u64) {
    match acceptor {
        None => answer_all(stream, number).await,
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                answer_all(stream, number).await;
            }
        }
    }
}

async fn answer_all(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, connection: u64) {
    let service = service_fn(move |request| answer(request, connection));
    drop(auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await);
}

/// Version, method and body of the request; which connection of the server brought it, counted from 1. `/challenged` asks
/// for credentials, any; `/moved` sends the client to `/`.
async fn answer(request: Request<Incoming>, connection: u64) -> hyper::Result<Response<Full<Bytes>>> {
    let is_moved = request.uri().path() == "/moved";
    let challenged = request.uri().path() == "/challenged" && !request.headers().contains_key(AUTHORIZATION);
    let asked = format!("{:?} {} ", request.version(), request.method());
    let body = request.into_body().collect().await?.to_bytes();
    let mut response = Response::new(Full::from([asked.as_bytes(), &body].concat()));
    response.headers_mut().insert("x-connection", connection.into());
    if is_moved {
        *response.status_mut() = StatusCode::FOUND;
        response.headers_mut().insert(LOCATION, HeaderValue::from_static("/"));
    }
    if challenged {
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"end-to-end\""));
    }
    Ok(response)
}
