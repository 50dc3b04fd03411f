//! What a server knows about its requests and connections; the tests' threads and the server's threads share it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};
use rustls::HandshakeKind;
use tokio::sync::watch;

use super::request::Request;
use crate::memcheck;

/// The state of one server.
#[derive(Debug, Default)]
pub(super) struct State {
    record: Mutex<Record>,
    changed: Condvar,
    close_idle: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Record {
    requests: Vec<Request>,
    connections: u64,
    open_connections: usize,
    handshakes: Handshakes,
}

/// TLS handshakes that have succeeded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Handshakes {
    /// With certificates and keys.
    pub full: u64,
    /// That went on with what an earlier one has settled.
    pub resumed: u64,
}

impl State {
    /// Counts a connection that has just been accepted; it counts as open for as long as the returned value lives.
    pub(super) fn connection_opened(state: &Arc<Self>) -> OpenConnection {
        // Subscribed before the connection shows in the counts, so that a test that saw it can close it.
        let close_idle = state.close_idle.subscribe();
        let mut record = state.record.lock();
        record.connections += 1;
        record.open_connections += 1;
        let number = record.connections;
        drop(record);
        state.changed.notify_all();
        OpenConnection { number, state: Arc::clone(state), close_idle }
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.record.lock().requests.clone()
    }

    pub(super) fn forget_requests(&self) {
        self.record.lock().requests.clear();
    }

    pub(super) fn connections(&self) -> u64 {
        self.record.lock().connections
    }

    pub(super) fn open_connections(&self) -> usize {
        self.record.lock().open_connections
    }

    pub(super) fn handshakes(&self) -> Handshakes {
        self.record.lock().handshakes
    }

    pub(super) fn close_idle_connections(&self) {
        self.close_idle.send_replace(());
    }

    #[track_caller]
    pub(super) fn wait_for_requests(&self, count: usize, within: Duration) -> Vec<Request> {
        let record = self.wait_until(|record| record.requests.len() >= count, within);
        let seen = record.requests.clone();
        drop(record);
        assert!(seen.len() >= count, "{} instead of {count} requests within {within:?}: {seen:#?}", seen.len());
        seen
    }

    #[track_caller]
    pub(super) fn wait_for_open_connections(&self, count: usize, within: Duration) {
        let open = self.wait_until(|record| record.open_connections == count, within).open_connections;
        assert_eq!(open, count, "connections still open after {within:?}");
    }

    /// Waits until `condition` holds or the time is over, whichever comes first.
    fn wait_until(&self, condition: impl Fn(&Record) -> bool, within: Duration) -> MutexGuard<'_, Record> {
        let deadline = Instant::now() + memcheck::patience(within);
        let mut record = self.record.lock();
        self.changed.wait_while_until(&mut record, |record| !condition(record), deadline);
        record
    }
}

/// One open TCP connection in the counts of its server.
#[derive(Debug)]
pub(super) struct OpenConnection {
    number: u64,
    state: Arc<State>,
    close_idle: watch::Receiver<()>,
}

impl OpenConnection {
    /// The number of the connection, counted from 1.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn record_handshake(&self, kind: Option<HandshakeKind>) {
        let mut record = self.state.record.lock();
        match kind {
            Some(HandshakeKind::Resumed) => record.handshakes.resumed += 1,
            _ => record.handshakes.full += 1,
        }
    }

    pub(super) fn record_request(&self, request: Request) {
        self.state.record.lock().requests.push(request);
        self.state.changed.notify_all();
    }

    /// The connection becomes idle: from now on a call to close idle connections means this one too.
    pub(super) fn becomes_idle(&mut self) {
        self.close_idle.mark_unchanged();
    }

    /// Returns once the test has asked to close idle connections.
    pub(super) async fn asked_to_close(&mut self) {
        // The sender lives in the state this value holds, so the only outcome is a change.
        let _ = self.close_idle.changed().await;
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.state.record.lock().open_connections -= 1;
        self.state.changed.notify_all();
    }
}
