//! Latency of SIP calls at a rate: of a script whose transaction waits for a query, and of the same without the query. And what such
//! a call costs the SIP workers.

use crate::counts::{Counts, RATE};
use crate::figures::Figures;
use crate::instance::{Instance, builder};
use crate::latency::percentile;
use crate::load;
use crate::servers::Servers;
use crate::subject::Subject;
use end_to_end::processor_time::processor_time;
use std::time::Duration;

/// The scripts, by the user that is called.
pub const SCRIPTS: [&str; 2] = ["query", "reply"];
/// Shares of the calls, and their names.
pub const PERCENTILES: [(&str, f64); 3] = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)];
/// Of the SIP workers, per call, as the figures are named; in µs.
pub fn sip_workers(script: &str) -> String {
    format!("processor time of the SIP workers, {script}")
}

/// As the figures are named, in µs.
pub fn quantity(percentile: &str, script: &str, rate: u32, workers: u32) -> String {
    format!("{percentile} of {script} at {rate}/s, workers {workers}")
}

pub fn measure(counts: &Counts, servers: &Servers, subjects: &[Subject], figures: &mut Figures) {
    let subjects: Vec<&Subject> = subjects.iter().filter(|subject| subject.has_default_memory()).collect();
    for workers in counts.workers {
        let of = |subject: &&Subject| builder(subject, &servers.http1()).children(2).parameter("workers", workers);
        let instances: Vec<Instance> = subjects.iter().map(|subject| Instance::start(of(subject))).collect();
        let turn = |rate, lasting, figures: &mut Figures| {
            for (subject, instance) in subjects.iter().zip(&instances) {
                for script in SCRIPTS {
                    run(subject.name, instance, script, (rate, *workers), lasting, figures);
                }
            }
        };
        for rate in counts.rates.iter().filter(|rate| (**rate, *workers) != (RATE, 1)) {
            turn(*rate, counts.at_other_rates, figures);
        }
        for _ in 0..if *workers == 1 { counts.rounds } else { 0 } {
            turn(RATE, counts.at_rate, figures);
        }
        instances.iter().for_each(Instance::assert_no_errors);
    }
}

fn run(
    name: &str,
    instance: &Instance,
    script: &str,
    (rate, workers): (u32, u32),
    lasting: Duration,
    figures: &mut Figures,
) {
    let spent = || instance.sip_workers().into_iter().map(processor_time).sum::<Duration>();
    let before = spent();
    let taken = load::calls(instance.kamailio().address(), script, rate, lasting);
    if (rate, workers) == (RATE, 1) {
        figures.add(name, &sip_workers(script), (spent() - before).as_secs_f64() * 1e6 / taken.len() as f64);
    }
    for (percentile_name, share) in PERCENTILES {
        figures.add(name, &quantity(percentile_name, script, rate, workers), percentile(&taken, share));
    }
}
