//! What a call of `http_async_query` costs the process that makes it: processor time of a SIP worker in a script loop with the
//! call, less that in the same loop without it. No transaction is there to be suspended; what a suspended one costs its SIP worker
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

const PATIENCE: Duration = Duration::from_secs(60);
/// Turns in a round.
const TURNS: usize = 3;

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
            figures.add(subject.name, QUANTITY, call(instance, counts.calls));
        }
    }
    instances.iter().for_each(Instance::assert_no_errors);
}

/// µs of a call.
fn call(instance: &Instance, calls: u64) -> f64 {
    let mut with = Duration::ZERO;
    let mut without = Duration::ZERO;
    for _ in 0..TURNS {
        with += time_of(instance, &format!("call-{calls}"));
        wait_for_rest(instance);
        without += time_of(instance, &format!("loop-{calls}"));
    }
    (with.as_secs_f64() - without.as_secs_f64()) * 1e6 / (calls * TURNS as u64) as f64
}

fn time_of(instance: &Instance, order: &str) -> Duration {
    let [worker] = instance.sip_workers()[..] else { panic!("one SIP worker is expected") };
    let before = processor_time(worker);
    instance.order(order);
    processor_time(worker) - before
}

fn wait_for_rest(instance: &Instance) {
    let at_rest = || {
        let all = instance.kamailio().rpc_numbers(&["stats.fetch", "http_async_client:"]);
        let of = |name: &str| all.get(&format!("http_async_client.{name}")).copied().unwrap_or(0);
        of("requests") == of("replies") + of("errors")
    };
    assert!(wait_until(PATIENCE, at_rest), "queries do not end; the log:\n{}", instance.kamailio().log());
}
