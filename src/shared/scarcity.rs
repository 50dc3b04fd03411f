//! Who may take shared memory when little of it is left: tm alone, for without memory it can answer nobody. New queries are
//! refused, and libcurl takes private memory.
//!
//! Any process may ask. The answer is one for all of them, and one at a time looks anew: a trial takes megabytes for a moment, and those
//! of several processes would find each other's memory missing, and leave tm without any.

use super::clock::Instant;
use crate::host::memory;
use std::alloc::Layout;
use std::io;
use std::ptr::NonNull;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
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
/// For how long the others go by the last answer while one process looks. It may be stopped meanwhile.
const LONGEST_LOOK: Duration = Duration::from_secs(1);

/// The last answer of any process. One number, so that nobody sees a half of it: microseconds of [`Instant`] until which it holds,
/// and in the lowest bit whether memory is scarce.
struct Shared(AtomicU64);

#[derive(Clone, Copy)]
struct Answer {
    scarce: bool,
    until: Instant,
}

impl Answer {
    fn from_bits(bits: u64) -> Self {
        Self { scarce: bits & 1 != 0, until: Instant::from_microseconds(bits >> 1) }
    }

    fn bits(self) -> u64 {
        self.until.microseconds() << 1 | u64::from(self.scarce)
    }
}

impl Shared {
    const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// The answer at `now`. Where it is too old, whoever is first to say so looks, and the others go by the last one.
    fn ask(&self, now: Instant, look: impl FnOnce() -> (bool, Duration)) -> bool {
        // Nothing else is read by what this says, so no order is needed.
        let bits = self.0.load(Ordering::Relaxed);
        let last = Answer::from_bits(bits);
        if now < last.until {
            return last.scarce;
        }
        let while_looking = Answer { until: now.after(LONGEST_LOOK), ..last };
        let is_mine = self.0.compare_exchange(bits, while_looking.bits(), Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if !is_mine {
            return last.scarce;
        }
        let (scarce, holds) = look();
        self.0.store(Answer { scarce, until: now.after(holds) }.bits(), Ordering::Relaxed);
        scarce
    }
}

/// Where the answer of this server lies: in shared memory, and never freed.
#[derive(Clone, Copy)]
struct Place(NonNull<Shared>);

// SAFETY: one atomic, used through shared references only.
unsafe impl Send for Place {}
// SAFETY: as above.
unsafe impl Sync for Place {}

static PLACE: OnceLock<Place> = OnceLock::new();
/// A process's own, where there is no server: unit tests.
static OWN: Shared = Shared::new();

/// Makes room for the answer. Main process, in `mod_init`, once.
///
/// # Errors
/// Shared memory is exhausted.
pub fn create() -> io::Result<()> {
    let place = memory::allocate(Layout::new::<Shared>()).ok_or(io::ErrorKind::OutOfMemory)?.cast::<Shared>();
    // SAFETY: the block is new, and large and aligned enough.
    unsafe { place.write(Shared::new()) };
    PLACE.set(Place(place)).map_err(|_| io::ErrorKind::AlreadyExists.into())
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
    // SAFETY: create() wrote it, and it is never freed.
    let shared = PLACE.get().map_or(&OWN, |place| unsafe { place.0.as_ref() });
    shared.ask(now, look)
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    const HOLDS: Duration = Duration::from_millis(20);

    fn nobody_looks() -> (bool, Duration) {
        panic!("the last answer holds")
    }

    #[test]
    fn an_answer_holds_for_its_time_and_then_is_asked_for_anew() {
        let (shared, now) = (Shared::new(), Instant::now());
        assert!(shared.ask(now, || (true, HOLDS)));
        assert!(shared.ask(now, nobody_looks));
        assert!(!shared.ask(now.after(HOLDS), || (false, HOLDS)));
        assert!(!shared.ask(now.after(HOLDS), nobody_looks));
    }

    #[test]
    fn one_looks_and_who_comes_meanwhile_goes_by_the_last_answer() {
        let (shared, now) = (Shared::new(), Instant::now());
        assert!(shared.ask(now, || (true, HOLDS)));
        let later = now.after(HOLDS);
        let found = shared.ask(later, || {
            assert!(shared.ask(later, nobody_looks), "the last answer");
            (false, HOLDS)
        });
        assert!(!found);
    }

    #[test]
    fn who_never_comes_back_from_looking_is_not_waited_for() {
        let (shared, now, looks) = (Shared::new(), Instant::now(), Cell::new(0));
        shared.ask(now, || {
            assert!(shared.ask(now.after(LONGEST_LOOK), || {
                looks.set(looks.get() + 1);
                (true, HOLDS)
            }));
            (false, HOLDS)
        });
        assert_eq!(looks.get(), 1);
    }
}
