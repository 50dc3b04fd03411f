//! The main job in one run, by `make demo`: SIP calls that wait for an HTTP answer and go on with it.
//!
//! SIPp sends INVITEs to a Kamailio that runs `examples/lookup.cfg`; its API is the project's own lookup service, in
//! this process. Everything listens on loopback and is stopped again, also after an error and on Ctrl-C.
//!
//! Ends with 0 when every answer was the expected one, with 1 when one was not or the demonstration could not run, and
//! with 130 after a signal.

mod call;
mod message_log;
mod ports;
mod report;
mod requirements;
mod scenario;
mod stage;

use call::Call;
use end_to_end::interrupt::{self, Stop};
use report::print_section;
use stage::Stage;
use std::process::ExitCode;

fn main() -> ExitCode {
    interrupt::listen();
    match demonstrate() {
        Ok(()) => ExitCode::SUCCESS,
        Err(stop) => stop.report("demo"),
    }
}

fn demonstrate() -> Result<(), Stop> {
    requirements::check()?;
    let mut stage = Stage::set_up(ports::from_environment()?)?;
    let calls = make_calls(&mut stage)?;
    report::print_calls(&calls, &stage);
    print_section("4. The statistics of the module", &stage.statistics());
    let counts = stage.counts();
    let stopped = stage.stop()?;
    print_section("5. Nothing is left running", &stopped);
    report::judge(&calls, counts)
}

/// A user that the service knows, one that it does not, and the first one again with the service stopped.
fn make_calls(stage: &mut Stage) -> Result<[Call; 3], Stop> {
    let known = stage.call("alice", 302)?;
    let unknown = stage.call("nobody", 404)?;
    stage.stop_service();
    let unanswered = stage.call("alice", 503)?;
    Ok([known, unknown, unanswered])
}
