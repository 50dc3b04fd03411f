//! Holds `doc/manual.md` against the tables of this folder: every row has its section, with what the row says, in the
//! order of the table, and no section lacks a row.

use super::functions::FUNCTIONS;
use super::parameters::{PARAMETERS, Parameter, ParameterKind};
use super::request_keys::{REQUEST_KEYS, RequestKey};
use super::statistics::STATISTICS;
use super::variables::{Access, VARIABLES, Variable};
use crate::http_worker::error_class::CLASSES;
use crate::http_worker::reply_variables::time_names;
use std::ffi::CStr;

const MANUAL: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/manual.md"));

/// A section of the manual: what stands behind its `###`, and the text below.
struct Section {
    heading: String,
    text: String,
}

/// What a section must have.
struct Expected {
    heading: String,
    /// Whole lines.
    lines: Vec<String>,
    /// Words that may run over several lines.
    phrases: Vec<String>,
}

/// The sections of the chapter `## title`.
fn sections(title: &str) -> Vec<Section> {
    let chapter = MANUAL.split("\n## ").find_map(|chapter| chapter.strip_prefix(&format!("{title}\n")));
    let sections = chapter.expect(title).split("\n### ").skip(1);
    let parts = sections.map(|section| section.split_once('\n').expect(section));
    parts.map(|(heading, text)| Section { heading: heading.to_owned(), text: text.to_owned() }).collect()
}

fn hold(title: &str, expected: &[Expected]) {
    let sections = sections(title);
    let headings: Vec<&str> = sections.iter().map(|section| section.heading.as_str()).collect();
    let rows: Vec<&str> = expected.iter().map(|expected| expected.heading.as_str()).collect();
    assert_eq!(headings, rows, "the sections of \"{title}\" and the rows of its table");
    for (section, expected) in sections.iter().zip(expected) {
        for line in &expected.lines {
            let present = section.text.lines().any(|present| present == line);
            assert!(present, "section {} lacks the line {line}", section.heading);
        }
        let text = section.text.split_whitespace().collect::<Vec<_>>().join(" ");
        for phrase in &expected.phrases {
            assert!(text.contains(phrase), "section {} lacks the words {phrase}", section.heading);
        }
    }
}

fn text(name: &CStr) -> &str {
    name.to_str().expect("ASCII")
}

fn parameter(row: &Parameter) -> Expected {
    let name = text(row.name);
    let (kind, default) = match row.kind {
        ParameterKind::Integer { default, .. } => ("integer", format!("`{default}`")),
        ParameterKind::Choice { default, .. } => ("string", format!("`\"{default}\"`")),
        ParameterKind::Path { .. } => ("string", "not set".to_owned()),
    };
    let mut lines = vec![format!("- Default: {default}"), format!("- Range: {}", row.allowed())];
    if !row.unit.is_empty() {
        lines.push(format!("- Unit: {}", row.unit));
    }
    let example = format!("modparam(\"http_async_client\", \"{name}\", ");
    Expected { heading: format!("`{name}` ({kind})"), lines, phrases: vec![row.about.to_owned(), example] }
}

#[test]
fn every_parameter_is_described() {
    hold("Parameters", &PARAMETERS.iter().map(parameter).collect::<Vec<_>>());
}

#[test]
fn every_function_is_described() {
    let expected = FUNCTIONS.iter().map(|row| {
        let parameters = row.parameters.join(", ");
        Expected {
            heading: format!("`{}({parameters})`", text(row.name)),
            lines: Vec::from_iter(
                row.kemi_name.map(|name| format!("- KEMI: `KSR.http_async_client.{}({parameters})`", text(name))),
            ),
            phrases: vec![row.about.to_owned(), format!("{}(\"", text(row.name))],
        }
    });
    hold("Functions", &expected.collect::<Vec<_>>());
}

fn variable(row: &Variable) -> Expected {
    let name = text(row.name);
    let (arguments, access) = match row.access {
        Access::Plain(_) => ("", "read only"),
        Access::Header(_) => ("(Name)", "read only"),
        Access::Keyed { .. } => ("(key)", "read only"),
        Access::Assignable { .. } => ("(key)", "write only"),
    };
    Expected {
        heading: format!("`${name}{arguments}`"),
        lines: vec![format!("- Access: {access}")],
        phrases: vec![row.about.to_owned()],
    }
}

#[test]
fn every_variable_is_described() {
    hold("Variables", &VARIABLES.iter().map(variable).collect::<Vec<_>>());
}

fn request_key(row: &RequestKey) -> Expected {
    let (name, others) = row.names.split_first().expect("a key has a name");
    let mut lines = vec![format!("- Takes: {}", row.allowed())];
    lines.extend(others.iter().map(|other| format!("- Also: `{other}`")));
    let phrases = vec![row.about.to_owned(), format!("$http_req({name}) = ")];
    Expected { heading: format!("`$http_req({name})`"), lines, phrases }
}

#[test]
fn every_key_of_http_req_is_described() {
    hold("Keys of $http_req", &REQUEST_KEYS.iter().map(request_key).collect::<Vec<_>>());
}

#[test]
fn every_key_of_http_time_is_described() {
    let sections = sections("Variables");
    let section = sections.iter().find(|section| section.heading == "`$http_time(key)`").expect("its section");
    let rows = section.text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    assert_eq!(rows.map(|(key, _)| key).collect::<Vec<_>>(), time_names());
}

#[test]
fn every_class_of_errors_is_described_with_its_own_number() {
    let sections = sections("Variables");
    let section = sections.iter().find(|section| section.heading == "`$http_err_class`").expect("its section");
    let rows = section.text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let rows: Vec<(&str, u32)> = rows
        .map(|(word, rest)| {
            let number = rest.split([',', ' ']).next().and_then(|number| number.parse().ok());
            (word, number.expect("the number of the class comes first"))
        })
        .collect();
    assert_eq!(rows, CLASSES.map(|class| (class.word(), class.number())));
}

#[test]
fn every_statistic_is_described() {
    let expected = STATISTICS.iter().map(|(name, _)| Expected {
        heading: format!("`{}`", text(name)),
        lines: Vec::new(),
        phrases: vec![format!("http_async_client.{}: ", text(name))],
    });
    hold("Statistics", &expected.collect::<Vec<_>>());
}
