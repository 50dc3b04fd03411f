//! When each unfinished query ends at the latest.

use crate::shared::clock::Instant;
use std::collections::BTreeSet;

/// Deadlines in the order of their time.
#[derive(Debug, Default)]
pub struct Deadlines(BTreeSet<(Instant, usize)>);

impl Deadlines {
    /// Adds the deadline of transfer `key`.
    pub fn add(&mut self, at: Instant, key: usize) {
        self.0.insert((at, key));
    }

    /// Removes it.
    pub fn remove(&mut self, at: Instant, key: usize) {
        self.0.remove(&(at, key));
    }

    /// The earliest.
    pub fn first(&self) -> Option<Instant> {
        self.0.first().map(|(at, _)| *at)
    }

    /// Takes out the earliest deadline where it has passed, and says whose it was.
    pub fn take_expired(&mut self, now: Instant) -> Option<usize> {
        self.0.first().filter(|(at, _)| *at <= now)?;
        self.0.pop_first().map(|(_, key)| key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn only_those_that_have_passed_expire() {
        let now = Instant::now();
        let mut deadlines = Deadlines::default();
        let later = |milliseconds| now.after(Duration::from_millis(milliseconds));
        deadlines.add(later(2), 2);
        deadlines.add(now, 1);
        deadlines.add(later(1), 3);
        deadlines.add(later(0), 4);
        deadlines.remove(later(0), 4);
        let expired: Vec<usize> = std::iter::from_fn(|| deadlines.take_expired(later(1))).collect();
        assert_eq!(expired, [1, 3]);
        assert_eq!(deadlines.first(), Some(later(2)));
    }
}
