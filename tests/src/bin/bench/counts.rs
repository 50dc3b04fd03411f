//! How much is measured: the whole within five minutes on an idle machine, the quick run within one.

use std::time::Duration;

/// How much is measured.
#[derive(Debug)]
pub struct Counts {
    /// Rounds, in each of which every subject has its turn.
    pub rounds: usize,
    /// Queries of a subject's turn.
    pub queries: u64,
    /// Numbers in flight, for the plot.
    pub in_flight: &'static [u64],
    /// Queries that a caller makes in a turn; below `queue_size`, for it does not wait.
    pub calls: u64,
    /// Numbers of hanging transfers, rising; the table's is among them.
    pub hanging: &'static [u64],
    /// Lone SIP calls of a subject in all.
    pub lone_calls: usize,
    /// SIP calls a second, for the plot.
    pub rates: &'static [u32],
    /// Numbers of HTTP workers, for the plot.
    pub workers: &'static [u32],
    /// How long SIP calls are made at the table's rate, and how often.
    pub at_rate: Duration,
    /// How long they are made at the rates of the plot.
    pub at_other_rates: Duration,
    /// How long idle workers are watched.
    pub idle: Duration,
}

/// In flight, for the table.
pub const IN_FLIGHT: u64 = 200;
/// Hanging transfers, for the table.
pub const HANGING: u64 = 500;
/// SIP calls a second, for the table.
pub const RATE: u32 = 2000;

impl Counts {
    /// Those of the document.
    pub fn full() -> Self {
        Self {
            rounds: 3,
            queries: 30_000,
            in_flight: &[1, 10, 50, IN_FLIGHT, 500, 1000],
            calls: 4_000,
            hanging: &[1, 10, 50, 200, HANGING, 1000],
            lone_calls: 3_000,
            rates: &[500, 1000, RATE, 3000],
            workers: &[1, 2],
            at_rate: Duration::from_secs(4),
            at_other_rates: Duration::from_secs(2),
            idle: Duration::from_secs(10),
        }
    }

    /// Those that show in development whether something has changed.
    pub fn quick() -> Self {
        Self {
            rounds: 3,
            queries: 15_000,
            in_flight: &[],
            hanging: &[HANGING],
            lone_calls: 1_000,
            rates: &[],
            workers: &[1],
            at_rate: Duration::from_secs(2),
            idle: Duration::from_secs(3),
            ..Self::full()
        }
    }
}
