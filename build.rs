//! Builds everything that ties the module to one Kamailio: see the files in `build/`, one a stage.

#[path = "build/bindings.rs"]
mod bindings;
#[path = "build/faults.rs"]
mod faults;
#[path = "build/header.rs"]
mod header;
#[path = "build/host.rs"]
mod host;
#[path = "build/installed.rs"]
mod installed;
#[path = "build/shim.rs"]
mod shim;
#[path = "build/supported.rs"]
mod supported;

use std::process::ExitCode;

fn main() -> ExitCode {
    println!("cargo:rerun-if-changed=build");
    match stages() {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            for line in reason.lines() {
                println!("cargo::error={line}");
            }
            ExitCode::FAILURE
        }
    }
}

fn stages() -> Result<(), String> {
    let host = host::Host::from_environment()?;
    supported::check(&host.flags)?;
    header::generate()?;
    let symbols = shim::compile(&host)?;
    installed::check(&symbols)?;
    bindings::generate(&host)?;
    Ok(())
}
