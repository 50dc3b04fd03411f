//! Holds the cases against the names that a script may use, as `doc/compatibility.md` lists them.

use crate::cases;
use std::collections::HashSet;

const COMPATIBILITY: &str = include_str!("../../../../doc/compatibility.md");
/// Headings of its tables, and what the names below them are called in a case.
const KINDS: [(&str, &str); 7] = [
    ("## Parameters", "parameter"),
    ("## Functions", "function"),
    ("## KEMI functions", "kemi"),
    ("## Variables", "variable"),
    ("## Keys of $http_req", "key"),
    ("## Keys of $http_time", "time"),
    ("## Statistics", "statistic"),
];

/// Every name with its kind in front; functions with their arity behind.
fn names() -> HashSet<String> {
    let mut kind = None;
    let mut names = HashSet::new();
    for line in COMPATIBILITY.lines() {
        if line.starts_with("## ") {
            kind = KINDS.iter().find(|(heading, _)| *heading == line).map(|(_, kind)| *kind);
        }
        let cells: Vec<&str> = line.split(" | ").collect();
        if let (Some(kind), [name, form, ..], true) = (kind, cells.as_slice(), line.starts_with("| `")) {
            let name = name.trim_start_matches("| ").trim_matches('`').rsplit('.').next().unwrap_or_default();
            let arity = if kind == "function" { format!(" of {form}") } else { String::new() };
            names.insert(format!("{kind} {name}{arity}"));
        }
    }
    names
}

fn covered() -> HashSet<String> {
    cases::sections().into_iter().flat_map(|section| section.cases).flat_map(|case| case.covers).collect()
}

#[test]
fn every_name_has_a_case() {
    let (names, covered) = (names(), covered());
    assert!(names.len() > 80, "doc/compatibility.md is read wrongly: {names:?}");
    let mut lacking: Vec<&String> = names.difference(&covered).collect();
    lacking.sort();
    assert!(lacking.is_empty(), "names without a case: {lacking:?}");
}

#[test]
fn every_case_shows_names_that_exist() {
    let (names, covered) = (names(), covered());
    let mut unknown: Vec<&String> = covered.difference(&names).collect();
    unknown.sort();
    assert!(unknown.is_empty(), "cases for names that nobody has: {unknown:?}");
}

#[test]
fn no_two_cases_have_the_same_name() {
    let names: Vec<String> =
        cases::sections().into_iter().flat_map(|section| section.cases).map(|case| case.name).collect();
    let different: HashSet<&String> = names.iter().collect();
    assert_eq!(different.len(), names.len());
}
