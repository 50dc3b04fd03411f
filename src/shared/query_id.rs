//! The id of a query, as numbers; it becomes text where somebody reads it.

use std::fmt;

/// Names a query among all that this server and its predecessors have sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryId {
    /// When the process that sent it made its first id, in µs since 1970.
    pub started: u64,
    /// Kamailio's number of that process.
    pub process: i32,
    /// How many ids that process had made then.
    pub count: u64,
}

impl fmt::Display for QueryId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:x}-{:x}-{:x}", self.started, self.process, self.count)
    }
}
