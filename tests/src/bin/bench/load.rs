//! SIP calls at a rate that does not depend on the answers.

use end_to_end::sip::SipClient;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A call without an answer by then is lost: nothing is sent again.
const PATIENCE: Duration = Duration::from_secs(5);

/// Calls `user` so often a second, and returns how long each answer took from the moment its request was sent, sorted. A lost one
/// took [`PATIENCE`]. The sender is a thread of its own; when it was late for some calls, it sends these at once.
pub fn calls(server: SocketAddr, user: &str, rate: u32, lasting: Duration) -> Vec<Duration> {
    let count = (lasting.as_secs_f64() * f64::from(rate)) as usize;
    let client = SipClient::new(server);
    let began = Instant::now();
    let sent: Vec<AtomicU64> = (0..count).map(|_| AtomicU64::new(0)).collect();
    let mut taken = vec![PATIENCE; count];
    thread::scope(|scope| {
        scope.spawn(|| send(&client, user, rate, began, &sent));
        for _ in 0..count {
            let Some(answer) = client.receive(PATIENCE) else { break };
            let now = began.elapsed();
            let number = answer.header("To").and_then(number_in).expect("the reply has the To of its request");
            assert_eq!(answer.status(), 200, "{}", answer.text());
            taken[number] = now.saturating_sub(Duration::from_nanos(sent[number].load(Ordering::Acquire)));
        }
    });
    taken.sort();
    taken
}

fn send(client: &SipClient, user: &str, rate: u32, began: Instant, sent: &[AtomicU64]) {
    for (number, sent) in sent.iter().enumerate() {
        let due = Duration::from_secs_f64(number as f64 / f64::from(rate));
        thread::sleep(due.saturating_sub(began.elapsed()));
        sent.store(u64::try_from(began.elapsed().as_nanos()).unwrap_or(0), Ordering::Release);
        client.send("MESSAGE", &format!("{user}-{number}"), "", "");
    }
}

/// The number in `<sip:user-NUMBER@host>`.
fn number_in(to: &str) -> Option<usize> {
    to.split_once('@')?.0.rsplit_once('-')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::number_in;

    #[test]
    fn a_call_is_known_by_its_number() {
        assert_eq!(number_in("<sip:query-17@127.0.0.1:5060>;tag=x-9"), Some(17));
        assert_eq!(number_in("<sip:query@127.0.0.1>"), None);
    }
}
