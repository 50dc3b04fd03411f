//! The TLS sessions of one HTTP worker: what a new connection needs to resume one, which spares both sides the certificates and
//! most of the arithmetic. In private memory, as bytes; [`super::tls_resumption`] gets them from OpenSSL.
//!
//! A resumed connection proves nothing anew: the peer's certificate is that of the full handshake before it. So a session is for
//! the same [`Terms`] only, and not for long: what is known about a peer is forgotten as a whole [`MAX_AGE`] after its
//! first connection, and connections from before it add nothing any more. A chain of resumptions therefore ends too.

use crate::host::heap;
use crate::shared::clock::Instant;
use std::collections::{TryReserveError, VecDeque};
use std::ffi::CStr;
use std::time::Duration;

/// How long after a full handshake it may be resumed.
const MAX_AGE: Duration = Duration::from_secs(60 * 60);
/// Most peers; the one that is known longest makes room for another.
const MAX_PEERS: usize = 64;
/// Most sessions of a peer; the oldest makes room. Those of TLS 1.3 serve one connection each, and connections may be made
/// at once.
const MAX_SESSIONS: usize = 8;
/// Most bytes of a session; a longer one is not kept. Most of it is the peer's certificate.
pub(super) const MAX_BYTES: usize = 8 * 1024;

/// What a session is good for: another connection may resume it when all of this is the same.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// Host name or address, as the certificate is held against it.
    pub host: &'a str,
    /// TCP port.
    pub port: u16,
    /// The least version of TLS, libcurl's `CURL_SSLVERSION_*`.
    pub version: u32,
    /// Whether the certificate must be signed by a known authority.
    pub verify_peer: bool,
    /// Whether the certificate must be for the host.
    pub verify_host: bool,
    /// Path of the authorities' certificates.
    pub authorities: Option<&'a CStr>,
    /// Path of the certificate that is shown to the peer.
    pub certificate: Option<&'a CStr>,
    /// Path of its key.
    pub key: Option<&'a CStr>,
}

impl Terms<'_> {
    /// Replaces `bytes` with these terms; different terms are different bytes.
    ///
    /// # Errors
    /// No memory.
    pub(super) fn write(&self, bytes: &mut Vec<u8>) -> Result<(), TryReserveError> {
        bytes.clear();
        let parts: [&[u8]; 8] = [
            self.host.as_bytes(),
            &self.port.to_ne_bytes(),
            &self.version.to_ne_bytes(),
            &[self.verify_peer.into()],
            &[self.verify_host.into()],
            bytes_of(self.authorities),
            bytes_of(self.certificate),
            bytes_of(self.key),
        ];
        bytes.try_reserve(parts.iter().map(|part| size_of::<usize>() + part.len()).sum())?;
        for part in parts {
            bytes.extend_from_slice(&part.len().to_ne_bytes());
            bytes.extend_from_slice(part);
        }
        Ok(())
    }
}

/// With its NUL, an empty path differs from none.
fn bytes_of(path: Option<&CStr>) -> &[u8] {
    path.map_or(&[], CStr::to_bytes_with_nul)
}

/// A session that a connection may resume.
#[derive(Debug)]
pub(super) struct Session {
    /// In OpenSSL's form.
    pub bytes: Vec<u8>,
    /// Whether it serves one connection only (RFC 8446, appendix C.4).
    pub is_used_once: bool,
}

/// All sessions of a worker.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    /// The one that is known longest first.
    peers: VecDeque<Peer>,
    last_number: usize,
}

/// A peer under certain terms.
#[derive(Debug)]
struct Peer {
    /// Names it, and no other.
    number: usize,
    terms: Vec<u8>,
    since: Instant,
    /// The newest last.
    sessions: VecDeque<Session>,
}

impl Sessions {
    /// The number of the peer with these terms, which is known from now on. `None` when memory is exhausted.
    pub fn peer(&mut self, terms: &[u8], now: Instant) -> Option<usize> {
        self.forget_old(now);
        if let Some(peer) = self.peers.iter().find(|peer| peer.terms == terms) {
            return Some(peer.number);
        }
        self.peers.try_reserve(1).ok()?;
        let mut sessions = VecDeque::new();
        sessions.try_reserve_exact(MAX_SESSIONS).ok()?;
        let terms = heap::copy(terms)?;
        if self.peers.len() >= MAX_PEERS {
            self.peers.pop_front();
        }
        self.last_number += 1;
        self.peers.push_back(Peer { number: self.last_number, terms, since: now, sessions });
        Some(self.last_number)
    }

