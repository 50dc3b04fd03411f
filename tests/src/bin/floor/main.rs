//! The floor that `make bench` holds the HTTP worker against: what the same queries cost a program that does nothing but run
//! them on libcurl's multi interface and libevent.
//!
//! Usage: `floor URL IN_FLIGHT QUERIES`; prints the processor time of a query in µs. Ends with 1 when a query had no 200.

mod transfers;
mod watches;

use end_to_end::processor_time::processor_time;
use std::process::ExitCode;
use transfers::Transfers;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, in_flight, queries] = arguments.as_slice() else {
        eprintln!("usage: floor URL IN_FLIGHT QUERIES");
        return ExitCode::from(2);
    };
    let (Ok(in_flight), Ok(queries)) = (in_flight.parse(), queries.parse::<u64>()) else {
        eprintln!("floor: IN_FLIGHT and QUERIES are numbers");
        return ExitCode::from(2);
    };
    let transfers = Transfers::new(url, in_flight);
    let before = processor_time(std::process::id());
    let ended = transfers.run(queries);
    let used = processor_time(std::process::id()) - before;
    if ended.failed > 0 || ended.bytes == 0 {
        eprintln!("floor: {ended:?}");
        return ExitCode::FAILURE;
    }
    println!("{:.3}", used.as_secs_f64() * 1e6 / queries as f64);
    ExitCode::SUCCESS
}
