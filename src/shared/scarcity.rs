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
/// How long an answer holds. Kamailio's counters are behind its lock, which is asked for once in a while.
const BY_COUNTERS: Duration = Duration::from_millis(2);
const BY_TRIAL: Duration = Duration::from_millis(20);
/// A trial in vain is dear: the allocator looks at every piece, and the core logs it.
const BY_TRIAL_IN_VAIN: Duration = Duration::from_millis(250);

thread_local! {
    static LAST: Cell<Option<Answer>> = const { Cell::new(None) };
}

#[derive(Clone, Copy)]
struct Answer {
    scarce: bool,
    until: Instant,
}

/// Whether so little is left that tm may need it.
///
/// Kamailio's counters alone do not tell: its allocator qm forgets to count what `realloc` gives back, which OpenSSL does at
/// every connection. So where they say that little is left, or more than there is, the allocator is asked for half of what
/// is enough.
pub fn is_scarce() -> bool {
    is_scarce_at(Instant::now())
}

/// The same for a caller that knows the time.
pub fn is_scarce_at(now: Instant) -> bool {
    match LAST.get() {
        Some(answer) if now < answer.until => answer.scarce,
        _ => {
            let (scarce, holds) = look();
            LAST.set(Some(Answer { scarce, until: now.after(holds) }));
            scarce
        }
    }
}

fn look() -> (bool, Duration) {
    let enough = (memory::size() / PART).min(ENOUGH);
    if (enough..=memory::size()).contains(&memory::available()) {
        (false, BY_COUNTERS)
    } else if memory::Block::new(enough / 2).is_some() {
        (false, BY_TRIAL)
    } else {
        (true, BY_TRIAL_IN_VAIN)
    }
}
