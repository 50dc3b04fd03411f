//! The calls of a run: drawn once, from a seed, so that what must come of them is known beforehand.

use crate::query_kind::{CANCELLED, KINDS, Kind, Outcome};
use fastrand::Rng;
use std::collections::BTreeMap;

/// Most queries that follow each other in one call.
const LONGEST_CHAIN: usize = 4;
/// Of a hundred calls, so many are INVITEs that are answered, and so many INVITEs that are cancelled.
const INVITES: u32 = 10;
const CANCELLED_INVITES: u32 = 2;

/// What a SIP call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dialogue {
    /// MESSAGE, answered with 200.
    Message,
    /// INVITE, answered with 404 and acknowledged.
    Invite,
    /// INVITE that its caller cancels while the query is under way: 487.
    Cancel,
}

impl Dialogue {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Message, Self::Invite, Self::Cancel];

    /// What to call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Message => "MESSAGE",
            Self::Invite => "INVITE",
            Self::Cancel => "CANCEL",
        }
    }
}

/// One SIP call and its queries.
#[derive(Debug)]
pub struct Call {
    /// What the caller does.
    pub dialogue: Dialogue,
    /// Queries that suspend the call's transaction, one after the other.
    chain: Vec<&'static Kind>,
    /// A query that is sent before these and suspends nothing.
    sent: Option<&'static Kind>,
}

impl Call {
    /// A MESSAGE with these queries one after the other.
    pub fn chain_of(chain: &[&'static Kind]) -> Self {
        Self { dialogue: Dialogue::Message, chain: chain.to_vec(), sent: None }
    }

    /// The user part of its request URI, which tells the script what to do: `first.second-sent`.
    pub fn user(&self) -> String {
        let chain: Vec<&str> = self.chain.iter().map(|kind| kind.name).collect();
        let sent = self.sent.map(|kind| format!("-{}", kind.name));
        format!("{}{}", chain.join("."), sent.unwrap_or_default())
    }

    fn kinds(&self) -> impl Iterator<Item = &'static Kind> {
        self.chain.iter().chain(&self.sent).copied()
    }
}

/// What the module must have counted after some calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Queries.
    pub requests: i64,
    /// Those that ended in a response.
    pub replies: i64,
    /// Those that ended in an error.
    pub errors: i64,
    /// Those that ended at their deadline.
    pub timeouts: i64,
}

impl Counts {
    fn add(&mut self, outcome: Outcome) {
        self.requests += 1;
        match outcome {
            Outcome::Reply(_) => self.replies += 1,
            Outcome::Error => self.errors += 1,
            Outcome::Timeout => self.timeouts += 1,
        }
    }

    /// Adds what `calls` must lead to.
    pub fn expect<'call>(&mut self, calls: impl IntoIterator<Item = &'call Call>) {
        calls.into_iter().flat_map(Call::kinds).for_each(|kind| self.add(kind.outcome));
    }
}

/// How many queries of each kind `calls` make.
pub fn by_kind(calls: &[Call]) -> BTreeMap<&'static str, u64> {
    let mut counts = BTreeMap::new();
    calls.iter().flat_map(Call::kinds).for_each(|kind| *counts.entry(kind.name).or_default() += 1);
    counts
}

/// Calls that make `queries` queries, or a few more.
pub fn draw(seed: u64, queries: u64) -> Vec<Call> {
    let mut random = Rng::with_seed(seed);
    let mut calls = Vec::new();
    let mut made = 0;
    while made < queries {
        let call = draw_one(&mut random);
        made += call.kinds().count() as u64;
        calls.push(call);
    }
    calls
}

fn draw_one(random: &mut Rng) -> Call {
    let dialogue = match random.u32(0..100) {
        part if part < CANCELLED_INVITES => Dialogue::Cancel,
        part if part < CANCELLED_INVITES + INVITES => Dialogue::Invite,
        _ => Dialogue::Message,
    };
    if dialogue == Dialogue::Cancel {
        return Call { dialogue, chain: vec![&CANCELLED], sent: None };
    }
    let length = random.usize(1..=LONGEST_CHAIN);
    let chain = (0..length).map(|_| draw_kind(random)).collect();
    let sent = random.bool().then(|| draw_kind(random));
    Call { dialogue, chain, sent }
}

fn draw_kind(random: &mut Rng) -> &'static Kind {
    let total = KINDS.iter().map(|kind| kind.weight).sum();
    let mut left = random.u32(0..total);
    for kind in KINDS {
        match left.checked_sub(kind.weight) {
            None => return kind,
            Some(rest) => left = rest,
        }
    }
    unreachable!("less than the sum of the weights was drawn")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_calls() {
        let users = |seed| draw(seed, 1000).iter().map(Call::user).collect::<Vec<_>>();
        assert_eq!(users(7), users(7));
        assert_ne!(users(7), users(8));
    }

    #[test]
    fn as_many_queries_as_asked_for_and_every_kind_among_them() {
        let calls = draw(1, 20_000);
        let mut counts = Counts::default();
        counts.expect(&calls);
        assert!((20_000..20_000 + LONGEST_CHAIN as i64 + 1).contains(&counts.requests), "{counts:?}");
        assert_eq!(counts.requests, counts.replies + counts.errors + counts.timeouts);
        assert_eq!(by_kind(&calls).len(), KINDS.len() + 1);
    }

    #[test]
    fn the_user_tells_the_queries() {
        let first = KINDS.first().unwrap();
        let call = Call { dialogue: Dialogue::Message, chain: vec![first, first], sent: Some(first) };
        assert_eq!(call.user(), "plain.plain-plain");
    }
}
