//! Processor time of the HTTP worker per query, beside bare libcurl's.
//!
//! A SIP worker feeds: it keeps so many queries in flight and runs no transaction. What feeding costs is its own; the HTTP worker
//! pays for taking a query, running it, and running its route. All of that has a processor of its own; nginx and the feeder share
//! another.

use crate::counts::{Counts, IN_FLIGHT};
use crate::figures::Figures;
use crate::instance::{Instance, builder};
use crate::processor;
use crate::servers::Servers;
use crate::subject::{FLOOR, OURS_HTTP2, Subject};
use end_to_end::context_switches::waits;
use end_to_end::processor_time::processor_time;
use std::process::Command;

/// As the figures are named, in µs.
pub fn quantity(in_flight: u64) -> String {
    format!("processor time with {in_flight} in flight")
}

/// As the figures are named, in 1,000 queries.
pub fn waits_quantity(in_flight: u64) -> String {
    format!("waits with {in_flight} in flight")
}

/// One of those that have their turn.
struct Runner {
    name: &'static str,
    instance: Instance,
}

impl Runner {
    fn new(name: &'static str, instance: Instance) -> Self {
        processor::measure_on_its_own(instance.http_worker());
        instance.sip_workers().into_iter().for_each(processor::keep_aside);
        Self { name, instance }
    }

    /// µs of a query, and how often the worker waited in 1,000 queries.
    fn run(&self, queries: u64, in_flight: u64) -> [f64; 2] {
        let worker = self.instance.http_worker();
        let before = (processor_time(worker), waits(worker));
        self.instance.order(&format!("feed-{queries}-{in_flight}"));
        let time = (processor_time(worker) - before.0).as_secs_f64() * 1e6;
        [time / queries as f64, (waits(worker) - before.1) as f64 * 1e3 / queries as f64]
    }
}

/// The rounds of the table, then those of the plot.
pub fn measure(counts: &Counts, servers: &Servers, subjects: &[Subject], figures: &mut Figures) {
    servers.keep_aside();
    let url = servers.http1();
    let start = |subject: &Subject| Runner::new(subject.name, Instance::start(builder(subject, &url)));
    let runners: Vec<Runner> = subjects.iter().map(start).collect();
    for _ in 0..counts.rounds {
        round(counts.queries, IN_FLIGHT, &url, &runners, figures);
    }
    for in_flight in counts.in_flight.iter().filter(|in_flight| **in_flight != IN_FLIGHT) {
        // Each turn of a few waits for the feeder's looks.
        let queries = counts.queries.min(3_000 + in_flight * 100);
        round(queries, *in_flight, &url, &runners, figures);
    }
    runners.iter().for_each(|runner| runner.instance.assert_no_errors());
    drop(runners);
    measure_http2(counts, servers, subjects, figures);
}

fn round(queries: u64, in_flight: u64, url: &str, runners: &[Runner], figures: &mut Figures) {
    figures.add(FLOOR, &quantity(in_flight), floor(url, in_flight, queries));
    for runner in runners {
        let [time, waits] = runner.run(queries, in_flight);
        figures.add(runner.name, &quantity(in_flight), time);
        figures.add(runner.name, &waits_quantity(in_flight), waits);
    }
}

/// HTTP/2 beside the floor's HTTP/1.1, with figures of the floor that were taken in the same rounds.
fn measure_http2(counts: &Counts, servers: &Servers, subjects: &[Subject], figures: &mut Figures) {
    let Some(subject) = subjects.iter().find(|subject| subject.is_ours && subject.has_default_memory()) else { return };
    let builder = builder(subject, &servers.http2()).set("parameters", "$http_req(http_version) = 2;");
    let runner = Runner::new(OURS_HTTP2, Instance::start(builder));
    for _ in 0..counts.rounds {
        figures.add(FLOOR, HTTP2_ROUND, floor(&servers.http1(), IN_FLIGHT, counts.queries));
        let [time, _] = runner.run(counts.queries, IN_FLIGHT);
        figures.add(OURS_HTTP2, HTTP2_ROUND, time);
    }
    runner.instance.assert_no_errors();
}

/// As the figures of HTTP/2's rounds are named, in µs.
pub const HTTP2_ROUND: &str = "processor time in the rounds of HTTP/2";

/// µs of a query of the program `floor`, which lies beside this one.
fn floor(url: &str, in_flight: u64, queries: u64) -> f64 {
    let program = std::env::current_exe().expect("a path").with_file_name("floor");
    let mut command = Command::new(program);
    command.args([url, &in_flight.to_string(), &queries.to_string()]);
    let output = processor::on_its_own(&mut command).output().expect("floor is built");
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    text.trim().parse().unwrap_or_else(|_| panic!("floor: {}: {text}{errors}", output.status))
}
