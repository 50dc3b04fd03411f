//! Makes `doc/compatibility.md` from the list.

use super::names::{Kind, NAMES, Name, Since};

const INTRODUCTION: &str = "\
# Compatibility

<!-- Written by `make compatibility` from src/module/contract_test/names.rs; edits here are lost. -->

Every name that a script may use, whichever http_async_client it was written for. A unit test holds this list against
the module's own tables, and each row names an end-to-end test, or two, that show the name at work in a running Kamailio
(`tests/tests/end_to_end/`, as `file::test` or `folder::file::test`; the Python tests have the names of the Lua tests).
What each name means is in [manual.md](manual.md); how to move a script here is in [migration.md](migration.md).

\"Since\" is the first generation of the C module whose scripts use the name:

| since | meaning |
|---|---|
| 4.4 | Kamailio 4.4 and later, or 4.4 alone |
| 5.x | the manual of today |
| newest | added upstream after that manual |
| here | this module alone |

The last column is empty where the C module's documented behaviour is kept as it is.
";

impl Kind {
    fn heading(self) -> (&'static str, &'static str) {
        match self {
            Self::Parameter => ("Parameters", "type"),
            Self::Function => ("Functions", "arity"),
            Self::Kemi => ("KEMI functions", "arity"),
            Self::Variable => ("Variables", "access"),
            Self::Key => ("Keys of $http_req", "takes"),
            Self::Time => ("Keys of $http_time", "unit"),
            Self::Statistic => ("Statistics", "type"),
        }
    }
}

impl Since {
    fn text(self) -> &'static str {
        match self {
            Self::V44 => "4.4",
            Self::V5 => "5.x",
            Self::Newest => "newest",
            Self::Here => "here",
        }
    }
}

fn line(row: &Name) -> String {
    let name = match row.kind {
        Kind::Kemi => format!("KSR.http_async_client.{}", row.name),
        Kind::Variable => format!("${}", row.name),
        _ => row.name.to_owned(),
    };
    let tests = row.tests().map(|test| format!("`{test}`")).collect::<Vec<_>>().join(", ");
    format!("| `{name}` | {} | {} | {tests} | {} |\n", row.form, row.since.text(), row.differs).replace("|  |", "| |")
}

/// The whole document.
pub fn compatibility() -> String {
    let mut document = INTRODUCTION.to_owned();
    for kind in Kind::ALL {
        let (heading, form) = kind.heading();
        document += &format!("\n## {heading}\n\n| name | {form} | since | test | differs on purpose |\n");
        document += "|---|---|---|---|---|\n";
        document.extend(NAMES.iter().filter(|row| row.kind == kind).map(line));
    }
    document
}
