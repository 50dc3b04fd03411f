//! Runs the same scripts, HTTP servers and SIP calls on Kamailio's own http_async_client and on this one, compares what they
//! show, and writes `doc/differences.md`. By `make compare`, where the installed Kamailio has the C module.
//!
//! With words after it, only the cases with one of them in their name run; then nothing is written, and all facts are shown.
//! Ends with 1 when a difference has no reason, or a reason has no difference.

mod callee;
mod case;
mod cases;
mod comparison;
#[cfg(test)]
mod contract_test;
mod document;
mod log_lines;
mod observation;
mod script;
mod stage;
mod wire;

use case::Case;
use cases::Section;
use comparison::{Comparison, Verdict};
use end_to_end::kamailio::{module_file, modules_folder};
use parking_lot::Mutex;
use stage::Stage;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, thread};

/// Cases wait more than they work: a few at a time keep two cores busy.
const AT_A_TIME: usize = 4;

fn main() -> ExitCode {
    let original = modules_folder().join("http_async_client.so");
    if !original.is_file() {
        eprintln!("compare: {} is missing, the C module: run `make compare`", original.display());
        return ExitCode::FAILURE;
    }
    let words: Vec<String> = env::args().skip(1).collect();
    let sections = cases::sections();
    let chosen = sections.into_iter().map(|section| section.only(&words)).collect();
    let compared = compare_all(chosen, &original, &module_file());
    let all = || compared.iter().flat_map(|(_, comparisons)| comparisons);
    all().filter(|comparison| !comparison.is_fine() || !words.is_empty()).for_each(show);
    println!("{}", document::totals(&compared));
    if words.is_empty() && all().all(Comparison::is_fine) {
        fs::write(document_file(), document::differences(&compared)).expect("doc/ is writable");
    }
    if all().all(Comparison::is_fine) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn document_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../doc/differences.md")
}

/// All cases, a few at a time, in their order.
fn compare_all(sections: Vec<Section>, original: &Path, ours: &Path) -> Vec<(Section, Vec<Comparison>)> {
    let stage = Stage::set_up();
    sections.into_iter().map(|section| compare_section(&stage, section, original, ours)).collect()
}

fn compare_section(stage: &Stage, mut section: Section, original: &Path, ours: &Path) -> (Section, Vec<Comparison>) {
    let waiting = Mutex::new(std::mem::take(&mut section.cases).into_iter().enumerate());
    let done = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some((place, case)) = { waiting.lock().next() } {
                    let comparison = compare(stage, case, original, ours);
                    done.lock().push((place, comparison));
                }
            });
        }
    });
    let mut done = done.into_inner();
    done.sort_by_key(|(place, _)| *place);
    (section, done.into_iter().map(|(_, comparison)| comparison).collect())
}

fn compare(stage: &Stage, case: Case, original: &Path, ours: &Path) -> Comparison {
    let original = stage.run(&case, original);
    let ours = stage.run(&case, ours);
    let comparison = Comparison::new(case, original, ours);
    println!("{}: {}", comparison.case.name, comparison.verdict.word());
    comparison
}

/// All facts of a case, those that differ with both values.
fn show(comparison: &Comparison) {
    let Comparison { case, original, ours, verdict } = comparison;
    println!("\n{}: {}", case.name, verdict.word());
    match verdict {
        Verdict::BugOfOurs(facts) => println!("  different without a reason: {facts:?}"),
        Verdict::StaleReason(facts) => println!("  a reason is there, and no difference: {facts:?}"),
        Verdict::Same | Verdict::Better | Verdict::OnlyHere => {}
    }
    let differing = original.differing(ours);
    for (name, value) in ours.facts().filter(|(name, _)| !differing.contains(name)) {
        println!("    {name}: {value}");
    }
    for name in &differing {
        println!("  ! {name}\n      C    {}\n      ours {}", original.value(name), ours.value(name));
    }
    for (whose, log) in [("C", &original.log), ("ours", &ours.log)] {
        let lines =
            log.lines().filter(|line| ["ERROR:", "CRITICAL:", "WARNING:"].iter().any(|level| line.contains(level)));
        lines.take(8).for_each(|line| println!("  {whose} | {line}"));
    }
}
