//! The multi handles of one worker, which own its connections.
//!
//! Connections that begin with HTTP/2 over plain TCP stand apart and serve one query each. libcurl 7.88 begins HTTP/2 anew
//! on a kept connection that speaks it already (curl issue 10634), and on one that has been used for HTTP/1.1; both lose the
//! query. `CURLOPT_FRESH_CONNECT` would not be enough: a request that answers a challenge takes a kept connection
//! nevertheless.

use super::redirect::Hop;
use crate::shared::query::{HttpVersion, Query};
use crate::transport::error::LoopError;
use crate::transport::event_loop::EventLoop;
use crate::transport::multi::{ConnectionLimits, Done, Multi};
use std::ffi::c_int;
use std::os::fd::RawFd;

/// All connections of a worker.
pub struct Connections {
    kept: Multi,
    apart: Multi,
}

impl Connections {
    /// None yet; the limits hold for either kind.
    ///
    /// # Errors
    /// As [`Multi::new`].
    pub fn new(event_loop: &EventLoop, limits: &ConnectionLimits) -> Result<Self, LoopError> {
        Ok(Self { kept: Multi::new(event_loop, limits)?, apart: Multi::new(event_loop, limits)? })
    }

    /// Those that serve the present request of a query.
    pub fn of(&mut self, query: &Query, hop: Option<&Hop>) -> &mut Multi {
        if hop.is_some_and(|hop| stands_apart(query, hop)) { &mut self.apart } else { &mut self.kept }
    }

    /// Lets libcurl go on with one socket.
    ///
    /// # Errors
    /// As [`Multi::socket_ready`].
    pub fn socket_ready(&mut self, descriptor: RawFd, events: c_int) -> Result<(), LoopError> {
        let owner = if self.apart.watches(descriptor) { &mut self.apart } else { &mut self.kept };
        owner.socket_ready(descriptor, events)
    }

    /// Lets libcurl go on after one of its timers has run out.
    ///
    /// # Errors
    /// As [`Multi::timer_expired`].
    pub fn timer_expired(&mut self) -> Result<(), LoopError> {
        self.kept.timer_expired()?;
        self.apart.timer_expired()
    }

    /// The next transfer that has ended.
    pub fn next_done(&mut self) -> Option<Done> {
        self.kept.next_done().or_else(|| self.apart.next_done())
    }
}

/// Whether a request takes a connection that no other query has used or will use.
pub fn stands_apart(query: &Query, hop: &Hop) -> bool {
    hop.origin.scheme == "http" && query.options().http_version == HttpVersion::Http2PriorKnowledge
}
