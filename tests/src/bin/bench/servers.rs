//! nginx on loopback: HTTP/1.1 on one port, HTTP/2 with prior knowledge on another.

use crate::processor;
use end_to_end::kamailio::free_tcp_port;
use end_to_end::nginx::Nginx;

/// nginx, and where it listens. It answers everything with 200 and two bytes.
#[derive(Debug)]
pub struct Servers {
    nginx: Nginx,
    http1: u16,
    http2: u16,
}

impl Servers {
    /// Starts it.
    pub fn start() -> Self {
        let (http1, http2) = (free_tcp_port(), free_tcp_port());
        let server =
            |listen: String| format!("server {{ listen 127.0.0.1:{listen}; location / {{ return 200 'ok'; }} }}\n");
        let servers = format!(
            "http2_max_concurrent_streams 1000;\n{}{}",
            server(http1.to_string()),
            server(format!("{http2} http2"))
        );
        Self { nginx: Nginx::start(&[http1, http2], &servers), http1, http2 }
    }

    /// Keeps its processes off the processor of what is measured.
    pub fn keep_aside(&self) {
        self.nginx.processes().into_iter().for_each(processor::keep_aside);
    }

    /// The URL for HTTP/1.1.
    pub fn http1(&self) -> String {
        format!("http://127.0.0.1:{}/", self.http1)
    }

    /// The URL for HTTP/2 with prior knowledge.
    pub fn http2(&self) -> String {
        format!("http://127.0.0.1:{}/", self.http2)
    }
}
