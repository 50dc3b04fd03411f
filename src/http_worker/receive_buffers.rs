//! How large a receive buffer the next transfer from a host gets. Most responses fit into the least that libcurl takes, and
//! each transfer in flight has a buffer; large bodies want large reads. So a transfer gets what the ones before it have
//! needed. HTTP worker.

use crate::transport::url::Origin;
use std::hash::{BuildHasher, RandomState};

/// Bytes, the least that libcurl takes (`READBUFFER_MIN`).
const SMALLEST: usize = 1024;
/// Sizes are the smallest one times a power of two up to this; 16 KiB is libcurl's own default.
const MOST_DOUBLINGS: u8 = 4;
/// Hosts remembered. Two that share a place share a size, which costs time or memory, and nothing else.
const PLACES: usize = 256;

/// What each host has lately sent, roughly.
pub struct ReceiveBuffers {
    doublings: [u8; PLACES],
    hasher: RandomState,
}

impl ReceiveBuffers {
    /// Nothing known of any host.
    pub fn new() -> Self {
        Self { doublings: [0; PLACES], hasher: RandomState::new() }
    }

    /// Bytes of buffer for a transfer from `origin`.
    pub fn size_for(&self, origin: &Origin) -> usize {
        let doublings = self.doublings.get(self.place_of(origin)).copied().unwrap_or(MOST_DOUBLINGS);
        SMALLEST << doublings
    }

    /// A transfer from `origin` has received so many bytes. Growing takes one transfer, shrinking several: one short answer
    /// among long ones changes little.
    pub fn note(&mut self, origin: &Origin, received: usize) {
        let place = self.place_of(origin);
        if let Some(doublings) = self.doublings.get_mut(place) {
            *doublings = doublings_for(received).max(doublings.saturating_sub(1));
        }
    }

    fn place_of(&self, origin: &Origin) -> usize {
        (self.hasher.hash_one((&origin.host, origin.port)) % PLACES as u64) as usize
    }
}

fn doublings_for(received: usize) -> u8 {
    (0..MOST_DOUBLINGS).find(|doublings| received <= SMALLEST << doublings).unwrap_or(MOST_DOUBLINGS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(host: &str) -> Origin {
        Origin { scheme: "http".into(), host: host.into(), port: 80 }
    }

    #[test]
    fn a_buffer_grows_at_once_and_shrinks_in_steps() {
        let mut buffers = ReceiveBuffers::new();
        let host = origin("h.example");
        assert_eq!(buffers.size_for(&host), 1024);
        buffers.note(&host, 1 << 20);
        assert_eq!(buffers.size_for(&host), 16 * 1024);
        buffers.note(&host, 10);
        assert_eq!(buffers.size_for(&host), 8 * 1024);
        (0..4).for_each(|_| buffers.note(&host, 10));
        assert_eq!(buffers.size_for(&host), 1024);
    }

    #[test]
    fn a_response_fits_into_its_buffer() {
        let mut buffers = ReceiveBuffers::new();
        for received in [0, 1, 1024, 1025, 4096, 16 * 1024] {
            let host = origin(&received.to_string());
            buffers.note(&host, received);
            let size = buffers.size_for(&host);
            assert!(size >= received, "{size} bytes for {received}");
        }
    }
}
