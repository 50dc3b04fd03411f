//! The process of one HTTP worker: sets up its loop and never returns.

use super::worker::Worker;
use crate::host::fault_point::fault_point;
use crate::host::{guarded, log, process, termination, thread_data};
use crate::module::settings::settings;
use crate::shared::ring::Ring;
use crate::transport::error::LoopError;
use crate::transport::global;

/// Descriptors that a process needs beside its transfers and look-ups: Kamailio's own, libevent's, certificate files.
const OTHER_DESCRIPTORS: usize = 128;

/// Runs the worker of `queue`; signals were held since before its fork. A worker that cannot go on ends its process, also where it panics: what lies below on the stack is
/// main's start of the server. main then ends the server, as it does for any of its children.
pub fn run(queue: &'static Ring, held: termination::Held) -> ! {
    // First of all: Kamailio's handler would end the process anywhere.
    if termination::install(queue.wake_descriptor()).is_err() {
        log::warning!("no handler for SIGTERM: an HTTP worker may end in the middle of a callback");
    }
    drop(held);
    let error = guarded("an HTTP worker", LoopError("internal error".to_owned()), || serve(queue));
    log::critical!("an HTTP worker cannot go on: {error}");
    process::exit_with_failure()
}

fn serve(queue: &'static Ring) -> LoopError {
    fault_point!("start");
    thread_data::forget_what_is_shared();
    global::begin_worker();
    let settings = settings().clone();
    let max_in_flight = bound_by_descriptors(
        settings.max_in_flight as usize,
        settings.max_lookups as usize,
        process::raise_descriptor_limit(),
    );
    match Worker::new(queue, &settings, max_in_flight) {
        Ok(mut worker) => worker.run(),
        Err(error) => error,
    }
}

/// Each transfer takes one descriptor, and so do each connection that is kept for the next one, and each look-up.
fn bound_by_descriptors(wanted: usize, look_ups: usize, limit: usize) -> usize {
    let bound = (limit.saturating_sub(OTHER_DESCRIPTORS + look_ups) / 2).max(1);
    if bound < wanted {
        log::warning!(
            "max_in_flight: {bound} instead of {wanted} transfers in flight, as the process may open {limit} descriptors"
        );
    }
    bound.min(wanted)
}
