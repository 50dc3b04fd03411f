//! The one end of a transfer.
//!
//! Its query and its outcome belong to the deliveries before anything else is touched, libcurl least of all: a panic in what is given
//! back then costs a handle or a connection, and the route runs all the same.

use super::super::attempts::with_tried;
use super::super::connections::Pool;
use super::super::outcome::{Outcome, Times};
use super::super::redirect::Hop;
use super::super::response::Response;
use super::super::setup::Setup;
use super::super::transfer::{Stage, Transfer, TransferId};
use super::Worker;
use super::errors::internal_error;
use crate::host::fault_point::fault_point;
use crate::host::guarded;
use crate::shared::clock::Instant;
use crate::transport::easy::Easy;
use crate::transport::error::TransferError;

/// What a transfer holds beside its query, to be given back.
struct Remains {
    id: TransferId,
    stage: Stage,
    hop: Option<Hop>,
    pool: Pool,
    used: Used,
}

/// How much a response took.
#[derive(Clone, Copy, Default)]
struct Used {
    /// Bytes of it, as [`Response::received`] counts them.
    received: usize,
    /// Bytes of heads, as [`Response::head_bytes`] counts them.
    heads: usize,
}

impl Worker {
    /// Ends a transfer, once: a second end finds nothing. What comes of its query is up to the deliveries.
    pub(super) fn end(&mut self, key: usize, result: Result<u16, TransferError>) {
        const WHAT: &str = "the outcome of a query";
        let Some(transfer) = self.transfers.get_mut(key) else {
            return;
        };
        let clocks = &mut self.attempt_clocks;
        let (outcome, used) = guarded(WHAT, None, || {
            if let Stage::Sent(easy, _) = &mut transfer.stage {
                clocks.stop(key, easy, Instant::now());
            }
            Some(outcome_of(transfer, result))
        })
        .unwrap_or_else(|| (Outcome::failed(&internal_error(WHAT), Times::default()), Used::default()));
        if let Some(remains) = self.hand_over(key, outcome, used) {
            guarded("the end of a transfer", (), || self.give_back(remains));
        }
        self.deliveries.deliver();
    }

    /// Query and outcome change their owner. Nothing here may fail.
    fn hand_over(&mut self, key: usize, outcome: Outcome, used: Used) -> Option<Remains> {
        let transfer = self.transfers.try_remove(key)?;
        self.deadlines.remove(transfer.deadline(), key);
        let Transfer { query, serial, stage, has_place, hop, .. } = transfer;
        match stage {
            Stage::Sent(..) => self.in_flight -= 1,
            _ if has_place => self.queue.release_place(),
            _ => self.resolving -= 1,
        }
        let pool = Pool::of(&query, hop.as_ref());
        self.deliveries.accept(query, outcome);
        Some(Remains { id: TransferId { serial, key }, stage, hop, pool, used })
    }

    fn give_back(&mut self, remains: Remains) {
        let Remains { id, stage, hop, pool, used } = remains;
        fault_point!("remains");
        match (stage, hop) {
            (Stage::Queued, _) | (Stage::Resolving, None) => {}
            (Stage::Resolving, Some(hop)) => self.names.give_up(&hop.origin.host, id),
            (Stage::Sent(easy, setup), hop) => {
                self.connections.remove(pool, &easy);
                if let Some(hop) = hop {
                    self.receive_buffers.note(&hop.origin, used.received);
                }
                self.keep(easy, setup, used);
            }
        }
    }

    fn keep(&mut self, easy: Easy<Response>, setup: Setup, used: Used) {
        fault_point!("handle");
        self.idle_handles.keep(easy, used.heads, setup);
    }
}

/// How a transfer ends. Takes its response.
fn outcome_of(transfer: &mut Transfer, result: Result<u16, TransferError>) -> (Outcome, Used) {
    fault_point!("outcome");
    let redirect = transfer.redirect_time();
    let before = transfer.sent.since(transfer.started);
    let total = Instant::now().since(transfer.started);
    let failed = |result: Result<u16, TransferError>, times| {
        Outcome::failed(&result.err().unwrap_or_else(|| internal_error("a transfer without a response")), times)
    };
    match &mut transfer.stage {
        Stage::Queued => (failed(result, Times::default()), Used::default()),
        Stage::Resolving => (failed(result, Times { total, redirect, ..Times::default() }), Used::default()),
        Stage::Sent(easy, _) => {
            let response = std::mem::take(easy.receiver_mut());
            let times = Times::read(easy, before, redirect).with_attempts(response.attempts(), transfer.started);
            let used = Used { received: response.received(), heads: response.head_bytes() };
            let outcome = match result {
                Ok(status) => Outcome::replied(status, response, times),
                // libcurl's clock of a transfer that it has not finished stands still.
                Err(error) => Outcome::failed(&with_tried(error, response.attempts()), Times { total, ..times }),
            };
            (outcome, used)
        }
    }
}
