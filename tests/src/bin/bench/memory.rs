//! Memory of transfers that hang: the server takes the request and does not answer.

use crate::counts::Counts;
use crate::figures::Figures;
use crate::instance::{Instance, builder};
use crate::servers::Servers;
use crate::subject::Subject;
use end_to_end::http_server::{HttpServer, Response, Step};
use end_to_end::resident_memory::resident_memory;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

/// As the figures are named: bytes of a transfer, in Kamailio's shared memory and resident in the worker.
pub fn quantities(hanging: u64) -> [String; 2] {
    [format!("shared memory with {hanging} hanging"), format!("resident memory with {hanging} hanging")]
}

pub fn measure(counts: &Counts, servers: &Servers, subjects: &[Subject], figures: &mut Figures) {
    for subject in subjects {
        let silent = HttpServer::start(|_| Response::steps(vec![Step::WaitForever]));
        let instance = Instance::start(builder(subject, &servers.http1()).set("silent", silent.url("/")));
        let before = taken(&instance);
        let mut hanging = 0;
        for wanted in counts.hanging {
            instance.order(&format!("hang-{}", wanted - hanging));
            silent.wait_for_requests(usize::try_from(*wanted).unwrap_or(0), PATIENCE);
            hanging = *wanted;
            let now = taken(&instance);
            let extra = [if subject.is_ours { pooled(hanging) } else { 0.0 }, 0.0];
            for (((quantity, before), now), extra) in quantities(hanging).iter().zip(before).zip(now).zip(extra) {
                figures.add(subject.name, quantity, (now - before + extra) / hanging as f64);
            }
        }
    }
}

/// Bytes of the blocks that so many queries take from the pool that this module makes at the start
/// (`src/shared/block_pool.rs`): they were in use before.
fn pooled(queries: u64) -> f64 {
    const BLOCK: u64 = 1024;
    const BLOCKS: u64 = 512;
    (queries.min(BLOCKS) * BLOCK) as f64
}

/// Bytes in use in Kamailio's shared memory, and resident in the worker.
fn taken(instance: &Instance) -> [f64; 2] {
    [instance.kamailio().shared_memory_used() as f64, resident_memory(instance.http_worker()) as f64]
}
