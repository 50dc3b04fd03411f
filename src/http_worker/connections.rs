//! The multi handles of one worker, which own its connections.
//!
//! Several queries share a connection that speaks HTTP/2, where the libcurl found at run time does that soundly.
//!
//! Connections that begin with HTTP/2 over plain TCP stand apart. libcurl 7.88 begins HTTP/2 anew on a kept connection that
//! speaks it already (curl issue 10634), and on one that has been used for HTTP/1.1; both lose the query. So with an old
//! libcurl they serve one query each. `CURLOPT_FRESH_CONNECT` would not be enough: a request that answers a challenge takes
//! a kept connection nevertheless.

use super::redirect::Hop;
use crate::module::settings::Settings;
use crate::shared::query::{HttpVersion, Query};
use crate::transport::easy::Easy;
use crate::transport::error::{LoopError, TransferError};
use crate::transport::event_loop::EventLoop;
use crate::transport::global::multiplexing_is_sound;
use crate::transport::multi::{ConnectionLimits, Done, Multi};
use std::ffi::c_int;
use std::os::fd::RawFd;

/// Connections over plain TCP to a host that has not answered yet on any of them: a query that hangs on one holds up those
/// that wait for it, but not for the others.
const UNANSWERED: usize = 8;

/// All connections of a worker.
///
/// A multi handle that is broken keeps its transfers until they are removed; the next transfer then gets a new one.
pub struct Connections {
    kept: Multi,
    apart: Multi,
    event_loop: EventLoop,
    limits: ConnectionLimits,
}

impl Connections {
    /// None yet; the limits hold for either kind.
    ///
    /// # Errors
    /// As [`Multi::new`].
    pub fn new(event_loop: &EventLoop, limits: ConnectionLimits) -> Result<Self, LoopError> {
        Ok(Self {
            kept: Multi::new(event_loop, &limits)?,
            apart: Multi::new(event_loop, &limits)?,
            event_loop: event_loop.clone(),
            limits,
        })
    }

    /// Starts the present request of a query.
    ///
    /// # Errors
    /// As [`Multi::add`].
    pub fn add<R>(&mut self, query: &Query, hop: &Hop, easy: &Easy<R>) -> Result<(), TransferError> {
        let multi = match Pool::of(query, Some(hop)) {
            Pool::Kept => &mut self.kept,
            Pool::Apart => &mut self.apart,
        };
        if multi.is_broken() && multi.transfers() == 0 {
            *multi = Multi::new(&self.event_loop, &self.limits).map_err(|_| TransferError::out_of_memory())?;
        }
        multi.add(easy)?;
        self.limit_apart();
        Ok(())
    }

    /// Over plain TCP libcurl shares a connection only after its first response. So that a burst of queries does not open a
    /// connection each, there are no more of them than its queries need; what gets none waits for a response on one of them.
    fn limit_apart(&self) {
        if self.limits.streams > 1 {
            let needed = self.apart.transfers().div_ceil(self.limits.streams).max(UNANSWERED);
            let allowed = Some(self.limits.per_host).filter(|limit| *limit > 0).unwrap_or(needed);
            self.apart.limit_connections_per_host(needed.min(allowed));
        }
    }

    /// Ends a request that was added, in the pool of its query.
    pub fn remove<R>(&mut self, pool: Pool, easy: &Easy<R>) {
        match pool {
            Pool::Kept => self.kept.remove(easy),
            Pool::Apart => self.apart.remove(easy),
        }
    }

    /// Whether there are requests on connections that are broken.
    pub fn have_lost_requests(&self) -> bool {
        [&self.kept, &self.apart].iter().any(|multi| multi.is_broken() && multi.transfers() > 0)
    }

    /// Whether the present request of a query, which was added, is on connections that are broken.
    pub fn have_lost(&self, query: &Query, hop: Option<&Hop>) -> bool {
        match Pool::of(query, hop) {
            Pool::Kept => self.kept.is_broken(),
            Pool::Apart => self.apart.is_broken(),
        }
    }

    /// Lets libcurl go on with one socket.
    pub fn socket_ready(&mut self, descriptor: RawFd, events: c_int) {
        let owner = if self.apart.watches(descriptor) { &mut self.apart } else { &mut self.kept };
        owner.socket_ready(descriptor, events);
    }

    /// Lets libcurl go on after one of its timers has run out.
    pub fn timer_expired(&mut self) {
        self.kept.timer_expired();
        self.apart.timer_expired();
    }

    /// Whether libcurl wants to go on at once.
    pub fn are_due(&self) -> bool {
        self.kept.is_due() || self.apart.is_due()
    }

    /// Lets libcurl go on where it wants to at once.
    pub fn act_when_due(&mut self) {
        [&mut self.kept, &mut self.apart].into_iter().filter(|multi| multi.is_due()).for_each(Multi::timer_expired);
    }

    /// The next transfer that has ended.
    pub fn next_done(&mut self) -> Option<Done> {
        self.kept.next_done().or_else(|| self.apart.next_done())
    }
}

/// Which connections a request is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// Those that later queries use again.
    Kept,
    /// Those that begin with HTTP/2 over plain TCP.
    Apart,
}

impl Pool {
    /// Of the present request of a query.
    pub fn of(query: &Query, hop: Option<&Hop>) -> Self {
        if hop.is_some_and(|hop| stands_apart(query, hop)) { Self::Apart } else { Self::Kept }
    }
}

/// Whether several queries share a connection that speaks HTTP/2, at the same time.
pub fn are_shared(settings: &Settings) -> bool {
    settings.max_streams > 1 && multiplexing_is_sound()
}

/// Whether a request takes a connection that begins with HTTP/2 over plain TCP.
pub fn stands_apart(query: &Query, hop: &Hop) -> bool {
    hop.origin.scheme == "http" && query.options().http_version == HttpVersion::Http2PriorKnowledge
}
