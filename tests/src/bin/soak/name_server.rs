//! A DNS server (RFC 1035) that knows no name: it says so, or says nothing.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// It never answers for names that end like this: labels, each after its length.
const DEAD: &[u8] = b"\x04dead\x04test\x00";
/// Response, recursion desired and available, no such name.
const NO_SUCH_NAME: [u8; 2] = [0x81, 0x83];
/// ID, flags and four counts.
const HEADER_LENGTH: usize = 12;

/// A running server, on port 53 of a loopback address of its own. Dropping it ends it.
#[derive(Debug)]
pub struct NameServer {
    address: Ipv4Addr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl NameServer {
    /// # Errors
    /// Port 53 cannot be had: only root may.
    pub fn start() -> Result<Self, String> {
        let [.., high, low] = std::process::id().to_be_bytes();
        let address = Ipv4Addr::new(127, 53, high, low.max(1));
        let socket = UdpSocket::bind((address, 53)).map_err(|error| format!("port 53 of {address}: {error}"))?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        socket.set_read_timeout(Some(Duration::from_millis(100))).map_err(|error| error.to_string())?;
        let thread = thread::spawn(move || serve(&socket, &stopped));
        Ok(Self { address, stop, thread: Some(thread) })
    }

    /// A `resolv.conf` with this server. A look-up without an answer ends after 1 s, long after the deadline of the query
    /// that wants it.
    pub fn resolv_conf(&self) -> String {
        format!("nameserver {}\noptions timeout:1 attempts:1\n", self.address)
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn serve(socket: &UdpSocket, stop: &AtomicBool) {
    let mut buffer = [0; 512];
    while !stop.load(Ordering::Relaxed) {
        // A time-out is the moment to look whether to stop; any other error is some client's.
        let Ok((length, client)) = socket.recv_from(&mut buffer) else { continue };
        answer(socket, client, &mut buffer[..length]);
    }
}

fn answer(socket: &UdpSocket, client: SocketAddr, question: &mut [u8]) {
    if question.len() < HEADER_LENGTH || question.windows(DEAD.len()).any(|bytes| bytes == DEAD) {
        return;
    }
    question[2..4].copy_from_slice(&NO_SUCH_NAME);
    // A client that is gone is not missed.
    drop(socket.send_to(question, client));
}
