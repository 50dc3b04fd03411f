//! The clocks of the attempts to connect of one worker: when an address has had its time and the next one is to be tried. A
//! clock runs only for a host with several addresses, and from the moment at which libcurl makes the socket.

use super::attempts::{Attempts, Common, Limits};
use super::deadlines::Deadlines;
use super::names::Addresses;
use super::response::Response;
use super::transfer::{Stage, Transfer};
use crate::shared::clock::Instant;
use crate::transport::easy::Easy;
use crate::transport::error::TransferError;
use curl_sys as curl;
use slab::Slab;
use std::rc::Rc;

/// The clocks, and what is known of addresses.
#[derive(Debug, Default)]
pub struct AttemptClocks {
    clocks: Deadlines,
    common: Rc<Common>,
}

impl AttemptClocks {
    /// The attempts of the present request of transfer `key`; `None` where its host has one address.
    pub fn attempts(
        &self,
        key: usize,
        transfer: &Transfer,
        addresses: &Addresses,
        now: Instant,
    ) -> Option<Box<Attempts>> {
        let hop = transfer.hop.as_ref()?;
        let connect_timeout = transfer.query.options().connect_timeout;
        let limits = Limits { deadline: transfer.deadline(), connect_timeout };
        Attempts::to(addresses, hop.origin.port, key, limits, &self.common, now)
    }

    /// Sets the clocks of attempts that have begun since the last time.
    pub fn set(&mut self, transfers: &mut Slab<Transfer>) {
        let mut begun = self.common.begun.borrow_mut();
        for key in begun.drain(..) {
            let Some(Transfer { stage: Stage::Sent(easy, _), .. }) = transfers.get_mut(key) else {
                continue;
            };
            if let Some(attempts) = easy.receiver_mut().attempts_mut() {
                let due = attempts.due();
                if let Some(old) = std::mem::replace(&mut attempts.clock, due) {
                    self.clocks.remove(old, key);
                }
                due.into_iter().for_each(|due| self.clocks.add(due, key));
            }
        }
    }

    /// When the first runs out.
    pub fn first(&self) -> Option<Instant> {
        self.clocks.first()
    }

    /// Takes out the first clock where it has run out, and says whose it was.
    pub fn take_expired(&mut self, now: Instant) -> Option<usize> {
        self.clocks.take_expired(now)
    }

    /// To be called before transfer `key` is taken from libcurl: its clock stops, and an address that has not answered until now
    /// has failed.
    pub fn stop(&mut self, key: usize, easy: &mut Easy<Response>, now: Instant) {
        let is_trying = easy.receiver_mut().attempts_mut().is_some_and(|attempts| attempts.is_trying());
        let has_failed = is_trying && easy.awaits_peer();
        if let Some(attempts) = easy.receiver_mut().attempts_mut() {
            attempts.clock.take().into_iter().for_each(|clock| self.clocks.remove(clock, key));
            if has_failed {
                attempts.was_silent(now);
            }
        }
    }
}

/// Whether a request whose clock has run out goes to the next address: not when the peer has answered meanwhile.
pub fn is_left(easy: &mut Easy<Response>, now: Instant) -> bool {
    let awaits_peer = easy.awaits_peer();
    let response = easy.receiver_mut();
    let may_begin_anew = response.may_begin_anew();
    response.attempts_mut().is_some_and(|attempts| {
        let is_due = attempts.due().is_some_and(|due| due <= now);
        let is_slow = is_due && may_begin_anew && awaits_peer && attempts.is_trying();
        if is_slow {
            attempts.was_silent(now);
        }
        is_slow && attempts.go_on(now)
    })
}

/// Whether a request that libcurl has ended goes to the next address: no TCP connection came about, and there is time. The kernel may
/// give an address up before anybody else does.
pub fn is_refused(easy: &mut Easy<Response>, result: &Result<(), TransferError>, now: Instant) -> bool {
    let Err(error) = result else {
        return false;
    };
    let has_no_connection = match error.code {
        curl::CURLE_COULDNT_CONNECT => true,
        curl::CURLE_OPERATION_TIMEDOUT => easy.time(curl::CURLINFO_CONNECT_TIME).is_zero(),
        _ => false,
    };
    let response = easy.receiver_mut();
    let may_begin_anew = response.may_begin_anew();
    let Some(attempts) = response.attempts_mut().filter(|_| has_no_connection) else {
        return false;
    };
    attempts.failed(now);
    may_begin_anew && attempts.go_on(now)
}
