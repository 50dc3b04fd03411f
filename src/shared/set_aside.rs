//! What the workers set aside of shared memory at the start, whether there are queries or not: their rings and their reserves. Together
//! no more than a quarter of it, or tm and libcurl would lack it; the reserves give way. Worked out in main, and in each worker.

use super::workers;
use crate::host::{memory, reserve};
use std::fmt;

/// The rings and reserves may take one part in so many of shared memory.
const PART: usize = 4;

const MEGABYTE: usize = 1 << 20;

/// Bytes of shared memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetAside {
    workers: usize,
    /// Of all workers.
    rings: usize,
    /// Of each.
    reserve: usize,
    /// There is.
    all: usize,
}

impl SetAside {
    /// For so many workers, with so many places in the queue of each.
    pub fn of(workers: usize, places: u32) -> Self {
        Self::out_of(memory::size(), workers, workers::size_of_rings(workers, places))
    }

    fn out_of(all: usize, workers: usize, rings: usize) -> Self {
        let left = (all / PART).saturating_sub(rings);
        let reserve = reserve::usual_size(all).min(left / workers.max(1)).max(reserve::SMALLEST);
        Self { workers, rings, reserve, all }
    }

    /// Bytes of the reserve of each worker.
    pub fn reserve(&self) -> usize {
        self.reserve
    }

    /// What it takes for rings and useful reserves.
    fn needed(&self) -> usize {
        self.rings + self.workers * reserve::USEFUL
    }

    /// Whether shared memory is too small for so many workers.
    pub fn is_too_much(&self) -> bool {
        self.needed() > self.all / PART
    }
}

/// What an operator reads, and what to do about it.
impl fmt::Display for SetAside {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { workers, rings, reserve, all } = self;
        write!(
            formatter,
            "{workers} workers set aside {} kB of {} kB of shared memory for their queues and {} kB for callbacks, which leaves too little: \
             calls may be refused; use -m {} or more, fewer workers, or a smaller queue_size",
            rings / 1024,
            all / 1024,
            workers * reserve / 1024,
            (self.needed() * PART).div_ceil(MEGABYTE)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserves_give_way_to_rings_within_a_quarter_and_never_go() {
        let of = |all: usize, workers, rings: usize| SetAside::out_of(all * MEGABYTE, workers, rings * 1024);
        for (set_aside, reserve, is_too_much) in [
            (of(64, 1, 64), 256, false),
            (of(64, 64, 4096), 192, false),
            (of(8, 1, 64), 128, false),
            (of(8, 64, 512), 24, true),
            (of(8, 64, 4096), 16, true),
            (of(48, 64, 4096), 128, false),
        ] {
            assert_eq!((set_aside.reserve() / 1024, set_aside.is_too_much()), (reserve, is_too_much), "{set_aside}");
        }
    }

    #[test]
    fn what_is_advised_is_enough() {
        let small = SetAside::out_of(8 * MEGABYTE, 64, 4 * MEGABYTE);
        assert!(small.to_string().contains("use -m 48 or more"), "{small}");
        assert!(!SetAside::out_of(48 * MEGABYTE, 64, 4 * MEGABYTE).is_too_much());
    }
}
