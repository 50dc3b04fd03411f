//! The loop of one HTTP worker, and everything it owns. A query enters by [`Worker::run`] taking it from the ring, and
//! leaves by `end`, which is the only place where a transfer is given up, and its route runs in `deliveries`.
//!
//! A panic costs the step in which it happens, and no query its end: a step of a transfer runs in `attempt`, what a transfer leaves
//! behind goes in a guard of `end`, and the rest of a turn has the guard of [`Worker::run`].

mod addresses;
mod end;
mod errors;
mod look_ups;

use super::attempt_clocks::{AttemptClocks, is_refused};
use super::attempts::Attempts;
use super::connections::{Connections, Pool, are_shared};
use super::deadlines::Deadlines;
use super::deliveries::Deliveries;
use super::idle_handles::IdleHandles;
use super::names::{Addresses, Names};
use super::receive_buffers::ReceiveBuffers;
use super::redirect::Hop;
use super::request;
use super::retry;
use super::setup::Setup;
use super::tls_terms::KnownFiles;
use super::transfer::{Stage, Transfer, TransferId};
use crate::host::fault_point::fault_point;
use crate::host::{guarded, log, termination};
use crate::module::settings::Settings;
use crate::shared::clock::Instant;
use crate::shared::ring::Ring;
use crate::shared::set_aside::SetAside;
use crate::transport::error::{LoopError, TransferError};
use crate::transport::event_loop::{EventLoop, QueueWatch, Ready, Timer};
use crate::transport::multi::{ConnectionLimits, Done};
use crate::transport::origins::Origins;
use curl_sys as curl;
use errors::{explain, internal_error, timeout, unresolved};
use slab::Slab;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

/// How long the worker rests in a turn in which it could not set its timer, or after one that has panicked.
const WITHOUT_TIMER: Duration = Duration::from_millis(10);

/// Turns that may panic one after the other. What panics in each of them will not go away, and the server is better started again.
const MOST_PANICS: u32 = 100;

/// Everything that one worker process owns.
pub struct Worker {
    queue: &'static Ring,
    _queue_watch: QueueWatch,
    transfers: Slab<Transfer>,
    last_serial: u64,
    /// Transfers that wait because `max_in_flight` others are under way.
    waiting: VecDeque<TransferId>,
    /// Transfers that have got their addresses, and wait because `max_in_flight` others are under way.
    resolved: VecDeque<(TransferId, Addresses)>,
    /// Transfers that libcurl has.
    in_flight: usize,
    /// Transfers without addresses, and those in `resolved`, that have left the queue.
    resolving: usize,
    max_in_flight: usize,
    deadlines: Deadlines,
    deadline_timer: Timer,
    timer_set_for: Option<Instant>,
    attempt_clocks: AttemptClocks,
    names: Names<TransferId>,
    origins: Origins,
    known_files: KnownFiles,
    idle_handles: IdleHandles,
    receive_buffers: ReceiveBuffers,
    connections: Connections,
    deliveries: Deliveries,
    event_loop: EventLoop,
    settings: Settings,
}

impl Worker {
    /// A worker without transfers.
    ///
    /// # Errors
    /// libevent or libcurl cannot be set up.
    pub fn new(queue: &'static Ring, settings: &Settings, max_in_flight: usize) -> Result<Self, LoopError> {
        let event_loop = EventLoop::new()?;
        let kept = settings.hash_size as usize;
        Ok(Self {
            queue,
            _queue_watch: QueueWatch::new(&event_loop, queue.wake_descriptor())?,
            transfers: Slab::with_capacity(kept),
            last_serial: 0,
            waiting: VecDeque::new(),
            resolved: VecDeque::new(),
            in_flight: 0,
            resolving: 0,
            max_in_flight,
            deadlines: Deadlines::default(),
            deadline_timer: Timer::for_deadlines(&event_loop)?,
            timer_set_for: None,
            attempt_clocks: AttemptClocks::default(),
            names: Names::new(&event_loop, settings.max_lookups as usize, settings.dns_cache_time),
            origins: Origins::default(),
            known_files: KnownFiles::default(),
            idle_handles: IdleHandles::new(kept),
            receive_buffers: ReceiveBuffers::new(),
            connections: Connections::new(&event_loop, connection_limits(settings, max_in_flight))?,
            deliveries: Deliveries::new(queue, reserve_of(settings)),
            event_loop,
            settings: settings.clone(),
        })
    }

