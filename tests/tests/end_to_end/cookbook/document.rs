//! `doc/cookbook.md` and `examples/` say the same.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A recipe: the file that it names, and its blocks.
struct Recipe<'a> {
    heading: &'a str,
    file: &'a str,
    blocks: Vec<&'a str>,
}

fn recipes(document: &str) -> Vec<Recipe<'_>> {
    let sections = document.split("\n## ").skip(1);
    sections
        .filter_map(|section| {
            let file = section.lines().find_map(|line| line.strip_prefix("File: [examples/")?.split(']').next())?;
            let heading = section.lines().next()?;
            Some(Recipe { heading, file, blocks: section.split("```\n").skip(1).step_by(2).collect() })
        })
        .collect()
}

#[test]
fn what_the_cookbook_shows_stands_in_the_examples_and_every_example_is_in_the_cookbook() {
    let document = fs::read_to_string(checkout().join("doc/cookbook.md")).expect("the cookbook is there");
    let recipes = recipes(&document);
    for recipe in &recipes {
        let file = fs::read_to_string(checkout().join("examples").join(recipe.file)).expect(recipe.file);
        assert!(!recipe.blocks.is_empty(), "{}: nothing is shown", recipe.heading);
        for block in &recipe.blocks {
            assert!(file.contains(block), "{}: this is not in {}:\n{block}", recipe.heading, recipe.file);
        }
        let row = format!("[{0}](../examples/{0}) |", recipe.file);
        assert!(document.contains(&row), "the table lacks {row}");
    }
    let shown: BTreeSet<&str> = recipes.iter().map(|recipe| recipe.file).collect();
    let files = fs::read_dir(checkout().join("examples")).expect("the examples are there");
    let files: BTreeSet<String> =
        files.map(|entry| entry.expect("it can be read").file_name().to_string_lossy().into_owned()).collect();
    assert_eq!(shown, files.iter().map(String::as_str).collect());
}

/// The anchor that a heading has on the usual web sites: lower case, without punctuation, blanks as hyphens.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|sign| sign.is_alphanumeric() || [' ', '-', '_'].contains(sign));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn links_to_sections_of_the_cookbook_lead_somewhere() {
    let document = fs::read_to_string(checkout().join("doc/cookbook.md")).expect("the cookbook is there");
    let manual = fs::read_to_string(checkout().join("doc/manual.md")).expect("the manual is there");
    let anchors: BTreeSet<String> = document.lines().filter_map(|line| line.strip_prefix("## ")).map(anchor).collect();
    let links = |text: &str, before: &str| -> Vec<String> {
        text.split(before).skip(1).filter_map(|rest| rest.split(')').next()).map(str::to_owned).collect()
    };
    let all = [links(&document, "](#"), links(&manual, "](cookbook.md#")].concat();
    assert!(all.len() >= 10, "{all:?}");
    for link in all {
        assert!(anchors.contains(&link), "no section {link} in {anchors:?}");
    }
}
