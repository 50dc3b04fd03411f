//! The lookup API of the examples, to be run by hand: `lookup-service [PORT]`, on 127.0.0.1, until it is ended.
//!
//! Prints where it listens, then one line for each request. Port 0, which is the default, is any free one.

use end_to_end::lookup_service::LookupService;
use std::fmt::Display;
use std::io::{ErrorKind, Write};
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::thread;

fn main() -> ExitCode {
    match start() {
        Ok(service) => {
            print_line(format_args!("listening on http://{}", service.address()));
            loop {
                thread::park();
            }
        }
        Err(message) => {
            eprintln!("lookup-service: {message}");
            ExitCode::FAILURE
        }
    }
}

fn start() -> Result<LookupService, String> {
    let port = port()?;
    LookupService::start((Ipv4Addr::LOCALHOST, port).into(), |exchange| print_line(exchange)).map_err(|error| {
        match error.kind() {
            ErrorKind::AddrInUse => format!("port {port} of 127.0.0.1 is in use; give another, or 0 for any free one"),
            _ => format!("port {port} of 127.0.0.1: {error}"),
        }
    })
}

fn port() -> Result<u16, String> {
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().unwrap_or_else(|| "0".to_owned());
    match (port.parse(), arguments.next()) {
        (Ok(port), None) => Ok(port),
        _ => Err("usage: lookup-service [PORT], a number from 0 to 65535".to_owned()),
    }
}

/// That nobody reads any more is no reason to stop serving.
fn print_line(line: impl Display) {
    writeln!(std::io::stdout(), "{line}").ok();
}
