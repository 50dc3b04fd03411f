//! nghttpd on loopback: an HTTP/2 server of other hands.

use crate::certificates::TestCertificates;
use crate::kamailio::{PATIENCE, free_tcp_port, wait_until};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// A running nghttpd, which serves a folder. Dropping it ends it.
#[derive(Debug)]
pub struct Nghttpd {
    process: Child,
    folder: tempfile::TempDir,
    origin: String,
}

impl Nghttpd {
    /// Starts it with these files, over TLS with a certificate where there is one, with `streams` on a connection.
    ///
    /// # Panics
    /// It is not installed (Debian package nghttp2-server), or does not listen.
    pub fn start(files: &[(&str, &str)], tls: Option<&TestCertificates>, streams: u32) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let documents = folder.path().join("documents");
        fs::create_dir(&documents).expect("the folder is ours");
        for (name, content) in files {
            fs::write(documents.join(name), content).expect("the folder is ours");
        }
        let port = free_tcp_port();
        let log = File::create(folder.path().join("log")).expect("the folder is ours");
        let mut command = Command::new("nghttpd");
        command.arg("--verbose").arg(format!("--max-concurrent-streams={streams}"));
        command.arg("--address=127.0.0.1").arg("--htdocs").arg(&documents);
        command.stdin(Stdio::null()).stdout(log).stderr(Stdio::null());
        match tls {
            None => command.arg("--no-tls").arg(port.to_string()),
            Some(certificates) => {
                let (key, certificate) = (certificates.server_key(), certificates.server_certificate());
                command.arg(port.to_string()).arg(key).arg(certificate)
            }
        };
        let process = command.spawn().expect("nghttpd is installed (Debian package nghttp2-server)");
        let scheme = if tls.is_some() { "https" } else { "http" };
        let nghttpd = Self { process, folder, origin: format!("{scheme}://localhost:{port}") };
        let listens = || TcpStream::connect(("127.0.0.1", port)).is_ok();
        assert!(wait_until(PATIENCE, listens), "nghttpd does not listen");
        nghttpd
    }

    /// The URL of `path`, which begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// Connections on which requests have come, by the number that it gives each.
    pub fn connections(&self) -> usize {
        let log = fs::read_to_string(self.log()).expect("its log");
        let requests = log.lines().filter(|line| line.contains("recv (stream_id="));
        let numbers: BTreeSet<&str> =
            requests.filter_map(|line| line.strip_prefix("[id=")?.split(']').next()).collect();
        numbers.len()
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

impl Drop for Nghttpd {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
