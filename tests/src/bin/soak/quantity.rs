//! What is measured, and by how much it may grow.

/// A quantity; some are measured in each process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// `http_async_client.requests`.
    Requests,
    /// `http_async_client.replies`.
    Replies,
    /// `http_async_client.errors`.
    Errors,
    /// `http_async_client.timeouts`.
    Timeouts,
    /// `http_async_client.in_flight`.
    InFlight,
    /// `tm.stats`, current.
    Transactions,
    /// `core.shmmem`, used.
    SharedMemory,
    /// `core.shmmem`, free.
    SharedMemoryFree,
    /// `pkg.stats`, used.
    PrivateMemory,
    /// `RssAnon` of `/proc`.
    ResidentMemory,
    /// Open descriptors but for the connections that are counted apart.
    Descriptors,
    /// Descriptors that epoll waits for.
    Events,
    /// Connections that the server has closed and the worker has not.
    CloseWait,
    /// Connections that both sides keep open.
    Established,
}

/// How much a quantity may grow: the larger of a part and an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tolerance {
    /// Thousandths of what it was before.
    pub thousandths: i64,
    /// In the quantity's own unit.
    pub amount: i64,
}

impl Tolerance {
    const fn new(thousandths: i64, amount: i64) -> Self {
        Self { thousandths, amount }
    }

    /// The growth that is allowed from `before`.
    pub fn of(self, before: i64) -> i64 {
        self.amount.max(before * self.thousandths / 1000)
    }
}

const KB: i64 = 1024;
/// Idle connections that an HTTP worker keeps: how many there are differs with the moment.
pub const KEPT: i64 = 64;

impl Quantity {
    /// Its name in tables, with its unit where it has one.
    pub fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Replies => "replies",
            Self::Errors => "errors",
            Self::Timeouts => "timeouts",
            Self::InFlight => "in_flight",
            Self::Transactions => "transactions",
            Self::SharedMemory => "shared memory used (bytes)",
            Self::SharedMemoryFree => "shared memory free (bytes)",
            Self::PrivateMemory => "private memory used (bytes)",
            Self::ResidentMemory => "resident memory (bytes)",
            Self::Descriptors => "descriptors",
            Self::Events => "events",
            Self::CloseWait => "connections in CLOSE_WAIT",
            Self::Established => "connections open",
        }
    }

    /// How much more the last quarter of the load may show than the first; `None` for what is not judged under load.
    pub fn under_load(self) -> Option<Tolerance> {
        match self {
            Self::SharedMemory => Some(Tolerance::new(100, 1024 * KB)),
            Self::PrivateMemory => Some(Tolerance::new(10, 64 * KB)),
            Self::ResidentMemory => Some(Tolerance::new(50, 1024 * KB)),
            Self::Descriptors | Self::Events | Self::CloseWait | Self::Established => Some(Tolerance::new(0, KEPT)),
            _ => None,
        }
    }

    /// How much more the rest after the load may show than the rest before it; `None` for what is not judged at rest.
    pub fn at_rest(self) -> Option<Tolerance> {
        match self {
            Self::InFlight | Self::Transactions | Self::Events => Some(Tolerance::new(0, 0)),
            // A connection may open or close between the two counts.
            Self::Descriptors => Some(Tolerance::new(0, 2)),
            Self::CloseWait => Some(Tolerance::new(0, 4)),
            // How many of them are kept is a matter of chance, and with `shm` they take shared memory.
            Self::Established => Some(Tolerance::new(0, KEPT)),
            Self::SharedMemory => Some(Tolerance::new(0, 1024 * KB)),
            Self::PrivateMemory => Some(Tolerance::new(0, 32 * KB)),
            Self::ResidentMemory => Some(Tolerance::new(0, 1024 * KB)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tolerance_is_the_larger_of_part_and_amount() {
        let tolerance = Tolerance::new(10, 50);
        assert_eq!((tolerance.of(1_000), tolerance.of(100_000)), (50, 1_000));
    }
}
