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

    /// Transfers whose deadline has passed.
    pub fn expired(&self, now: Instant) -> Vec<usize> {
        self.0.iter().take_while(|(at, _)| *at <= now).map(|(_, key)| *key).collect()
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
        deadlines.add(now.after(Duration::from_millis(2)), 2);
        deadlines.add(now, 1);
        deadlines.add(now.after(Duration::from_millis(1)), 3);
        assert_eq!(deadlines.expired(now.after(Duration::from_millis(1))), [1, 3]);
        deadlines.remove(now, 1);
        assert_eq!(deadlines.first(), Some(now.after(Duration::from_millis(1))));
    }
}
