//! What a query costs: processor time, memory and latency of this module beside those of bare libcurl (the program `floor`) and,
//! where it is installed, of Kamailio's own http_async_client. By `make bench`.
//!
//! Usage: `bench run FILE` measures here and writes FILE; `bench quick` measures less, for about a minute, and shows the table;
//! `bench document HOST ROOT` writes `doc/performance.md` and its plots from the files of two runs.

mod caller;
mod counts;
mod document;
mod figures;
mod idle;
mod instance;
mod latency;
mod load;
mod lone_call;
mod machine;
mod memory;
mod plots;
mod processor;
mod rates;
mod servers;
mod subject;
mod table;
mod throughput;

use counts::Counts;
use figures::Figures;
use servers::Servers;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;
use subject::Subject;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments.as_slice() {
        ["run", file] => measure(&Counts::full()).write(Path::new(file)),
        ["quick"] => {
            println!("\n{}", table::shown(&measure(&Counts::quick())));
            Ok(())
        }
        ["document", host, root] => document::write(Path::new(host), Path::new(root)),
        _ => Err("usage: bench run FILE | bench quick | bench document HOST ROOT".to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(counts: &Counts) -> Figures {
    let began = Instant::now();
    let subjects = Subject::all();
    let mut figures = Figures::default();
    machine::describe(&mut figures);
    let stages: [(&str, Stage); 6] = [
        ("processor time of the HTTP worker", throughput::measure),
        ("processor time of the caller", caller::measure),
        ("memory of hanging transfers", memory::measure),
        ("lone SIP calls", lone_call::measure),
        ("SIP calls at a rate", rates::measure),
        ("idle workers", idle::measure),
    ];
    for (name, stage) in stages {
        println!("{:4.0} s  {name}", began.elapsed().as_secs_f64());
        // Of its own: one stage gives the servers' processes a processor, and the next one may not want that.
        stage(counts, &Servers::start(), &subjects, &mut figures);
    }
    println!("{:4.0} s  done", began.elapsed().as_secs_f64());
    figures
}

/// One of the things that are measured.
type Stage = fn(&Counts, &Servers, &[Subject], &mut Figures);