    /// Serves queries until something essential breaks, or panics in each turn.
    pub fn run(&mut self) -> LoopError {
        let mut panics = 0;
        while panics < MOST_PANICS {
            match guarded("a turn of the loop", None, || Some(self.turn())) {
                Some(Ok(())) => panics = 0,
                Some(Err(error)) => return error,
                None => {
                    panics += 1;
                    self.recover();
                }
            }
        }
        LoopError(format!("{MOST_PANICS} turns of its loop in a row have panicked"))
    }

    /// Takes what is queued, waits for something to happen, acts on all of it. The worker may not have run for a while
    /// (a callback that blocked, a process that was stopped): what has expired ends before anything is sent or read.
    fn turn(&mut self) -> Result<(), LoopError> {
        fault_point!("turn");
        self.deliveries.deliver();
        self.receive();
        self.end_expired();
        self.start_waiting();
        // A start that failed has run a callback.
        self.end_expired();
        self.connections.act_when_due();
        self.finish_done();
        self.leave_silent();
        self.end_lost();
        self.end_look_ups();
        self.wait()?;
        self.receive();
        self.end_expired();
        while let Some(ready) = self.event_loop.next_ready() {
            self.act_on(ready);
        }
        // After all answers that there are.
        self.names.act_when_due();
        self.end_look_ups();
        self.finish_done();
        self.deliveries.retry();
        self.idle_handles.give_back(self.in_flight, Instant::now);
        Ok(())
    }

    /// Lets events happen. A signal to end that comes at any other time is acted on here, or after the next callback.
    fn wait(&mut self) -> Result<(), LoopError> {
        let is_timed = self.set_timer();
        // Transfers that have just ended may have made room for others.
        let is_idle = !self.can_start() && !self.connections.are_due();
        let may_sleep = is_timed && is_idle && self.queue.prepare_sleep();
        termination::end_if_due();
        fault_point!("wait");
        let waited = self.event_loop.wait(may_sleep);
        self.queue.stay_awake();
        termination::end_if_due();
        waited
    }

    /// After a turn that has panicked, or whose events were lost: timers may have run out and nobody knows.
    fn recover(&mut self) {
        std::thread::sleep(WITHOUT_TIMER);
        self.queue.stay_awake();
        self.timer_set_for = None;
        guarded("libcurl's timers", (), || self.connections.timer_expired());
    }

    fn act_on(&mut self, ready: Ready) {
        fault_point!("event");
        match ready {
            Ready::Queue => self.queue.clear_wake(),
            Ready::Socket { descriptor, events } => self.connections.socket_ready(descriptor, events),
            Ready::TransferTimer => self.connections.timer_expired(),
            Ready::Deadline => self.timer_set_for = None,
            Ready::Lost => self.recover(),
            Ready::NameSocket { exchange, descriptor, readable, writable } => {
                self.names.socket_ready(exchange, descriptor, readable, writable);
            }
            Ready::Answered { exchange, kind, answer } => self.names.answered(exchange, kind, answer),
        }
    }

    /// Takes every query from the ring. They keep their places in the queue until they start.
    fn receive(&mut self) {
        if self.waiting.len() > 2 * self.settings.queue_size as usize {
            // Most of them have met their deadline while they waited.
            let transfers = &self.transfers;
            self.waiting.retain(|id| transfers.get(id.key).is_some_and(|transfer| transfer.serial == id.serial));
        }
        let mut now = None;
        while let Some(query) = self.queue.take() {
            self.last_serial += 1;
            let transfer = Transfer::new(query, self.last_serial, *now.get_or_insert_with(Instant::now));
            let id = TransferId { serial: self.last_serial, key: self.transfers.insert(transfer) };
            self.attempt(id.key, "the receipt of a query", |worker, _| worker.received(id));
        }
    }

    fn received(&mut self, id: TransferId) -> Result<(), TransferError> {
        fault_point!("receipt");
        if let Some(transfer) = self.transfers.get(id.key) {
            self.deadlines.add(transfer.deadline(), id.key);
            self.waiting.push_back(id);
        }
        Ok(())
    }

    fn is_alive(&self, id: TransferId) -> bool {
        self.transfers.get(id.key).is_some_and(|transfer| transfer.serial == id.serial)
    }

