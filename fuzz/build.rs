//! For the module without Kamailio, which the fuzz targets and the benchmarks use: the stages of its own build that make what
//! its sources include. No header is written and nothing is compared.

#[path = "../build/bindings.rs"]
mod bindings;
#[path = "../build/faults.rs"]
mod faults;
#[path = "../build/host.rs"]
mod host;
#[path = "../build/shim.rs"]
#[allow(dead_code, reason = "what is compared with the installed Kamailio")]
mod shim;

use std::process::ExitCode;

fn main() -> ExitCode {
    match stages() {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            reason.lines().for_each(|line| println!("cargo::error={line}"));
            ExitCode::FAILURE
        }
    }
}

fn stages() -> Result<(), String> {
    // cargo fuzz says so too.
    println!("cargo:rustc-cfg=fuzzing");
    // The stages name their files as seen from the root.
    std::env::set_current_dir("..").map_err(|error| error.to_string())?;
    let host = host::Host::from_environment()?;
    shim::compile(&host)?;
    bindings::generate(&host)
}
