//! A name server (RFC 1035) that answers as a test says.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

const TYPE_A: u16 = 1;
const HEADER: usize = 12;
/// The name of the question, type A, class IN, a minute, four bytes of address.
const ANSWER: [u8; 16] = [0xc0, HEADER as u8, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1];

/// A running name server. Dropping it stops it.
#[derive(Debug)]
pub struct NameServer {
    address: IpAddr,
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl NameServer {
    /// Starts one on port 53 of an address of loopback where nobody else listens. `reply_to` makes the reply to a question,
    /// or none.
    ///
    /// # Errors
    /// There is no such address, or this user may not use that port.
    pub fn start(reply_to: fn(&[u8]) -> Option<Vec<u8>>) -> Result<Self, String> {
        let mut addresses = (1..=254).map(|number| Ipv4Addr::new(127, 53, 0, number));
        let socket = addresses.find_map(|address| UdpSocket::bind((address, 53)).ok());
        let socket = socket.ok_or("port 53 of no address of loopback can be had")?;
        let address = socket.local_addr().map_err(|error| error.to_string())?.ip();
        // A time-out is the moment to look whether to stop.
        socket.set_read_timeout(Some(Duration::from_millis(100))).map_err(|error| error.to_string())?;
        let stopped = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stopped);
        let thread = std::thread::spawn(move || {
            while !seen.load(Ordering::Relaxed) {
                answer_one(&socket, reply_to);
            }
        });
        Ok(Self { address, stopped, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> IpAddr {
        self.address
    }
}

/// Answers one question. Whoever asks something else, or goes away, gets no answer.
fn answer_one(socket: &UdpSocket, reply_to: fn(&[u8]) -> Option<Vec<u8>>) {
    let mut question = [0; 512];
    if let Ok((length, client)) = socket.recv_from(&mut question) {
        if let Some(reply) = reply_to(&question[..length]) {
            drop(socket.send_to(&reply, client));
        }
    }
}

/// The reply of a server that knows every name: its only address is 127.0.0.1.
pub fn every_name(question: &[u8]) -> Option<Vec<u8>> {
    let name_length = question.get(HEADER..)?.iter().position(|byte| *byte == 0)? + 1;
    let end = HEADER + name_length + 4;
    let kind = question.get(end - 4..end - 2)?;
    let has_answer = kind == TYPE_A.to_be_bytes();
    let mut reply = question.get(..end)?.to_vec();
    // A response, recursion desired and available; one question, one answer or none, nothing else.
    reply[2..HEADER].copy_from_slice(&[0x81, 0x80, 0, 1, 0, has_answer.into(), 0, 0, 0, 0]);
    if has_answer {
        reply.extend(ANSWER);
    }
    Some(reply)
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
