//! A long run under a mixed load, by `make soak`: whether every call is answered, the counters add up and nothing grows.
//!
//! SIPp calls a Kamailio whose script makes queries of all kinds; memory, descriptors and events are sampled on the way. The
//! table, the plot and the summary go into `dist/soak/`. Ends with 0 when all is right, with 1 when something is not, and
//! with 130 after a signal. See `doc/soak.md`.

mod calls;
mod document;
mod judgement;
mod load;
mod name_server;
mod options;
mod plot;
mod probe;
mod process;
mod quantity;
mod query_kind;
mod samples;
mod script;
mod servers;
mod sipp;

use end_to_end::interrupt::{self, Stop};
use judgement::Judgement;
use load::Run;
use options::Options;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    interrupt::listen();
    match soak() {
        Ok(findings) if findings.is_empty() => {
            println!("soak: every call was answered, the counters add up, nothing has grown");
            ExitCode::SUCCESS
        }
        Ok(findings) => {
            findings.iter().for_each(|finding| eprintln!("soak: {finding}"));
            ExitCode::FAILURE
        }
        Err(stop) => stop.report("soak"),
    }
}

/// What is wrong; nothing when all is right.
fn soak() -> Result<Vec<String>, Stop> {
    let options = Options::from_environment()?;
    let run = load::run(&options)?;
    let judgement = judgement::judge(&run);
    let folder = project().join("dist/soak");
    write(&folder, "summary.md", &options, &run, &judgement)?;
    println!("soak: table, plot and summary are in dist/soak");
    if options.document {
        write(&project().join("doc"), "soak.md", &options, &run, &judgement)?;
    }
    Ok(judgement.findings)
}

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn write(folder: &Path, summary: &str, options: &Options, run: &Run, judgement: &Judgement) -> Result<(), Stop> {
    let files = [
        (summary, document::summary(options, run, judgement)),
        ("soak.csv", run.samples.csv()),
        ("soak.svg", plot::svg(&run.samples)?),
    ];
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for (name, text) in files {
        let file = folder.join(name);
        fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    Ok(())
}
