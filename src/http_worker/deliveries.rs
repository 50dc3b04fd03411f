//! Hands ended queries back to the script: at once, or, while tm would have no memory for it, as soon as there is some. What was
//! accepted has its end whatever happens: a query stays in a list until its route is about to run, and the route has a guard.

use super::outcome::Outcome;
use super::resume;
use crate::host::fault_point::fault_point;
use crate::host::reserve::Reserve;
use crate::host::{log, termination};
use crate::module::statistics::Statistic;
use crate::shared::clock::Instant;
use crate::shared::query::Query;
use crate::shared::ring::Ring;
use crate::shared::scarcity;
use std::collections::VecDeque;
use std::time::Duration;

/// A transaction that has been answered leaves memory after tm's `wt_timer`, 5 s by default: what has not been freed by
/// then will not be, and the route runs with what there is.
const LONGEST: Duration = Duration::from_secs(8);

/// Nobody tells when others give memory back.
const BETWEEN_TRIES: Duration = Duration::from_millis(50);
const BETWEEN_WARNINGS: Duration = Duration::from_secs(10);

/// The last step of each query of a worker.
pub struct Deliveries {
    queue: &'static Ring,
    reserve: Reserve,
    /// Those that nobody has looked at yet.
    accepted: VecDeque<Ended>,
    postponed: VecDeque<Ended>,
    warned_at: Option<Instant>,
    /// When the reserve could not be filled.
    lacking_since: Option<Instant>,
}

/// A query whose transfer is over, and whose route has not run.
struct Ended {
    query: Query,
    outcome: Outcome,
    at: Instant,
}

impl Deliveries {
    /// None yet, with a reserve of so many bytes.
    pub fn new(queue: &'static Ring, reserve: usize) -> Self {
        let (accepted, postponed) = (VecDeque::new(), VecDeque::new());
        Self { queue, reserve: Reserve::new(reserve), accepted, postponed, warned_at: None, lacking_since: None }
    }

    /// Takes over a query that has ended; [`Deliveries::deliver`] runs its route.
    pub fn accept(&mut self, query: Query, outcome: Outcome) {
        self.accepted.push_back(Ended { query, outcome, at: Instant::now() });
    }

    /// Runs the routes of what was accepted, now or later.
    pub fn deliver(&mut self) {
        while let Some(first) = self.accepted.front() {
            fault_point!("delivery");
            let needs_memory = first.query.options().suspension.is_some();
            let may_run = !needs_memory || (self.postponed.is_empty() && !scarcity::is_scarce());
            let Some(ended) = self.accepted.pop_front() else {
                return;
            };
            if may_run {
                self.run(ended);
            } else {
                self.postponed.push_back(ended);
                self.retry();
                self.warn();
            }
        }
    }

    fn warn(&mut self) {
        let now = Instant::now();
        let is_new = self.warned_at.is_none_or(|at| now.since(at) > BETWEEN_WARNINGS);
        if is_new && !self.postponed.is_empty() {
            log::warning!("shared memory is exhausted: callbacks wait until tm has some to answer with");
            self.warned_at = Some(now);
        }
    }

    /// Runs the routes of postponed queries, as far as there is memory.
    pub fn retry(&mut self) {
        while self.is_first_due() {
            let Some(ended) = self.postponed.pop_front() else {
                return;
            };
            self.reserve.release();
            self.run(ended);
            self.fill_reserve();
        }
    }

    /// Whether the reserve is whole. An attempt in vain is dear, and the core logs it: the next one comes later.
    fn fill_reserve(&mut self) -> bool {
        let now = Instant::now();
        if self.lacking_since.is_some_and(|at| now.since(at) < BETWEEN_TRIES) {
            return false;
        }
        let is_whole = self.reserve.fill();
        self.lacking_since = (!is_whole).then_some(now);
        is_whole
    }

    fn is_first_due(&mut self) -> bool {
        let Some(first) = self.postponed.front() else {
            return false;
        };
        let longest = first.at.after(LONGEST);
        !scarcity::is_scarce() || self.fill_reserve() || Instant::now() >= longest
    }

    /// How many are postponed.
    pub fn postponed(&self) -> usize {
        self.postponed.len()
    }

    /// When to try again, at the latest.
    pub fn next_try(&self) -> Option<Instant> {
        // Of what was accepted, only a panic leaves something.
        (!self.postponed.is_empty() || !self.accepted.is_empty()).then(|| Instant::now().after(BETWEEN_TRIES))
    }

    fn run(&mut self, ended: Ended) {
        self.queue.finished();
        ended.outcome.statistic.add(1);
        Statistic::InFlight.add(-1);
        resume::deliver(&ended.query, ended.outcome);
        drop(ended.query);
        termination::end_if_due();
    }
}
