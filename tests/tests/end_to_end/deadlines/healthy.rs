//! Queries to a host that answers at once, at a steady rate, and how long they take.

use super::timed::{self, Timed};
use end_to_end::kamailio::{PATIENCE, wait_until};
use end_to_end::sip::SipClient;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

/// Between two queries: 100 a second.
pub const INTERVAL: Duration = Duration::from_millis(10);
/// Long enough for a slow one to be seen as slow, and not as failed.
const DEADLINE: Duration = Duration::from_secs(10);

/// Asks for queries to `url` until the other side of `ended` is dropped; what came of each.
pub fn load(client: &SipClient, url: &str, ended: &Receiver<()>) -> Vec<Timed> {
    let (mut count, mut answers) = (0, Vec::new());
    let mut next = Instant::now();
    while ended.try_recv() != Err(TryRecvError::Disconnected) {
        timed::send(client, url, DEADLINE);
        count += 1;
        next += INTERVAL;
        answers.extend(answers_until(client, next));
    }
    let all_came = wait_until(PATIENCE, || {
        answers.extend(answers_until(client, Instant::now() + INTERVAL));
        answers.len() >= count
    });
    assert!(all_came, "{} answers to {count} requests", answers.len());
    answers
}

fn answers_until(client: &SipClient, until: Instant) -> Vec<Timed> {
    let mut answers = Vec::new();
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        answers.extend(client.receive(left).filter(|answer| answer.status() >= 200).map(Timed::new));
    }
    answers
}
