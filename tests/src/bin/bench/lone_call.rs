//! Round trip of a lone SIP call whose transaction waits for one query: from the request that is sent to the reply that is there.

use crate::counts::Counts;
use crate::figures::Figures;
use crate::instance::{Instance, builder};
use crate::latency::percentile;
use crate::servers::Servers;
use crate::subject::Subject;
use end_to_end::sip::SipClient;
use std::time::{Duration, Instant};

/// As the figures are named, in µs.
pub const P50: &str = "lone call, p50";
/// As the figures are named, in µs.
pub const P99: &str = "lone call, p99";

const PATIENCE: Duration = Duration::from_secs(10);

pub fn measure(counts: &Counts, servers: &Servers, subjects: &[Subject], figures: &mut Figures) {
    let subjects: Vec<&Subject> = subjects.iter().filter(|subject| subject.has_default_memory()).collect();
    let start = |subject: &&Subject| Instance::start(builder(subject, &servers.http1()));
    let instances: Vec<Instance> = subjects.iter().map(start).collect();
    let clients: Vec<SipClient> = instances.iter().map(|instance| instance.kamailio().client()).collect();
    for _ in 0..counts.rounds {
        let mut taken: Vec<Vec<Duration>> = vec![Vec::new(); subjects.len()];
        // Call by call in turn, so that each subject meets the same moments.
        for _ in 0..counts.lone_calls / counts.rounds {
            for (client, taken) in clients.iter().zip(&mut taken) {
                taken.push(round_trip(client));
            }
        }
        for (subject, mut taken) in subjects.iter().zip(taken) {
            taken.sort();
            figures.add(subject.name, P50, percentile(&taken, 0.5));
            figures.add(subject.name, P99, percentile(&taken, 0.99));
        }
    }
    instances.iter().for_each(Instance::assert_no_errors);
}

fn round_trip(client: &SipClient) -> Duration {
    let began = Instant::now();
    client.send("MESSAGE", "query", "", "");
    let answer = client.receive(PATIENCE);
    let taken = began.elapsed();
    assert_eq!(answer.map_or(0, |answer| answer.status()), 200);
    taken
}