    /// Runs a step of one transfer. A step that fails or panics ends it.
    fn attempt(&mut self, key: usize, what: &str, step: impl FnOnce(&mut Self, usize) -> Result<(), TransferError>) {
        let ended = guarded(what, None, || {
            fault_point!("step");
            Some(step(self, key))
        });
        let ended = ended.unwrap_or_else(|| Err(internal_error(what)));
        if let Err(error) = ended {
            self.end(key, Err(error));
        }
    }

    fn start(&mut self, key: usize) -> Result<(), TransferError> {
        let Some(transfer) = self.transfers.get_mut(key) else {
            return Ok(());
        };
        let now = Instant::now();
        if transfer.deadline() <= now {
            return Err(timeout(transfer));
        }
        let hop = Hop::first(&transfer.query, &mut self.origins)?;
        transfer.stage = Stage::Resolving;
        transfer.started = now;
        if self.resolving < self.max_in_flight || !self.names.is_unknown(&hop.origin, now) {
            transfer.has_place = false;
            self.resolving += 1;
            self.queue.release_place();
        }
        self.go(key, hop, now)
    }

    /// Sends one request, after looking its host up where it is a name.
    fn go(&mut self, key: usize, hop: Hop, now: Instant) -> Result<(), TransferError> {
        let Some(transfer) = self.transfers.get_mut(key) else {
            return Ok(());
        };
        transfer.hop_started = now;
        let (id, deadline) = (TransferId { serial: transfer.serial, key }, transfer.deadline());
        let hop = transfer.hop.insert(hop);
        if hop.origin.address().is_some() {
            return self.send(key, None, now);
        }
        match self.names.known(&hop.origin.host, now) {
            Some(Ok(addresses)) => self.send(key, Some(&addresses), now),
            Some(Err(reason)) => Err(unresolved(&hop.origin.host, &reason)),
            None => {
                self.names.look_up(&hop.origin.host, id, deadline, now);
                Ok(())
            }
        }
    }

    fn send(&mut self, key: usize, addresses: Option<&Addresses>, now: Instant) -> Result<(), TransferError> {
        let attempts = self.transfers.get(key).zip(addresses);
        let attempts = attempts.and_then(|(transfer, all)| self.attempt_clocks.attempts(key, transfer, all, now));
        self.send_to(key, addresses.and_then(|all| all.first().copied()), attempts, now)
    }

    /// Hands the present request to libcurl, with an address where the host is a name, and the others where it has several.
    fn send_to(
        &mut self,
        key: usize,
        address: Option<IpAddr>,
        attempts: Option<Box<Attempts>>,
        now: Instant,
    ) -> Result<(), TransferError> {
        let Some(transfer) = self.transfers.get_mut(key) else {
            return Ok(());
        };
        let Some(hop) = &transfer.hop else {
            return Ok(());
        };
        let left = attempts.as_ref().and_then(|attempts| attempts.connect_timeout_left());
        let setup = Setup::of(&transfer.query, hop, &self.settings, &mut self.known_files)?.connecting_within(left);
        let mut easy = self.idle_handles.take(&setup, self.in_flight + 1, &self.settings)?;
        let address = attempts.as_ref().and_then(|attempts| attempts.offered()).or(address);
        let response = retry::response_to(&transfer.query, hop, &setup, are_shared(&self.settings));
        *easy.receiver_mut() = response.with_attempts(attempts);
        let receive_buffer = self.receive_buffers.size_for(&hop.origin);
        request::prepare(&mut easy, &transfer.query, hop, address, receive_buffer, &setup)?;
        easy.set_key(key)?;
        transfer.sent = now;
        self.connections.add(&transfer.query, hop, &easy)?;
        transfer.stage = Stage::Sent(easy, setup);
        self.in_flight += 1;
        if std::mem::take(&mut transfer.has_place) {
            self.queue.release_place();
        } else {
            self.resolving -= 1;
        }
        Ok(())
    }

    fn finish_done(&mut self) {
        while let Some(Done { key, result }) = self.connections.next_done() {
            self.attempt(key, "the end of a transfer", |worker, key| worker.done(key, result));
        }
    }

