//! One query in a worker, from the ring to its end.

use super::redirect::Hop;
use super::response::Response;
use super::setup::Setup;
use crate::shared::clock::Instant;
use crate::shared::query::Query;
use crate::transport::easy::Easy;
use std::time::Duration;

/// Names a transfer for as long as the worker lives: its place may be taken by another later. In the order of their coming.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TransferId {
    /// Which of all that had this place.
    pub serial: u64,
    /// Its place in the worker's table.
    pub key: usize,
}

/// How far a transfer has come. Owns the query, and the easy handle while it is added to the multi handle.
pub struct Transfer {
    /// The query.
    pub query: Query,
    /// Tells it from others that had its place.
    pub serial: u64,
    /// Where it is.
    pub stage: Stage,
    /// Whether it counts as queued.
    pub has_place: bool,
    /// The request that goes out now; `None` until the transfer starts.
    pub hop: Option<Hop>,
    /// When it left the queue.
    pub started: Instant,
    /// When the present request began, with its look-up.
    pub hop_started: Instant,
    /// When libcurl took the present request.
    pub sent: Instant,
}

/// Where a transfer is.
pub enum Stage {
    /// Waits for a transfer to end, because as many as allowed are in flight.
    Queued,
    /// Waits for addresses, or has got some and waits for another transfer to end.
    Resolving,
    /// libcurl has it, on a handle with that set-up.
    Sent(Easy<Response>, Setup),
}

impl Transfer {
    /// A query fresh from the ring, at `now`.
    pub fn new(query: Query, serial: u64, now: Instant) -> Self {
        Self {
            query,
            serial,
            stage: Stage::Queued,
            has_place: true,
            hop: None,
            started: now,
            hop_started: now,
            sent: now,
        }
    }

    /// When it ends at the latest.
    pub fn deadline(&self) -> Instant {
        self.query.options().deadline()
    }

    /// How long the redirects took before the present request; zero when there was none.
    pub fn redirect_time(&self) -> Duration {
        match &self.hop {
            Some(hop) if hop.redirects > 0 => self.hop_started.since(self.started),
            _ => Duration::ZERO,
        }
    }

    /// What it is doing, for an error's text.
    pub fn doing(&self) -> String {
        let host = self.hop.as_ref().map_or("", |hop| hop.origin.host.as_str());
        match self.stage {
            Stage::Queued => "waiting in the queue".to_owned(),
            Stage::Resolving => format!("looking up {host}"),
            Stage::Sent(ref easy, _) if easy.status().is_ok_and(|status| status > 0) => {
                format!("receiving from {host}")
            }
            Stage::Sent(..) => format!("waiting for {host}"),
        }
    }
}
