//! A lookup API: where SIP users are, as JSON over HTTP/1.1. What `examples/` asks when the demonstration runs them.

#[cfg(test)]
mod tests;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};

/// User, SIP URI, name. The addresses are for documentation (RFC 5737).
const USERS: [(&str, &str, &str); 3] = [
    ("alice", "sip:alice@192.0.2.10", "Alice"),
    ("bob", "sip:bob@198.51.100.20:5070", "Bob"),
    ("carol", "sip:carol@203.0.113.30;transport=tcp", "Carol"),
];
/// How long dropping the service waits for connections.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// A request and its answer, which is what a line of the service's output shows.
#[derive(Clone, Debug)]
pub struct Exchange {
    method: Method,
    path: String,
    headers: HeaderMap,
    status: StatusCode,
    body: Value,
}

type Report = Arc<dyn Fn(&Exchange) + Send + Sync>;

/// The running service. Dropping it closes its socket and every connection.
#[derive(Debug)]
pub struct LookupService {
    address: SocketAddr,
    /// Taken only when the service is dropped.
    runtime: Option<Runtime>,
}

impl LookupService {
    /// Listens on `address`, with port 0 on any free one, and hands each exchange to `report` before it is answered.
    ///
    /// # Errors
    /// `AddrInUse` when somebody listens there already, or another error of the system.
    pub fn start(address: SocketAddr, report: impl Fn(&Exchange) + Send + Sync + 'static) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("lookup").enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind(address))?;
        let address = listener.local_addr()?;
        runtime.spawn(accept_connections(listener, Arc::new(report)));
        Ok(Self { address, runtime: Some(runtime) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for LookupService {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(STOP_WITHIN);
        }
    }
}

impl fmt::Display for Exchange {
    /// Method, path, `X-` headers, status and JSON: on one line, or with `{:#}` on one line each. The names of headers
    /// are in lower case, as hyper keeps them.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = if formatter.alternate() { "\n" } else { "  " };
        write!(formatter, "{} {}", self.method, self.path)?;
        for (name, value) in self.headers.iter().filter(|(name, _)| name.as_str().starts_with("x-")) {
            write!(formatter, "{separator}{name}: {}", String::from_utf8_lossy(value.as_bytes()))?;
        }
        write!(formatter, "{separator}-> {} {}", self.status.as_u16(), self.body)
    }
}

async fn accept_connections(listener: TcpListener, report: Report) {
    loop {
        // A connection that its client aborted before it was accepted is no reason to stop.
        let Ok((stream, _)) = listener.accept().await else { continue };
        tokio::spawn(serve(stream, Arc::clone(&report)));
    }
}

/// Serves one connection. A client that goes away is not an error of the service.
async fn serve(stream: TcpStream, report: Report) {
    let service = service_fn(move |request: Request<_>| {
        let exchange = exchange(&request);
        report(&exchange);
        async move { Ok::<_, Infallible>(response(&exchange)) }
    });
    drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
}

fn exchange<B>(request: &Request<B>) -> Exchange {
    let (status, body) = answer(request.method(), request.uri().path());
    Exchange {
        method: request.method().clone(),
        path: request.uri().path().to_owned(),
        headers: request.headers().clone(),
        status,
        body,
    }
}

/// No name of [`USERS`] needs percent-encoding, so the path is compared as it came.
fn answer(method: &Method, path: &str) -> (StatusCode, Value) {
    let known = path.strip_prefix("/users/").and_then(|name| USERS.iter().find(|user| user.0 == name));
    match known {
        _ if method != Method::GET => (StatusCode::METHOD_NOT_ALLOWED, json!({ "error": "only GET" })),
        Some((user, contact, name)) => (StatusCode::OK, json!({ "user": user, "contact": contact, "name": name })),
        None => (StatusCode::NOT_FOUND, json!({ "error": "no such user" })),
    }
}

fn response(exchange: &Exchange) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(exchange.body.to_string()));
    *response.status_mut() = exchange.status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if exchange.status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
    }
    response
}
