//! Stage 3: compiles the C shim, with the flags of Kamailio's own modules.

use crate::faults;
use crate::host::Host;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Where the compiled shim lies; its strings tell the version and flags that were built in.
pub struct Shim {
    /// The object file of `version.c`.
    pub version_object: PathBuf,
}

/// Compiles every file of `kamailio-shim/` into one static library.
///
/// # Errors
/// What the compiler said, or which folder cannot be read.
pub fn compile(host: &Host) -> Result<Shim, String> {
    println!("cargo:rerun-if-changed=kamailio-shim");
    println!("cargo:rerun-if-changed=include");
    let mut build = cc::Build::new();
    build
        .pic(true)
        .warnings(false)
        .flag("-Werror=implicit-function-declaration")
        .include("kamailio-shim")
        .include("include")
        .include(&host.sources)
        .define("MOD_NAME", "\"http_async_client\"");
    for flag in host.definitions().chain(host.flags.iter().filter(|flag| *flag == "-pthread")) {
        build.flag(flag);
    }
    let mut sources = sources_of("kamailio-shim")?;
    if faults::are_wanted() {
        sources.extend(sources_of("kamailio-shim/faults")?);
    }
    build.files(sources);
    let objects = build.try_compile_intermediates().map_err(|error| error.to_string())?;
    let mut archive = cc::Build::new();
    for object in &objects {
        archive.object(object);
    }
    archive.try_compile("kamailio_shim").map_err(|error| error.to_string())?;
    if faults::are_wanted() {
        faults::divert_calls(&objects)?;
    }
    compile_stand_in()?;
    objects
        .into_iter()
        .find(|object| object.to_string_lossy().ends_with("version.o"))
        .map(|version_object| Shim { version_object })
        .ok_or_else(|| format!("no version.o among the objects in {}", env::var("OUT_DIR").unwrap_or_default()))
}

/// The unit tests run without Kamailio; src/host/mod.rs links this in its stead, for them alone.
fn compile_stand_in() -> Result<(), String> {
    let mut build = cc::Build::new();
    build.file("kamailio-shim/absent/absent.c").cargo_metadata(false);
    build.try_compile("kamailio_absent").map_err(|error| error.to_string())?;
    println!("cargo:rustc-link-search=native={}", env::var("OUT_DIR").unwrap_or_default());
    Ok(())
}

fn sources_of(folder: &str) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("cannot read {folder}: {error}"))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension() == Some(Path::new("c").as_os_str()))
        .collect();
    files.sort();
    Ok(files)
}
