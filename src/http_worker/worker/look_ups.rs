//! Who may start, and who waits for a name.
//!
//! A transfer that waits for a look-up takes no place of `max_in_flight`. As many as that have left the queue for it; what goes beyond
//! waits as they do, and keeps its place in the queue until it is sent: only the number is bounded, nobody stands before another.

use super::super::names::Known;
use super::super::transfer::TransferId;
use super::Worker;
use super::errors::unresolved;
use crate::shared::clock::Instant;
use std::rc::Rc;

impl Worker {
    /// Starts transfers while there is room: those whose addresses have come before others.
    pub(super) fn start_waiting(&mut self) {
        while self.has_room() {
            let Some((id, addresses)) = self.resolved.pop_front() else {
                break;
            };
            if self.is_alive(id) {
                let step = |worker: &mut Self, key| worker.send(key, Some(&addresses), Instant::now());
                self.attempt(id.key, "the end of a look-up", step);
            }
        }
        while self.may_start() {
            let Some(id) = self.waiting.pop_front() else {
                return;
            };
            if self.is_alive(id) {
                self.attempt(id.key, "the start of a transfer", Self::start);
            }
        }
    }

    /// Whether libcurl can take one more. A response that waits to be delivered counts like a transfer: it takes as much memory.
    fn has_room(&self) -> bool {
        self.in_flight + self.deliveries.postponed() < self.max_in_flight
    }

    /// Whether a transfer can start. What waits for look-ups outside the queue beyond its bound, by redirects alone, takes places
    /// of others.
    fn may_start(&self) -> bool {
        let beyond = self.resolving.saturating_sub(self.max_in_flight);
        self.in_flight + self.deliveries.postponed() + beyond < self.max_in_flight
    }

    /// Whether one that waits can go on now.
    pub(super) fn can_start(&self) -> bool {
        (!self.waiting.is_empty() && self.may_start()) || (!self.resolved.is_empty() && self.has_room())
    }

    /// Goes on with transfers whose names have been looked up.
    pub(super) fn end_look_ups(&mut self) {
        while let Some((waiting, known)) = self.names.next_resolved() {
            for id in waiting {
                self.end_look_up(id, &known);
            }
        }
    }

    fn end_look_up(&mut self, id: TransferId, known: &Known) {
        if !self.is_alive(id) {
            return;
        }
        match known {
            Ok(addresses) if !self.has_room() => self.resolved.push_back((id, Rc::clone(addresses))),
            _ => self.attempt(id.key, "the end of a look-up", |worker, key| match known {
                Ok(addresses) => worker.send(key, Some(addresses), Instant::now()),
                Err(reason) => Err(unresolved(worker.host_of(key), reason)),
            }),
        }
    }

    fn host_of(&self, key: usize) -> &str {
        let hop = self.transfers.get(key).and_then(|transfer| transfer.hop.as_ref());
        hop.map_or("", |hop| hop.origin.host.as_str())
    }
}