    /// Keeps a session with a peer, unless that has been forgotten.
    pub fn keep(&mut self, peer: usize, session: Session, now: Instant) {
        self.forget_old(now);
        let Some(peer) = self.peers.iter_mut().find(|known| known.number == peer) else {
            return;
        };
        if peer.sessions.len() >= MAX_SESSIONS {
            peer.sessions.pop_front();
        }
        peer.sessions.push_back(session);
    }

    /// The newest session with a peer, as bytes; it stays here when it may be used again. `None` when there is none, or
    /// memory is exhausted.
    pub fn take(&mut self, peer: usize, now: Instant) -> Option<Vec<u8>> {
        self.forget_old(now);
        let peer = self.peers.iter_mut().find(|known| known.number == peer)?;
        if peer.sessions.back()?.is_used_once {
            return peer.sessions.pop_back().map(|session| session.bytes);
        }
        heap::copy(&peer.sessions.back()?.bytes)
    }

    fn forget_old(&mut self, now: Instant) {
        while self.peers.front().is_some_and(|peer| now.since(peer.since) >= MAX_AGE) {
            self.peers.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMS: Terms<'_> = Terms {
        host: "a.example",
        port: 443,
        version: 0,
        verify_peer: true,
        verify_host: true,
        authorities: None,
        certificate: Some(c"a"),
        key: Some(c""),
    };

    fn written(terms: &Terms<'_>) -> Vec<u8> {
        let mut bytes = b"before".to_vec();
        terms.write(&mut bytes).unwrap();
        bytes
    }

    fn session(byte: u8, is_used_once: bool) -> Session {
        Session { bytes: vec![byte], is_used_once }
    }

    #[test]
    fn each_of_the_terms_makes_another_peer() {
        let others = [
            Terms { host: "b.example", ..TERMS },
            Terms { port: 8443, ..TERMS },
            Terms { version: 7, ..TERMS },
            Terms { verify_peer: false, ..TERMS },
            Terms { verify_host: false, ..TERMS },
            Terms { authorities: Some(c"a"), ..TERMS },
            Terms { authorities: Some(c""), ..TERMS },
            Terms { certificate: None, ..TERMS },
            Terms { key: None, ..TERMS },
            Terms { certificate: None, key: Some(c"a"), ..TERMS },
            Terms { certificate: Some(c""), key: Some(c"a"), ..TERMS },
        ];
        let now = Instant::now();
        let mut sessions = Sessions::default();
        let known = sessions.peer(&written(&TERMS), now).unwrap();
        assert_eq!(sessions.peer(&written(&TERMS), now), Some(known));
        sessions.keep(known, session(1, false), now);
        for (other, index) in others.iter().zip(1..) {
            assert_eq!(sessions.peer(&written(other), now), Some(known + index), "{other:?}");
            assert_eq!(sessions.take(known + index, now), None, "{other:?}");
        }
        assert_eq!(sessions.take(known, now), Some(vec![1]));
    }

    #[test]
    fn the_newest_comes_first_and_once_where_it_may_be_used_once() {
        let now = Instant::now();
        let mut sessions = Sessions::default();
        let peer = sessions.peer(b"x", now).unwrap();
        assert_eq!(sessions.take(peer, now), None);
        for byte in 0..10 {
            sessions.keep(peer, session(byte, byte != 7), now);
        }
        let taken: Vec<_> = (0..5).map(|_| sessions.take(peer, now)).collect();
        assert_eq!(taken, [Some(vec![9]), Some(vec![8]), Some(vec![7]), Some(vec![7]), Some(vec![7])]);
    }

    #[test]
    fn many_peers_take_no_more_room() {
        let now = Instant::now();
        let mut sessions = Sessions::default();
        for host in 0..1000u32 {
            let peer = sessions.peer(&host.to_ne_bytes(), now).unwrap();
            (0..100).for_each(|byte| sessions.keep(peer, session(byte, true), now));
        }
        assert_eq!(sessions.peers.len(), MAX_PEERS);
        assert!(sessions.peers.iter().all(|peer| peer.sessions.len() == MAX_SESSIONS));
        assert_eq!(sessions.take(1, now), None);
        assert_eq!(sessions.take(1000, now), Some(vec![99]));
    }

    #[test]
    fn what_an_old_connection_adds_does_not_extend_the_age() {
        let start = Instant::now();
        let mut sessions = Sessions::default();
        let peer = sessions.peer(b"x", start).unwrap();
        let late = start.after(MAX_AGE - Duration::from_millis(1));
        sessions.keep(peer, session(1, false), late);
        assert_eq!(sessions.take(peer, late), Some(vec![1]));
        let later = start.after(MAX_AGE);
        assert_eq!(sessions.take(peer, later), None);
        sessions.keep(peer, session(2, false), later);
        let again = sessions.peer(b"x", later).unwrap();
        assert!(again != peer && sessions.take(again, later).is_none());
    }
}
