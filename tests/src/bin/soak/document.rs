//! The summary of a run in Markdown, which is also `doc/soak.md`.

use crate::calls::by_kind;
use crate::judgement::{Growth, Judgement};
use crate::load::Run;
use crate::options::Options;
use crate::query_kind::{CANCELLED, KINDS};
use std::process::Command;
use std::thread;

const INTRODUCTION: &str = "\
# Soak

<!-- Written by `make soak DOCUMENT=1`; edits here are lost. -->

`make soak` runs the module under a steady mix of queries and looks for whatever grows. A real Kamailio is called by SIPp; each
call makes one to four queries one after the other, with its transaction suspended, and half of the calls send one more that
suspends nothing. The queries go to nginx and to scripted servers, over HTTP and HTTPS, and are drawn by weight from a seed: so
it is known beforehand how each ends and what the counters must be. All of it is on loopback.

```
make soak MINUTES=20 QUERIES=1000000
```

| option | default | is |
|---|---|---|
| `MINUTES` | 1 | how long the load lasts; a warm-up of a twelfth of it (5 s to 60 s) comes before it |
| `QUERIES` | 400 a second | queries in that time |
| `WORKERS` | 1 | HTTP workers |
| `MEMORY_MANAGER` | shm | `memory_manager`, shm or sys |
| `SEED` | 1 | another seed draws other calls |
| `DOCUMENT` | 0 | 1 writes this document, its table and its plot |

It takes root: the scripted name server has port 53 of a loopback address, and Kamailio its own `resolv.conf`. Table, plot and
summary of a run are in `dist/soak/`. It ends with 0 when all of this holds, and otherwise with 1 and what does not:

- Every call got the answer that it must get; SIPp says so.
- `requests`, `replies`, `errors` and `timeouts` are exactly what the calls make, and `requests` is the sum of the others.
- Every query ended as its kind must; none was refused; there is no internal error and no line at ERROR or CRITICAL in the log.
- No column of the last quarter of the load is above that of the first quarter, median by median, by more than is allowed.
- At rest after the load nothing is above the rest after the warm-up by more than is allowed. At rest there is no transaction
  and no query under way; up to 64 idle connections are kept.

*Shared memory* is what `core.shmmem` calls used, *private memory* what `pkg.stats` calls used, *resident memory* the `RssAnon` of
`/proc`, which has what the C library, OpenSSL and libevent take. *Descriptors* are those beside
the TCP connections, *events* those that a worker's epoll waits for.
`hash_size` is 64, so that the warm-up makes all connections and handles that a worker keeps.
";

/// The whole document.
pub fn summary(options: &Options, run: &Run, judgement: &Judgement) -> String {
    format!(
        "{INTRODUCTION}\n## This run\n\n{}\n{}\n### Calls\n\n{}\n### Queries by kind\n\n{}\n### Under load\n\n\
         Medians of the first and of the last quarter of {} samples ([all of them](soak.csv)), without those of the first 5 s.\n\n{}\n\
         ### From rest to rest\n\n{}\n![What was measured over the time of the load](soak.svg)\n",
        facts(options, run),
        verdict(judgement),
        calls(run),
        kinds(run),
        run.samples.count(),
        growths(&judgement.under_load, "first quarter", "last quarter"),
        growths(&judgement.at_rest, "after the warm-up", "after the load"),
    )
}

fn facts(options: &Options, run: &Run) -> String {
    let [requests, replies, errors, timeouts, _] = run.counted;
    let made: u64 = by_kind(&run.calls).values().sum();
    let rows = [
        ("Kamailio", first_line("kamailio", "-v").replace("version: ", "")),
        ("curl", first_line("curl", "--version")),
        ("processors", thread::available_parallelism().map_or_else(|_| "?".to_owned(), |count| count.to_string())),
        ("HTTP workers", options.workers.to_string()),
        ("memory_manager", options.memory_manager.clone()),
        ("seed", options.seed.to_string()),
        ("queries under load", grouped(made as i64)),
        ("load lasted", format!("{:.0} s", run.elapsed.as_secs_f64())),
        ("queries a second", format!("{:.0}", made as f64 / run.elapsed.as_secs_f64())),
        ("requests, with warm-up and rests", grouped(requests)),
        ("replies", grouped(replies)),
        ("errors", grouped(errors)),
        ("timeouts", grouped(timeouts)),
    ];
    let rows: String = rows.iter().map(|(name, value)| format!("| {name} | {value} |\n")).collect();
    format!("| | |\n|---|---|\n{rows}")
}

fn verdict(judgement: &Judgement) -> String {
    match judgement.findings.as_slice() {
        [] => "Every call was answered, the counters add up and are those that the calls make, nothing has grown.\n"
            .to_owned(),
        findings => findings.iter().map(|finding| format!("- **{finding}**\n")).collect(),
    }
}

fn calls(run: &Run) -> String {
    let row = |finished: &crate::sipp::Finished| {
        let numbers = [finished.calls, finished.answered, finished.failed, finished.retransmissions];
        let numbers = numbers.map(|number| grouped(number as i64)).join(" | ");
        format!("| {} | {numbers} |\n", finished.dialogue.name())
    };
    let rows: String = run.finished.iter().map(row).collect();
    format!("| calls | made | answered | failed | retransmissions |\n|---|---|---|---|---|\n{rows}")
}

fn kinds(run: &Run) -> String {
    let counts = by_kind(&run.calls);
    let row = |kind: &crate::query_kind::Kind| {
        let count = counts.get(kind.name).copied().unwrap_or(0);
        format!("| {} | {} | {} | {} |\n", kind.name, kind.about, kind.outcome.word(), grouped(count as i64))
    };
    let rows: String = KINDS.iter().chain([&CANCELLED]).map(row).collect();
    format!("| kind | is | ends in | queries |\n|---|---|---|---|\n{rows}")
}

fn growths(growths: &[Growth], before: &str, after: &str) -> String {
    let row = |growth: &Growth| {
        let numbers = [growth.before, growth.after, growth.after - growth.before, growth.allowed].map(grouped);
        let mark = if growth.is_too_much() { " **too much**" } else { "" };
        format!("| {} | {}{mark} |\n", growth.column.name(), numbers.join(" | "))
    };
    let rows: String = growths.iter().map(row).collect();
    format!("| | {before} | {after} | growth | allowed |\n|---|---|---|---|---|\n{rows}")
}

/// A number with commas between thousands.
fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    if number < 0 { format!("-{text}") } else { text }
}

fn first_line(program: &str, argument: &str) -> String {
    let output = Command::new(program).arg(argument).output();
    let output = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    output.lines().next().unwrap_or("?").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        assert_eq!([0, 999, 1000, 1_234_567, -12_345].map(grouped), ["0", "999", "1,000", "1,234,567", "-12,345"]);
    }
}
