//! nginx as an HTTP server that is faster than what is measured: one worker that answers everything with 200.

use crate::certificates::TestCertificates;
use crate::kamailio::{PATIENCE, free_tcp_port, wait_until};
use std::fs;
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

/// A running nginx. Dropping it ends it.
#[derive(Debug)]
pub struct Nginx {
    process: Child,
    url: String,
    _folder: tempfile::TempDir,
}

impl Nginx {
    /// Starts one that keeps its connections.
    ///
    /// # Panics
    /// There is no program `nginx`, or it does not listen.
    pub fn start() -> Self {
        let port = free_tcp_port();
        let server = format!("keepalive_requests 1000000; listen 127.0.0.1:{port};");
        Self::listen(port, &server, format!("http://127.0.0.1:{port}/"))
    }

    /// Starts one with TLS that closes a connection after so many requests.
    ///
    /// # Panics
    /// As [`Nginx::start`].
    pub fn start_tls(certificates: &TestCertificates, requests_a_connection: u32) -> Self {
        let port = free_tcp_port();
        let server = format!(
            "keepalive_requests {requests_a_connection}; listen 127.0.0.1:{port} ssl;\n\
             ssl_certificate {}; ssl_certificate_key {};",
            certificates.server_certificate().display(),
            certificates.server_key().display()
        );
        Self::listen(port, &server, format!("https://localhost:{port}/"))
    }

    /// Its URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    fn listen(port: u16, server: &str, url: String) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let configuration = format!(
            "daemon off; worker_processes 1; error_log stderr crit; pid {0}/pid;\n\
             events {{ worker_connections 4096; }}\n\
             http {{ access_log off; client_body_temp_path {0}; proxy_temp_path {0};\n\
             fastcgi_temp_path {0}; uwsgi_temp_path {0}; scgi_temp_path {0};\n\
             server {{ {server} location / {{ return 200 'ok'; }} }} }}\n",
            folder.path().display()
        );
        fs::write(folder.path().join("nginx.conf"), configuration).expect("the folder is ours");
        let process = Command::new("nginx")
            .arg("-c")
            .arg(folder.path().join("nginx.conf"))
            .stdin(Stdio::null())
            .spawn()
            .expect("nginx is installed (Debian package nginx-light)");
        let nginx = Self { process, url, _folder: folder };
        assert!(wait_until(PATIENCE, || TcpStream::connect(("127.0.0.1", port)).is_ok()), "nginx does not listen");
        nginx
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // SAFETY: ends the child that was started above and has not been waited for.
        unsafe { libc::kill(self.process.id() as libc::pid_t, libc::SIGTERM) };
        drop(self.process.wait());
    }
}
