//! Whether a run was right: every call answered, every counter as the calls make it, nothing grown.

use crate::load::Run;
use crate::quantity::Tolerance;
use crate::samples::{Column, Sample, Samples};

/// Fewer samples say nothing about quarters.
const FEWEST_SAMPLES: usize = 20;

/// A column before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Growth {
    /// The column.
    pub column: Column,
    /// Its value before.
    pub before: i64,
    /// Its value after.
    pub after: i64,
    /// How much more `after` may be.
    pub allowed: i64,
}

impl Growth {
    fn new(column: &Column, before: i64, after: i64, tolerance: Tolerance) -> Self {
        Self { column: column.clone(), before, after, allowed: tolerance.of(before) }
    }

    /// Whether it has grown beyond what is allowed.
    pub fn is_too_much(&self) -> bool {
        self.after - self.before > self.allowed
    }

    fn describe(&self, when: &str) -> String {
        let Self { column, before, after, allowed } = self;
        format!(
            "{} has grown {when} from {before} to {after}, by {}; {allowed} is allowed",
            column.name(),
            after - before
        )
    }
}

/// What was found.
#[derive(Debug)]
pub struct Judgement {
    /// The last quarter of the load compared with the first.
    pub under_load: Vec<Growth>,
    /// The rest after the load compared with the rest before it.
    pub at_rest: Vec<Growth>,
    /// What is wrong; nothing when all is right.
    pub findings: Vec<String>,
}

/// Judges a run.
pub fn judge(run: &Run) -> Judgement {
    let under_load = under_load(&run.samples);
    let at_rest = at_rest(&run.rest_before, &run.rest_after);
    let mut findings = counters(run);
    findings.extend(calls(run));
    if run.samples.count() < FEWEST_SAMPLES {
        findings.push(format!("only {} samples were taken", run.samples.count()));
    }
    let too_much = |growths: &[Growth], when: &str| {
        growths.iter().filter(|growth| growth.is_too_much()).map(|growth| growth.describe(when)).collect::<Vec<_>>()
    };
    findings.extend(too_much(&under_load, "under load"));
    findings.extend(too_much(&at_rest, "from rest to rest"));
    Judgement { under_load, at_rest, findings }
}

fn under_load(samples: &Samples) -> Vec<Growth> {
    let growth = |column: &Column| {
        let (before, after) = samples.first_and_last_quarter(column);
        Some(Growth::new(column, before, after, column.quantity.under_load()?))
    };
    samples.columns().iter().filter_map(growth).collect()
}

fn at_rest(before: &Sample, after: &Sample) -> Vec<Growth> {
    let growth = |(column, before): &(Column, i64)| {
        let (_, after) = after.iter().find(|(other, _)| other == column)?;
        Some(Growth::new(column, *before, *after, column.quantity.at_rest()?))
    };
    before.iter().filter_map(growth).collect()
}

/// The counters add up, and are what the calls must have led to.
fn counters(run: &Run) -> Vec<String> {
    let mut findings = Vec::new();
    let expected = run.expected;
    let expected = [expected.requests, expected.replies, expected.errors, expected.timeouts, 0];
    let names = ["requests", "replies", "errors", "timeouts", "in_flight"];
    for ((name, expected), counted) in names.into_iter().zip(expected).zip(run.counted) {
        if expected != counted {
            findings.push(format!("{name} is {counted} and should be {expected}"));
        }
    }
    let [requests, ended @ ..] = run.counted;
    if requests != ended.iter().sum::<i64>() {
        findings.push(format!("replies, errors, timeouts and in_flight do not add up to requests: {:?}", run.counted));
    }
    let unwanted = ["queries ended otherwise than they must", "queries were refused", "internal errors were caught"];
    let unwanted = unwanted.into_iter().zip(run.unwanted).filter(|(_, count)| *count != 0);
    findings.extend(unwanted.map(|(what, count)| format!("{count} {what}")));
    findings
}

/// Every call was answered as it must be, and nobody complained.
fn calls(run: &Run) -> Vec<String> {
    let wrong = run.finished.iter().filter(|finished| finished.answered != finished.calls || finished.failed > 0);
    let mut findings: Vec<String> = wrong
        .map(|finished| {
            let name = finished.dialogue.name();
            format!(
                "{} of {} calls ({name}) were answered, {} failed",
                finished.answered, finished.calls, finished.failed
            )
        })
        .collect();
    if !findings.is_empty() {
        findings.push(format!("sipp says:\n{}", run.complaints));
    }
    if let [first, ..] = run.errors.as_slice() {
        findings.push(format!("{} lines of the log tell of errors, the first: {first}", run.errors.len()));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calls::{Counts, Dialogue};
    use crate::quantity::Quantity;
    use crate::sipp::Finished;
    use std::time::Duration;

    fn sample(shared_memory: i64, close_wait: i64) -> Sample {
        let worker = Some("HTTP worker 1".to_owned());
        vec![
            (Column { quantity: Quantity::SharedMemory, process: None }, shared_memory),
            (Column { quantity: Quantity::CloseWait, process: worker }, close_wait),
        ]
    }

    fn run_with(values: impl Fn(i64) -> Sample) -> Run {
        let mut samples = Samples::default();
        (0..40).for_each(|second| samples.add(Duration::from_secs(second as u64), values(second)));
        let finished = Finished { dialogue: Dialogue::Message, calls: 5, answered: 5, failed: 0, retransmissions: 0 };
        Run {
            samples,
            rest_before: sample(1_000_000, 0),
            rest_after: sample(1_000_100, 0),
            calls: Vec::new(),
            finished: vec![finished],
            complaints: String::new(),
            elapsed: Duration::from_secs(40),
            expected: Counts { requests: 10, replies: 7, errors: 2, timeouts: 1 },
            counted: [10, 7, 2, 1, 0],
            unwanted: [0; 3],
            errors: Vec::new(),
        }
    }

    fn steady() -> Run {
        run_with(|second| sample(10_000_000 + second % 3 * 1000, second % 5))
    }

    #[test]
    fn a_steady_run_is_right() {
        assert_eq!(judge(&steady()).findings, Vec::<String>::new());
    }

    #[test]
    fn growth_under_load_is_found() {
        let findings = judge(&run_with(|second| sample(10_000_000 + second * 50_000, 0))).findings;
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].starts_with("shared memory used (bytes) has grown under load"), "{findings:?}");
    }

    #[test]
    fn growth_from_rest_to_rest_is_found() {
        let findings = judge(&Run { rest_after: sample(3_000_000, 5), ..steady() }).findings;
        assert_eq!(findings.len(), 2, "{findings:?}");
        assert!(findings[1].contains("CLOSE_WAIT, HTTP worker 1 has grown from rest to rest from 0 to 5"));
    }

    #[test]
    fn a_counter_that_is_off_is_found() {
        let findings = judge(&Run { counted: [10, 6, 2, 1, 0], ..steady() }).findings;
        assert_eq!(findings[0], "replies is 6 and should be 7");
        assert!(findings[1].contains("do not add up"), "{findings:?}");
        assert_eq!(judge(&Run { unwanted: [0, 3, 0], ..steady() }).findings, ["3 queries were refused"]);
    }

    #[test]
    fn a_call_without_an_answer_is_found() {
        let mut run = steady();
        run.finished[0].answered = 4;
        assert!(judge(&run).findings[0].starts_with("4 of 5 calls (MESSAGE) were answered"));
    }

    #[test]
    fn few_samples_prove_nothing() {
        let findings = judge(&Run { samples: Samples::default(), ..steady() }).findings;
        assert_eq!(findings, ["only 0 samples were taken"]);
    }
}
