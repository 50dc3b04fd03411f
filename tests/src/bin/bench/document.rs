//! Writes `doc/performance.md`: the parts between its marks, and the plots. What stands outside of the marks is written by hand.

use crate::figures::Figures;
use crate::plots::{self, Plot};
use crate::table::{self, Row, in_unit};
use std::fs;
use std::path::{Path, PathBuf};

/// Where a written part begins and ends; its name stands in between.
const BEGIN: [&str; 2] = ["<!-- written by `make bench`: ", " -->\n"];
const END: &str = "<!-- end of what is written -->\n";

/// Writes the document of two runs, on Debian 12 and on Debian 13.
///
/// # Errors
/// A file cannot be read or written, or the document lacks a mark.
pub fn write(host: &Path, root: &Path) -> Result<(), String> {
    let runs = [Figures::read(host)?, Figures::read(root)?];
    let plots = plots::all(&[("Debian 12", &runs[0]), ("Debian 13", &runs[1])])?;
    let file = folder().join("performance.md");
    let mut text = fs::read_to_string(&file).map_err(|error| format!("{file:?}: {error}"))?;
    for (name, part) in [
        ("targets", targets(&runs)),
        ("figures", absolutes(&runs)),
        ("plots", shown(&plots)),
        ("machine", machine(&runs)),
    ] {
        text = with_part(&text, name, &part)?;
    }
    write_file(&file, &text)?;
    plots.iter().try_for_each(|plot| write_file(&folder().join(plot.file), &plot.svg))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../doc")
}

fn write_file(file: &Path, text: &str) -> Result<(), String> {
    fs::write(file, text).map_err(|error| format!("{file:?}: {error}"))
}

/// The text with another part between the marks of that name.
fn with_part(text: &str, name: &str, part: &str) -> Result<String, String> {
    let mark = BEGIN.join(name);
    let (before, rest) = text.split_once(&mark).ok_or_else(|| format!("no {mark:?} in the document"))?;
    let (_, after) = rest.split_once(END).ok_or_else(|| format!("no {END:?} after {mark:?}"))?;
    Ok(format!("{before}{mark}\n{part}\n{END}{after}"))
}

fn targets(runs: &[Figures; 2]) -> String {
    let head = "| | Debian 12 | at most | | Debian 13 | at most | |\n|---|---|---|---|---|---|---|\n";
    let line = |row: &Row| {
        let columns = runs.iter().zip(row.targets).map(|(figures, target)| columns(row, figures, target));
        format!("| {} {}|\n", row.name, columns.collect::<String>())
    };
    format!("{head}{}", table::targets().iter().map(line).collect::<String>())
}

/// Value, target, and whether it is met.
fn columns(row: &Row, figures: &Figures, target: Option<f64>) -> String {
    let value = row.value(figures);
    let verdict = match (value, target) {
        (Some(value), Some(most)) if value <= most => "met",
        (_, Some(_)) => "**missed**",
        (_, None) => "",
    };
    let in_unit = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| in_unit(row.unit, value));
    format!("| {} | {} | {verdict} ", in_unit(value), in_unit(target))
}

fn absolutes(runs: &[Figures; 2]) -> String {
    let line = |row: &Row| {
        let of =
            |figures: &Figures| row.value(figures).map_or_else(|| "-".to_owned(), |value| in_unit(row.unit, value));
        let [host, root] = runs.each_ref().map(of);
        format!("| {} | {host} | {root} |\n", row.name)
    };
    format!("| | Debian 12 | Debian 13 |\n|---|---|---|\n{}", table::absolutes().iter().map(line).collect::<String>())
}

fn shown(plots: &[Plot]) -> String {
    plots.iter().map(|plot| format!("![{}]({})\n", plot.title, plot.file)).collect::<Vec<_>>().join("\n")
}

fn machine(runs: &[Figures; 2]) -> String {
    let pairs = runs[0].facts().iter().zip(runs[1].facts());
    let line =
        |((name, host), (_, root)): (&(String, String), &(String, String))| format!("| {name} | {host} | {root} |\n");
    format!("| | Debian 12 | Debian 13 |\n|---|---|---|\n{}", pairs.map(line).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_marks_is_written() {
        let text = format!("by hand\n{}old\n{END}by hand too\n", BEGIN.join("machine"));
        let written = with_part(&text, "machine", "new\n").unwrap();
        assert_eq!(written, format!("by hand\n{}\nnew\n\n{END}by hand too\n", BEGIN.join("machine")));
        assert_eq!(with_part(&written, "machine", "new\n"), Ok(written));
        assert!(with_part(&text, "plots", "new\n").is_err());
    }

    #[test]
    fn the_document_has_a_place_for_every_part() {
        let text = fs::read_to_string(folder().join("performance.md")).unwrap();
        for name in ["targets", "figures", "plots", "machine"] {
            assert!(with_part(&text, name, "").is_ok(), "{name}");
        }
    }

    #[test]
    fn a_target_is_met_or_missed() {
        let rows = table::targets();
        let row = rows.last().unwrap();
        let mut figures = Figures::default();
        assert_eq!(columns(row, &figures, Some(0.0)), "| - | 0.0 | **missed** ");
        figures.add(crate::subject::OURS_SHM, crate::idle::QUANTITY, 0.0);
        assert_eq!(columns(row, &figures, Some(0.0)), "| 0.0 | 0.0 | met ");
        assert_eq!(columns(row, &figures, None), "| 0.0 | - |  ");
    }
}
