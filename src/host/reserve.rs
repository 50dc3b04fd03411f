//! Shared memory that an HTTP worker keeps back for the moment in which a callback route runs.
//!
//! tm copies the request into shared memory before it runs the route, and the reply that the route sends; where it cannot,
//! the caller is never answered. When others have taken all there is, the worker lets go of its reserve right before the
//! route, and takes it back after.

use super::memory::{self, Block};

/// Enough for the copy of an ordinary request; neighbours join into one when they are free.
const BLOCK_SIZE: usize = 16 * 1024;
/// The reserve is one part in so many of all SHM, within the limits below.
const SHARE: usize = 256;
/// Bytes of one that serves an ordinary callback in any case.
pub const USEFUL: usize = 8 * BLOCK_SIZE;
/// Bytes of the largest, 1 MB.
const LARGEST: usize = 64 * BLOCK_SIZE;
/// Bytes of the smallest, where many workers share little memory.
pub const SMALLEST: usize = BLOCK_SIZE;

/// Bytes of the reserve of a worker in a server with `all` bytes of SHM.
pub fn usual_size(all: usize) -> usize {
    (all / SHARE).clamp(USEFUL, LARGEST)
}

/// Blocks of shared memory that nobody uses.
pub struct Reserve {
    blocks: Vec<Block>,
    whole: usize,
}

impl Reserve {
    /// One of `size` bytes, rounded down to whole blocks; it may have to be filled later.
    pub fn new(size: usize) -> Self {
        let whole = (size / BLOCK_SIZE).max(1);
        let mut reserve = Self { blocks: Vec::with_capacity(whole), whole };
        reserve.fill();
        reserve
    }

    /// Takes what is missing; whether all of it is there then.
    pub fn fill(&mut self) -> bool {
        let missing = self.whole - self.blocks.len();
        if missing > 0 && memory::available() < missing * BLOCK_SIZE {
            // The core would log the attempt as an error.
            return false;
        }
        while self.blocks.len() < self.whole {
            let Some(block) = Block::new(BLOCK_SIZE) else {
                return false;
            };
            self.blocks.push(block);
        }
        true
    }

    /// Gives all of it back to Kamailio.
    pub fn release(&mut self) {
        self.blocks.clear();
    }
}
