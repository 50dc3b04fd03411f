//! The test build with fault injection (feature `fault-injection`): the linker gives the module's calls of some functions
//! to `kamailio-shim/faults/`. Nothing of it is in any other build.

use object::{Object, ObjectSymbol};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::{env, fs};

/// What the functions there are called, before the name of the function that they stand for.
const PREFIX: &str = "__wrap_";

/// Whether this is such a build.
pub fn are_wanted() -> bool {
    env::var_os("CARGO_FEATURE_FAULT_INJECTION").is_some()
}

/// Diverts the calls of every function that one of the objects stands in for.
///
/// # Errors
/// An object cannot be read, or none of them stands in for anything.
pub fn divert_calls(objects: &[PathBuf]) -> Result<(), String> {
    let mut names = BTreeSet::new();
    for object in objects {
        names.extend(stood_in_for(object)?);
    }
    if names.is_empty() {
        return Err(format!("no object defines a function {PREFIX}NAME"));
    }
    for name in names {
        println!("cargo:rustc-cdylib-link-arg=-Wl,--wrap={name}");
    }
    Ok(())
}

fn stood_in_for(path: &PathBuf) -> Result<Vec<String>, String> {
    let bytes = fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let object = object::File::parse(&*bytes).map_err(|error| format!("{}: {error}", path.display()))?;
    let defined = object.symbols().filter(ObjectSymbol::is_definition);
    let names = defined.filter_map(|symbol| Some(symbol.name().ok()?.strip_prefix(PREFIX)?.to_owned()));
    Ok(names.collect())
}
