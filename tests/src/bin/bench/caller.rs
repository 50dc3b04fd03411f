//! What a call of `http_async_query` costs the process that makes it: processor time of a SIP worker in a script loop with the
//! call, less that in the same loop without it: as fast as it can, and with a pause before each call. No transaction is there to be suspended; what a suspended one costs its SIP worker
//! is measured with the SIP calls.

use crate::counts::Counts;
use crate::figures::Figures;
use crate::instance::{Instance, builder};
use crate::processor;
use crate::servers::Servers;
use crate::subject::Subject;
use end_to_end::kamailio::wait_until;
use end_to_end::processor_time::processor_time;
use std::time::Duration;

/// As the figures are named, in µs.
pub const QUANTITY: &str = "processor time of a call";
/// The same, of calls that each find the HTTP worker asleep.
pub const PACED: &str = "processor time of a paced call";

const PATIENCE: Duration = Duration::from_secs(60);
/// Turns in a round.
const TURNS: u64 = 3;
/// Paced calls of a turn.
const PACED_CALLS: u64 = 300;

pub fn measure(counts: &Counts, servers: &Servers, subjects: &[Subject], figures: &mut Figures) {
    let subjects: Vec<&Subject> = subjects.iter().filter(|subject| subject.has_default_memory()).collect();
    let start = |subject: &&Subject| Instance::start(builder(subject, &servers.http1()));
    let instances: Vec<Instance> = subjects.iter().map(start).collect();
    for instance in &instances {
        processor::keep_aside(instance.http_worker());
        instance.sip_workers().into_iter().for_each(processor::measure_on_its_own);
    }
    for _ in 0..counts.rounds {
        for (subject, instance) in subjects.iter().zip(&instances) {
            figures.add(subject.name, QUANTITY, call(instance, counts.calls, ["call", "loop"]));
            figures.add(subject.name, PACED, call(instance, PACED_CALLS, ["paced", "pauses"]));
        }
    }
    instances.iter().for_each(Instance::assert_no_errors);
}

/// µs of a call: what a loop of so many takes with it, less what it takes without.
fn call(instance: &Instance, calls: u64, [with, without]: [&str; 2]) -> f64 {
    let (mut taken, mut alone) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..TURNS {
        let before = ended(instance);
        taken += time_of(instance, &format!("{with}-{calls}"));
        // The C module's worker counts a query when it takes it.
        wait_until(PATIENCE, || ended(instance) - before == calls as i64);
        let all = ended(instance) - before;
        assert_eq!(all, calls as i64, "some calls were refused; the log:\n{}", instance.kamailio().log());
        alone += time_of(instance, &format!("{without}-{calls}"));
    }
    (taken.as_secs_f64() - alone.as_secs_f64()) * 1e6 / (calls * TURNS) as f64
}

fn time_of(instance: &Instance, order: &str) -> Duration {
    let [worker] = instance.sip_workers()[..] else { panic!("one SIP worker is expected") };
    let before = processor_time(worker);
    instance.order(order);
    processor_time(worker) - before
}

/// Queries that have ended.
fn ended(instance: &Instance) -> i64 {
    let [replies, errors] = instance.counts();
    replies + errors
}
