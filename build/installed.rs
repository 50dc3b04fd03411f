//! Stage 4: holds version and flags against those that the installed Kamailio's own modules carry.
//!
//! Kamailio compares both strings when it loads a module and refuses any other. `kamailio -V` prints something
//! else, so the strings come out of the packaged `tm.so`.

use crate::shim::Shim;
use object::{Object, ObjectSection, ObjectSymbol};
use std::path::Path;
use std::{env, fs};

/// Compares the shim's strings with those of `KAMAILIO_TM_MODULE`, where that is set.
///
/// # Errors
/// Which of the two differs, both values, and what to do.
pub fn check(shim: &Shim) -> Result<(), String> {
    println!("cargo:rerun-if-env-changed=KAMAILIO_TM_MODULE");
    let Some(module) = env::var("KAMAILIO_TM_MODULE").ok().filter(|module| !module.is_empty()) else {
        return Ok(());
    };
    println!("cargo:rerun-if-changed={module}");
    let installed = read(Path::new(&module))?;
    let object = read(&shim.version_object)?;
    for (symbol, text) in [("module_version", "shim_module_version"), ("module_flags", "shim_module_flags")] {
        let accepted = string_behind_pointer(&installed, symbol)
            .ok_or_else(|| format!("{module} does not carry the string {symbol}: is it Kamailio's tm module?"))?;
        let built = string_at_symbol(&object, text)
            .ok_or_else(|| format!("the compiled shim does not carry the string {text}"))?;
        if accepted != built {
            return Err(difference(symbol, &module, &accepted, &built));
        }
    }
    Ok(())
}

fn difference(symbol: &str, module: &str, accepted: &str, built: &str) -> String {
    format!(
        "the installed Kamailio would refuse this module: {symbol} differs\n\
         installed ({module}): {accepted}\n\
         source tree (KAMAILIO_SRC): {built}\n\
         Give the source tree of the installed Kamailio with KAMAILIO_SRC=DIR, or remove the folder .kamailio \
         so that `make build` fetches it again; to build for another Kamailio all the same, set KAMAILIO_TM_MODULE= \
         (empty)."
    )
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

/// `char *symbol` in a shared object: the pointer is filled in by a relocation, whose addend is the string's address.
fn string_behind_pointer(file: &[u8], symbol: &str) -> Option<String> {
    let elf = object::File::parse(file).ok()?;
    let pointer = elf.dynamic_symbols().find(|entry| entry.name() == Ok(symbol))?;
    let (_, relocation) = elf.dynamic_relocations()?.find(|(place, _)| *place == pointer.address())?;
    let target = u64::try_from(relocation.addend()).ok()?;
    let section = elf.sections().find(|section| {
        (section.address()..section.address() + section.size()).contains(&target) && section.address() != 0
    })?;
    string_in(section.data().ok()?, target - section.address())
}

/// `const char symbol[]` in a relocatable object.
fn string_at_symbol(file: &[u8], symbol: &str) -> Option<String> {
    let object = object::File::parse(file).ok()?;
    let entry = object.symbols().find(|entry| entry.name() == Ok(symbol))?;
    let section = object.section_by_index(entry.section_index()?).ok()?;
    string_in(section.data().ok()?, entry.address())
}

fn string_in(bytes: &[u8], offset: u64) -> Option<String> {
    let rest = bytes.get(usize::try_from(offset).ok()?..)?;
    let end = rest.iter().position(|byte| *byte == 0)?;
    Some(String::from_utf8_lossy(rest.get(..end)?).into_owned())
}
