//! The addresses of a host, one after the other: `attempt_clocks` tells when one has had its time.

use super::super::attempt_clocks::is_left;
use super::super::response::Response;
use super::super::transfer::{Stage, Transfer};
use super::Worker;
use crate::shared::clock::Instant;
use crate::transport::easy::Easy;
use crate::transport::error::TransferError;

impl Worker {
    /// Leaves addresses that have had their time without taking a connection.
    pub(super) fn leave_silent(&mut self) {
        while let Some(key) = self.attempt_clocks.take_expired(Instant::now()) {
            self.attempt(key, "the next address", |worker, key| {
                let is_left = worker.easy_of(key).is_some_and(|easy| is_left(easy, Instant::now()));
                if is_left { worker.try_next_address(key) } else { Ok(()) }
            });
        }
    }

    /// Sends the present request, of which nothing has gone out, to another of its host's addresses.
    pub(super) fn try_next_address(&mut self, key: usize) -> Result<(), TransferError> {
        let now = Instant::now();
        let Some(Transfer { stage: Stage::Sent(easy, _), .. }) = self.transfers.get_mut(key) else {
            return Ok(());
        };
        self.attempt_clocks.stop(key, easy, now);
        let attempts = easy.receiver_mut().take_attempts();
        self.withdraw(key);
        self.send_to(key, None, attempts, now)
    }

    /// The easy handle of a transfer that libcurl has.
    fn easy_of(&mut self, key: usize) -> Option<&mut Easy<Response>> {
        match &mut self.transfers.get_mut(key)?.stage {
            Stage::Sent(easy, _) => Some(easy),
            _ => None,
        }
    }
}
