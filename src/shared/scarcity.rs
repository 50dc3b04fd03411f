//! Who may take shared memory when little of it is left: tm alone, for without memory it can answer nobody. New queries are
//! refused, and libcurl takes private memory.

use super::clock::Instant;
use crate::host::memory;
use std::cell::Cell;
use std::time::Duration;

/// Memory is scarce when less than one part in so many is left, or less than the bytes below.
const PART: usize = 16;
/// 8 MB.
const ENOUGH: usize = 8 << 20;
/// How long an answer of the allocator is taken for true.
const VALID: Duration = Duration::from_millis(20);

thread_local! {
    static LAST_TRIAL: Cell<Option<(Instant, bool)>> = const { Cell::new(None) };
}

/// Whether so little is left that tm may need it.
///
/// Kamailio's counters alone do not tell: its allocator qm forgets to count what `realloc` gives back, which OpenSSL does at
/// every connection. So where they say that little is left, the allocator is asked for half of what is enough.
pub fn is_scarce() -> bool {
    let enough = (memory::size() / PART).min(ENOUGH);
    memory::available() < enough && is_refused(enough / 2)
}

fn is_refused(size: usize) -> bool {
    let now = Instant::now();
    match LAST_TRIAL.get() {
        Some((at, refused)) if now.since(at) < VALID => refused,
        _ => {
            let refused = !memory::has_block_of(size);
            LAST_TRIAL.set(Some((now, refused)));
            refused
        }
    }
}