    /// libcurl has finished the present request: the query is redirected, or it ends. What became of the body of a
    /// redirect does not matter.
    fn done(&mut self, key: usize, result: Result<(), TransferError>) -> Result<(), TransferError> {
        let Some(Transfer { query, stage: Stage::Sent(easy, _), hop: Some(hop), .. }) = self.transfers.get_mut(key)
        else {
            return Ok(());
        };
        let status = easy.status()?;
        if is_refused(easy, &result, Instant::now()) {
            return self.try_next_address(key);
        }
        if let Some(next) = retry::once_more(easy, hop, &result, are_shared(&self.settings)) {
            self.withdraw(key);
            return self.go(key, next, Instant::now());
        }
        let confirmed = easy.receiver_mut().confirms(status);
        if let Some(location) = easy.receiver_mut().leads_to().filter(|_| confirmed) {
            let next = hop.redirected(status, location, query.options().max_redirects)?;
            self.withdraw(key);
            return self.go(key, next, Instant::now());
        }
        if let Err(error) = result {
            return Err(explain(easy, error));
        }
        if !confirmed {
            return Err(TransferError::with_detail(
                // The name that curl-sys knows for CURLE_WEIRD_SERVER_REPLY.
                curl::CURLE_FTP_WEIRD_SERVER_REPLY,
                format_args!("the response has no status"),
            ));
        }
        self.end(key, Ok(status));
        Ok(())
    }

    /// Takes the easy handle back from libcurl.
    fn withdraw(&mut self, key: usize) {
        let Some(transfer) = self.transfers.get_mut(key) else {
            return;
        };
        if let Stage::Sent(mut easy, setup) = std::mem::replace(&mut transfer.stage, Stage::Resolving) {
            self.in_flight -= 1;
            self.resolving += 1;
            self.attempt_clocks.stop(key, &mut easy, Instant::now());
            self.connections.remove(Pool::of(&transfer.query, transfer.hop.as_ref()), &easy);
            let head_bytes = easy.receiver_mut().head_bytes();
            self.idle_handles.keep(easy, head_bytes, setup);
        }
    }

    /// libcurl's multi interface may fail as a whole, for lack of memory. It will not finish the transfers that it has, so
    /// they end here; what comes after them starts anew.
    fn end_lost(&mut self) {
        if !self.connections.have_lost_requests() {
            return;
        }
        let is_lost = |transfer: &Transfer| {
            matches!(transfer.stage, Stage::Sent(..))
                && self.connections.have_lost(&transfer.query, transfer.hop.as_ref())
        };
        let lost: Vec<usize> =
            self.transfers.iter().filter(|(_, transfer)| is_lost(transfer)).map(|(key, _)| key).collect();
        for key in lost {
            self.attempt(key, "a broken connection", |_, _| Err(TransferError::out_of_memory()));
        }
    }

    /// Ends what has expired, and what expires while the callbacks of that run.
    fn end_expired(&mut self) {
        while let Some(key) = self.deadlines.take_expired(Instant::now()) {
            self.attempt(key, "a deadline", |worker, key| match worker.transfers.get(key) {
                Some(transfer) => Err(timeout(transfer)),
                None => Ok(()),
            });
        }
    }

    /// Sets the timer for the first deadline; whether it is set. Without it the worker must not sleep, and tries again.
    fn set_timer(&mut self) -> bool {
        self.attempt_clocks.set(&mut self.transfers);
        let first = [
            self.deadlines.first(),
            self.attempt_clocks.first(),
            self.names.next_due(),
            self.deliveries.next_try(),
            self.idle_handles.next_look(),
        ]
        .into_iter()
        .flatten()
        .min();
        if first == self.timer_set_for {
            return true;
        }
        match first.map(|at| self.deadline_timer.set(at.since(Instant::now()))) {
            Some(Err(error)) => {
                log::error!("no timer for the deadlines: {error}");
                std::thread::sleep(WITHOUT_TIMER);
                return false;
            }
            Some(Ok(())) => {}
            None => self.deadline_timer.unset(),
        }
        self.timer_set_for = first;
        true
    }
}

fn connection_limits(settings: &Settings, max_in_flight: usize) -> ConnectionLimits {
    ConnectionLimits {
        idle: max_in_flight.min(settings.hash_size as usize),
        total: max_in_flight,
        per_host: settings.max_connections_per_host as usize,
        streams: if are_shared(settings) { settings.max_streams as usize } else { 1 },
    }
}

fn reserve_of(settings: &Settings) -> usize {
    SetAside::of(settings.workers as usize, settings.queue_size).reserve()
}

impl Drop for Worker {
    fn drop(&mut self) {
        for (_, transfer) in &self.transfers {
            if let Stage::Sent(easy, _) = &transfer.stage {
                self.connections.remove(Pool::of(&transfer.query, transfer.hop.as_ref()), easy);
            }
        }
        log::debug!("an HTTP worker has ended");
    }
}
