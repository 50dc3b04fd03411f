//! The rows of the table: what is to be reached, and how it follows from the figures.

use crate::caller;
use crate::counts::{HANGING, IN_FLIGHT, RATE};
use crate::figures::Figures;
use crate::subject::{FLOOR, ORIGINAL_SHM, ORIGINAL_SYS, OURS_HTTP2, OURS_SHM, OURS_SYS};
use crate::{idle, lone_call, memory, rates, throughput};

/// A row with a target for one of the two Debian releases, or both.
pub struct Row {
    /// What it is about.
    pub name: &'static str,
    /// Most that it may be on Debian 12 and 13.
    pub targets: [Option<f64>; 2],
    /// What it is in.
    pub unit: Unit,
    value: fn(&Figures) -> Option<f64>,
}

/// What a value is in.
#[derive(Clone, Copy)]
pub enum Unit {
    /// Of two values of one kind.
    Ratio,
    /// 1000 bytes; shown with its unit.
    Kilobytes,
    /// µs, shown as ms.
    Milliseconds,
    /// µs.
    Microseconds,
    /// A count.
    Number,
}

impl Unit {
    /// A value with its unit.
    pub fn shown(self, value: f64) -> String {
        match self {
            Self::Ratio => format!("{value:.2}"),
            Self::Kilobytes => format!("{value:.1} kB"),
            Self::Milliseconds => format!("{value:.2} ms"),
            Self::Microseconds => format!("{value:.1} µs"),
            Self::Number => format!("{value:.1}"),
        }
    }
}

impl Row {
    /// Its value, where it was measured.
    pub fn value(&self, figures: &Figures) -> Option<f64> {
        (self.value)(figures)
    }
}

const fn row(name: &'static str, targets: [Option<f64>; 2], unit: Unit, value: fn(&Figures) -> Option<f64>) -> Row {
    Row { name, targets, unit, value }
}

/// The rows with targets.
pub fn targets() -> Vec<Row> {
    let floor = [Some(1.25), Some(1.15)];
    let thirteen = |target| [None, Some(target)];
    vec![
        row("HTTP worker's processor time per query, shm, to the floor's", floor, Unit::Ratio, |all| {
            to_floor(all, OURS_SHM)
        }),
        row("the same, sys", floor, Unit::Ratio, |all| to_floor(all, OURS_SYS)),
        row("the same, shm, to the C module's", thirteen(0.85), Unit::Ratio, |all| {
            all.median_of(at_200(OURS_SHM), at_200(ORIGINAL_SHM), ratio)
        }),
        row("the same, sys, to the C module's", thirteen(0.85), Unit::Ratio, |all| {
            all.median_of(at_200(OURS_SYS), at_200(ORIGINAL_SYS), ratio)
        }),
        row(
            "caller's processor time for a call of `http_async_query`, to the C module's",
            thirteen(0.6),
            Unit::Ratio,
            |all| all.median_of((OURS_SHM, caller::QUANTITY), (ORIGINAL_SHM, caller::QUANTITY), ratio),
        ),
        row("shared memory of a hanging transfer, shm", [Some(14.0), Some(7.0)], Unit::Kilobytes, |all| {
            shared_memory(all, OURS_SHM)
        }),
        row("worker's resident memory of a hanging transfer, sys", [Some(12.0), Some(9.0)], Unit::Kilobytes, |all| {
            resident_memory(all, OURS_SYS)
        }),
        row("lone SIP call with one query, round trip p50, to the C module's", thirteen(0.9), Unit::Ratio, |all| {
            all.median_of((OURS_SHM, lone_call::P50), (ORIGINAL_SHM, lone_call::P50), ratio)
        }),
        row(
            "added to the p99 of 2,000 SIP calls/s by the query",
            [Some(2000.0), Some(2000.0)],
            Unit::Milliseconds,
            |all| added_p99(all, OURS_SHM),
        ),
        row(
            "HTTP/2, HTTP worker's processor time per query, to the floor's with HTTP/1.1",
            thirteen(0.8),
            Unit::Ratio,
            |all| all.median_of((OURS_HTTP2, throughput::HTTP2_ROUND), (FLOOR, throughput::HTTP2_ROUND), ratio),
        ),
        row("wake-ups of an idle worker a second", [Some(0.0), Some(0.0)], Unit::Number, |all| {
            all.median(OURS_SHM, idle::QUANTITY)
        }),
    ]
}

