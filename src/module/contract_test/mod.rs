//! Holds the tables of this folder against the list of every name that a script may use, whatever version of the
//! module it was written for, and `doc/compatibility.md` against what that list says.

mod document;
mod names;

use super::functions::{FUNCTIONS, Function};
use super::parameters::{PARAMETERS, ParameterKind};
use super::request_keys::{KeyKind, REQUEST_KEYS};
use super::statistics::STATISTICS;
use super::variables::{Access, VARIABLES};
use crate::http_worker::reply_variables::time_names;
use names::{Kind, NAMES};
use std::ffi::CStr;
use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A name as the module has it: kind, name, type or arity.
type Present = (Kind, &'static str, &'static str);

fn text(name: &'static CStr) -> &'static str {
    name.to_str().expect("ASCII")
}

fn arity(function: &Function) -> &'static str {
    ["", "1 string", "2 strings", "3 strings"][function.parameters.len()]
}

/// Every name in the module's tables.
fn present() -> Vec<Present> {
    let parameters = PARAMETERS.iter().map(|row| match row.kind {
        ParameterKind::Integer { .. } => (Kind::Parameter, text(row.name), "integer"),
        ParameterKind::Choice { .. } | ParameterKind::Path { .. } => (Kind::Parameter, text(row.name), "string"),
    });
    let functions = FUNCTIONS.iter().map(|row| (Kind::Function, text(row.name), arity(row)));
    let kemi = FUNCTIONS.iter().filter_map(|row| Some((Kind::Kemi, text(row.kemi_name?), arity(row))));
    let variables = VARIABLES.iter().map(|row| match row.access {
        Access::Plain(_) => (Kind::Variable, text(row.name), "read"),
        Access::Header(_) => (Kind::Variable, text(row.name), "read, by header name"),
        Access::Keyed { .. } => (Kind::Variable, text(row.name), "read, by key"),
        Access::Assignable { .. } => (Kind::Variable, text(row.name), "write, by key"),
    });
    let keys = REQUEST_KEYS.iter().flat_map(|row| {
        let takes = match row.kind {
            KeyKind::Reset => "only $null",
            KeyKind::Integer { .. } => "integer",
            KeyKind::Text { .. } => "string",
        };
        row.names.iter().map(move |name| (Kind::Key, *name, takes))
    });
    let times = time_names().into_iter().map(|name| (Kind::Time, name, "µs"));
    let statistics = STATISTICS.iter().map(|(name, _)| (Kind::Statistic, text(name), "counter"));
    parameters.chain(functions).chain(kemi).chain(variables).chain(keys).chain(times).chain(statistics).collect()
}

#[test]
fn every_name_is_there_with_its_type_or_arity() {
    let present = present();
    for row in NAMES {
        let wanted = (row.kind, row.name, row.form);
        assert!(present.contains(&wanted), "the module's tables lack {wanted:?}");
    }
}

#[test]
fn every_name_of_the_tables_is_in_the_list_once() {
    for name in present() {
        let rows = NAMES.iter().filter(|row| (row.kind, row.name, row.form) == name).count();
        assert_eq!(rows, 1, "rows of the contract for {name:?}");
    }
}

/// The files that the tests of a module may be in: `NAME.rs`, and those of the folder `NAME/`.
fn test_files(module: &str) -> Vec<PathBuf> {
    let module = Path::new(ROOT).join("tests/tests/end_to_end").join(module.replace("::", "/"));
    let folder = fs::read_dir(&module).into_iter().flatten().flatten().map(|entry| entry.path());
    folder.chain([module.with_extension("rs")]).filter(|path| path.is_file()).collect()
}

/// Whether a source has a test of that name that runs: `#[test]` alone stands above it.
fn has_test(source: &str, function: &str) -> bool {
    let declaration = format!("fn {function}() {{");
    let lines: Vec<&str> = source.lines().collect();
    let declared = lines.iter().position(|line| line.trim() == declaration);
    let mut above = lines[..declared.unwrap_or(0)].iter().rev();
    let is_attribute = |line: &&&str| line.trim().starts_with("#[");
    above.by_ref().take_while(is_attribute).copied().eq(["#[test]"])
}

/// Whether there is an end-to-end test `module::function` that runs.
pub(super) fn is_there(test: &str) -> bool {
    let (module, function) = test.rsplit_once("::").expect(test);
    let mut sources = test_files(module).into_iter().map(|path| fs::read_to_string(path).expect("readable"));
    sources.any(|source| has_test(&source, function))
}

#[test]
fn a_test_counts_only_when_it_runs() {
    let with = |above: &str| has_test(&format!("fn other() {{}}\n\n{above}fn shown() {{\n}}\n"), "shown");
    assert!(with("#[test]\n"));
    assert!(with("/// What it shows.\n#[test]\n"));
    for above in
        ["", "#[test]\n#[ignore]\n", "#[ignore = \"slow\"]\n#[test]\n", "#[cfg(any())]\n#[test]\n", "// #[test]\n"]
    {
        assert!(!with(above), "{above}");
    }
    assert!(!has_test("#[test]\nfn shown_too() {\n", "shown"));
}

#[test]
fn every_test_that_is_named_exists() {
    for (row, test) in NAMES.iter().flat_map(|row| row.tests().map(move |test| (row, test))) {
        assert!(is_there(test), "{}: there is no test {test}", row.name);
    }
}

#[test]
fn the_document_says_what_the_list_says() {
    let path = Path::new(ROOT).join("doc/compatibility.md");
    let document = document::compatibility();
    if std::env::var_os("WRITE_COMPATIBILITY").is_some() {
        fs::write(&path, document).expect("doc/ is writable");
        return;
    }
    let present = fs::read_to_string(&path).expect("doc/compatibility.md: write it with `make compatibility`");
    assert!(present == document, "doc/compatibility.md is stale: write it with `make compatibility`");
}
