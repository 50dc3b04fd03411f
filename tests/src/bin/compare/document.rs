//! Makes `doc/differences.md` from a run.

use crate::cases::Section;
use crate::comparison::{Comparison, Verdict};
use crate::observation::Observation;

const INTRODUCTION: &str = "\
# Differences to the C module

<!-- Written by `make compare`; edits here are lost. -->

The same scripts, HTTP servers and SIP calls ran on the C module of Kamailio 6.0.1, the binary of Debian 13's
`kamailio-extra-modules`, and on this one, in the same Kamailio. Each case is a script, one or more calls, and what came of
them: the SIP answers, the return value, the variables of the callback, what the HTTP server received (method, target, header
fields, body), the log lines at CRITICAL, ERROR and WARNING of all modules and of the core, the statistics, whether Kamailio
lives. All of these must be equal, or the case has a reason why ours is better. What must differ is compared by what it
means: ports by whose they are, times by their order of magnitude.

| verdict | means |
|---|---|
| same | nothing differs |
| better | what differs is shown, the C module's first, with the reason |
| only here | the C module of 6.0.1 does not know a name that the script uses; shown is what this one does |

A difference without a reason is a bug of ours and ends the run, and so does a reason without a difference: there is
neither in a document that was written.
";

const AGAIN: &str = "
Write this document again with `make compare`, as root: it makes a root of Debian 13 in `.debian/`, builds the module there and
runs every case on both. The cases are in `tests/src/bin/compare/cases/`; a unit test holds them against the names in
[compatibility.md](compatibility.md). `make compare CASES=\"digest redirect\"` runs those with one of the words in their
name, and shows everything that they observe instead of writing.
";

/// The whole document.
pub fn differences(compared: &[(Section, Vec<Comparison>)]) -> String {
    let mut document = INTRODUCTION.to_owned();
    for (section, comparisons) in compared {
        document += &format!("\n## {}\n\n{}\n\n", section.heading, section.about);
        document += "| case | shows | verdict | the C module → this one | why |\n|---|---|---|---|---|\n";
        document.extend(comparisons.iter().map(row));
    }
    document += &format!("\n## Totals\n\n{}\n{AGAIN}", totals(compared));
    document
}

/// How many cases there are of each verdict.
pub fn totals(compared: &[(Section, Vec<Comparison>)]) -> String {
    let all = || compared.iter().flat_map(|(_, comparisons)| comparisons);
    let words = ["same", "better", "only here", "a bug of ours", "a stale reason"];
    let mut table = "| verdict | cases |\n|---|---|\n".to_owned();
    for word in words {
        let count = all().filter(|comparison| comparison.verdict.word() == word).count();
        if count > 0 || word == "a bug of ours" {
            table += &format!("| {word} | {count} |\n");
        }
    }
    table + &format!("| all | {} |", all().count())
}

fn row(comparison: &Comparison) -> String {
    let Comparison { case, original, ours, verdict } = comparison;
    let covers: Vec<String> = case.covers.iter().map(|name| format!("`{name}`")).collect();
    let shown = match verdict {
        Verdict::Better => differing(original, ours),
        Verdict::OnlyHere => observed(ours),
        _ => String::new(),
    };
    let reasons: Vec<&str> = case.differences.iter().map(|difference| difference.reason).collect();
    let row = format!(
        "| {} | {} | {} | {shown} | {} |\n",
        case.name,
        covers.join(", "),
        verdict.word(),
        reasons.join("<br>")
    );
    row.replace("|  |", "| |").replace("|  |", "| |")
}

/// The facts that differ, with both values.
fn differing(original: &Observation, ours: &Observation) -> String {
    let facts = original.differing(ours).into_iter();
    let shown = facts.map(|fact| format!("{fact}: {} → {}", cell(original.value(&fact)), cell(ours.value(&fact))));
    shown.collect::<Vec<_>>().join("<br>")
}

/// What shows that a name of ours alone works.
fn observed(ours: &Observation) -> String {
    let facts = [
        "SIP answer",
        "returned",
        "$http_ok",
        "$http_rb",
        "$http_xdata",
        "HTTP requests",
        "keep-alive",
        "noted",
        "timeouts",
    ];
    let shown = facts.into_iter().map(|fact| (fact, ours.value(fact)));
    let shown = shown.filter(|(_, value)| !["", "-", "0"].contains(value));
    shown.map(|(fact, value)| format!("{fact}: {}", cell(value))).collect::<Vec<_>>().join("<br>")
}

/// A value as a cell of a table can hold it.
fn cell(value: &str) -> String {
    if value.is_empty() {
        return "nothing".to_owned();
    }
    let lines: Vec<String> = value.lines().map(|line| format!("`{}`", line.replace('|', "\\|"))).collect();
    lines.join(", ")
}