/// What the rows stand on, for whoever wants absolute figures.
pub fn absolutes() -> Vec<Row> {
    let none = [None, None];
    let time = |name, value| row(name, none, Unit::Microseconds, value);
    vec![
        time("HTTP worker's processor time per query: floor", |all| median_at_200(all, FLOOR)),
        time("- ours, shm", |all| median_at_200(all, OURS_SHM)),
        time("- ours, sys", |all| median_at_200(all, OURS_SYS)),
        time("- C module, shm", |all| median_at_200(all, ORIGINAL_SHM)),
        time("- C module, sys", |all| median_at_200(all, ORIGINAL_SYS)),
        time("- ours, HTTP/2", |all| all.median(OURS_HTTP2, throughput::HTTP2_ROUND)),
        row("how often the HTTP worker waits in 1,000 queries: ours, shm", none, Unit::Number, |all| {
            waits(all, OURS_SHM)
        }),
        row("- C module, shm", none, Unit::Number, |all| waits(all, ORIGINAL_SHM)),
        time("caller's processor time of a call, as fast as it can: ours", |all| {
            all.median(OURS_SHM, caller::QUANTITY)
        }),
        time("- C module", |all| all.median(ORIGINAL_SHM, caller::QUANTITY)),
        time("caller's processor time of a call, HTTP worker asleep: ours", |all| all.median(OURS_SHM, caller::PACED)),
        time("- C module", |all| all.median(ORIGINAL_SHM, caller::PACED)),
        time("SIP workers' processor time per SIP call, 2,000/s: without a query", |all| sip(all, OURS_SHM, "reply")),
        time("- ours", |all| sip(all, OURS_SHM, "query")),
        time("- C module", |all| sip(all, ORIGINAL_SHM, "query")),
        row("shared memory of a hanging transfer, shm: C module", none, Unit::Kilobytes, |all| {
            shared_memory(all, ORIGINAL_SHM)
        }),
        row("worker's resident memory of a hanging transfer, sys: C module", none, Unit::Kilobytes, |all| {
            resident_memory(all, ORIGINAL_SYS)
        }),
        time("lone SIP call, round trip p50: ours", |all| all.median(OURS_SHM, lone_call::P50)),
        time("- C module", |all| all.median(ORIGINAL_SHM, lone_call::P50)),
        time("lone SIP call, round trip p99: ours", |all| all.median(OURS_SHM, lone_call::P99)),
        time("- C module", |all| all.median(ORIGINAL_SHM, lone_call::P99)),
        row("p99 at 2,000 SIP calls/s: without a query", none, Unit::Milliseconds, |all| p99(all, OURS_SHM, "reply")),
        row("- ours", none, Unit::Milliseconds, |all| p99(all, OURS_SHM, "query")),
        row("- C module", none, Unit::Milliseconds, |all| p99(all, ORIGINAL_SHM, "query")),
        row("added by the query: C module", none, Unit::Milliseconds, |all| added_p99(all, ORIGINAL_SHM)),
        row("wake-ups of an idle worker a second: C module", none, Unit::Number, |all| {
            all.median(ORIGINAL_SHM, idle::QUANTITY)
        }),
    ]
}

/// The tables as a terminal shows them.
pub fn shown(figures: &Figures) -> String {
    let line = |row: Row| {
        let value = row.value(figures)?;
        let targets = row.targets.map(|target| target.map_or_else(|| "-".to_owned(), |most| in_unit(row.unit, most)));
        Some(format!("{:<85} {:>10}   {}\n", row.name, in_unit(row.unit, value), targets.join(" / ")))
    };
    let rows: String = targets().into_iter().filter_map(line).collect();
    let line = |row: Row| Some(format!("{:<85} {:>10}\n", row.name, in_unit(row.unit, row.value(figures)?)));
    let others: String = absolutes().into_iter().filter_map(line).collect();
    format!("targets: Debian 12 / 13, at most\n{rows}\n{others}")
}

/// A value with its unit.
pub fn in_unit(unit: Unit, value: f64) -> String {
    unit.shown(if matches!(unit, Unit::Milliseconds) { value / 1e3 } else { value })
}

fn ratio(one: f64, other: f64) -> f64 {
    one / other
}

const AT_200: &str = "processor time with 200 in flight";

fn at_200(subject: &str) -> (&str, &str) {
    (subject, AT_200)
}

fn median_at_200(all: &Figures, subject: &str) -> Option<f64> {
    all.median(subject, &throughput::quantity(IN_FLIGHT))
}

fn to_floor(all: &Figures, subject: &str) -> Option<f64> {
    all.median_of(at_200(subject), at_200(FLOOR), ratio)
}

fn shared_memory(all: &Figures, subject: &str) -> Option<f64> {
    let [shared, _] = memory::quantities(HANGING);
    Some(all.median(subject, &shared)? / 1e3)
}

fn resident_memory(all: &Figures, subject: &str) -> Option<f64> {
    let [_, resident] = memory::quantities(HANGING);
    Some(all.median(subject, &resident)? / 1e3)
}

fn p99(all: &Figures, subject: &str, script: &str) -> Option<f64> {
    all.median(subject, &rates::quantity("p99", script, RATE, 1))
}

fn added_p99(all: &Figures, subject: &str) -> Option<f64> {
    let [with, without] = rates::SCRIPTS.map(|script| rates::quantity("p99", script, RATE, 1));
    all.median_of((subject, &with), (subject, &without), |with, without| with - without)
}

fn sip(all: &Figures, subject: &str, script: &str) -> Option<f64> {
    all.median(subject, &rates::sip_workers(script))
}

fn waits(all: &Figures, subject: &str) -> Option<f64> {
    all.median(subject, &throughput::waits_quantity(IN_FLIGHT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_at_200_in_flight_are_about_what_is_measured() {
        assert_eq!(AT_200, throughput::quantity(IN_FLIGHT));
    }

    #[test]
    fn what_was_not_measured_has_no_value() {
        let none = Figures::default();
        assert!(targets().iter().chain(&absolutes()).all(|row| row.value(&none).is_none()));
    }

    #[test]
    fn a_value_has_its_unit() {
        let shown = [Unit::Ratio, Unit::Kilobytes, Unit::Milliseconds].map(|unit| in_unit(unit, 1234.567));
        assert_eq!(shown, ["1234.57", "1234.6 kB", "1.23 ms"]);
    }
}
