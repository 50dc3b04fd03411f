//! A SIP user agent over TLS (RFC 3261 section 26.2.1): one connection, one transaction after the other.

use crate::certificates::TestCertificates;
use crate::sip::{Hop, Sent, SipMessage};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// How long the server may take for an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A user agent with a connection of its own.
#[derive(Debug)]
pub struct SipTlsClient {
    stream: StreamOwned<ClientConnection, TcpStream>,
    hop: Hop,
    received: Vec<u8>,
}

impl SipTlsClient {
    /// Connects to `server`, which must have a certificate of the tests' authority for its address.
    ///
    /// # Panics
    /// Nobody listens there. A handshake that fails shows with the first request.
    pub fn connect(server: SocketAddr, certificates: &TestCertificates) -> Self {
        let socket = TcpStream::connect(server).expect("the server listens");
        socket.set_read_timeout(Some(PATIENCE)).expect("a time above zero");
        let own = socket.local_addr().expect("it is connected");
        let name = ServerName::IpAddress(server.ip().into());
        let connection = ClientConnection::new(Arc::new(certificates.client_configuration()), name).expect("a client");
        let stream = StreamOwned::new(connection, socket);
        Self { stream, hop: Hop { transport: "TLS", own, server }, received: Vec::new() }
    }

    /// Sends a request to `user` and returns its final answer.
    ///
    /// # Panics
    /// There is none: the connection or its TLS failed, or the server took too long.
    pub fn transact(&mut self, method: &str, user: &str) -> SipMessage {
        let sent = Sent::new(&self.hop, method, user, "", "");
        self.stream.write_all(sent.text().as_bytes()).expect("the server reads");
        loop {
            let message = self.receive();
            if message.is_for(&sent) && message.status() >= 200 {
                return message;
            }
        }
    }

    fn receive(&mut self) -> SipMessage {
        loop {
            if let Some(length) = whole_message(&self.received) {
                let bytes: Vec<u8> = self.received.drain(..length).collect();
                return SipMessage::new(&bytes, self.hop.server);
            }
            let mut buffer = [0; 4096];
            let length = self.stream.read(&mut buffer).expect("the server answers in time");
            assert!(length > 0, "the server has closed the connection");
            self.received.extend_from_slice(&buffer[..length]);
        }
    }
}

/// The length of the first message, once all of it is there (RFC 3261 section 18.3).
fn whole_message(bytes: &[u8]) -> Option<usize> {
    const END_OF_HEAD: &[u8] = b"\r\n\r\n";
    let head = bytes.windows(END_OF_HEAD.len()).position(|window| window == END_OF_HEAD)? + END_OF_HEAD.len();
    let nobody = SocketAddr::from(([0, 0, 0, 0], 0));
    let body = SipMessage::new(&bytes[..head], nobody).header("Content-Length")?.parse::<usize>().ok()?;
    (bytes.len() >= head + body).then_some(head + body)
}
