//! What the demonstration needs on this machine.

use end_to_end::interrupt::Stop;
use std::env;
use std::path::{Path, PathBuf};

/// Programs, and the Debian packages that they are in.
const PROGRAMS: [(&str, &str); 3] = [("kamailio", "kamailio"), ("kamcmd", "kamailio"), ("sipp", "sip-tester")];
/// A module that `examples/lookup.cfg` loads, and its Debian package.
const JANSSON: (&str, &str) = ("jansson.so", "kamailio-extra-modules");

/// Looks for programs and modules.
///
/// # Errors
/// [`Stop::Failed`] names everything that is missing, each with the package that has it.
pub fn check() -> Result<(), Stop> {
    let module = folder_or_file("HTTP_ASYNC_CLIENT_MODULE")?;
    let modules = folder_or_file("KAMAILIO_MODULES")?;
    let mut missing: Vec<String> = PROGRAMS.into_iter().filter(|(program, _)| !is_in_path(program)).map(lack).collect();
    if !modules.join(JANSSON.0).is_file() {
        missing.push(lack(JANSSON));
    }
    if !module.is_file() {
        missing.push(format!("{} (make build)", module.display()));
    }
    match missing.as_slice() {
        [] => Ok(()),
        _ => Err(Stop::Failed(format!("missing on this machine: {}", missing.join(", ")))),
    }
}

/// What `make demo` sets.
fn folder_or_file(variable: &str) -> Result<PathBuf, Stop> {
    let value = env::var_os(variable).filter(|value| !value.is_empty());
    let reason = || Stop::Failed(format!("{variable} is not set: run `make demo`, with Kamailio installed"));
    value.map(PathBuf::from).ok_or_else(reason)
}

fn is_in_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder: PathBuf| Path::new(&folder).join(program).is_file())
}

fn lack((what, package): (&str, &str)) -> String {
    format!("{what} (Debian package {package})")
}
