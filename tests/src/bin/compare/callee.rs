//! Whom an INVITE is relayed to: it answers each with the replies of the case.

use end_to_end::sip::{SipClient, SipMessage};
use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Replies in order, with ms before each.
pub type Replies = &'static [(u16, &'static str, u64)];

/// A running callee. Dropping it ends it.
pub struct Callee {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Callee {
    /// Starts one on a free port.
    pub fn start(replies: Replies) -> Self {
        let client = SipClient::new(([127, 0, 0, 1], 9).into());
        let address = client.address();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || answer_all(&client, replies, &stopped));
        Self { address, stop, thread: Some(thread) }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Callee {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        drop(self.thread.take().map(JoinHandle::join));
    }
}

/// Each INVITE once, its retransmissions not again.
fn answer_all(client: &SipClient, replies: Replies, stop: &AtomicBool) {
    let mut seen = HashSet::new();
    let mut invites: Vec<SipMessage> = Vec::new();
    for &(status, reason, pause) in replies {
        // Whoever has come is answered with this reply after its pause; the first waits for somebody to come.
        while invites.is_empty() && !stop.load(Ordering::Relaxed) {
            invites.extend(next(client, &mut seen));
        }
        thread::sleep(Duration::from_millis(pause));
        invites.extend(std::iter::from_fn(|| next(client, &mut seen)));
        invites.iter().for_each(|invite| client.reply(invite, status, reason));
    }
    while !stop.load(Ordering::Relaxed) {
        if let Some(invite) = next(client, &mut seen) {
            replies.iter().for_each(|&(status, reason, _)| client.reply(&invite, status, reason));
        }
    }
}

fn next(client: &SipClient, seen: &mut HashSet<String>) -> Option<SipMessage> {
    let request = client.receive_request(Duration::from_millis(50))?;
    let branch = format!("{} {}", request.header("Call-ID").unwrap_or_default(), request.uri());
    (request.method() == "INVITE" && seen.insert(branch)).then_some(request)
}
