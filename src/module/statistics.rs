//! The statistics: one row each.

use super::NAME;
use crate::host::statistics::{self, Counter, StatisticsError};
use std::ffi::CStr;

/// What is counted. Each query ends in one of replies, errors and timeouts; `requests = replies + errors + timeouts +
/// in_flight` whenever traffic is quiet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// Queries accepted.
    Requests,
    /// Queries that ended in an HTTP response, of any status.
    Replies,
    /// Queries that ended in an error other than their deadline.
    Errors,
    /// Queries that ended by their deadline.
    Timeouts,
    /// Queries accepted that have not ended.
    InFlight,
    /// Panics caught: faults of this module, which cost one call or one query.
    Panics,
}

static COUNTERS: [Counter; 6] =
    [Counter::new(), Counter::new(), Counter::new(), Counter::new(), Counter::new(), Counter::new()];

/// Names and handles, in the order of [`Statistic`].
pub static STATISTICS: &[(&CStr, &Counter)] = &[
    (c"requests", &COUNTERS[0]),
    (c"replies", &COUNTERS[1]),
    (c"errors", &COUNTERS[2]),
    (c"timeouts", &COUNTERS[3]),
    (c"in_flight", &COUNTERS[4]),
    (c"panics", &COUNTERS[5]),
];

impl Statistic {
    /// Adds `amount`, which may be negative. Any process.
    pub fn add(self, amount: i32) {
        if let Some(counter) = COUNTERS.get(self as usize) {
            counter.add(amount);
        }
    }
}

/// Registers all of them. Main process, in `mod_init`.
///
/// # Errors
/// Kamailio refused.
pub fn register() -> Result<(), StatisticsError> {
    statistics::register(NAME, STATISTICS)
}
