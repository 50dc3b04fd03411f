//! Holds `doc/security.md` against the tests: each that it names is there and runs.

use super::contract_test::is_there;

const DOCUMENT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/security.md"));

/// The words in backquotes that name a test.
fn named_tests() -> impl Iterator<Item = &'static str> {
    DOCUMENT.split('`').skip(1).step_by(2).filter(|word| word.contains("::") && *word != "file::test")
}

#[test]
fn every_test_that_the_document_names_exists() {
    assert!(named_tests().count() > 40, "the document names {} tests", named_tests().count());
    for test in named_tests() {
        assert!(is_there(test), "there is no test {test}");
    }
}

#[test]
fn every_promise_names_a_test() {
    let promises = DOCUMENT.split("| promise | test |").skip(1);
    let rows = promises.flat_map(|table| table.lines().skip(2).take_while(|line| line.starts_with('|')));
    for row in rows {
        assert!(row.contains("::"), "no test shows it: {row}");
    }
}
