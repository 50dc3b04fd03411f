//! Wake-ups of HTTP workers that have served queries and have nothing to do: how often they went back to waiting.

use crate::counts::Counts;
use crate::figures::Figures;
use crate::instance::{Instance, builder};
use crate::servers::Servers;
use crate::subject::Subject;
use end_to_end::context_switches::waits;
use std::thread;
use std::time::Instant;

/// As the figures are named, a second.
pub const QUANTITY: &str = "wake-ups of an idle worker";

pub fn measure(counts: &Counts, servers: &Servers, subjects: &[Subject], figures: &mut Figures) {
    let start = |subject: &Subject| Instance::start(builder(subject, &servers.http1()));
    let instances: Vec<Instance> = subjects.iter().map(start).collect();
    let workers: Vec<u32> = instances.iter().map(Instance::http_worker).collect();
    instances.iter().for_each(|instance| instance.order("feed-100-10"));
    let before: Vec<u64> = workers.iter().map(|worker| waits(*worker)).collect();
    let began = Instant::now();
    thread::sleep(counts.idle);
    for ((subject, worker), before) in subjects.iter().zip(workers).zip(before) {
        let count = waits(worker) - before;
        figures.add(subject.name, QUANTITY, count as f64 / began.elapsed().as_secs_f64());
    }
}
